"""Normalizing layers against PyTorch's, and against their formulas spelled out in tensor operations."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.benchmarks.contest import Row, layer_rows
from course_lib.benchmarks.gpu import SHARE, gpu_rows
from course_lib.benchmarks.limits import Work


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


def _fused_layer_norm(x: Tensor, weight: Tensor, bias: Tensor, activation: str | None = "gelu") -> Tensor:
    from course_lib.kernels import normalization

    return normalization.layer_norm(x, weight.shape, weight, bias, activation=activation)


def _fused_group_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    from course_lib.kernels import normalization

    return normalization.group_norm(x, 32, weight, bias, activation="silu")


def _passes(shape: tuple[int, ...], forward: int, backward: int) -> dict[str, Any]:
    numbers = math.prod(shape)
    return {"forward": Work(numbers * forward), "backward": Work(numbers * backward)}


TOKENS, MAPS, FIRST_MAPS = (16384, 1024), (32, 256, 64, 64), (64, 96, 55, 55)
ON_GPU = [
    *gpu_rows(
        "layer norm+GELU",
        {
            "ours": _fused_layer_norm,
            "PyTorch": lambda x, weight, bias: F.gelu(F.layer_norm(x, weight.shape, weight, bias)),
        },
        [TOKENS, (1024,), (1024,)],
        [(3, 70), (70,), (70,)],
        **_passes(TOKENS, 2, 5),
        share=SHARE,
    ),
    *gpu_rows(
        "layer norm",  # why layers.LayerNorm keeps PyTorch's
        {
            "ours": lambda x, weight, bias: _fused_layer_norm(x, weight, bias, None),
            "PyTorch": lambda x, weight, bias: F.layer_norm(x, weight.shape, weight, bias),
        },
        [TOKENS, (1024,), (1024,)],
        [(3, 70), (70,), (70,)],
        **_passes(TOKENS, 2, 5),
        bar=None,
    ),
    *gpu_rows(
        "group norm+SiLU",
        {
            "ours": _fused_group_norm,
            "PyTorch": lambda x, weight, bias: F.silu(F.group_norm(x, 32, weight, bias)),
        },
        [MAPS, (256,), (256,)],
        [(2, 64, 3, 4), (64,), (64,)],
        **_passes(MAPS, 2, 5),
        share=SHARE,
    ),
    *gpu_rows(
        "response norm",
        {
            "ours": lambda x: layers.local_response_norm(x, 5),
            "PyTorch": lambda x: F.local_response_norm(x, 5),
        },
        [FIRST_MAPS],
        [(2, 7, 3, 4)],
        **_passes(FIRST_MAPS, 3, 4),
        share=SHARE,
    ),
]

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
    *ON_GPU,
]
