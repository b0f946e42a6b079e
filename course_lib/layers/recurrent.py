"""Recurrent layers, called as in ``torch.nn``, with the same parameters under the same names.

Each has two ways of computing the same: ``way="native"``, PyTorch's kernel for whole sequences (oneDNN or
cuDNN where they serve), and ``way="unrolled"``, the loop over time of
``course_lib.layers.recurrent_unrolled``, written to be read, with derivatives of any order.
``course_lib.reference.recurrent`` has the steps in NumPy, and backpropagation through time by hand.

Shapes, with t steps, n sequences, L layers and D = 2 directions (bidirectional) or 1:
    input (t, n, input_size); (n, t, input_size) with ``batch_first``; (t, input_size) for a single sequence;
        or a PackedSequence of torch.nn.utils.rnn, for sequences of different lengths;
    output likewise, with D * hidden_size for input_size: h of the last layer, forward and backward;
    states, given and returned, (L * D, n, hidden_size), or (L * D, hidden_size) for a single sequence,
        whatever ``batch_first``: h (and c in the LSTM) of all layers, zero if not given;
    ``weight_ih_l0`` (gates * hidden_size, input_size), in higher layers (..., D * hidden_size);
        ``weight_hh_l0`` (gates * hidden_size, hidden_size); ``bias_ih_l0``, ``bias_hh_l0``
        (gates * hidden_size,), none with ``bias=False``; and so on, _l1 for the next layer, _reverse for
        backward.

Everything is drawn from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)), the numbers torch.nn draws from the
same seed. In training, ``dropout`` zeroes entries between layers, not between steps.

They raise ValueError for an argument out of range and for an input or state of the wrong shape, TypeError for
one of the wrong type or dtype.
"""

from torch import Tensor

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.recurrent_base import Input, RNNBase, check_pair


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu instead of tanh, for each step of a sequence.

    Source: Elman (1990), Finding structure in time, Cognitive Science 14.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device = None,
        dtype: Dtype = None,
        *,
        way: str = "native",
    ) -> None:
        checks.one_of("RNN", "nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
            way,
        )
        self.nonlinearity = nonlinearity

    def forward(self, input: Input, hx: Tensor | None = None) -> tuple[Input, Tensor]:
        """Return the output and the last state h_n, from the state ``hx``."""
        output, (h_n,) = self._run(input, None if hx is None else (hx,))
        return output, h_n


class LSTM(RNNBase):
    """A cell c that is kept, forgotten and written through gates, so that gradients last over many steps.

    c' = f * c + i * g and h' = o * tanh(c'), with i, f, o = sigmoid(W_ih x + b_ih + W_hh h + b_hh) and
    g = tanh of the same, each of its own rows of the weights, in the order i, f, g, o. States come and go as
    pairs (h, c). With ``proj_size``, h' = W_hr (o * tanh(c')) has that size, and so has the output.

    Source: Hochreiter & Schmidhuber (1997), Long short-term memory, Neural Computation 9; the forget gate:
    Gers, Schmidhuber & Cummins (2000); the projection: Sak, Senior & Beaufays (2014).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device = None,
        dtype: Dtype = None,
        *,
        way: str = "native",
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
            way,
        )

    def forward(
        self, input: Input, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Input, tuple[Tensor, Tensor]]:
        """Return the output and the last states (h_n, c_n), from the states ``hx`` = (h_0, c_0)."""
        if hx is not None:
            check_pair("LSTM", hx)
        output, (h_n, c_n) = self._run(input, hx)
        return output, (h_n, c_n)


class GRU(RNNBase):
    """A state that an update gate keeps or renews: a gate less than the LSTM, and no separate cell.

    h' = (1 - z) * n + z * h, with r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh), each of its own rows of the
    weights, in the order r, z, n, and n = tanh(W_in x + b_in + r * (W_hn h + b_hn)). Cho et al. reset
    before the product, W_hn (r * h); after it, as here and in cuDNN, one product with h serves all gates.

    Source: Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, section 2.3.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device = None,
        dtype: Dtype = None,
        *,
        way: str = "native",
    ) -> None:
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
            way,
        )

    def forward(self, input: Input, hx: Tensor | None = None) -> tuple[Input, Tensor]:
        """Return the output and the last state h_n, from the state ``hx``."""
        output, (h_n,) = self._run(input, None if hx is None else (hx,))
        return output, h_n
