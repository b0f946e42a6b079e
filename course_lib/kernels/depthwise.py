"""Depthwise convolution: each channel of an image with a kernel of its own.

There is nothing to multiply as matrices: each output needs K_h K_w products, each pixel is read as often, and
all but the first reading comes from cache. So one pass over the planes it is, with the bias on the way. The
gradient of the weight sums over all places of a channel: in parts, whose sums are added up in a second pass,
so that nothing is added atomically and the gradients are the same on every run.

Source: Sifre (2014), Rigid-motion scattering for image classification, section 6.2; Howard et al. (2017),
MobileNets, section 3.1.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional as F

from course_lib.kernels.convolution_sizes import Pair, Sizes
from course_lib.kernels.precision import numbering, precision
from course_lib.kernels.second_derivatives import differentiable

BLOCK = 256  # places of a plane that a program computes
PARTS = 1024  # programs, at least, among which the sums for the weight are split


@triton.jit
def _forward(
    x: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    y: tl.tensor,
    channels: tl.tensor,
    h: tl.tensor,
    w: tl.tensor,
    h_out: tl.tensor,
    w_out: tl.tensor,
    KH: tl.constexpr,
    KW: tl.constexpr,
    SH: tl.constexpr,
    SW: tl.constexpr,
    PH: tl.constexpr,
    PW: tl.constexpr,
    DH: tl.constexpr,
    DW: tl.constexpr,
    PRECISION: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """One plane of y, or a part of it."""
    parts = tl.cdiv(h_out * w_out, BLOCK)
    plane = (tl.program_id(0) // parts).to(tl.int64)
    channel = plane % channels
    place = tl.program_id(0) % parts * BLOCK + tl.arange(0, BLOCK)
    inside = place < h_out * w_out
    top, left = place // w_out * SH - PH, place % w_out * SW - PW
    total = tl.full([BLOCK], 0.0, PRECISION)
    if bias is not None:
        total += tl.load(bias + channel).to(PRECISION)
    for u in range(KH):
        for v in tl.static_range(KW):
            row, column = top + u * DH, left + v * DW
            there = inside & (row >= 0) & (row < h) & (column >= 0) & (column < w)
            pixel = tl.load(x + plane * h * w + row * w + column, there, 0.0).to(PRECISION)
            total += pixel * tl.load(weight + (channel * KH + u) * KW + v).to(PRECISION)
    tl.store(y + plane * h_out * w_out + place, total, inside)


@triton.jit
def _input_gradient(
    grad: tl.tensor,
    weight: tl.tensor,
    dx: tl.tensor,
    channels: tl.tensor,
    h: tl.tensor,
    w: tl.tensor,
    h_out: tl.tensor,
    w_out: tl.tensor,
    KH: tl.constexpr,
    KW: tl.constexpr,
    SH: tl.constexpr,
    SW: tl.constexpr,
    PH: tl.constexpr,
    PW: tl.constexpr,
    DH: tl.constexpr,
    DW: tl.constexpr,
    PRECISION: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """One plane of dE/dx, or a part of it: each pixel collects from the windows that it is in."""
    parts = tl.cdiv(h * w, BLOCK)
    plane = (tl.program_id(0) // parts).to(tl.int64)
    channel = plane % channels
    place = tl.program_id(0) % parts * BLOCK + tl.arange(0, BLOCK)
    inside = place < h * w
    bottom, right = place // w + PH, place % w + PW
    total = tl.full([BLOCK], 0.0, PRECISION)
    for u in range(KH):
        for v in tl.static_range(KW):
            row, column = bottom - u * DH, right - v * DW  # S times those of the window
            there = inside & (row >= 0) & (row % SH == 0) & (column >= 0) & (column % SW == 0)
            row, column = row // SH, column // SW
            there = there & (row < h_out) & (column < w_out)
            arrived = tl.load(grad + plane * h_out * w_out + row * w_out + column, there, 0.0).to(PRECISION)
            total += arrived * tl.load(weight + (channel * KH + u) * KW + v).to(PRECISION)
    tl.store(dx + plane * h * w + place, total, inside)


@triton.jit
def _weight_gradient(
    grad: tl.tensor,
    x: tl.tensor,
    sums: tl.tensor,
    images: tl.tensor,
    channels: tl.tensor,
    h: tl.tensor,
    w: tl.tensor,
    h_out: tl.tensor,
    w_out: tl.tensor,
    turns: tl.tensor,
    KH: tl.constexpr,
    KW: tl.constexpr,
    SH: tl.constexpr,
    SW: tl.constexpr,
    PH: tl.constexpr,
    PW: tl.constexpr,
    DH: tl.constexpr,
    DW: tl.constexpr,
    PRECISION: tl.constexpr,
    NUMBERING: tl.constexpr,
    BLOCK: tl.constexpr,
    TAPS: tl.constexpr,
) -> None:
    """sums[part, channel, tap]: dE/dy times the pixel that it met there, over a part of all places."""
    channel = (tl.program_id(0) % channels).to(tl.int64)
    part = (tl.program_id(0) // channels).to(tl.int64)
    tap = tl.program_id(1) * TAPS + tl.arange(0, TAPS)
    down, across = tap // KW * DH - PH, tap % KW * DW - PW
    total = tl.full([TAPS], 0.0, PRECISION)
    for turn in range(turns):
        place = (part * turns + turn).to(NUMBERING) * BLOCK + tl.arange(0, BLOCK)
        image = (place // (h_out * w_out)).to(tl.int64)
        inside = image < images
        place = place % (h_out * w_out)
        arrived = tl.load(grad + (image * channels + channel) * h_out * w_out + place, inside, 0.0)
        row = (place // w_out * SH)[:, None] + down
        column = (place % w_out * SW)[:, None] + across
        there = inside[:, None] & (tap < KH * KW) & (row >= 0) & (row < h) & (column >= 0) & (column < w)
        pixels = x + ((image * channels + channel) * h * w)[:, None] + row * w + column
        total += tl.sum(arrived.to(PRECISION)[:, None] * tl.load(pixels, there, 0.0).to(PRECISION), axis=0)
    tl.store(sums + (part * channels + channel) * KH * KW + tap, total, tap < KH * KW)


def depthwise_conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
) -> Tensor:
    """Convolve each channel with its kernel: ``torch.nn.functional.conv2d`` with groups = C and C kernels.

    Shapes: input (N, C, H, W), weight (C, 1, K_h, K_w), bias (C,) -> (N, C, H_out, W_out). Half precision is
    summed in float32. Of p pixels and q outputs, reads p and writes q; backward reads q and writes p, and for
    the weight reads both. Gradients of higher order are PyTorch's.

    Raises:
        ValueError: shapes that do not fit together, or an image too small for the kernel.
        TypeError: tensors of different dtypes.
    """
    dtypes = {each.dtype for each in (input, weight, bias) if each is not None}
    if len(dtypes) > 1:
        raise TypeError(f"depthwise_conv2d: tensors must all be of one dtype, got {dtypes}")
    sizes = Sizes.of("depthwise_conv2d", input, weight, bias, stride, padding, dilation, len(weight))
    if weight.shape[1] != 1 or len(weight) != input.shape[1]:
        expected = f"(C={input.shape[1]}, 1, K_h, K_w)"
        raise ValueError(f"depthwise_conv2d: weight must have shape {expected}, got {tuple(weight.shape)}")
    return _Depthwise.apply(input, weight, bias, sizes)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, sizes: Sizes) -> Tensor:
        ctx.save_for_backward(x, weight, bias)
        ctx.sizes = sizes
        n, c, h, w = x.shape
        y = x.new_empty(n, c, *sizes.places)
        if y.numel():
            grid = (n * c * triton.cdiv(y[0, 0].numel(), BLOCK),)
            with torch.cuda.device_of(x):
                _forward[grid](
                    x.contiguous(),
                    weight.contiguous(),
                    bias,
                    y,
                    *(c, h, w, *sizes.places),
                    **sizes.constants(),
                    PRECISION=precision(x),
                    BLOCK=BLOCK,
                )
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias = ctx.saved_tensors
        sizes = ctx.sizes
        if torch.is_grad_enabled():

            def spelled(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
                return F.conv2d(x, weight, bias, sizes.stride, sizes.padding, sizes.dilation, len(weight))

            return *differentiable(spelled, (x, weight, bias), grad), None
        grad = grad.contiguous()
        dx = dw = db = None
        if ctx.needs_input_grad[0]:
            dx = _to_input(grad, weight, x, sizes)
        if ctx.needs_input_grad[1]:
            dw = _to_weight(grad, weight, x, sizes)
        if ctx.needs_input_grad[2]:
            db = grad.sum(dim=(0, 2, 3))
        return dx, dw, db, None


def _to_input(grad: Tensor, weight: Tensor, x: Tensor, sizes: Sizes) -> Tensor:
    n, c, h, w = x.shape
    dx = x.new_empty(x.shape)
    if dx.numel():
        with torch.cuda.device_of(x):
            _input_gradient[(n * c * triton.cdiv(h * w, BLOCK),)](
                grad,
                weight.contiguous(),
                dx,
                *(c, h, w, *sizes.places),
                **sizes.constants(),
                PRECISION=precision(x),
                BLOCK=BLOCK,
            )
    return dx


def _to_weight(grad: Tensor, weight: Tensor, x: Tensor, sizes: Sizes) -> Tensor:
    n, c, h, w = x.shape
    (h_out, w_out), kernel = sizes.places, weight[0, 0].numel()
    taps = min(triton.next_power_of_2(kernel), 16)
    block = 1024 // taps
    blocks = triton.cdiv(n * h_out * w_out, block)
    parts = max(1, min(blocks, triton.cdiv(PARTS, c)))
    turns = triton.cdiv(blocks, parts)
    sums = torch.zeros(
        parts, *weight.shape, dtype=torch.promote_types(x.dtype, torch.float32), device=x.device
    )
    if grad.numel():
        with torch.cuda.device_of(x):
            _weight_gradient[(c * parts, triton.cdiv(kernel, taps))](
                grad,
                x.contiguous(),
                sums,
                *(n, c, h, w, h_out, w_out, turns),
                **sizes.constants(),
                PRECISION=precision(x),
                NUMBERING=numbering(n * h_out * w_out),
                BLOCK=block,
                TAPS=taps,
            )
    return sums.sum(dim=0).to(weight.dtype)
