"""Local response normalization across channels: x is read once, whatever the size of the window.

PyTorch and a sum of shifted blocks pass over memory once for each of the ``size`` channels of a window. Here
a program takes a tile of channels and positions; the channels of its windows overlap, and come from cache.

Bytes, for N numbers of b bytes: forward reads N b and writes 2 N b (y, and the denominator d for the backward
pass), backward reads 3 N b and writes N b.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional as F

from course_lib.kernels.precision import precision
from course_lib.kernels.second_derivatives import differentiable

CHANNELS = 16  # of a tile
TILE = 1024  # numbers in it


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x_c / (k + alpha / size * sum_j x_j^2)^beta over ``size`` channels j around c, as in ``torch.nn``.

    ``input`` is (n, c, ...), with 3 dimensions or more. Squares are added in float32 at least.
    Source: Krizhevsky, Sutskever & Hinton (2012), section 3.3.

    Raises:
        ValueError: an input of fewer dimensions, a size below 1, or a k or alpha that could make the
            denominator 0 or less: k must be above 0 and alpha 0 or more.
    """
    if input.ndim < 3 or size < 1:
        got = f"shape {tuple(input.shape)} and size {size}"
        raise ValueError(f"local_response_norm: input must be (N, C, L, ...) and size 1 or more, got {got}")
    if not (k > 0 and alpha >= 0):
        raise ValueError(
            f"local_response_norm: k must be above 0 and alpha 0 or more, got k={k}, alpha={alpha}"
        )
    return _LocalResponse.apply(input, size, float(alpha), float(beta), float(k))


class _LocalResponse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
        ctx.options = size, alpha, beta, k
        value = x.contiguous()
        y = torch.empty_like(value)
        d = torch.empty_like(value, dtype=torch.promote_types(x.dtype, torch.float32))
        grid, sizes, constants = _launch(value)
        with torch.cuda.device_of(x):
            _forward[grid](value, y, d, *sizes, SIZE=size, ALPHA=alpha, BETA=beta, K=k, **constants)
        ctx.save_for_backward(x, d)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, d = ctx.saved_tensors
        size, alpha, beta, k = ctx.options
        if torch.is_grad_enabled():

            def spelled(x: Tensor) -> Tensor:
                return F.local_response_norm(x, size, alpha, beta, k)

            return *differentiable(spelled, (x,), grads[0]), None, None, None, None
        value, grad = x.contiguous(), grads[0].contiguous()
        dx = torch.empty_like(value)
        grid, sizes, constants = _launch(value)
        with torch.cuda.device_of(x):
            _backward[grid](value, grad, d, dx, *sizes, SIZE=size, ALPHA=alpha, BETA=beta, **constants)
        return dx, None, None, None, None


def _launch(x: Tensor) -> tuple[tuple[int], tuple[int, int], dict[str, Any]]:
    """The grid, (channels, positions) and the constants."""
    channels, positions = x.shape[1], x.shape[2:].numel()
    height = min(CHANNELS, triton.next_power_of_2(max(1, channels)))
    width = min(TILE // height, triton.next_power_of_2(max(1, positions)))
    tiles = triton.cdiv(channels, height) * triton.cdiv(positions, width)
    return (
        (len(x) * tiles,),
        (channels, positions),
        {"PRECISION": precision(x), "HEIGHT": height, "WIDTH": width},
    )


@triton.jit
def _tile(channels: tl.tensor, positions: tl.tensor, HEIGHT: tl.constexpr, WIDTH: tl.constexpr) -> Any:
    """A program's channels (HEIGHT, 1), its positions' mask (1, WIDTH), and where its numbers are."""
    across, down = tl.cdiv(positions, WIDTH), tl.cdiv(channels, HEIGHT)
    example = (tl.program_id(0) // (across * down)).to(tl.int64)
    c = (tl.program_id(0) // across % down * HEIGHT + tl.arange(0, HEIGHT))[:, None]
    position = (tl.program_id(0) % across * WIDTH + tl.arange(0, WIDTH))[None, :]
    return c, position < positions, (example * channels + c) * positions + position


@triton.jit
def _forward(
    x: tl.tensor, y: tl.tensor, d: tl.tensor, channels: tl.tensor, positions: tl.tensor, SIZE: tl.constexpr,
    ALPHA: tl.constexpr, BETA: tl.constexpr, K: tl.constexpr, PRECISION: tl.constexpr, HEIGHT: tl.constexpr,
    WIDTH: tl.constexpr,
) -> None:  # fmt: skip
    """y = x d^-beta, and d = k + alpha / size times the window's sum of squares."""
    c, there, at = _tile(channels, positions, HEIGHT, WIDTH)
    total = tl.zeros((HEIGHT, WIDTH), PRECISION)
    for entry in range(SIZE):
        neighbour = c + (entry - SIZE // 2)
        inside = there & (neighbour >= 0) & (neighbour < channels)
        value = tl.load(x + at + (entry - SIZE // 2) * positions, inside, 0.0).to(PRECISION)
        total += value * value
    denominator = K + (ALPHA / SIZE) * total
    inside = there & (c < channels)
    value = tl.load(x + at, inside, 0.0).to(PRECISION)
    tl.store(y + at, value * tl.exp(-BETA * tl.log(denominator)), inside)
    tl.store(d + at, denominator, inside)


@triton.jit
def _backward(
    x: tl.tensor, grad: tl.tensor, d: tl.tensor, dx: tl.tensor, channels: tl.tensor, positions: tl.tensor,
    SIZE: tl.constexpr, ALPHA: tl.constexpr, BETA: tl.constexpr, PRECISION: tl.constexpr,
    HEIGHT: tl.constexpr, WIDTH: tl.constexpr,
) -> None:  # fmt: skip
    """dE/dx_j = g_j d_j^-beta - 2 alpha beta / size x_j times the sum of g_c x_c d_c^(-beta - 1).

    The sum is over the channels c whose window holds j: j's own window, turned round.
    """
    c, there, at = _tile(channels, positions, HEIGHT, WIDTH)
    around = tl.zeros((HEIGHT, WIDTH), PRECISION)
    for entry in range(SIZE):
        step = SIZE // 2 - entry
        inside = there & (c + step >= 0) & (c + step < channels)
        where = at + step * positions
        denominator = tl.load(d + where, inside, 1.0)
        passed = tl.load(grad + where, inside, 0.0).to(PRECISION) * tl.load(x + where, inside, 0.0).to(
            PRECISION
        )
        around += passed / denominator * tl.exp(-BETA * tl.log(denominator))
    inside = there & (c < channels)
    value, g = tl.load(x + at, inside, 0.0).to(PRECISION), tl.load(grad + at, inside, 0.0).to(PRECISION)
    own = g * tl.exp(-BETA * tl.log(tl.load(d + at, inside, 1.0)))
    tl.store(dx + at, own - (2 * ALPHA * BETA / SIZE) * value * around, inside)
