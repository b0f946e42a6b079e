"""Detections and true objects as lists of dictionaries, one a picture, checked and taken apart by class."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs

Picture = Mapping[str, Any]
CPU = torch.device("cpu")


class Objects(NamedTuple):
    """What is in one picture: shapes are boxes (n, 4), as (x, y, width, height), or masks (n, h, w)."""

    shapes: Any
    labels: np.ndarray
    scores: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray
    difficult: np.ndarray

    def pick(self, index: np.ndarray) -> "Objects":
        """Keep the objects of ``index``, in its order."""
        rows = torch.from_numpy(index).to(self.shapes.device) if isinstance(self.shapes, Tensor) else index
        return Objects(self.shapes[rows], *(each[index] for each in self[1:]))


def read(
    owner: str,
    predictions: Sequence[Picture],
    targets: Sequence[Picture],
    iou_type: str = "bbox",
    box_format: str = "xyxy",
) -> tuple[list[Objects], list[Objects]]:
    """Check what was detected and what is there, picture by picture.

    Raises:
        ValueError: not as many of both, a missing key, or entries that do not fit.
        TypeError: not lists of dictionaries.
    """
    checks.one_of(owner, "iou_type", iou_type, ("bbox", "segm"))
    checks.one_of(owner, "box_format", box_format, ("xyxy", "xywh", "cxcywh"))
    for name, pictures in (("predictions", predictions), ("targets", targets)):
        if not isinstance(pictures, Sequence) or not all(isinstance(each, Mapping) for each in pictures):
            raise TypeError(f"{owner}: {name} must be a list of dictionaries, got {type(pictures).__name__}")
    if len(predictions) != len(targets) or not predictions:
        raise ValueError(
            f"{owner}: predictions and targets must have as many pictures, one or more, "
            f"got {len(predictions)} and {len(targets)}"
        )
    found = [
        [_picture(owner, f"{name}[{i}]", each, iou_type, box_format) for i, each in enumerate(pictures)]
        for name, pictures in (("predictions", predictions), ("targets", targets))
    ]
    for i, pair in enumerate(zip(*found, strict=True)):
        sizes = {tuple(each.shapes.shape[1:]) for each in pair if len(each.labels)}
        if len(sizes) > 1:
            raise ValueError(
                f"{owner}: masks of predictions[{i}] and targets[{i}] must have one size, got {sizes}"
            )
    return found[0], found[1]


def classes(pictures: Sequence[Objects]) -> list[int]:
    """Sorted labels that occur."""
    return np.unique(np.concatenate([each.labels for each in pictures])).tolist()


def _picture(owner: str, name: str, picture: Picture, iou_type: str, box_format: str) -> Objects:
    labels = _numbers(owner, name, picture, "labels", None)
    if (labels != labels.round()).any():
        raise ValueError(f"{owner}: {name}['labels'] must be whole numbers, got {labels}")
    labels, n = labels.astype(np.int64), len(labels)
    shapes: Any
    if iou_type == "bbox":
        shapes = _boxes(owner, name, picture, n, box_format)
        areas = shapes[:, 2:].prod(axis=1)
    else:
        shapes = _masks(owner, name, picture, n)
        areas = shapes.flatten(1).sum(dim=1).double().cpu().numpy()
    zeros = np.zeros(n)
    if name.startswith("predictions"):
        scores = _numbers(owner, name, picture, "scores", n)
        return Objects(shapes, labels, scores, zeros > 0, areas, zeros > 0)
    crowd, difficult, areas = (
        _numbers(owner, name, picture, key, n) if picture.get(key) is not None else otherwise
        for key, otherwise in (("iscrowd", zeros), ("difficult", zeros), ("area", areas))
    )
    return Objects(shapes, labels, zeros, crowd != 0, areas, difficult != 0)


def _numbers(owner: str, name: str, picture: Picture, key: str, n: int | None) -> np.ndarray:
    found = inputs.finite(owner, f"{name}[{key!r}]", _entry(owner, name, picture, key), CPU).numpy()
    if found.ndim != 1 or (n is not None and len(found) != n):
        expected = "(n,)" if n is None else f"({n},), as labels"
        raise ValueError(f"{owner}: {name}[{key!r}] must have shape {expected}, got {found.shape}")
    return found


def _boxes(owner: str, name: str, picture: Picture, n: int, box_format: str) -> np.ndarray:
    """Return (x, y, width, height): what COCO's files hold, and its rule computes with."""
    boxes = inputs.finite(owner, f"{name}['boxes']", _entry(owner, name, picture, "boxes"), CPU).numpy()
    if n == 0 and boxes.size == 0:
        return np.zeros((0, 4))
    if boxes.shape != (n, 4):
        raise ValueError(f"{owner}: {name}['boxes'] must have shape ({n}, 4), as labels, got {boxes.shape}")
    first, second = boxes[:, :2], boxes[:, 2:]
    low = first - second / 2 if box_format == "cxcywh" else first
    size = second - first if box_format == "xyxy" else second
    if (size < 0).any():
        wrong = boxes[(size < 0).any(axis=1)][0].tolist()
        raise ValueError(f"{owner}: {name}['boxes'] must have no negative side in {box_format}, got {wrong}")
    return np.concatenate([low, size], axis=1)


def _masks(owner: str, name: str, picture: Picture, n: int) -> Tensor:
    came = _entry(owner, name, picture, "masks")
    masks = inputs.numbers(owner, f"{name}['masks']", came, inputs.device_of(came))
    if n == 0:
        return torch.zeros(0, 0, 0, dtype=torch.bool, device=masks.device)
    if masks.ndim != 3 or len(masks) != n:
        raise ValueError(
            f"{owner}: {name}['masks'] must have shape ({n}, h, w), as labels, got {tuple(masks.shape)}"
        )
    return masks != 0


def _entry(owner: str, name: str, picture: Picture, key: str) -> Any:
    if key not in picture:
        raise ValueError(f"{owner}: {name} must have the key {key!r}, got {sorted(picture)}")
    return picture[key]
