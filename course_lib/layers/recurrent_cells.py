"""One step of a recurrent net as a layer, called as in ``torch.nn``: for loops that decide what comes next.

Shapes: input (n, input_size) -> the next state (n, hidden_size), from the state ``hx`` of the same shape,
zero if not given; or input (input_size) -> (hidden_size). ``weight_ih`` (gates * hidden_size, input_size),
``weight_hh`` (gates * hidden_size, hidden_size), ``bias_ih`` and ``bias_hh`` (gates * hidden_size,) or
None. Formulas, order of the gates and initialization are those of ``course_lib.layers.recurrent``.

They raise ValueError for an argument out of range and for an input or state of the wrong shape, TypeError for
one of the wrong type or dtype.
"""

import math

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.recurrent_base import check_pair, check_state


class RNNCellBase(nn.Module):
    """What the cells share: parameters and checks."""

    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, gates: int, device: Device, dtype: Dtype
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        checks.positive_integer(owner, "input_size", input_size)
        checks.positive_integer(owner, "hidden_size", hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = gates * hidden_size
        self.weight_ih = nn.Parameter(torch.empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = nn.Parameter(torch.empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            empty = nn.Parameter(torch.empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, empty)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size))."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def _check_input(self, input: Tensor) -> None:
        owner = type(self).__name__
        checks.float_tensor(owner, input)
        checks.same_precision(owner, input, self.weight_ih)
        checks.rank(owner, input, "(n, input_size)", "(input_size)")
        checks.size(owner, input, input.ndim - 1, self.input_size, "input_size")

    def _checked_state(self, input: Tensor, hx: Tensor | None, name: str = "hx") -> Tensor:
        """Return the state that was given, or zeros."""
        shape = (*input.shape[:-1], self.hidden_size)
        if hx is None:
            return torch.zeros(shape, dtype=input.dtype, device=input.device)
        check_state(type(self).__name__, name, hx, shape, input)
        return hx

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias is True else f", bias={self.bias}")


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu instead of tanh.

    Source: Elman (1990), Finding structure in time, Cognitive Science 14.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        checks.one_of("RNNCell", "nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next state."""
        self._check_input(input)
        hx = self._checked_state(input, hx)
        kernel = torch.rnn_tanh_cell if self.nonlinearity == "tanh" else torch.rnn_relu_cell
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        if input.ndim == 1:
            return kernel(input.unsqueeze(0), hx.unsqueeze(0), *weights).squeeze(0)
        return kernel(input, hx, *weights)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        shown = super().extra_repr()
        return shown if self.nonlinearity == "tanh" else f"{shown}, nonlinearity={self.nonlinearity}"


class LSTMCell(RNNCellBase):
    """The next (h, c) from (h, c): c' = f * c + i * g and h' = o * tanh(c'), rows ordered i, f, g, o.

    Source: Hochreiter & Schmidhuber (1997); Gers, Schmidhuber & Cummins (2000).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return the next states (h, c)."""
        self._check_input(input)
        if hx is not None:
            check_pair("LSTMCell", hx)
        h, c = hx or (None, None)
        h, c = self._checked_state(input, h, "hx[0]"), self._checked_state(input, c, "hx[1]")
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        if input.ndim == 1:
            h, c = torch.lstm_cell(input.unsqueeze(0), (h.unsqueeze(0), c.unsqueeze(0)), *weights)
            return h.squeeze(0), c.squeeze(0)
        return torch.lstm_cell(input, (h, c), *weights)


class GRUCell(RNNCellBase):
    """h' = (1 - z) * n + z * h, with n = tanh(W_in x + b_in + r * (W_hn h + b_hn)), rows ordered r, z, n.

    Source: Cho et al. (2014), section 2.3, with the reset gate after the product.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next state."""
        self._check_input(input)
        hx = self._checked_state(input, hx)
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        if input.ndim == 1:
            return torch.gru_cell(input.unsqueeze(0), hx.unsqueeze(0), *weights).squeeze(0)
        return torch.gru_cell(input, hx, *weights)
