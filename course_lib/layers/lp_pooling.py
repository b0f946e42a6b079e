"""Lp pooling, called as in ``torch.nn``: between the sum (p = 1) and the largest absolute value (p = inf)."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.layers import checks, separable
from course_lib.layers.pooling import maxima
from course_lib.layers.windows import Size, options, windows

LARGEST_SAFE_POWER = 4  # of numbers from 1e-9 to 1e9, float32 can hold it


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Each window's (sum x^p)^(1/p) with p = norm_type: see ``LPPool2d``."""
    _check_norm("lp_pool2d", norm_type)
    return _norms("lp_pool2d", input, float(norm_type), kernel_size, stride, ceil_mode)


class LPPool2d(nn.Module):
    """Each window's (sum x^p)^(1/p), p = norm_type: x (N, C, H, W) or (C, H, W) -> (..., H_out, W_out).

    p = 1 is the sum (k^2 times the mean), p = 2 the length; the larger p, the more the largest entry counts,
    and p = inf is max |x|. With an odd p negative entries count against the others, and the power 1/p of a
    sum below 0 is NaN for p > 1, as is any negative entry's power for a p that is not whole. Values are
    torch.nn's, except that no power is lost by leaving the range of float32, as 0.001^16 or 1e-30^2 would be:
    powers are taken of entries relative to the largest of their window.

    The gradient is dy/dx = (x / y)^(p-1), and 0 where y is 0, as torch.nn has it. For p < 1 the slope is
    infinite at x = 0, and NaN in a window of zeros. With ``ceil_mode`` the sum of a window that hangs over
    the edge is scaled up to that of a whole window, as in torch.nn.
    Source: Sermanet, Chintala & LeCun (2012), Convolutional neural networks applied to house numbers digit
    classification, where the sum is weighted.

    Raises:
        ValueError: norm_type not above 0, a size out of range, or an input smaller than a window.
        TypeError: an argument of the wrong type, or an input that is no float tensor.
    """

    def __init__(
        self, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        _check_norm("LPPool2d", norm_type)
        options("LPPool2d", kernel_size, stride)
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to input (N, C, H, W) or (C, H, W)."""
        sizes = (self.kernel_size, self.stride, self.ceil_mode)
        return _norms("LPPool2d", input, float(self.norm_type), *sizes)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


def _norms(
    owner: str, x: Tensor, p: float, kernel_size: Size, stride: Size | None, ceil_mode: bool
) -> Tensor:
    slid = windows(owner, x, kernel_size, stride, ceil_mode=ceil_mode)
    checks.float_tensor(owner, x)
    if p == math.inf:
        return maxima(x.abs(), slid)
    if p > LARGEST_SAFE_POWER:
        y = _relative_norm(slid.entries(x), p)
    else:
        y = _Root.apply(separable.window_sum(_power(x, p), slid), p)
    entries = slid.divisor(x, count_include_pad=False)
    if isinstance(entries, int):
        return y
    return y * (slid.kernel[0] * slid.kernel[1] / entries).pow(1 / p)  # windows that hang over the edge


class _Root(torch.autograd.Function):
    """total^(1/p), with slope 0 at 0: infinity times the slope 0 of the powers would be NaN."""

    generate_vmap_rule = True

    @staticmethod
    def forward(total: Tensor, p: float) -> Tensor:
        return total.pow(1 / p)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        total, ctx.p = inputs
        ctx.save_for_backward(total)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (total,) = ctx.saved_tensors
        alive = total != 0
        slope = torch.where(alive, total, 1).pow(1 / ctx.p - 1) / ctx.p
        return torch.where(alive, grads[0] * slope, 0), None


def _relative_norm(entries: Tensor, p: float) -> Tensor:
    """The norm by powers of the entries relative to their window's largest: they are 1 at most."""
    limits = torch.finfo(entries.dtype)
    scale = entries.detach().abs().amax(0).clamp(limits.tiny, limits.max)
    return _Root.apply(_power(entries / scale, p).sum(0), p) * scale


def _power(x: Tensor, p: float) -> Tensor:
    """x^p, whole powers by squaring: pow is fast up to 3, and slow above."""
    if p <= 3 or p != int(p) or p > 64:
        return x.pow(p)
    square = _power(x, p // 2).square()
    return square * x if p % 2 else square


def _check_norm(owner: str, norm_type: float) -> None:
    checks.number(owner, "norm_type", norm_type)
    if norm_type <= 0:
        raise ValueError(f"{owner}: norm_type must be greater than 0, got {norm_type}")
