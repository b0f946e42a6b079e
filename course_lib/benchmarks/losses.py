"""Losses against PyTorch's, and cross-entropy against its formula spelled out in tensor operations."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.benchmarks.contest import Row, layer_rows


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
]
