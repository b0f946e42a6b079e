"""The dense (fully connected) layer, called as in ``torch.nn``."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype


class Linear(nn.Module):
    """y = x W^T + b: every output is a weighted sum of all inputs.

    Shapes: x (..., in_features) -> y (..., out_features); ``weight`` (out_features, in_features); ``bias``
    (out_features,), or None with ``bias=False``. The same in NumPy, with its backward pass:
    ``course_lib.reference.dense``.

    Raises:
        ValueError: a size below 1, or an input whose last dimension is not in_features.
        TypeError: an input that is no tensor, not of a floating-point dtype, or float64 where weight is not.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        checks.positive_integer("Linear", "in_features", in_features)
        checks.positive_integer("Linear", "out_features", out_features)
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(torch.empty((out_features, in_features), device=device, dtype=dtype))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, both from U(-1/sqrt(in_features), 1/sqrt(in_features)).

        The draws are torch.nn.Linear's: the same seed gives the same numbers.
        """
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # with this a, the bound is 1/sqrt(in_features)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features)
            nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x (..., in_features)."""
        checks.float_tensor("Linear", x)
        checks.same_precision("Linear", x, self.weight)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            expected = f"(..., in_features={self.in_features})"
            raise ValueError(f"Linear: input must have shape {expected}, got {tuple(x.shape)}")
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}"
