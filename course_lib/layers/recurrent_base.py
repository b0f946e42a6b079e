"""What the recurrent layers share: parameters, checks of input and state, and the two ways of computing."""

import itertools
import math
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.recurrent_unrolled import CELLS, State, Weights, unroll

Input = Tensor | PackedSequence
NATIVE: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "RNN_TANH": torch.rnn_tanh,
    "RNN_RELU": torch.rnn_relu,
    "LSTM": torch.lstm,
    "GRU": torch.gru,
}
GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


class RNNBase(nn.Module):
    """Layers and directions of the cell that ``mode`` names; shapes as in ``course_lib.layers.recurrent``."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int,
        device: Device,
        dtype: Dtype,
        way: str,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        checks.positive_integer(owner, "input_size", input_size)
        checks.positive_integer(owner, "hidden_size", hidden_size)
        checks.positive_integer(owner, "num_layers", num_layers)
        for name, value in (("bias", bias), ("batch_first", batch_first), ("bidirectional", bidirectional)):
            if not isinstance(value, bool):
                raise TypeError(f"{owner}: {name} must be True or False, got {value!r}")
        checks.probability(owner, "dropout", dropout)
        checks.non_negative_integer(owner, "proj_size", proj_size)
        if proj_size >= hidden_size:
            expected = f"less than hidden_size={hidden_size}"
            raise ValueError(f"{owner}: proj_size must be {expected}, got {proj_size}")
        checks.one_of(owner, "way", way, ("native", "unrolled"))
        if dropout > 0 and num_layers == 1:
            message = f"{owner}: dropout={dropout} acts between layers, and there is only one"
            warnings.warn(message, stacklevel=3)  # the caller of RNN(...), LSTM(...) or GRU(...)
        self.mode = mode
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size, self.way = bidirectional, proj_size, way
        self._names: list[dict[str, str]] = []  # {kind: parameter}, for each layer and direction
        for layer, direction in itertools.product(range(num_layers), ("", "_reverse")[: 1 + bidirectional]):
            shapes = self._shapes(layer)
            self._names.append({kind: f"{kind}_l{layer}{direction}" for kind in shapes})
            for kind, name in self._names[-1].items():
                empty = torch.empty(shapes[kind], device=device, dtype=dtype)
                self.register_parameter(name, nn.Parameter(empty))
        self.reset_parameters()
        self.flatten_parameters()

    def _shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        """Shapes of the parameters of a layer in one direction, by kind."""
        rows, state_size = GATES[self.mode] * self.hidden_size, self.proj_size or self.hidden_size
        columns = self.input_size if layer == 0 else state_size * (1 + self.bidirectional)
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, columns), "weight_hh": (rows, state_size)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes |= {"weight_hr": (self.proj_size, self.hidden_size)}
        return shapes

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names.values()] for names in self._names]

    def reset_parameters(self) -> None:
        """Draw all parameters anew from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Put the parameters next to each other in memory, as cuDNN wants them. Elsewhere, do nothing."""
        weights = list(itertools.chain.from_iterable(self.all_weights))
        if not all(w.is_cuda and torch.backends.cudnn.is_acceptable(w) for w in weights):
            return
        if len({w.dtype for w in weights}) > 1 or len({w.data_ptr() for w in weights}) < len(weights):
            return
        with torch.no_grad(), torch.cuda.device_of(weights[0]):
            torch._cudnn_rnn_flatten_weight(
                weights,
                len(self._names[0]),
                self.input_size,
                torch.backends.cudnn.rnn.get_cudnn_mode(self.mode),
                self.hidden_size,
                self.proj_size,
                self.num_layers,
                self.batch_first,
                self.bidirectional,
            )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "RNNBase":
        """Move or cast the parameters; on the way they lose their places next to each other."""
        super()._apply(fn, recurse)
        self.flatten_parameters()
        return self

    def _run(self, input: Input, state: State | None) -> tuple[Input, State]:
        """Bring what came to one form, compute, and give back what came."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, state)
        batch_dim = 0 if self.batch_first else 1
        layout = "(n, t, input_size)" if self.batch_first else "(t, n, input_size)"
        self._check_input(input, layout, "(t, input_size)")
        if input.ndim == 3:
            return self._compute(input, None, self._initial_state(input, state, (input.shape[batch_dim],)))
        state = tuple(part.unsqueeze(1) for part in self._initial_state(input, state, ()))
        y, state = self._compute(input.unsqueeze(batch_dim), None, state)
        return y.squeeze(batch_dim), tuple(part.squeeze(1) for part in state)

    def _run_packed(self, input: PackedSequence, state: State | None) -> tuple[PackedSequence, State]:
        """A packed batch has its longest sequence first; the states come and go in the caller's order."""
        x, sizes, order, order_back = input
        self._check_input(x, "(sum of lengths, input_size)")
        state = self._initial_state(x, state, (int(sizes[0]),))
        y, state = self._compute(x, sizes, _permuted(state, order))
        return PackedSequence(y, sizes, order, order_back), _permuted(state, order_back)

    def _compute(self, x: Tensor, sizes: Tensor | None, state: State) -> tuple[Tensor, State]:
        """Run all layers: x is a batch of three dimensions, or with ``sizes`` the data of a packed batch."""
        return self._unrolled(x, sizes, state) if self.way == "unrolled" else self._native(x, sizes, state)

    def _native(self, x: Tensor, sizes: Tensor | None, state: State) -> tuple[Tensor, State]:
        kernel = NATIVE[self.mode]
        hx = state if self.mode == "LSTM" else state[0]
        weights = list(itertools.chain.from_iterable(self.all_weights))
        options = (weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        if sizes is None:
            y, *last = kernel(x, hx, *options, self.batch_first)
        else:
            y, *last = kernel(x, sizes, hx, *options)
        return y, tuple(last)

    def _unrolled(self, x: Tensor, sizes: Tensor | None, state: State) -> tuple[Tensor, State]:
        cell, dropout = CELLS[self.mode], self.dropout if self.training else 0.0
        weights = [
            Weights(**{kind: getattr(self, name) for kind, name in names.items()}) for names in self._names
        ]
        directions = 1 + self.bidirectional
        layers = [weights[first : first + directions] for first in range(0, len(weights), directions)]
        if sizes is not None:
            return unroll(cell, x, sizes.tolist(), state, layers, dropout)
        by_time = x.transpose(0, 1) if self.batch_first else x
        steps, batch = by_time.shape[:2]
        y, state = unroll(cell, by_time.flatten(0, 1), [batch] * steps, state, layers, dropout)
        y = y.unflatten(0, (steps, batch))
        return y.transpose(0, 1) if self.batch_first else y, state

    def _check_input(self, x: Tensor, *layouts: str) -> None:
        owner = type(self).__name__
        checks.float_tensor(owner, x)
        checks.same_precision(owner, x, getattr(self, self._names[0]["weight_ih"]))
        checks.rank(owner, x, *layouts)
        checks.size(owner, x, x.ndim - 1, self.input_size, "input_size")
        if x.shape[1 if self.batch_first and x.ndim == 3 else 0] == 0:
            raise ValueError(f"{owner}: input must have at least one step, got shape {tuple(x.shape)}")

    def _initial_state(self, x: Tensor, state: State | None, batch: tuple[int, ...]) -> State:
        """Return zeros if no state is given, and else the state given, if its shape and dtype are right."""
        sizes = [self.proj_size or self.hidden_size, *([self.hidden_size] if self.mode == "LSTM" else [])]
        shapes = [(len(self._names), *batch, size) for size in sizes]
        if state is None:
            return tuple(torch.zeros(shape, dtype=x.dtype, device=x.device) for shape in shapes)
        owner = type(self).__name__
        for number, (part, shape) in enumerate(zip(state, shapes, strict=True)):
            name = f"hx[{number}]" if self.mode == "LSTM" else "hx"
            check_state(owner, name, part, shape, x)
        return state

    def extra_repr(self) -> str:
        """Arguments shown by repr: those that are not the defaults."""
        shown = f"{self.input_size}, {self.hidden_size}"
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
            "way": "native",
        }
        for name, default in defaults.items():
            if getattr(self, name) != default:
                shown += f", {name}={getattr(self, name)}"
        return shown


def check_pair(owner: str, hx: object) -> None:
    """Raise unless ``hx`` is a pair: the h and the c of an LSTM."""
    if not isinstance(hx, tuple | list):
        raise TypeError(f"{owner}: hx must be a pair of tensors (h, c), got {type(hx).__name__}")
    if len(hx) != 2:
        raise ValueError(f"{owner}: hx must be a pair of tensors (h, c), got {len(hx)} of them")


def check_state(owner: str, name: str, state: Tensor, shape: tuple[int, ...], x: Tensor) -> None:
    """Raise unless ``state`` has this shape and goes with the input ``x``."""
    checks.float_tensor(owner, state, name)
    if state.shape != shape:
        raise ValueError(f"{owner}: {name} must have shape {shape}, got {tuple(state.shape)}")
    if state.dtype != x.dtype and torch.float64 in (state.dtype, x.dtype):
        raise TypeError(f"{owner}: {name} must have the dtype of input, {x.dtype}, got {state.dtype}")


def _permuted(state: State, order: Tensor | None) -> State:
    """Reorder the sequences of a state."""
    return state if order is None else tuple(part.index_select(1, order) for part in state)
