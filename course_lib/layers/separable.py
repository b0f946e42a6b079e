"""Sums and maxima over windows, one direction after the other: k_h + k_w passes over whole rows, not k_h k_w.

PyTorch's CPU kernels walk through every window entry by entry. Adding k_h strided views of x, and then k_w
strided views of that, is the same sum in vector instructions: 3 to 10 times as fast, once there are enough
windows to make up for the microseconds that each pass takes to start. ``course bench`` has the numbers.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.layers.windows import Windows

Operation = Callable[[Tensor, Tensor], Tensor]  # (a, b) -> a combined with b, entry by entry


def pays(x: Tensor, windows: Windows) -> bool:
    """Say whether two passes beat PyTorch's kernel: many small windows, on a CPU, in plain memory order."""
    if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64) or not x.is_contiguous():
        return False
    rows, columns = windows.fits(x)
    outputs = x.numel() // (x.shape[-1] * x.shape[-2]) * rows * columns
    return outputs >= 8192 and max(windows.kernel) <= 8


def window_max(x: Tensor, windows: Windows) -> Tensor:
    """Each window's largest entry, (..., H, W) -> (..., H_out, W_out), without a gradient."""
    return _reduce(windows.pad(x.detach(), -torch.inf), windows, torch.maximum, torch.Tensor.clamp_min_)


def window_sum(x: Tensor, windows: Windows) -> Tensor:
    """Each window's sum, (..., H, W) -> (..., H_out, W_out), padded with zeros."""
    if pays(x, windows):
        return _WindowSum.apply(windows.pad(x, 0.0), windows)
    kernel, stride, padding, _, ceil_mode = windows
    return F.avg_pool2d(x, kernel, stride, padding, ceil_mode, divisor_override=1)


class _WindowSum(torch.autograd.Function):
    """The sum over windows that lie within x."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, windows: Windows) -> Tensor:
        return _reduce(x, windows, torch.add, torch.Tensor.add_)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Windows], output: Tensor) -> None:
        x, ctx.windows = inputs
        ctx.size = x.shape[-2:]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _WindowSpread.apply(grads[0], ctx.windows, ctx.size), None


class _WindowSpread(torch.autograd.Function):
    """The transpose of that sum: zeros of ``size``, with each number added to all of its window."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, windows: Windows, size: Sequence[int]) -> Tensor:
        for dim in (1, 0):
            shape = list(x.shape)
            shape[dim - 2] = size[dim]
            spread = x.new_zeros(shape)
            for line in windows.lines(spread, dim):
                line += x
            x = spread
        return x

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Windows, Sequence[int]], output: Tensor) -> None:
        _, ctx.windows, _ = inputs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return _WindowSum.apply(grads[0], ctx.windows), None, None


def _reduce(x: Tensor, windows: Windows, combine: Operation, combine_: Operation) -> Tensor:
    """Combine the entries of each window within x with each other: down the columns, then along the rows.

    ``combine_`` does it in its first argument; ``out=`` would, too, but vmap knows of no ``out``.
    """
    for dim in (0, 1):
        first, *others = windows.lines(x, dim)
        if not others:
            x = first.clone()
            continue
        x = combine(first, others[0])
        for other in others[1:]:
            combine_(x, other)
    return x
