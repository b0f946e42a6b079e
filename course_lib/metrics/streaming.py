"""Metrics of data that come in batches: ``update`` with each, then ``compute``.

The result is that of the one-shot function on all batches together, not a mean over batches. ``merge`` takes
in what another process or device has seen, ``reset`` forgets. All of them can be pickled.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from course_lib.metrics import inputs
from course_lib.metrics import labels as label_lists
from course_lib.metrics.classification import confusion_matrix, count
from course_lib.metrics.inputs import Array, ArrayLike


class StreamingMean:
    """Mean of numbers, such as the losses of batches, each with the weight of its batch's size."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all numbers."""
        self.total: Tensor | float = 0.0
        self.weight: Tensor | float = 0.0

    def update(self, values: float | ArrayLike, weight: float | ArrayLike = 1.0) -> None:
        """Add a number or an array of them, with one weight for all or one for each."""
        owner = "StreamingMean"
        device = inputs.device_of(values, weight)
        values, by = (
            inputs.numbers(
                owner, name, torch.tensor(x, dtype=torch.float64) if isinstance(x, int | float) else x, device
            ).double()
            for name, x in (("values", values), ("weight", weight))
        )
        if by.ndim and by.shape != values.shape:
            raise ValueError(
                f"{owner}: weight must be one number or have the shape of values, {tuple(values.shape)}, "
                f"got {tuple(by.shape)}"
            )
        by = by.expand(values.shape)
        self.total, self.weight = self.total + (values * by).sum(), self.weight + by.sum()

    def merge(self, other: Self) -> None:
        """Add the numbers of another mean."""
        self.total = float(self.total) + float(other.total)
        self.weight = float(self.weight) + float(other.weight)

    def compute(self) -> float:
        """Return the mean of all numbers.

        Raises:
            ValueError: there are none, or their weights sum to zero.
        """
        if float(self.weight) == 0:
            raise ValueError("StreamingMean: update must come before compute, got no weight yet")
        return float(self.total) / float(self.weight)


class StreamingAccuracy(StreamingMean):
    """Share of the examples whose predicted label is the true one."""

    def update(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: float | ArrayLike = 1.0
    ) -> None:
        """Add a batch of labels, both (n,)."""
        owner = "StreamingAccuracy"
        device = inputs.device_of(y_pred, y_true)
        true, predicted = (
            inputs.numbers(owner, name, x, device) for name, x in (("y_true", y_true), ("y_pred", y_pred))
        )
        if true.shape != predicted.shape:
            raise ValueError(
                f"{owner}: y_true and y_pred must have one shape, "
                f"got {tuple(true.shape)} and {tuple(predicted.shape)}"
            )
        super().update(true == predicted, sample_weight)


class StreamingConfusionMatrix:
    """``confusion_matrix`` of the given classes, batch by batch: (k, k), rows true, columns predicted."""

    def __init__(self, classes: ArrayLike, *, normalize: str | None = None) -> None:
        self.owner = type(self).__name__
        self.classes = label_lists.listed(self.owner, classes)
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"{self.owner}: classes must be distinct, got {self.classes}")
        self.normalize = normalize
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        k = len(self.classes)
        self.counts = torch.zeros(k, k, dtype=torch.int64)

    def update(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Count a batch of labels, both (n,); n may be 0.

        Raises:
            ValueError: labels that are none of the classes.
        """
        if len(y_true) == len(y_pred) == 0:
            return
        found = label_lists.read(self.owner, y_true, y_pred, sample_weight)
        place = label_lists.positions(found.classes, self.classes, missing=-1)
        if -1 in place:
            unknown = found.classes[place.index(-1)]
            raise ValueError(f"{self.owner}: labels must be among classes={self.classes}, got {unknown!r}")
        places = torch.tensor(place, device=found.true.device)
        k = len(self.classes)
        counted = count(places[found.true] * k + places[found.predicted], k * k, found.weights).view(k, k)
        self.counts = self.counts.to(counted.device) + counted

    def merge(self, other: Self) -> None:
        """Add what another matrix, of the same classes, has counted."""
        if other.classes != self.classes:
            raise ValueError(f"{self.owner}: other must have classes={self.classes}, got {other.classes}")
        self.counts = self.counts + other.counts.to(self.counts.device)

    def compute(self) -> Any:
        """Return the confusion matrix of all batches, as a tensor."""
        matrix = self._score(confusion_matrix, labels=self.classes, normalize=self.normalize)
        return torch.as_tensor(matrix, device=self.counts.device)

    def _score(self, score: Callable[..., Any], **options: Any) -> Any:
        """Score a confusion matrix: it says as much as one weighted example for each of its entries."""
        seen = self.counts.nonzero()
        if len(seen) == 0:
            raise ValueError(f"{self.owner}: update must come before compute, got no example yet")
        weight = self.counts[seen[:, 0], seen[:, 1]]
        if isinstance(self.classes[0], str):
            true, predicted = ([self.classes[i] for i in column.tolist()] for column in seen.T)
            return score(true, predicted, sample_weight=weight, **options)
        true, predicted = torch.from_numpy(np.array(self.classes)).to(seen.device)[seen].T
        return score(true, predicted, sample_weight=weight, **options)


class StreamingScore(StreamingConfusionMatrix):
    """Any score of labels, such as f1_score or classification_report, from the confusion matrix alone.

    ``classes`` are all that may occur; ``options`` go to the score: StreamingScore(f1_score, range(10),
    average="macro").
    """

    def __init__(self, score: Callable[..., Any], classes: ArrayLike, **options: Any) -> None:
        super().__init__(classes)
        self.score = score
        self.options = options

    def compute(self) -> Any:
        """Return the score of all batches."""
        return self._score(self.score, **self.options)


class StreamingExamples:
    """Any score at all, by keeping all examples, such as roc_auc_score or mean_average_precision.

    Curves over all thresholds need every score there is. Tensors are kept on their device.
    """

    def __init__(self, score: Callable[..., Any], **options: Any) -> None:
        self.score = score
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self.batches: list[tuple[Any, ...]] = []

    def update(self, *arrays: Any) -> None:
        """Keep a batch: what the score takes, for some of the examples."""
        if not arrays or (self.batches and len(arrays) != len(self.batches[0])):
            raise ValueError(
                f"StreamingExamples: arrays must be as many in every batch, one or more, got {len(arrays)}"
            )
        self.batches.append(tuple(x.detach().clone() if isinstance(x, Tensor) else x for x in arrays))

    def merge(self, other: Self) -> None:
        """Add the batches of another."""
        for batch in other.batches:
            self.update(*batch)

    def compute(self) -> Any:
        """Return the score of all batches."""
        if not self.batches:
            raise ValueError("StreamingExamples: update must come before compute, got no example yet")
        return self.score(*(_joined(parts) for parts in zip(*self.batches, strict=True)), **self.options)


def _joined(parts: tuple[Any, ...]) -> Array:
    """Join batches: tensors to a tensor, arrays to an array, anything else to a list."""
    if all(isinstance(part, Tensor) for part in parts):
        return torch.cat([part.to(parts[0].device) for part in parts])
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return [example for part in parts for example in part]
