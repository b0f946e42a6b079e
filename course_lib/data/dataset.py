"""What ``load`` returns: tensors, and what there is to know about them."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

from course_lib import environment


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Examples ``x`` (n, ...) and their targets ``y`` (n, ...), with where they come from.

    ``y`` is int64 and indexes ``classes`` for classification; it is float32, and ``classes`` is empty, for
    regression. Works wherever PyTorch wants a map-style data set: ``dataset[i]`` is the pair ``(x[i],
    y[i])``.

    Raises:
        TypeError: ``x`` or ``y`` is not a tensor.
        ValueError: ``x`` and ``y`` differ in length.
    """

    x: Tensor
    y: Tensor
    classes: tuple[str, ...] = ()
    name: str = ""
    split: str = ""
    source: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        for part in ("x", "y"):
            value = getattr(self, part)
            if not isinstance(value, Tensor):
                raise TypeError(f"{part} must be a torch tensor, got {type(value).__name__}")
            if value.ndim == 0:
                raise ValueError(f"{part} must have one entry per example, got a scalar")
        if len(self.x) != len(self.y):
            raise ValueError(f"x and y must have one entry per example, got {len(self.x)} and {len(self.y)}")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Any) -> tuple[Tensor, Tensor]:
        """Return ``(x[index], y[index])``; ``index`` is what a tensor takes: an int, a slice, a mask."""
        return self.x[index], self.y[index]

    def to(self, device: str | torch.device) -> Self:
        """Return the same data with every tensor on ``device``.

        Raises:
            ValueError: the device is unknown or not on this machine.
        """
        target = environment.device(device)
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved: dict[str, Any] = {name: v.to(target) for name, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **moved)

    def batches(
        self, batch_size: int, shuffle: bool = False, generator: torch.Generator | None = None
    ) -> "Batches":
        """Return the data in batches, to be passed over as often as you like; the last one may be short.

        ``shuffle`` takes a new random order in every pass, drawn from ``generator`` (else PyTorch's global
        one).

        Raises:
            ValueError: ``batch_size`` is not a whole number of at least 1.
        """
        return Batches(self, batch_size, shuffle, generator)

    def __repr__(self) -> str:
        kinds = f", {len(self.classes)} classes" if self.classes else ""
        return (
            f"{type(self).__name__}({self.name!r}, {self.split!r}: {len(self)} examples{kinds}, "
            f"x {_describe(self.x)}, y {_describe(self.y)}, {self.x.device})"
        )


class Batches:
    """A data set in batches ``(x, y)``, as often as it is iterated over; ``len`` is their number."""

    def __init__(
        self, dataset: Dataset, batch_size: int, shuffle: bool, generator: torch.Generator | None
    ) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number of at least 1, got {batch_size!r}")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.generator = generator

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        n = len(self.dataset)
        if not self.shuffle:
            for start in range(0, n, self.batch_size):
                yield self.dataset[start : start + self.batch_size]
            return
        source = self.generator.device if self.generator is not None else None
        order = torch.randperm(n, generator=self.generator, device=source).to(self.dataset.x.device)
        for start in range(0, n, self.batch_size):
            yield self.dataset[order[start : start + self.batch_size]]


def _describe(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
