"""Dropout whose mask is never stored: the backward pass draws the same one again.

Bytes, for N numbers of b bytes: forward and backward each read N b and write N b. PyTorch's kernel also
writes the mask, a byte a number, and reads it again.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from course_lib.kernels.precision import precision
from course_lib.kernels.random_masks import draw_seed, four_each

BLOCK = 1024  # numbers of a program; the mask does not depend on it


def dropout(input: Tensor, p: float = 0.5, training: bool = True, seed: Tensor | None = None) -> Tensor:
    """Zero entries with probability p and divide the others by 1 - p, as in ``torch.nn.functional``.

    ``seed`` (1,), int64, makes the mask; None draws one with PyTorch's generator of the device. The same seed
    drops the same entries of a tensor of the same size, counted in the order of its dimensions.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), Dropout, section 10.

    Raises:
        ValueError: p outside 0 ... 1.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be from 0 to 1, got {p}")
    if not training or p == 0:
        return input
    return _Dropout.apply(input, draw_seed(input) if seed is None else seed, float(p))


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, seed: Tensor, p: float) -> Tensor:
        ctx.save_for_backward(seed)
        ctx.p = p
        value = x.contiguous()
        y = torch.empty_like(value)
        with torch.cuda.device_of(x):
            grid = (triton.cdiv(x.numel(), BLOCK),)
            scale = 1 / (1 - p) if p < 1 else 0.0
            _drop[grid](value, seed, y, x.numel(), P=p, SCALE=scale, PRECISION=precision(x), BLOCK=BLOCK)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (seed,) = ctx.saved_tensors
        return _Dropout.apply(grads[0], seed, ctx.p), None, None  # linear, so as often as it takes


@triton.jit
def _drop(
    x: tl.tensor, seed: tl.tensor, y: tl.tensor, n: tl.tensor, P: tl.constexpr, SCALE: tl.constexpr,
    PRECISION: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """y = x SCALE where the mask is 1, else 0: even of what is infinite."""
    first = tl.program_id(0).to(tl.int64) * BLOCK
    at = first + tl.arange(0, BLOCK)
    counter = first // 4 + tl.arange(0, BLOCK // 4)
    kept = tl.reshape(four_each(tl.load(seed), counter, 0), (BLOCK,)) >= P
    value = tl.load(x + at, at < n, 0.0).to(PRECISION)
    tl.store(y + at, tl.where(kept, value * SCALE, 0.0), at < n)
