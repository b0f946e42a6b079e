"""DropConnect: dropout of links instead of units."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.dense import Linear


class DropConnect(Linear):
    """A dense layer that in training drops each weight and each bias with probability p.

    y = (M * W) x + m * b, with masks M (out_features, in_features) and m (out_features,) that hold 0 with
    probability p and else 1 / (1 - p). Every example, a row of x (..., in_features), draws masks of its own,
    as in the paper: that takes n * out_features * in_features numbers of memory. ``per_example=False`` draws
    one for the whole call: as cheap as Linear, but the examples' errors no longer average out.

    In evaluation it is Linear, the mean over all masks. The paper has more: for a unit's weighted sum u it
    draws samples of a normal distribution with u's mean and variance over the masks, and averages the
    activation a(u) of the samples. That estimates E[a(u)], where this net gives a(E[u]); they agree where a
    is linear, or p small. (The paper's p is the probability to keep, and it scales at test time.)
    ``course_lib.reference.dropout`` has the moments.

    Parameters, their initialization and their names are those of Linear.
    Source: Wan, Zeiler, Zhang, LeCun & Fergus (2013), Regularization of neural networks using DropConnect.

    Raises:
        ValueError: a size below 1, p outside 0 ... 1, or an input whose last dimension is not in_features.
        TypeError: an input that is no tensor, not of a floating-point dtype, or float64 where weight is not.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        p: float = 0.5,
        per_example: bool = True,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        checks.positive_integer("DropConnect", "in_features", in_features)
        checks.positive_integer("DropConnect", "out_features", out_features)
        checks.probability("DropConnect", "p", p)
        super().__init__(in_features, out_features, bias, device, dtype)
        self.p, self.per_example = p, per_example

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x (..., in_features), with fresh masks in training."""
        checks.float_tensor("DropConnect", x)
        checks.same_precision("DropConnect", x, self.weight)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            expected = f"(..., in_features={self.in_features})"
            raise ValueError(f"DropConnect: input must have shape {expected}, got {tuple(x.shape)}")
        if not self.training or self.p == 0:
            return F.linear(x, self.weight, self.bias)
        examples = x.shape[:-1] if self.per_example else ()
        weight = self._drop(self.weight, examples)
        bias = None if self.bias is None else self._drop(self.bias, examples)
        if not self.per_example:
            return F.linear(x, weight, bias)
        y = (weight * x.unsqueeze(-2)).sum(dim=-1)  # a matrix for each example
        return y if bias is None else y + bias

    def _drop(self, parameter: Tensor, examples: Sequence[int]) -> Tensor:
        """Copy a parameter for each example, and drop others of its entries in each copy."""
        kept = torch.rand(*examples, *parameter.shape, device=parameter.device) >= self.p
        scale = 1 / (1 - self.p) if self.p < 1 else 0.0
        return parameter * scale * kept

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"{super().extra_repr()}, p={self.p}, per_example={self.per_example}"
