"""Dropout and noise in training against PyTorch's."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.benchmarks.contest import Row, layer_rows


class Noise(nn.Module):
    """What one would write without GaussianNoise."""

    def forward(self, x: Tensor) -> Tensor:
        """Add noise."""
        return x + 0.1 * torch.randn_like(x)


class MaskedLinear(nn.Linear):
    """A dense layer with one mask over its weights for the whole batch."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop links and apply."""
        return F.linear(x, F.dropout(self.weight), F.dropout(self.bias))


def _images() -> list[Tensor]:
    return [torch.randn(16, 32, 16, 16)]


ROWS: list[Row] = [
    *layer_rows(
        "Dropout 16x32x16x16",
        layers.Dropout,
        {"PyTorch": nn.Dropout},
        _images,
        bar=0.95,
        agree=False,
    ),
    *layer_rows(
        "Dropout2d 16x32x16x16",
        layers.Dropout2d,
        {"PyTorch": nn.Dropout2d},
        _images,
        bar=0.95,
        agree=False,
    ),
    *layer_rows(
        "DropConnect 128 to 64, 64 rows, a mask for all",
        lambda: layers.DropConnect(128, 64, per_example=False),
        {"PyTorch": lambda: MaskedLinear(128, 64)},
        lambda: [torch.randn(64, 128)],
        agree=False,
    ),
    *layer_rows(
        "DropConnect 128 to 64, 64 rows, a mask each",
        lambda: layers.DropConnect(128, 64),
        {"Dropout of units": lambda: nn.Sequential(nn.Dropout(), nn.Linear(128, 64))},
        lambda: [torch.randn(64, 128)],
        against="Dropout of units",
        agree=False,
    ),
    *layer_rows(
        "GaussianNoise 16x32x16x16",
        lambda: layers.GaussianNoise(0.1),
        {"PyTorch": Noise},
        _images,
        agree=False,
    ),
]
