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
    rate, correction = lr / (1 - beta1**step), (1 - beta2**step) ** -0.5
    decay = lr * weight_decay if decoupled else weight_decay
    with torch.cuda.device_of(w):
        _adam[(triton.cdiv(w.numel(), BLOCK),)](
            w, g, m, v, v_max, w.numel(),
            *map(float, (rate, correction, decay, 1 - beta1, beta2, 1 - beta2, eps)),
            COUPLED=weight_decay != 0 and not decoupled, DECOUPLED=weight_decay != 0 and decoupled,
            PRECISION=precision(w), BLOCK=BLOCK,
        )  # fmt: skip
    for changed in (w, m, v, v_max):  # autograd has not seen it, and would not refuse a graph made before
        if changed is not None:
            torch.autograd.graph.increment_version(changed)


@triton.jit
def _adam(
    w: tl.tensor, g: tl.tensor, m: tl.tensor, v: tl.tensor, v_max: tl.tensor, n: tl.tensor, rate: tl.float64,
    correction: tl.float64, decay: tl.float64, share1: tl.float64, beta2: tl.float64, share2: tl.float64,
    eps: tl.float64, COUPLED: tl.constexpr, DECOUPLED: tl.constexpr, PRECISION: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """What a schedule may change from step to step comes as numbers, so that no step compiles anew."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = at < n
    weight, slope = tl.load(w + at, there, 0.0).to(PRECISION), tl.load(g + at, there, 0.0).to(PRECISION)
    if DECOUPLED:
        weight -= tl.cast(decay, PRECISION) * weight
    if COUPLED:
        slope += tl.cast(decay, PRECISION) * weight
    mean, square = tl.load(m + at, there, 0.0).to(PRECISION), tl.load(v + at, there, 0.0).to(PRECISION)
    mean += tl.cast(share1, PRECISION) * (slope - mean)
    square = tl.cast(beta2, PRECISION) * square + tl.cast(share2, PRECISION) * slope * slope
    tl.store(m + at, mean, there)
    tl.store(v + at, square, there)
    if v_max is not None:
        before = tl.load(v_max + at, there, 0.0).to(PRECISION)
        square = tl.maximum(before, square, propagate_nan=tl.PropagateNan.ALL)
        tl.store(v_max + at, square, there)
    root = tl.sqrt(square) * tl.cast(correction, PRECISION) + tl.cast(eps, PRECISION)
    tl.store(w + at, weight - tl.cast(rate, PRECISION) * (mean / root), there)
