"""Lp pooling in one pass: each window's entries are read, raised, added and rooted in registers.

Powers are taken of entries relative to the largest of their window, so none leaves the range of float32. By
PyTorch's operations the powers, their sums and the roots are written to memory, one after the other.

Bytes, for N numbers and M windows of b bytes each: forward reads N b and writes M b; backward reads N b and
2 M b and writes N b.
"""

import math
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from course_lib.kernels.precision import precision
from course_lib.kernels.second_derivatives import differentiable
from course_lib.kernels.windows import Layout, Size, covering, entry, extent, layout, window


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Each window's (sum x^p)^(1/p) with p = norm_type, above 0 and finite, as ``layers.LPPool2d``.

    ``input`` (..., H, W) gives (..., H_out, W_out). Source: Sermanet, Chintala & LeCun (2012).

    Raises:
        ValueError: a norm_type that is not above 0 and finite, or an input smaller than a window.
    """
    if not 0 < norm_type < math.inf:
        raise ValueError(f"lp_pool2d: norm_type must be above 0 and finite, got {norm_type}")
    windows = layout("lp_pool2d", input, kernel_size, stride, 0, ceil_mode)
    return _LpPool.apply(input, windows, float(norm_type))


class _LpPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, windows: Layout, p: float) -> Tensor:
        ctx.windows, ctx.p = windows, p
        value = x.contiguous()
        y = value.new_empty(windows.shape(x))
        grid, arguments = windows.forward(x)
        with torch.cuda.device_of(x):
            _forward[grid](value, y, **arguments, **_constants(x, p))
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, y = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *differentiable(lambda x: _spelled(x, ctx.windows, ctx.p), (x,), grads[0]), None, None
        value, dx = x.contiguous(), torch.empty_like(x, memory_format=torch.contiguous_format)
        grid, arguments = ctx.windows.backward(x)
        with torch.cuda.device_of(x):
            _backward[grid](value, y, grads[0].contiguous(), dx, **arguments, **_constants(x, ctx.p))
        return dx, None, None


def _spelled(x: Tensor, windows: Layout, p: float) -> Tensor:
    """The same by operations that have derivatives of any order where y is not 0; there they are 0."""
    (rows, columns), (height, width) = windows.fits, windows.plane
    (k_h, k_w), (s_h, s_w) = windows.kernel, windows.stride
    below, right = (rows - 1) * s_h + k_h - height, (columns - 1) * s_w + k_w - width
    padded = torch.nn.functional.pad(x, (0, max(0, right), 0, max(0, below)))
    entries = padded.unfold(-2, k_h, s_h).unfold(-2, k_w, s_w)[..., :rows, :columns, :, :].flatten(-2)
    largest = entries.detach().abs().amax(-1, keepdim=True)
    alive = largest > 0
    scale = torch.where(alive, largest, 1)
    total = (entries / scale).pow(p).sum(-1)
    counts = [
        torch.tensor([min(k, size - i * s) for i in range(n)], dtype=x.dtype, device=x.device)
        for k, size, s, n in zip(windows.kernel, windows.plane, windows.stride, windows.fits, strict=True)
    ]
    total = total * (k_h * k_w) / (counts[0][:, None] * counts[1])
    alive = alive.squeeze(-1) & (total != 0)
    return torch.where(alive, torch.where(alive, total, 1).pow(1 / p) * scale.squeeze(-1), 0)


def _constants(x: Tensor, p: float) -> dict[str, Any]:
    """p, and whether it is whole and small enough to be reached by squaring."""
    tiny, largest = (getattr(torch.finfo(x.dtype), name) for name in ("tiny", "max"))
    whole = p == int(p) and p <= 64
    return {
        "P": int(p) if whole else p,
        "WHOLE": whole,
        "TINY": tiny,
        "LARGEST": largest,
        "PRECISION": precision(x),
    }


@triton.jit
def power(x: tl.tensor, P: tl.constexpr, WHOLE: tl.constexpr) -> Any:
    """x^P. WHOLE: for an integer from 0 to 64, by squaring; else NaN where x < 0, as in PyTorch."""
    if WHOLE:
        y, square = tl.full(x.shape, 1.0, x.dtype), x
        for bit in tl.static_range(7):
            if (P >> bit) % 2 == 1:
                y = y * square
            square = square * square
    elif P > 0:
        y = tl.where(x == 0, 0.0, tl.exp(P * tl.log(x)))
    else:
        y = tl.where(x == 0, float("inf"), tl.exp(P * tl.log(x)))
    return y


@triton.jit
def _forward(
    x: tl.tensor, y: tl.tensor, count: tl.tensor, rows: tl.tensor, columns: tl.tensor, height: tl.tensor,
    width: tl.tensor, P: tl.constexpr, WHOLE: tl.constexpr, TINY: tl.constexpr, LARGEST: tl.constexpr,
    PRECISION: tl.constexpr, K_H: tl.constexpr, K_W: tl.constexpr, S_H: tl.constexpr, S_W: tl.constexpr,
    P_H: tl.constexpr, P_W: tl.constexpr, NUMBERING: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    at = tl.program_id(0).to(NUMBERING) * BLOCK + tl.arange(0, BLOCK)
    there = at < count
    first, top, left = window(at, rows, columns, height, width, S_H, S_W, P_H, P_W)
    scale = tl.zeros((BLOCK,), PRECISION)
    for number in range(K_H * K_W):
        where, inside = entry(number, first, top, left, there, height, width, K_W)
        scale = tl.maximum(scale, tl.abs(tl.load(x + where, inside, 0.0).to(PRECISION)))
    scale = tl.minimum(tl.maximum(scale, TINY), LARGEST)
    total = tl.zeros((BLOCK,), PRECISION)
    for number in range(K_H * K_W):
        where, inside = entry(number, first, top, left, there, height, width, K_W)
        value = tl.load(x + where, inside, 0.0).to(PRECISION)
        total += tl.where(inside, power(value / scale, P, WHOLE), 0.0)
    share = extent(at // columns, height, rows, K_H, S_H, P_H, False) * extent(
        at, width, columns, K_W, S_W, P_W, False
    )
    total = total * ((K_H * K_W) / share.to(PRECISION))
    if P == 2:
        root = tl.sqrt(total)
    elif P == 1:
        root = total
    else:
        root = power(total, 1 / P, False)
    tl.store(y + at, root * scale, there)


@triton.jit
def _backward(
    x: tl.tensor, y: tl.tensor, grad: tl.tensor, dx: tl.tensor, count: tl.tensor, rows: tl.tensor,
    columns: tl.tensor, height: tl.tensor, width: tl.tensor, P: tl.constexpr, WHOLE: tl.constexpr,
    TINY: tl.constexpr, LARGEST: tl.constexpr, PRECISION: tl.constexpr, K_H: tl.constexpr, K_W: tl.constexpr,
    S_H: tl.constexpr, S_W: tl.constexpr, P_H: tl.constexpr, P_W: tl.constexpr, NUMBERING: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """dy/dx = (x / y)^(p-1) times what a cut-off window was scaled up by, and 0 where y is 0."""
    at = tl.program_id(0).to(NUMBERING) * BLOCK + tl.arange(0, BLOCK)
    there = at < count
    value = tl.load(x + at, there, 0.0).to(PRECISION)
    total = tl.zeros((BLOCK,), PRECISION)
    for number in range(((K_H + S_H - 1) // S_H) * ((K_W + S_W - 1) // S_W)):
        where, holds, _ = covering(number, at, rows, columns, height, width, K_H, K_W, S_H, S_W, P_H, P_W)
        holds = holds & there
        norm = tl.load(y + where, holds, 0.0).to(PRECISION)
        alive = norm != 0
        ratio = value / tl.where(alive, norm, 1.0)
        slope = power(ratio, P - 1, WHOLE)
        share = extent(where // columns, height, rows, K_H, S_H, P_H, False) * extent(
            where, width, columns, K_W, S_W, P_W, False
        )
        passed = tl.where(alive, tl.load(grad + where, holds, 0.0).to(PRECISION), 0.0)
        passed = passed * slope * ((K_H * K_W) / share.to(PRECISION))
        total += tl.where(holds, passed, 0.0)
    tl.store(dx + at, total, there)
