"""From any kind of data to batches ``(x, y)``: datasets, pairs of tensors, loaders and plain iterables."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

Batches = Iterable[tuple[Tensor, Tensor]]


class TensorBatches:
    """Batches of a pair of tensors ``x`` (n, ...) and ``y`` (n, ...); the last may be short, nothing is lost.

    With a generator every pass has a new order, drawn from it; without one the order is that of the data.
    """

    def __init__(
        self, x: Tensor, y: Tensor, batch_size: int, generator: torch.Generator | None = None
    ) -> None:
        self.x, self.y = x, y
        self.batch_size = batch_size
        self.generator = generator

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self.generator is None:
            yield from zip(self.x.split(self.batch_size), self.y.split(self.batch_size), strict=True)
            return
        order = torch.randperm(len(self.x), generator=self.generator).to(self.x.device)
        for chosen in order.split(self.batch_size):
            yield self.x[chosen], self.y[chosen]


def as_batches(data: Any, name: str, batch_size: int, generator: torch.Generator | None = None) -> Batches:
    """Turn ``data`` into an iterable of batches; ``name`` is what error messages call it.

    ``data`` is an object with tensors ``.x`` and ``.y`` (a dataset of this course), a pair of tensors, a
    ``torch.utils.data.Dataset`` of pairs, or any iterable of batches, such as a ``DataLoader``, which keeps
    its own batch size and order.

    Raises:
        TypeError: ``data`` is none of these.
        ValueError: there are no examples, ``x`` and ``y`` differ in length, or the batch size is below 1.
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number of at least 1, got {batch_size!r}")
    if hasattr(data, "x") and hasattr(data, "y"):
        return _from_tensors(data.x, data.y, name, batch_size, generator)
    if isinstance(data, tuple | list) and len(data) == 2 and not isinstance(data[0], tuple | list):
        return _from_tensors(data[0], data[1], name, batch_size, generator)
    if isinstance(data, torch.utils.data.Dataset) and not isinstance(data, torch.utils.data.IterableDataset):
        return _from_dataset(data, name, batch_size, generator)
    if isinstance(data, Tensor) or not isinstance(data, Iterable):
        raise TypeError(
            f"{name} must be a dataset with .x and .y, a pair of tensors (x, y), or an iterable of batches "
            f"such as a DataLoader, got {type(data).__name__}"
        )
    return data


def checked(batches: Batches, name: str, epoch: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of one pass; insist that there is one, and that each is a pair of tensors."""
    number = 0
    for number, batch in enumerate(batches, start=1):
        if not _is_pair(batch):
            raise TypeError(
                f"{name}: batch {number} is {_describe(batch)}, expected a pair of tensors (x, y)"
            )
        x, y = batch
        if len(x) == 0:
            raise ValueError(f"{name}: batch {number} has no examples")
        yield x, y
    if number == 0 and epoch > 1:
        raise ValueError(
            f"{name} gave no batches in epoch {epoch}, though it did before: an iterator can be read only "
            "once; pass a list of batches or a DataLoader"
        )
    if number == 0:
        raise ValueError(f"{name} gave no batches: it is empty")


def _from_tensors(x: Any, y: Any, name: str, batch_size: int, generator: torch.Generator | None) -> Batches:
    for part, value in (("x", x), ("y", y)):
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}: {part} must be a torch tensor, got {type(value).__name__}")
        if value.ndim == 0:
            raise ValueError(f"{name}: {part} must have one entry per example, got a scalar")
    if len(x) != len(y):
        raise ValueError(f"{name}: x has {len(x)} examples and y has {len(y)}")
    if len(x) == 0:
        raise ValueError(f"{name} has no examples")
    return TensorBatches(x, y, batch_size, generator)


def _from_dataset(data: Any, name: str, batch_size: int, generator: torch.Generator | None) -> Batches:
    if len(data) == 0:
        raise ValueError(f"{name} has no examples")
    return torch.utils.data.DataLoader(data, batch_size, shuffle=generator is not None, generator=generator)


def _is_pair(batch: Any) -> bool:
    return isinstance(batch, tuple | list) and len(batch) == 2 and all(isinstance(p, Tensor) for p in batch)


def _describe(batch: Any) -> str:
    if isinstance(batch, tuple | list):
        return f"a {type(batch).__name__} of {', '.join(type(part).__name__ for part in batch) or 'nothing'}"
    return f"a {type(batch).__name__}"
