"""Convolution as an implicit matrix product, with the bias and a ReLU on the way out.

The windows of an image, written as columns, turn a convolution into a product of matrices, but each pixel
would be written K_h K_w times. Here no column is ever in memory: a program reads the tile of columns that it
multiplies from the image. The gradients of image and weight are two more such products. That of the weight
sums over all places of all images, in parts that are added up in a second pass: nothing is added atomically,
and gradients are the same on every run.

Source: Chetlur et al. (2014), cuDNN: efficient primitives for deep learning, section 3.
"""

import math
from typing import Any, NamedTuple

import torch
import triton
from torch import Tensor
from torch.nn import functional as F

from course_lib.kernels import convolution_tiles as tiles
from course_lib.kernels.convolution_sizes import Pair, Sizes
from course_lib.kernels.precision import numbering
from course_lib.kernels.second_derivatives import differentiable

DTYPES = (torch.float16, torch.bfloat16, torch.float32)
M, K = 64, 32  # places and entries of a tile
PROGRAMS = (
    256  # at least, for the gradient of the weight: its sum over all places is split into as many parts
)


class _Setting(NamedTuple):
    sizes: Sizes
    groups: int
    relu: bool


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    """Slide every kernel over the images: called as ``torch.nn.functional.conv2d``.

    Shapes: input (N, C, H, W) of any strides, weight (C_out, C / groups, K_h, K_w), bias (C_out,)
    -> (N, C_out, H_out, W_out). Products of float32 are in float32, not TF32; sums are in float32. N C_out
    H_out W_out (C / groups) K_h K_w multiply-adds, for each of the gradients as many (for the image's with a
    stride S, S^2 times as many, as most windows do not meet the pixel). Reads each pixel from memory about
    C_out / 64 times, from cache K_h K_w as often; writes the output once. Higher derivatives are PyTorch's.

    Raises:
        ValueError: shapes that do not fit together, or an image too small for the kernel.
        TypeError: float64, or tensors of different dtypes.
    """
    return _convolve("conv2d", input, weight, bias, stride, padding, dilation, groups, relu=False)


def conv2d_relu(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    """``conv2d``, then ReLU, before anything is written: saves a reading and a writing of the output.

    Raises what ``conv2d`` raises.
    """
    return _convolve("conv2d_relu", input, weight, bias, stride, padding, dilation, groups, relu=True)


def _convolve(
    owner: str, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int | Pair, padding: int | Pair,
    dilation: int | Pair, groups: int, relu: bool,
) -> Tensor:  # fmt: skip
    dtypes = {each.dtype for each in (x, weight, bias) if each is not None}
    if len(dtypes) > 1 or x.dtype not in DTYPES:
        raise TypeError(f"{owner}: tensors must all be float16, bfloat16 or float32, got {dtypes}")
    sizes = Sizes.of(owner, x, weight, bias, stride, padding, dilation, groups)
    return _Convolution.apply(x, weight, bias, _Setting(sizes, groups, relu))


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, setting: _Setting) -> Tensor:
        y = x.new_empty(len(x), len(weight), *setting.sizes.places)
        ctx.save_for_backward(x, weight, bias, y if setting.relu else None)
        ctx.setting = setting
        if y.numel():
            numbers, constants, share_out = _numbers(x, weight, setting)
            o = _tile(share_out)
            grid = triton.cdiv(len(x) * y[0, 0].numel(), M) * triton.cdiv(share_out, o), setting.groups
            with torch.cuda.device_of(x):
                tiles.forward[grid](
                    x,
                    weight.contiguous(),
                    bias,
                    y,
                    *numbers,
                    *x.stride(),
                    **constants,
                    BLOCK_O=o,
                    BLOCK_M=M,
                    BLOCK_K=K,
                )
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, y = ctx.saved_tensors
        if torch.is_grad_enabled():
            sizes, groups, relu = ctx.setting

            def spelled(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
                out = F.conv2d(x, weight, bias, sizes.stride, sizes.padding, sizes.dilation, groups)
                return F.relu(out) if relu else out

            return *differentiable(spelled, (x, weight, bias), grad), None
        grad = grad.contiguous()
        dx = dw = db = None
        if ctx.needs_input_grad[0]:
            dx = _to_input(grad, y, x, weight, ctx.setting)
        if any(ctx.needs_input_grad[1:3]):
            dw, db = _to_parameters(grad, y, x, weight, ctx.setting)
        return dx, dw, None if bias is None else db, None


def _tile(channels: int) -> int:
    """Rows of a tile: products of tiles have 16 at least."""
    return max(16, min(triton.next_power_of_2(channels), 64))


def _numbers(x: Tensor, weight: Tensor, setting: _Setting) -> tuple[tuple[int, ...], dict[str, Any], int]:
    """What all three kernels are given: sizes, constants; and the kernels of a group."""
    share_out = len(weight) // setting.groups
    numbers = (len(x), *x.shape[2:], *setting.sizes.places, weight.shape[1], share_out)
    width = numbering(len(x) * math.prod(x.shape[2:]), len(x) * math.prod(setting.sizes.places))
    return numbers, {**setting.sizes.constants(), "RELU": setting.relu, "NUMBERING": width}, share_out


def _to_input(grad: Tensor, y: Tensor | None, x: Tensor, weight: Tensor, setting: _Setting) -> Tensor:
    dx = x.new_empty(x.shape)
    if dx.numel():
        numbers, constants, _ = _numbers(x, weight, setting)
        c = _tile(weight.shape[1])
        grid = triton.cdiv(len(x) * x[0, 0].numel(), M) * triton.cdiv(weight.shape[1], c), setting.groups
        with torch.cuda.device_of(x):
            tiles.input_gradient[grid](
                grad, y, weight.contiguous(), dx, *numbers, **constants, BLOCK_C=c, BLOCK_M=M, BLOCK_K=K
            )
    return dx


def _to_parameters(
    grad: Tensor, y: Tensor | None, x: Tensor, weight: Tensor, setting: _Setting
) -> tuple[Tensor, Tensor]:
    """dE/dweight and dE/dbias."""
    numbers, constants, share_out = _numbers(x, weight, setting)
    o, blocks = _tile(share_out), triton.cdiv(grad.numel() // len(weight), M)
    programs = triton.cdiv(share_out, o) * triton.cdiv(weight[0].numel(), M)
    parts = max(1, min(blocks, triton.cdiv(PROGRAMS, programs * setting.groups)))
    sums = weight.new_zeros(parts, *weight.shape, dtype=torch.float32)
    bias_sums = weight.new_zeros(parts, len(weight), dtype=torch.float32)
    if grad.numel():
        turns = triton.cdiv(blocks, parts)
        with torch.cuda.device_of(x):
            tiles.weight_gradient[programs, setting.groups, parts](
                grad,
                y,
                x,
                sums,
                bias_sums,
                *numbers,
                *x.stride(),
                turns,
                **constants,
                BLOCK_O=o,
                BLOCK_M=M,
                BLOCK_K=M,
            )
    return sums.sum(dim=0).to(weight.dtype), bias_sums.sum(dim=0).to(weight.dtype)
