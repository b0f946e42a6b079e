"""Normalizing layers against PyTorch's, and against their formulas spelled out in tensor operations."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.benchmarks.contest import Row, layer_rows


class Spelled(nn.Module):
    """A function of the input and of a weight and bias of some shape, by the name of naive."""

    def __init__(self, function: Callable[..., Tensor], *shape: int) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.ones(shape)) if shape else None
        self.bias = nn.Parameter(torch.zeros(shape)) if shape else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply the function."""
        return self.function(x) if self.weight is None else self.function(x, self.weight, self.bias)


def _batch_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return layers.batch_norm(x, None, None, weight, bias, training=True, way="formula")


def _layer_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return layers.layer_norm(x, weight.shape, weight, bias, way="formula")


def _group_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return layers.group_norm(x, 8, weight, bias, way="formula")


def _local_response_norm(x: Tensor) -> Tensor:
    return layers.local_response_norm(x, 5, way="loops")


def _images() -> list[Tensor]:
    return [torch.randn(16, 64, 16, 16)]


ROWS: list[Row] = [
    *layer_rows(
        "BatchNorm1d 64x128",
        lambda: layers.BatchNorm1d(128),
        {"PyTorch": lambda: nn.BatchNorm1d(128), "naive": lambda: Spelled(_batch_norm, 128)},
        lambda: [torch.randn(64, 128)],
        bar=0.95,
    ),
    *layer_rows(
        "BatchNorm2d 16x64x16x16",
        lambda: layers.BatchNorm2d(64),
        {"PyTorch": lambda: nn.BatchNorm2d(64), "naive": lambda: Spelled(_batch_norm, 64)},
        _images,
        bar=0.95,
    ),
    *layer_rows(
        "BatchNorm2d 16x64x16x16, evaluation",
        lambda: layers.BatchNorm2d(64).eval(),
        {"PyTorch": lambda: nn.BatchNorm2d(64).eval()},
        _images,
        bar=0.95,
    ),
    *layer_rows(
        "LayerNorm 32x64x128",
        lambda: layers.LayerNorm(128),
        {"PyTorch": lambda: nn.LayerNorm(128), "naive": lambda: Spelled(_layer_norm, 128)},
        lambda: [torch.randn(32, 64, 128)],
        bar=0.95,
    ),
    *layer_rows(
        "GroupNorm 8 groups, 16x64x16x16",
        lambda: layers.GroupNorm(8, 64),
        {"PyTorch": lambda: nn.GroupNorm(8, 64), "naive": lambda: Spelled(_group_norm, 64)},
        _images,
        bar=0.95,
    ),
    *layer_rows(
        "InstanceNorm2d 16x64x16x16",
        lambda: layers.InstanceNorm2d(64),
        {"PyTorch": lambda: nn.InstanceNorm2d(64)},
        _images,
        bar=0.95,
    ),
    *[
        row
        for size in ((16, 64, 32, 32), (16, 32, 16, 16))
        for row in layer_rows(
            f"LocalResponseNorm 5 channels, {'x'.join(map(str, size))}",
            lambda: layers.LocalResponseNorm(5),
            {"PyTorch": lambda: nn.LocalResponseNorm(5), "naive": lambda: Spelled(_local_response_norm)},
            lambda size=size: [torch.randn(size)],  # type: ignore[misc]
            bar=2.0,
        )
    ],
]
