"""Losses against PyTorch's, and cross-entropy against its formula spelled out in tensor operations."""

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


class SpelledCrossEntropy(nn.Module):
    """-log softmax, picked at the classes: overflows where log-sum-exp does not."""

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compare logits (n, c, ...) with classes (n, ...)."""
        exponentials = logits.exp()
        probabilities = exponentials / exponentials.sum(dim=1, keepdim=True)
        return -probabilities.gather(1, target.unsqueeze(1)).log().mean()


def _pair(*shape: int) -> list[Tensor]:
    return [torch.randn(shape), torch.rand(shape)]


def _classes(n: int, classes: int, *positions: int) -> list[Tensor]:
    return [torch.randn(n, classes, *positions), torch.randint(classes, (n, *positions))]


def _log_probabilities(n: int, classes: int, *positions: int) -> list[Tensor]:
    logits, target = _classes(n, classes, *positions)
    return [logits.log_softmax(dim=1), target]


CONTESTS: list[tuple[str, Callable[[], nn.Module], Callable[[], nn.Module], Callable[[], list[Tensor]]]] = [
    ("MSELoss 64x784", layers.MSELoss, nn.MSELoss, partial(_pair, 64, 784)),
    ("L1Loss 64x784", layers.L1Loss, nn.L1Loss, partial(_pair, 64, 784)),
    ("SmoothL1Loss 512x4", layers.SmoothL1Loss, nn.SmoothL1Loss, partial(_pair, 512, 4)),
    ("BCEWithLogitsLoss 64x10", layers.BCEWithLogitsLoss, nn.BCEWithLogitsLoss, partial(_pair, 64, 10)),
    (
        "NLLLoss 16 images, 10 classes a pixel",
        layers.NLLLoss,
        nn.NLLLoss,
        partial(_log_probabilities, 16, 10, 32, 32),
    ),
    (
        "CrossEntropyLoss 64x10, smoothed",
        partial(layers.CrossEntropyLoss, label_smoothing=0.1),
        partial(nn.CrossEntropyLoss, label_smoothing=0.1),
        partial(_classes, 64, 10),
    ),
]

# On a GPU: a vocabulary, a class for each pixel, and many classes with smoothed targets.
LARGE: list[tuple[tuple[int, ...], tuple[int, ...], float]] = [
    ((4096, 50257), (3, 70), 0.0),
    ((8, 21, 512, 512), (2, 5, 3, 4), 0.0),
    ((65536, 1000), (5, 9), 0.1),
]


def _large_rows(shape: tuple[int, ...], trial: tuple[int, ...], smoothing: float) -> list[Row]:
    options: dict[str, Any] = {
        "reduction": "sum",
        "label_smoothing": smoothing,
    }  # gradients of size one can be compared
    return gpu_rows(
        "smoothed loss" if smoothing else "cross-entropy",
        {
            "ours": lambda x, target: layers.cross_entropy(x, target, **options),
            "PyTorch": lambda x, target: F.cross_entropy(x, target, **options),
        },
        [shape],
        [trial],
        draw=lambda shape: _classes(*shape),
        forward=Work(numbers=math.prod(shape)),
        backward=Work(numbers=2 * math.prod(shape)),
        share=SHARE,
    )


ROWS: list[Row] = [
    *[
        row
        for size in ((64, 10), (16, 10, 32, 32))
        for row in layer_rows(
            f"CrossEntropyLoss {'x'.join(map(str, size))}",
            layers.CrossEntropyLoss,
            {"PyTorch": nn.CrossEntropyLoss, "naive": SpelledCrossEntropy},
            partial(_classes, *size),
            bar=0.95,
        )
    ],
    *[
        row
        for name, ours, theirs, inputs in CONTESTS
        for row in layer_rows(name, ours, {"PyTorch": theirs}, inputs, bar=0.95)
    ],
    *[row for large in LARGE for row in _large_rows(*large)],
]
