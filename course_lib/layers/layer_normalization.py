"""Layer normalization: each example by itself, over its last dimensions."""

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.normalization import WAYS, Normalization, check_shapes, standardize


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    *,
    way: str = "native",
) -> Tensor:
    """Normalize ``input`` (..., *normalized_shape), as ``torch.nn.functional.layer_norm``.

    weight and bias have ``normalized_shape``. ``way="native"`` is PyTorch's kernel, and ``way="formula"``
    spells it out.

    Raises:
        ValueError: an input, weight or bias of another shape.
    """
    shape = _shape("layer_norm", normalized_shape)
    checks.one_of("layer_norm", "way", way, WAYS)
    _check_input("layer_norm", input, shape)
    check_shapes("layer_norm", shape, {"weight": weight, "bias": bias})
    if way == "native":
        return torch.layer_norm(input, shape, weight, bias, eps)
    y = standardize(input, range(-len(shape), 0), eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


class LayerNorm(Normalization):
    """Each example of x (..., *normalized_shape) gets mean 0 and variance 1 over its last dimensions.

    Then each of its entries gets its own scale and shift: ``weight`` and ``bias`` have ``normalized_shape``
    (an integer is the last dimension alone); with ``elementwise_affine=False`` they are None. No example
    knows of another, nothing differs at test time, and batch size and length of a sequence are free.

    Source: Ba, Kiros & Hinton (2016), Layer normalization, section 3.

    Raises:
        ValueError: a size below 1, a negative eps, or an input whose last dimensions are not
            normalized_shape.
        TypeError: an input that is no tensor, not of a floating-point dtype, or float64 where weight is not.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        shape = _shape("LayerNorm", normalized_shape)
        checks.finite_number("LayerNorm", "eps", eps, at_least=0)
        super().__init__(shape, elementwise_affine, bias, device, dtype)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine

    def forward(self, x: Tensor) -> Tensor:
        """Normalize x (..., *normalized_shape)."""
        _check_input("LayerNorm", x, self.normalized_shape)
        if self.weight is not None:
            checks.same_precision("LayerNorm", x, self.weight)
        return torch.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        affine, bias = self.elementwise_affine, self.bias is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}, bias={bias}"


def _shape(owner: str, value: int | Sequence[int]) -> tuple[int, ...]:
    shape = tuple(value) if isinstance(value, Sequence) else (value,)
    if not shape:
        raise ValueError(f"{owner}: normalized_shape must have one dimension or more, got {value!r}")
    for size in shape:
        checks.positive_integer(owner, "normalized_shape", size)
    return shape


def _check_input(owner: str, x: Tensor, shape: tuple[int, ...]) -> None:
    checks.float_tensor(owner, x)
    if x.shape[-len(shape) :] != shape:
        expected = f"(..., {', '.join(map(str, shape))})"
        raise ValueError(f"{owner}: input must have shape {expected}, got {tuple(x.shape)}")
