"""Mixed pooling in one pass: the largest entry and the mean of each window come from one reading.

Bytes, for N numbers and M windows of b bytes each: forward reads N b and writes M b, and, where there will be
a backward pass, a byte (4 for windows above 255 entries) a window, which entry was the largest; backward
reads M b and that, and writes N b. PyTorch's max and average pooling each read N b, and keep 8 bytes a
window.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional as F

from course_lib.kernels.precision import precision
from course_lib.kernels.second_derivatives import differentiable
from course_lib.kernels.windows import Layout, Size, covering, entry, extent, layout, window


def mixed_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    alpha: float | Tensor = 0.5,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """alpha max + (1 - alpha) mean of each window, as ``course_lib.layers.MixedPool2d``.

    ``input`` (..., H, W) gives (..., H_out, W_out); ``alpha`` is a number or a tensor of one, which gets a
    gradient. With alpha = 0 or 1 only the mean or the max counts, even where the other is infinite.
    Source: Lee, Gallagher & Tu (2016), section 3.1.

    Raises:
        ValueError: an input smaller than a window, or an alpha of several numbers.
    """
    windows = layout("mixed_pool2d", input, kernel_size, stride, padding, ceil_mode)
    if not isinstance(alpha, Tensor):
        alpha = torch.full(
            (), alpha, dtype=torch.promote_types(input.dtype, torch.float32), device=input.device
        )
    elif alpha.numel() != 1:
        raise ValueError(f"mixed_pool2d: alpha must be one number, got shape {tuple(alpha.shape)}")
    return _MixedPool.apply(input, alpha, windows, ceil_mode, count_include_pad)


class _MixedPool(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, alpha: Tensor, windows: Layout, ceil_mode: bool, count_include_pad: bool
    ) -> Tensor:
        ctx.windows, ctx.ceil_mode, ctx.count_include_pad = windows, ceil_mode, count_include_pad
        shape, value = windows.shape(x), x.contiguous()
        y = value.new_empty(shape)
        small = windows.kernel[0] * windows.kernel[1] <= 255
        kind = torch.uint8 if small else torch.int32
        numbers = torch.empty(shape, dtype=kind, device=x.device) if ctx.needs_input_grad[0] else None
        gap = torch.empty_like(y) if ctx.needs_input_grad[1] else None
        grid, arguments = windows.forward(x)
        with torch.cuda.device_of(x):
            _forward[grid](value, alpha, y, numbers, gap, **arguments, **_constants(x, count_include_pad))
        ctx.save_for_backward(x, alpha, numbers, gap)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, alpha, numbers, gap = ctx.saved_tensors
        if torch.is_grad_enabled():
            _, _, kernel, stride, padding = ctx.windows

            def spelled(x: Tensor, alpha: Tensor) -> Tensor:
                batch = x if x.ndim > 2 else x.unsqueeze(0)
                highest = F.max_pool2d(batch, kernel, stride, padding, 1, ctx.ceil_mode)
                mean = F.avg_pool2d(batch, kernel, stride, padding, ctx.ceil_mode, ctx.count_include_pad)
                return (alpha * highest + (1 - alpha) * mean).view(ctx.windows.shape(x)).to(x.dtype)

            return *differentiable(spelled, (x, alpha), grads[0]), None, None, None
        dx = dalpha = None
        if numbers is not None:
            dx = torch.empty_like(x, memory_format=torch.contiguous_format)
            grid, arguments = ctx.windows.backward(x)
            with torch.cuda.device_of(x):
                constants = _constants(x, ctx.count_include_pad)
                _backward[grid](grads[0].contiguous(), alpha, numbers, dx, **arguments, **constants)
        if gap is not None:
            dalpha = (grads[0].to(alpha.dtype) * gap).sum().to(alpha.dtype).view(alpha.shape)
        return dx, dalpha, None, None, None


def _constants(x: Tensor, count_include_pad: bool) -> dict[str, Any]:
    return {"PADDED": count_include_pad, "PRECISION": precision(x)}


@triton.jit
def _forward(
    x: tl.tensor, alpha: tl.tensor, y: tl.tensor, numbers: tl.tensor, gap: tl.tensor, count: tl.tensor,
    rows: tl.tensor, columns: tl.tensor, height: tl.tensor, width: tl.tensor, PADDED: tl.constexpr,
    PRECISION: tl.constexpr, K_H: tl.constexpr, K_W: tl.constexpr, S_H: tl.constexpr, S_W: tl.constexpr,
    P_H: tl.constexpr, P_W: tl.constexpr, NUMBERING: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """y, and where wanted the number of each window's first largest entry, and max - mean."""
    at = tl.program_id(0).to(NUMBERING) * BLOCK + tl.arange(0, BLOCK)
    there = at < count
    first, top, left = window(at, rows, columns, height, width, S_H, S_W, P_H, P_W)
    total = tl.zeros((BLOCK,), PRECISION)
    highest, best = tl.full((BLOCK,), float("-inf"), PRECISION), tl.full((BLOCK,), -1, tl.int32)
    for number in range(K_H * K_W):
        where, inside = entry(number, first, top, left, there, height, width, K_W)
        value = tl.load(x + where, inside, 0.0).to(PRECISION)
        total += value
        higher = inside & ((value > highest) | (value != value) | (best < 0))  # NaN counts as the largest
        highest, best = tl.where(higher, value, highest), tl.where(higher, number, best)
    entries = extent(at // columns, height, rows, K_H, S_H, P_H, PADDED) * extent(
        at, width, columns, K_W, S_W, P_W, PADDED
    )
    mean = total / entries.to(PRECISION)
    part = tl.load(alpha).to(PRECISION)
    mixed = tl.where(part == 0, mean, tl.where(part == 1, highest, part * highest + (1 - part) * mean))
    tl.store(y + at, mixed, there)
    if numbers is not None:
        tl.store(numbers + at, best, there)
    if gap is not None:
        tl.store(gap + at, highest - mean, there)


@triton.jit
def _backward(
    grad: tl.tensor, alpha: tl.tensor, numbers: tl.tensor, dx: tl.tensor, count: tl.tensor, rows: tl.tensor,
    columns: tl.tensor, height: tl.tensor, width: tl.tensor, PADDED: tl.constexpr, PRECISION: tl.constexpr,
    K_H: tl.constexpr, K_W: tl.constexpr, S_H: tl.constexpr, S_W: tl.constexpr, P_H: tl.constexpr,
    P_W: tl.constexpr, NUMBERING: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """Each window's gradient: alpha of it for its largest entry, 1 - alpha shared by all."""
    at = tl.program_id(0).to(NUMBERING) * BLOCK + tl.arange(0, BLOCK)
    there = at < count
    part = tl.load(alpha).to(PRECISION)
    total = tl.zeros((BLOCK,), PRECISION)
    for number in range(((K_H + S_H - 1) // S_H) * ((K_W + S_W - 1) // S_W)):
        where, holds, own = covering(number, at, rows, columns, height, width, K_H, K_W, S_H, S_W, P_H, P_W)
        holds = holds & there
        entries = extent(where // columns, height, rows, K_H, S_H, P_H, PADDED) * extent(
            where, width, columns, K_W, S_W, P_W, PADDED
        )
        g = tl.load(grad + where, holds, 0.0).to(PRECISION)
        largest = tl.load(numbers + where, holds, 0).to(tl.int32) == own
        slope = tl.where(largest, part, 0.0) + (1 - part) / tl.where(holds, entries, 1).to(PRECISION)
        total += g * slope
    tl.store(dx + at, total, there)
