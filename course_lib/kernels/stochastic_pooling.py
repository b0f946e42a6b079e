"""Stochastic pooling in one pass: each window's entries are read, added up and drawn from, in registers.

The random number of a window comes from the seed and the window's number alone, so the draws do not depend on
how windows are split among programs. Which entry was drawn is kept for the backward pass in a byte (4 bytes
for windows above 254 entries): to draw again would read all of x again.

Bytes, for N numbers and M windows of b bytes each: forward reads N b and writes M b + M; backward reads M b +
M and writes N b. By PyTorch's operations every entry of every window is copied, divided and added up in
memory.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from course_lib.kernels.precision import precision
from course_lib.kernels.random_masks import draw_seed, one_each
from course_lib.kernels.windows import Layout, Size, covering, entry, layout, window


def stochastic_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    generator: torch.Generator | None = None,
    seed: Tensor | None = None,
) -> Tensor:
    """An entry of each window, drawn by its size, as ``layers.StochasticPool2d`` in training.

    ``input`` (..., H, W) gives (..., H_out, W_out). Entry i is drawn with probability a_i / sum_k a_k, with
    a = max(x, 0), and gets the gradient; a window without a positive entry gives 0, one with NaN gives NaN.
    ``seed`` (1,), int64, makes the draws; None takes one from ``generator``, on the input's device.
    Source: Zeiler & Fergus (2013), section 3.

    Raises:
        ValueError: an input smaller than a window.
    """
    windows = layout("stochastic_pool2d", input, kernel_size, stride, padding, ceil_mode)
    return _StochasticPool.apply(input, draw_seed(input, generator) if seed is None else seed, windows)


class _StochasticPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, seed: Tensor, windows: Layout) -> Tensor:
        ctx.windows = windows
        shape, value = windows.shape(x), x.contiguous()
        y = value.new_empty(shape)
        small = windows.kernel[0] * windows.kernel[1] <= 254
        numbers = torch.empty(shape, dtype=torch.uint8 if small else torch.int32, device=x.device)
        grid, arguments = windows.forward(x)
        with torch.cuda.device_of(x):
            tiny = torch.finfo(x.dtype).tiny
            _forward[grid](value, seed, y, numbers, **arguments, TINY=tiny, PRECISION=precision(x))
        ctx.save_for_backward(numbers)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return _ToDrawn.apply(grads[0], *ctx.saved_tensors, ctx.windows), None, None


class _ToDrawn(torch.autograd.Function):
    """Each window's number goes to the entry drawn. The transpose, the gradient of this, picks it again."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, numbers: Tensor, windows: Layout) -> Tensor:
        ctx.windows = windows
        ctx.save_for_backward(numbers)
        dx = grad.new_empty(*grad.shape[:-2], *windows.plane)
        grid, arguments = windows.backward(dx)
        with torch.cuda.device_of(grad):
            _backward[grid](grad.contiguous(), numbers, dx, **arguments, PRECISION=precision(grad))
        return dx

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (numbers,) = ctx.saved_tensors
        return _Drawn.apply(grads[0], numbers, ctx.windows), None, None


class _Drawn(torch.autograd.Function):
    """The entries of x that were drawn before."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, numbers: Tensor, windows: Layout) -> Tensor:
        ctx.windows = windows
        ctx.save_for_backward(numbers)
        y = x.new_empty(numbers.shape)
        grid, arguments = windows.forward(x)
        with torch.cuda.device_of(x):
            _pick[grid](x.contiguous(), numbers, y, **arguments)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return _ToDrawn.apply(grads[0], *ctx.saved_tensors, ctx.windows), None, None


@triton.jit
def _part(value: tl.tensor, scale: tl.tensor) -> Any:
    """An entry relative to the largest: an infinite one leaves the finite ones no chance. NaN stays."""
    return tl.where(value <= 0, 0.0, tl.where(value == scale, 1.0, value / scale))


@triton.jit
def _forward(
    x: tl.tensor, seed: tl.tensor, y: tl.tensor, numbers: tl.tensor, count: tl.tensor, rows: tl.tensor,
    columns: tl.tensor, height: tl.tensor, width: tl.tensor, TINY: tl.constexpr, PRECISION: tl.constexpr,
    K_H: tl.constexpr, K_W: tl.constexpr, S_H: tl.constexpr, S_W: tl.constexpr, P_H: tl.constexpr,
    P_W: tl.constexpr, NUMBERING: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """y and the number of the entry drawn, or K_H K_W where there was none to draw from.

    A point between 0 and the sum of a window's entries lies in the piece of one of them. Entries count
    relative to the largest, so that the sum neither overflows nor vanishes.
    """
    at = tl.program_id(0).to(NUMBERING) * BLOCK + tl.arange(0, BLOCK)
    there = at < count
    first, top, left = window(at, rows, columns, height, width, S_H, S_W, P_H, P_W)
    scale = tl.zeros((BLOCK,), PRECISION)
    for number in range(K_H * K_W):
        where, inside = entry(number, first, top, left, there, height, width, K_W)
        scale = tl.maximum(scale, tl.load(x + where, inside, 0.0).to(PRECISION))
    scale = tl.maximum(scale, TINY)
    total = tl.zeros((BLOCK,), PRECISION)
    for number in range(K_H * K_W):
        where, inside = entry(number, first, top, left, there, height, width, K_W)
        value = tl.load(x + where, inside, 0.0).to(PRECISION)
        total += _part(value, scale)
    point = total * one_each(tl.load(seed), at.to(tl.int64), 0).to(PRECISION)
    reached, drawn = tl.zeros((BLOCK,), PRECISION), tl.zeros((BLOCK,), PRECISION)
    chosen = tl.full((BLOCK,), K_H * K_W, tl.int32)
    for number in range(K_H * K_W):
        where, inside = entry(number, first, top, left, there, height, width, K_W)
        value = tl.load(x + where, inside, 0.0).to(PRECISION)
        part = _part(value, scale)
        take = (part > 0) & (reached <= point)  # the last piece that begins at the point or before it
        chosen, drawn = tl.where(take, number, chosen), tl.where(take, value, drawn)
        reached += part
    drawn = tl.where(total != total, total, drawn)
    tl.store(y + at, drawn, there)
    tl.store(numbers + at, chosen, there)


@triton.jit
def _backward(
    grad: tl.tensor, numbers: tl.tensor, dx: tl.tensor, count: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, PRECISION: tl.constexpr, K_H: tl.constexpr, K_W: tl.constexpr,
    S_H: tl.constexpr, S_W: tl.constexpr, P_H: tl.constexpr, P_W: tl.constexpr, NUMBERING: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """Each entry's sum of the gradients of the windows in which it was drawn."""
    at = tl.program_id(0).to(NUMBERING) * BLOCK + tl.arange(0, BLOCK)
    there = at < count
    total = tl.zeros((BLOCK,), PRECISION)
    for number in range(((K_H + S_H - 1) // S_H) * ((K_W + S_W - 1) // S_W)):
        where, holds, own = covering(number, at, rows, columns, height, width, K_H, K_W, S_H, S_W, P_H, P_W)
        holds = holds & there
        drawn = tl.load(numbers + where, holds, 0).to(tl.int32) == own
        total += tl.load(grad + where, holds & drawn, 0.0).to(PRECISION)
    tl.store(dx + at, total, there)


@triton.jit
def _pick(
    x: tl.tensor, numbers: tl.tensor, y: tl.tensor, count: tl.tensor, rows: tl.tensor, columns: tl.tensor,
    height: tl.tensor, width: tl.tensor, K_H: tl.constexpr, K_W: tl.constexpr, S_H: tl.constexpr,
    S_W: tl.constexpr, P_H: tl.constexpr, P_W: tl.constexpr, NUMBERING: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """Each window's entry by its number, 0 where that is none."""
    at = tl.program_id(0).to(NUMBERING) * BLOCK + tl.arange(0, BLOCK)
    there = at < count
    first, top, left = window(at, rows, columns, height, width, S_H, S_W, P_H, P_W)
    number = tl.load(numbers + at, there, 0).to(tl.int32)
    there = there & (number < K_H * K_W)
    where, inside = entry(number, first, top, left, there, height, width, K_W)
    tl.store(y + at, tl.load(x + where, inside, 0.0), at < count)
