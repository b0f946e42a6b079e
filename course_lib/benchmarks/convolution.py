"""Convolution and its transpose against PyTorch's, and the ways to convolve against each other."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from course_lib import layers
from course_lib.benchmarks.contest import Row, layer_rows


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
]
