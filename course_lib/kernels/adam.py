"""A step of Adam or AdamW in one pass over the weights, their gradients and the two moments.

By PyTorch's operations, one for each term of the rule, every array is read and written several times.

Bytes, for N weights of b bytes: reads 4 N b and writes 3 N b; with ``amsgrad`` one more of each. One launch a
tensor: a net of many small ones is bound by launches, not by bytes.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from course_lib.kernels.precision import precision

BLOCK = 1024  # weights of a program


def fits(w: Tensor, g: Tensor, *moments: Tensor | None) -> bool:
    """Whether all lie in memory in one order, without gaps, as the kernel walks through them."""
    return all(each is None or (each.is_contiguous() and each.shape == w.shape) for each in (w, g, *moments))


def adam(
    w: Tensor,
    g: Tensor,
    m: Tensor,
    v: Tensor,
    v_max: Tensor | None = None,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    step: float,
    decoupled: bool = False,
) -> None:
    """Change w, m and v, contiguous and of one shape, in place as ``course_lib.optim.Adam`` does at step t.

    ``v_max``, the largest v so far, takes its place (AMSGrad). ``decoupled`` is AdamW: the weights decay by
    lr weight_decay themselves, and else weight_decay times them is added to the gradient.
    Source: Kingma & Ba (2015), algorithm 1; Reddi, Kale & Kumar (2018); Loshchilov & Hutter (2019).

    Raises:
        ValueError: tensors of different shapes, or not contiguous.
    """
    if not fits(w, g, m, v, v_max):
        got = [tuple(each.shape) for each in (w, g, m, v)]
        raise ValueError(f"adam: all tensors must be contiguous and of one shape, got {got}")
    beta1, beta2 = betas
    grid = (triton.cdiv(w.numel(), BLOCK),)
    with torch.cuda.device_of(w):
        _adam[grid](
            w, g, m, v, v_max, w.numel(), lr / (1 - beta1**step), (1 - beta2**step) ** -0.5,
            lr * weight_decay if decoupled else 0.0, BETA1=beta1, BETA2=beta2, EPS=eps,
            L2=0.0 if decoupled else weight_decay, PRECISION=precision(w), BLOCK=BLOCK,
        )  # fmt: skip


@triton.jit
def _adam(
    w: tl.tensor, g: tl.tensor, m: tl.tensor, v: tl.tensor, v_max: tl.tensor, n: tl.tensor, rate: tl.float64,
    correction: tl.float64, decay: tl.float64, BETA1: tl.constexpr, BETA2: tl.constexpr, EPS: tl.constexpr,
    L2: tl.constexpr, PRECISION: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """What changes from step to step comes as numbers, so that no step compiles anew."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = at < n
    weight, slope = tl.load(w + at, there, 0.0).to(PRECISION), tl.load(g + at, there, 0.0).to(PRECISION)
    weight -= tl.cast(decay, PRECISION) * weight
    if L2 != 0:
        slope += L2 * weight
    mean, square = tl.load(m + at, there, 0.0).to(PRECISION), tl.load(v + at, there, 0.0).to(PRECISION)
    mean += (1 - BETA1) * (slope - mean)
    square = BETA2 * square + (1 - BETA2) * slope * slope
    tl.store(m + at, mean, there)
    tl.store(v + at, square, there)
    if v_max is not None:
        before = tl.load(v_max + at, there, 0.0).to(PRECISION)
        square = tl.maximum(before, square, propagate_nan=tl.PropagateNan.ALL)
        tl.store(v_max + at, square, there)
    root = tl.sqrt(square) * tl.cast(correction, PRECISION) + EPS
    tl.store(w + at, weight - tl.cast(rate, PRECISION) * (mean / root), there)
