"""Cross-entropy of logits and classes in one pass: no probabilities are written, nor their logarithms.

log-sum-exp is computed online, block by block of the classes: when a larger logit m' comes than the largest m
so far, the sum of exponentials is multiplied by exp(m - m') (Milakov & Gimelshein, 2018, Online normalizer
calculation for softmax, algorithm 3). The forward pass keeps one number a position, and the backward pass
computes the probabilities again.

Bytes, for n positions and C classes of b bytes: forward reads n C b, backward reads n C b and writes n C b.
PyTorch's log_softmax and nll_loss read n C b and write n C b forward, and move 3 n C b backward.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional as F

from course_lib.kernels.precision import precision
from course_lib.kernels.second_derivatives import differentiable

TILE = 4096  # logits a program works on at once, at most


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-sum_c q_c log softmax(input)_c of logits (n, c, ...), as in ``torch.nn.functional``.

    ``target`` (n) or (n, d1, ...) holds classes, int64; ``weight`` is (c,) and gets no gradient. The loss is
    (), or of target's shape with ``reduction="none"``. A class outside 0 ... c - 1 that is not
    ``ignore_index`` makes the loss NaN. Logits (n, c) may have any strides.

    Source: Bridle (1990); label smoothing: Szegedy et al. (2016), section 7.

    Raises:
        ValueError: an unknown reduction, or shapes that do not fit.
        TypeError: a target that does not hold classes of dtype int64, or logits and weights that are not of
            one floating-point dtype.
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"cross_entropy: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    if target.dtype != torch.int64:
        raise TypeError(f"cross_entropy: target must have dtype torch.int64, got {target.dtype}")
    if input.ndim < 2 or target.shape != input.shape[:1] + input.shape[2:]:
        shapes = f"{tuple(input.shape)} and {tuple(target.shape)}"
        raise ValueError(f"cross_entropy: input must be (n, c, ...) and target (n, ...), got {shapes}")
    if weight is not None and weight.shape != input.shape[1:2]:
        raise ValueError(f"cross_entropy: weight must have shape {input.shape[1:2]}, got {weight.shape}")
    autocast = torch.is_autocast_enabled(input.device.type)
    same = weight is None or weight.dtype == input.dtype
    if not input.is_floating_point() or not (same or autocast):
        raise TypeError(f"cross_entropy: input and weight must be of one floating-point dtype, {input.dtype}")
    dtype = torch.promote_types(input.dtype, torch.float32) if autocast else input.dtype
    return _CrossEntropy.apply(input, target, weight, ignore_index, reduction, label_smoothing, dtype)


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        target: Tensor,
        weight: Tensor | None,
        ignored: int,
        reduction: str,
        smooth: float,
        dtype: torch.dtype,
    ) -> Tensor:
        sizes, z = _sizes(x)
        wide = torch.promote_types(x.dtype, torch.float32)
        weight = None if weight is None else weight.detach().contiguous()
        total = None if weight is None else weight.to(wide).sum()
        losses = torch.empty(target.shape, dtype=wide, device=x.device)
        counts, normalizers = torch.empty_like(losses), torch.empty_like(losses)
        grid, constants = _launch(x, sizes, smooth)
        with torch.cuda.device_of(x):
            _forward[grid](
                z, target.contiguous(), weight, losses, counts, normalizers, *sizes, ignored,
                **constants,
            )  # fmt: skip
        count = counts.sum()
        ctx.save_for_backward(x, target, weight, total, normalizers, count)
        ctx.options = ignored, reduction, smooth
        if reduction == "none":
            return losses.to(dtype)
        return (losses.sum() / (count if reduction == "mean" else 1)).to(dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, target, weight, total, normalizers, count = ctx.saved_tensors
        ignored, reduction, smooth = ctx.options
        if torch.is_grad_enabled():

            def loss(x: Tensor) -> Tensor:
                z, w = x.to(normalizers.dtype), None if weight is None else weight.to(normalizers.dtype)
                y = F.cross_entropy(
                    z, target, w, ignore_index=ignored, reduction=reduction, label_smoothing=smooth
                )
                return y.to(grads[0].dtype)

            return *differentiable(loss, (x,), grads[0]), None, None, None, None, None, None
        share = grads[0].to(normalizers.dtype) / (count if reduction == "mean" else 1)
        sizes, z = _sizes(x)
        dx = torch.empty_like(x, memory_format=torch.contiguous_format)
        grid, constants = _launch(x, sizes, smooth)
        with torch.cuda.device_of(x):
            _backward[grid](
                z, target.contiguous(), weight, total, share.contiguous(), normalizers, dx, *sizes, ignored,
                SHARED=reduction != "none", **constants, CONTIGUOUS=z.is_contiguous(),
            )  # fmt: skip
        return dx, None, None, None, None, None, None


def _sizes(x: Tensor) -> tuple[tuple[int, ...], Tensor]:
    """(blocks of positions: how many, positions in each, classes) and three strides, and x as they fit it.

    Logits (n, c) are one block of n positions, each a row; others are n blocks, whose classes lie far apart.
    """
    if x.ndim == 2:
        return (1, x.shape[0], x.shape[1], 0, x.stride(0), x.stride(1)), x
    x = x.contiguous()
    positions = x.shape[2:].numel()
    return (x.shape[0], positions, x.shape[1], x.shape[1] * positions, 1, positions), x


def _launch(x: Tensor, sizes: tuple[int, ...], smooth: float) -> tuple[tuple[int], dict[str, Any]]:
    """The grid and the constants: rows of neighbouring classes, or columns of neighbouring positions."""
    blocks, positions, classes = sizes[:3]
    columns = x.ndim > 2
    tile_classes = 1 if columns else min(TILE, triton.next_power_of_2(classes))
    tile_positions = 256 if columns else max(1, min(16, 1024 // tile_classes))
    constants = {
        "PRECISION": precision(x),
        "SMOOTH": float(smooth),
        "UNIFORM": smooth / max(1, classes),  # of the smoothed mass, for each class
        "POSITIONS": tile_positions,
        "CLASSES": tile_classes,
        "num_warps": 8 if tile_positions * tile_classes > 2048 else 4,
    }
    return (blocks * triton.cdiv(positions, tile_positions),), constants


@triton.jit
def _forward(
    x: tl.tensor, target: tl.tensor, weight: tl.tensor, losses: tl.tensor, counts: tl.tensor,
    normalizers: tl.tensor, blocks: tl.tensor, positions: tl.tensor, classes: tl.tensor,
    block_stride: tl.tensor, position_stride: tl.tensor, class_stride: tl.tensor, ignored: tl.tensor,
    SMOOTH: tl.constexpr, UNIFORM: tl.constexpr, PRECISION: tl.constexpr, POSITIONS: tl.constexpr,
    CLASSES: tl.constexpr,
) -> None:  # fmt: skip
    """losses, the targets' weights and log-sum-exp, (n,) each."""
    turns = tl.cdiv(positions, POSITIONS)
    block = (tl.program_id(0) // turns).to(tl.int64)
    position = tl.program_id(0) % turns * POSITIONS + tl.arange(0, POSITIONS).to(tl.int64)
    there = position < positions
    row = x + block * block_stride + position * position_stride
    at = block * positions + position
    largest = tl.full((POSITIONS,), float("-inf"), PRECISION)
    shift = tl.zeros((POSITIONS,), PRECISION)  # the largest so far, or 0 before there is one
    powers = tl.zeros((POSITIONS,), PRECISION)
    weighted, weights = tl.zeros((POSITIONS,), PRECISION), tl.zeros((POSITIONS,), PRECISION)
    for start in range(0, classes, CLASSES):
        c = start + tl.arange(0, CLASSES).to(tl.int64)
        inside = there[:, None] & (c < classes)[None, :]
        z = tl.load(row[:, None] + c[None, :] * class_stride, inside, float("-inf")).to(PRECISION)
        largest = tl.maximum(largest, tl.max(z, 1))
        before, shift = shift, tl.where(largest == float("-inf"), 0.0, largest)
        powers = tl.where(powers > 0, powers * tl.exp(before - shift), powers)  # 0 or NaN stays
        powers += tl.sum(tl.exp(z - shift[:, None]), 1)
        if SMOOTH > 0:  # the sum of w_c (z_c - shift): of small numbers, wherever the logits are
            if weight is None:
                w = inside.to(PRECISION)
            else:
                w = tl.where(inside, tl.load(weight + c, c < classes, 0.0).to(PRECISION)[None, :], 0.0)
            relative = tl.where(inside, w * (z - shift[:, None]), 0.0)
            weighted += tl.sum(relative, 1) + weights * (before - shift)
            weights += tl.sum(w, 1)
    t = tl.load(target + at, there, 0)
    used, known = there & (t != ignored), (t >= 0) & (t < classes)
    z = tl.load(row + t * class_stride, used & known, float("nan")).to(PRECISION)
    w = tl.full((POSITIONS,), 1.0, PRECISION)
    if weight is not None:
        w = tl.load(weight + t, used & known, 0.0).to(PRECISION)
    log_sum = tl.log(powers)
    loss = w * (log_sum + (shift - z))
    if SMOOTH > 0:
        loss = (1 - SMOOTH) * loss + UNIFORM * (weights * log_sum - weighted)
    tl.store(losses + at, tl.where(used, loss, 0.0), there)
    tl.store(counts + at, tl.where(used, w, 0.0), there)
    tl.store(normalizers + at, shift + log_sum, there)


@triton.jit
def _backward(
    x: tl.tensor, target: tl.tensor, weight: tl.tensor, total: tl.tensor, share: tl.tensor,
    normalizers: tl.tensor, dx: tl.tensor, blocks: tl.tensor, positions: tl.tensor, classes: tl.tensor,
    block_stride: tl.tensor, position_stride: tl.tensor, class_stride: tl.tensor, ignored: tl.tensor,
    SHARED: tl.constexpr, SMOOTH: tl.constexpr, UNIFORM: tl.constexpr, PRECISION: tl.constexpr,
    POSITIONS: tl.constexpr, CLASSES: tl.constexpr, CONTIGUOUS: tl.constexpr,
) -> None:  # fmt: skip
    """dE/dz_c = share (softmax(z)_c sum_k q_k - q_c), the probabilities from log-sum-exp."""
    turns = tl.cdiv(positions, POSITIONS)
    block = (tl.program_id(0) // turns).to(tl.int64)
    position = tl.program_id(0) % turns * POSITIONS + tl.arange(0, POSITIONS).to(tl.int64)
    there = position < positions
    row = block * block_stride + position * position_stride
    written, written_stride = row, class_stride
    if not CONTIGUOUS:  # dx has rows of its own
        written, written_stride = position * classes, 1
    at = block * positions + position
    t = tl.load(target + at, there, ignored)
    grad = tl.load(share + at * 0, there, 0.0) if SHARED else tl.load(share + at, there, 0.0)
    normalizer = tl.load(normalizers + at, there, 0.0)
    w_t = tl.full((POSITIONS,), 1.0, PRECISION)
    if weight is not None:
        w_t = tl.load(weight + t, there & (t >= 0) & (t < classes), 0.0).to(PRECISION)
    mass = (1 - SMOOTH) * w_t
    if SMOOTH > 0:
        if weight is None:
            mass += SMOOTH
        else:
            mass += UNIFORM * tl.load(total)
    for start in range(0, classes, CLASSES):
        c = start + tl.arange(0, CLASSES).to(tl.int64)
        inside = there[:, None] & (c < classes)[None, :]
        z = tl.load(x + row[:, None] + c[None, :] * class_stride, inside, 0.0).to(PRECISION)
        q = tl.where(c[None, :] == t[:, None], ((1 - SMOOTH) * w_t)[:, None], 0.0)
        if SMOOTH > 0:
            if weight is None:
                q += UNIFORM
            else:
                q += (UNIFORM * tl.load(weight + c, c < classes, 0.0).to(PRECISION))[None, :]
        slope = grad[:, None] * (tl.exp(z - normalizer[:, None]) * mass[:, None] - q)
        slope = tl.where((t != ignored)[:, None], slope, 0.0)
        tl.store(dx + written[:, None] + c[None, :] * written_stride, slope, inside)
