"""Convolution and its transpose against PyTorch's, and the ways to convolve against each other."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.benchmarks.contest import Row, layer_rows
from course_lib.benchmarks.gpu import SHARE, gpu_rows
from course_lib.benchmarks.limits import Work


def _rows(
    name: str,
    layer: str,
    channels: tuple[int, int],
    kernel: int,
    shape: tuple[int, ...],
    *,
    naive: str = "",
    **options: Any,
) -> list[Row]:
    """Ours and PyTorch's layer of the same name and, if given, ours computed in a ``naive`` way."""
    ours = partial(getattr(layers, layer), *channels, kernel, **options)
    rivals = {"PyTorch": partial(getattr(nn, layer), *channels, kernel, **options)}
    if naive:
        rivals["naive"] = partial(ours, way=naive)
    size = "x".join(map(str, shape))
    return layer_rows(f"{layer} {name}, {size}", ours, rivals, lambda: [torch.randn(shape)], bar=0.95)


def _fft_rows(kernel: int) -> list[Row]:
    """The Fourier way against the others: it wins where kernels are large."""
    ours = partial(layers.Conv2d, 8, 8, kernel, padding="same")
    rivals: dict[str, Callable[[], nn.Module]] = {
        "PyTorch": partial(nn.Conv2d, 8, 8, kernel, padding="same"),
        "im2col": partial(ours, way="im2col"),
    }
    return layer_rows(
        f"Conv2d by FFT, {kernel}x{kernel} kernel, 2x8x48x48",
        partial(ours, way="fft"),
        rivals,
        lambda: [torch.randn(2, 8, 48, 48)],
    )


def _same(x: Tensor, weight: Tensor, bias: Tensor, way: str = "implicit") -> Tensor:
    """With a border of zeros that keeps the size; depthwise where the kernels have one channel."""
    groups = x.shape[1] // weight.shape[1]
    return layers.conv2d(x, weight, bias, 1, weight.shape[-1] // 2, 1, groups, way=way)


def _fused_relu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    from course_lib.kernels import convolution

    return convolution.conv2d_relu(x, weight, bias, 1, weight.shape[-1] // 2)


def _large_rows(
    name: str,
    ours: Callable[..., Tensor],
    rival: Callable[..., Tensor],
    x: tuple[int, ...],
    w: tuple[int, ...],
) -> list[Row]:
    """The kernels of ``way="implicit"``, which no layer takes by itself: so there is no bar."""
    pixels, outputs = math.prod(x), x[0] * w[0] * x[2] * x[3]
    forward = Work(pixels + outputs + math.prod(w), outputs * math.prod(w[1:]))
    small = (4, 1 if w[1] == 1 else 4, *w[2:])
    return gpu_rows(
        name,
        {"ours": ours, "PyTorch": rival},
        [x, w, w[:1]],
        [(2, 4, 5, 6), small, (4,)],
        forward=forward,
        backward=Work(2 * (pixels + outputs) + 2 * math.prod(w), 2 * forward.multiply_adds),
        compiled="PyTorch" if "ReLU" in name else "",
        bar=None,
        share=SHARE if w[1] == 1 else None,
    )


_native = partial(_same, way="native")
ON_GPU = [
    *_large_rows("conv 3x3", _same, _native, (32, 64, 56, 56), (64, 64, 3, 3)),
    *_large_rows("conv 3x3", _same, _native, (32, 256, 28, 28), (256, 256, 3, 3)),
    *_large_rows("conv 1x1", _same, _native, (32, 256, 28, 28), (256, 256, 1, 1)),
    *_large_rows(
        "conv 3x3+ReLU",
        _fused_relu,
        lambda x, weight, bias: F.relu(_native(x, weight, bias)),
        (32, 64, 56, 56),
        (64, 64, 3, 3),
    ),
    *_large_rows("depthwise 3x3", _same, _native, (32, 128, 112, 112), (128, 1, 3, 3)),
    *_large_rows("depthwise 7x7", _same, _native, (32, 96, 56, 56), (96, 1, 7, 7)),
]

ROWS = [
    *_rows("3x3 (naive: loops)", "Conv2d", (8, 16), 3, (16, 8, 16, 16), naive="loops", padding=1),
    *_rows("3x3", "Conv2d", (16, 32), 3, (32, 16, 32, 32), naive="im2col", padding="same"),
    *_rows("5x5, stride 2", "Conv2d", (3, 32), 5, (64, 3, 32, 32), naive="im2col", stride=2, padding=2),
    *_rows("1x1", "Conv2d", (64, 64), 1, (32, 64, 16, 16), naive="im2col"),
    *_rows("3x3, depthwise", "Conv2d", (32, 32), 3, (32, 32, 16, 16), naive="im2col", padding=1, groups=32),
    *_rows("3x3, reflect", "Conv2d", (16, 16), 3, (32, 16, 16, 16), padding=1, padding_mode="reflect"),
    *_rows("4x4, stride 2", "ConvTranspose2d", (32, 16), 4, (32, 32, 8, 8), stride=2, padding=1),
    *_rows("3x3, 2 groups", "ConvTranspose2d", (16, 16), 3, (32, 16, 16, 16), padding=1, groups=2),
    *_fft_rows(3),
    *_fft_rows(11),
    *_fft_rows(21),
    *ON_GPU,
]
