"""Checks of boxes, shared by the operations of this package."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.layers import checks

FORMATS = ("xyxy", "xywh", "cxcywh")


def numbers(owner: str, boxes: Tensor, name: str = "boxes") -> None:
    """Raise unless ``boxes`` is a tensor of numbers."""
    checks.tensor(owner, boxes, name)
    if boxes.dtype == torch.bool or boxes.is_complex():
        raise TypeError(f"{owner}: {name} must have a floating-point or integer dtype, got {boxes.dtype}")


def coordinates(owner: str, boxes: Tensor, name: str = "boxes") -> None:
    """Raise unless ``boxes`` is a tensor of numbers of shape (..., 4)."""
    numbers(owner, boxes, name)
    if boxes.ndim == 0 or boxes.shape[-1] != 4:
        raise ValueError(f"{owner}: {name} must have shape (..., 4), got {tuple(boxes.shape)}")


def rows(owner: str, boxes: Tensor, name: str = "boxes", floating: bool = False) -> None:
    """Raise unless ``boxes`` is a tensor of numbers of shape (N, 4), floating-point ones if ``floating``."""
    numbers(owner, boxes, name)
    if floating:
        checks.float_tensor(owner, boxes, name)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{owner}: {name} must have shape (N, 4), got {tuple(boxes.shape)}")


def one_for_each(owner: str, values: Tensor, name: str, count: int) -> None:
    """Raise unless ``values`` has one entry for each of ``count`` boxes."""
    checks.tensor(owner, values, name)
    if values.shape != (count,):
        raise ValueError(
            f"{owner}: {name} must have shape ({count},), one entry for each box, got {tuple(values.shape)}"
        )


def proper(owner: str, boxes: Tensor, name: str = "boxes") -> None:
    """Raise unless x1 <= x2 and y1 <= y2, and coordinates and areas are finite. Waits for the device."""
    if not boxes.numel():
        return
    x1, y1, x2, y2 = boxes.detach().to(torch.promote_types(boxes.dtype, torch.float32)).unbind(dim=-1)
    width, height = x2 - x1, y2 - y1
    shortest, largest = torch.minimum(width, height), width * height
    if (shortest.amin() >= 0) & (largest.amax() < math.inf):  # neither holds for NaN
        return
    right = (shortest >= 0) & (largest < math.inf)
    raise ValueError(
        f"{owner}: {name} must have x1 <= x2, y1 <= y2 and finite areas, got {boxes[~right][0].tolist()}"
    )


def box_format(owner: str, name: str, value: object) -> None:
    """Raise unless ``value`` names a box format."""
    checks.one_of(owner, name, value, FORMATS)


def image_size(owner: str, name: str, value: object) -> tuple[int, int]:
    """Return (height, width) if ``value`` is two integers, 0 or more; else raise."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise ValueError(f"{owner}: {name} must be two integers, height and width, got {value!r}")
    for side in value:
        checks.non_negative_integer(owner, name, side)
    return int(value[0]), int(value[1])


def filled(owner: str, name: str, values: object) -> None:
    """Raise unless ``values`` is a sequence with something in it."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise TypeError(f"{owner}: {name} must be a tuple or list, got {values!r}")
    if not values:
        raise ValueError(f"{owner}: {name} must not be empty, got {values!r}")


def four_weights(owner: str, name: str, values: Sequence[float]) -> None:
    """Raise unless ``values`` are four positive numbers."""
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != 4:
        raise ValueError(f"{owner}: {name} must be four numbers, got {values!r}")
    for value in values:
        checks.finite_number(owner, name, value, above=0)
