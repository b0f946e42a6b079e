"""RoIAlign in one kernel: no list of the pixels that a bin reads is ever written.

A program has one region and some of its outputs, each a channel and a bin, and goes over the samples of a
bin. Neighbouring outputs are neighbouring bins, which read neighbouring pixels. Backward, every sample adds
to four pixels, atomically: other samples add to the same ones, in an order that differs from run to run, and
with it the last bits of the sum.

Source: He, Gkioxari, Dollar & Girshick (2017), Mask R-CNN, section 3.
"""

from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from course_lib.kernels.precision import precision

BLOCK = 256  # outputs of a program


class _Regions(NamedTuple):
    """``table`` (k, 7): map, top, left, height and width of a bin, rows and columns of samples in it."""

    table: Tensor
    output_size: tuple[int, int]


@triton.jit
def _between(at: tl.tensor, length: tl.tensor) -> tuple[tl.tensor, ...]:
    """The pixels at either side of a sample, the weight of the second, and whether the sample counts."""
    counts = (at >= -1) & (at <= length)
    at = tl.minimum(tl.maximum(at, 0.0), length - 1)  # beyond the outermost centres: their values
    low = at.to(tl.int32)
    return low, tl.minimum(low + 1, length - 1), at - low, counts


@triton.jit
def _pull(
    x: tl.tensor,
    table: tl.tensor,
    y: tl.tensor,
    maps: tl.tensor,
    channels: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    x_n: tl.tensor,
    x_c: tl.tensor,
    x_h: tl.tensor,
    x_w: tl.tensor,
    ph: tl.tensor,
    pw: tl.tensor,
    PRECISION: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """y[region, channel, bin]: the mean of the samples in a bin."""
    region = tl.program_id(0).to(tl.int64)
    place = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = place < channels * ph * pw
    table += region * 7
    number = tl.load(table).to(tl.int64)
    known = inside & (number >= 0) & (number < maps)
    bin_h, bin_w = tl.load(table + 3), tl.load(table + 4)
    top, left = tl.load(table + 1) + place // pw % ph * bin_h, tl.load(table + 2) + place % pw * bin_w
    rows, columns = tl.load(table + 5).to(tl.int32), tl.load(table + 6).to(tl.int32)
    x += number * x_n + (place // (ph * pw)).to(tl.int64) * x_c
    total = tl.full([BLOCK], 0.0, PRECISION)
    for i in range(rows):
        above, below, down, row_counts = _between(top + (i + 0.5) * bin_h / rows, height)
        for j in range(columns):
            before, behind, right, column_counts = _between(left + (j + 0.5) * bin_w / columns, width)
            there = known & row_counts & column_counts
            total += (1 - down) * (1 - right) * tl.load(x + above * x_h + before * x_w, there, 0.0)
            total += (1 - down) * right * tl.load(x + above * x_h + behind * x_w, there, 0.0)
            total += down * (1 - right) * tl.load(x + below * x_h + before * x_w, there, 0.0)
            total += down * right * tl.load(x + below * x_h + behind * x_w, there, 0.0)
    tl.store(y + region * channels * ph * pw + place, total / tl.maximum(rows * columns, 1), inside)


@triton.jit
def _push(
    grad: tl.tensor,
    table: tl.tensor,
    dx: tl.tensor,
    maps: tl.tensor,
    channels: tl.tensor,
    height: tl.tensor,
    width: tl.tensor,
    ph: tl.tensor,
    pw: tl.tensor,
    PRECISION: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """The transpose of ``_pull``: add to each pixel what its samples get; dx is contiguous."""
    region = tl.program_id(0).to(tl.int64)
    place = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = place < channels * ph * pw
    table += region * 7
    number = tl.load(table).to(tl.int64)
    known = inside & (number >= 0) & (number < maps)
    bin_h, bin_w = tl.load(table + 3), tl.load(table + 4)
    top, left = tl.load(table + 1) + place // pw % ph * bin_h, tl.load(table + 2) + place % pw * bin_w
    rows, columns = tl.load(table + 5).to(tl.int32), tl.load(table + 6).to(tl.int32)
    dx += (number * channels + place // (ph * pw)) * height * width
    share = tl.load(grad + region * channels * ph * pw + place, inside, 0.0).to(PRECISION)
    share /= tl.maximum(rows * columns, 1)
    for i in range(rows):
        above, below, down, row_counts = _between(top + (i + 0.5) * bin_h / rows, height)
        upper, lower = share * (1 - down), share * down
        for j in range(columns):
            before, behind, right, column_counts = _between(left + (j + 0.5) * bin_w / columns, width)
            there = known & row_counts & column_counts
            tl.atomic_add(dx + above * width + before, upper * (1 - right), there, sem="relaxed")
            tl.atomic_add(dx + above * width + behind, upper * right, there, sem="relaxed")
            tl.atomic_add(dx + below * width + before, lower * (1 - right), there, sem="relaxed")
            tl.atomic_add(dx + below * width + behind, lower * right, there, sem="relaxed")


def roi_align(
    input: Tensor,
    rois: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Average bilinear samples in each bin of each region, as in ``torchvision.ops.roi_align``.

    Shapes: input (N, C, H, W) of any strides; rois (K, 5) as (index in the batch, x1, y1, x2, y2), at least
    float32, and float64 if input is -> (K, C, ph, pw). Gradients, of any order, flow to the input. The GPU is
    never waited for, whatever the ratio. Regions with an index outside the batch or numbers that are not
    finite give 0: who wants an error has to look before. With s samples in a bin, reads 4 s numbers for each
    of K C ph pw outputs, mostly from cache, and writes the outputs; backward 4 s atomic sums for each.

    Raises:
        ValueError: rois that are not (K, 5), or not of the right precision.
    """
    expected = torch.promote_types(input.dtype, torch.float32)
    if rois.ndim != 2 or rois.shape[1] != 5 or rois.dtype != expected:
        came = f"{tuple(rois.shape)} of {rois.dtype}"
        raise ValueError(f"roi_align: rois must have shape (K, 5) and dtype {expected}, got {came}")
    x1, y1, x2, y2 = (rois[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)).unbind(dim=1)
    sizes = torch.stack([y2 - y1, x2 - x1])
    sizes = sizes if aligned else sizes.clamp(min=1)
    bins = sizes / sizes.new_tensor(output_size)[:, None]
    counts = torch.full_like(bins, sampling_ratio) if sampling_ratio > 0 else bins.ceil().clamp(min=0)
    counts = counts.nan_to_num(0.0, 0.0, 0.0)  # a box without end would be sampled without end
    table = torch.stack([rois[:, 0], y1, x1, *bins, *counts], dim=1)
    return _Pull.apply(input, _Regions(table, output_size))


class _Pull(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, regions: _Regions) -> Tensor:
        ctx.regions, ctx.shape = regions, x.shape
        y = x.new_empty(len(regions.table), x.shape[1], *regions.output_size)
        if y.numel():
            grid = len(y), triton.cdiv(y[0].numel(), BLOCK)
            sizes = *x.shape, *x.stride(), *regions.output_size
            with torch.cuda.device_of(x):
                _pull[grid](x, regions.table, y, *sizes, PRECISION=precision(x), BLOCK=BLOCK)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """The operation is linear: its gradient is the transpose."""
        return _Push.apply(grad, ctx.regions, ctx.shape), None


class _Push(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grad: Tensor, regions: _Regions, shape: torch.Size) -> Tensor:
        ctx.regions = regions
        dx = grad.new_zeros(shape, dtype=regions.table.dtype)
        if grad.numel() and dx.numel():
            grid = len(grad), triton.cdiv(grad[0].numel(), BLOCK)
            sizes = *shape, *regions.output_size
            with torch.cuda.device_of(grad):
                _push[grid](
                    grad.contiguous(), regions.table, dx, *sizes, PRECISION=precision(grad), BLOCK=BLOCK
                )
        return dx.to(grad.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """And the gradient of the transpose is the operation."""
        return _Pull.apply(grad, ctx.regions), None, None
