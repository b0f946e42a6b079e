"""Pooling: ours, the teaching forms and PyTorch's, on feature maps of course size."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.benchmarks.contest import Row, layer_rows


def _maps(n: int, c: int, size: int) -> Callable[[], list[Tensor]]:
    return lambda: [torch.randn(n, c, size, size)]


def _rectified(n: int, c: int, size: int) -> Callable[[], list[Tensor]]:
    return lambda: [torch.randn(n, c, size, size).relu()]


def _switched(n: int, c: int, size: int) -> Callable[[], list[Tensor]]:
    """Pooled maps, and the indices of their entries in maps twice as large."""
    return lambda: list(F.max_pool2d(torch.randn(n, c, 2 * size, 2 * size), 2, return_indices=True))


class _Windowed(nn.Module):
    """Each window unrolled into a row, and the rows reduced: the definition, in one line of PyTorch."""

    def __init__(self, kernel_size: int, reduce: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.kernel_size, self.reduce = kernel_size, reduce

    def forward(self, x: Tensor) -> Tensor:
        k = self.kernel_size
        return self.reduce(x.unfold(2, k, k).unfold(3, k, k).flatten(4))


class _MultinomialPool(nn.Module):
    """Stochastic pooling by torch.multinomial, on one row for each window."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
        drawn = torch.multinomial(rows.flatten(0, 3) + 1e-12, 1).view(*rows.shape[:4], 1)
        return rows.gather(4, drawn).squeeze(4)


def _mean_by_size(rows: Tensor) -> Tensor:
    activations = rows.relu()
    return activations.square().sum(-1) / activations.sum(-1).clamp(min=1e-12)


def _half_and_half(rows: Tensor) -> Tensor:
    return 0.5 * rows.amax(-1) + 0.5 * rows.mean(-1)


ROWS: list[Row] = [
    *layer_rows(
        "MaxPool2d 2x2, 32x16x32x32",
        lambda: layers.MaxPool2d(2),
        {"PyTorch": lambda: nn.MaxPool2d(2), "naive": lambda: _Windowed(2, lambda rows: rows.amax(-1))},
        _maps(32, 16, 32),
        bar=0.95,
    ),
    *layer_rows(
        "MaxPool2d 3x3, stride 2, padding 1, 16x32x32x32",
        lambda: layers.MaxPool2d(3, 2, 1),
        {"PyTorch": lambda: nn.MaxPool2d(3, 2, 1)},
        _maps(16, 32, 32),
        bar=0.95,
    ),
    *layer_rows(
        "MaxPool2d 2x2 with indices, 32x16x32x32",
        lambda: layers.MaxPool2d(2, return_indices=True),
        {"PyTorch": lambda: nn.MaxPool2d(2, return_indices=True)},
        _maps(32, 16, 32),
        bar=0.95,
    ),
    *layer_rows(
        "MaxUnpool2d 2x2, 32x16x16x16",
        lambda: layers.MaxUnpool2d(2),
        {"PyTorch": lambda: nn.MaxUnpool2d(2)},
        _switched(32, 16, 16),
        bar=0.95,
    ),
    *layer_rows(
        "AvgPool2d 2x2, 32x16x32x32",
        lambda: layers.AvgPool2d(2),
        {"PyTorch": lambda: nn.AvgPool2d(2), "naive": lambda: _Windowed(2, lambda rows: rows.mean(-1))},
        _maps(32, 16, 32),
        bar=0.95,
    ),
    *layer_rows(
        "AvgPool2d 3x3, stride 1, padding 1, 16x16x16x16",
        lambda: layers.AvgPool2d(3, 1, 1),
        {"PyTorch": lambda: nn.AvgPool2d(3, 1, 1)},
        _maps(16, 16, 16),
        bar=0.95,
    ),
    *layer_rows(
        "AdaptiveAvgPool2d 1, 32x64x16x16",
        lambda: layers.AdaptiveAvgPool2d(1),
        {"PyTorch": lambda: nn.AdaptiveAvgPool2d(1)},
        _maps(32, 64, 16),
        bar=0.95,
    ),
    *layer_rows(
        "AdaptiveAvgPool2d 7, 16x32x32x32",
        lambda: layers.AdaptiveAvgPool2d(7),
        {"PyTorch": lambda: nn.AdaptiveAvgPool2d(7)},
        _maps(16, 32, 32),
        bar=0.95,
    ),
    *layer_rows(
        "AdaptiveMaxPool2d 7, 16x32x32x32",
        lambda: layers.AdaptiveMaxPool2d(7),
        {"PyTorch": lambda: nn.AdaptiveMaxPool2d(7)},
        _maps(16, 32, 32),
        bar=0.95,
    ),
    *[
        row
        for p, size in ((2, 2), (2, 3), (3, 2))
        for row in layer_rows(
            f"LPPool2d p={p}, {size}x{size}, stride 2, 32x16x32x32",
            lambda p=p, size=size: layers.LPPool2d(p, size, 2),  # type: ignore[misc]
            {"PyTorch": lambda p=p, size=size: nn.LPPool2d(p, size, 2)},  # type: ignore[misc]
            _rectified(32, 16, 32),
            bar=0.95,
        )
    ],
    *layer_rows(
        "MixedPool2d 2x2, 32x16x32x32",
        lambda: layers.MixedPool2d(2),
        {"naive": lambda: _Windowed(2, _half_and_half)},
        _maps(32, 16, 32),
        against="naive",
    ),
    *layer_rows(
        "StochasticPool2d 2x2 in training, 32x16x32x32",
        lambda: layers.StochasticPool2d(2),
        {"naive": _MultinomialPool},
        _rectified(32, 16, 32),
        against="naive",
        agree=False,
    ),
    *layer_rows(
        "StochasticPool2d 2x2 in evaluation, 32x16x32x32",
        lambda: layers.StochasticPool2d(2).eval(),
        {"naive": lambda: _Windowed(2, _mean_by_size)},
        _rectified(32, 16, 32),
        against="naive",
    ),
    *layer_rows(
        "SpectralPool2d to 16x16, 32x16x32x32",
        lambda: layers.SpectralPool2d(16),
        {"fft": lambda: layers.SpectralPool2d(16, way="fft")},
        _maps(32, 16, 32),
        against="fft",
    ),
]
