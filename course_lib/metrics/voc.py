"""Mean average precision of detections by the rules of PASCAL VOC."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from course_lib.layers import checks
from course_lib.metrics import detected, inputs
from course_lib.metrics.detected import Objects, Picture
from course_lib.metrics.inputs import ArrayLike
from course_lib.metrics.matching import box_overlaps


def voc_mean_average_precision(
    predictions: Sequence[Picture],
    targets: Sequence[Picture],
    *,
    iou_threshold: float = 0.5,
    points: int | None = None,
    box_format: str = "xyxy",
) -> dict[str, Any]:
    """Average precision, averaged over the classes that have an object to find.

    Detections of a class are taken by falling score over all pictures. Each goes to the object it overlaps
    most, free or not, and is right if they overlap by ``iou_threshold`` and the object was not found before;
    COCO would let it take the next best. Objects marked in ``difficult`` (n,) count neither as found nor as
    missed. ``points=11`` averages the precision at the recalls 0, 0.1 ... 1 (until 2009); None integrates
    over all recalls (since 2010). Overlaps are of continuous coordinates, without VOC's extra pixel.

    Returns ``map`` and ``classes`` with ``map_per_class``. ``mean_average_precision`` says what these and the
    arguments hold, and raises the same errors.

    Source: Everingham et al. (2010), The PASCAL Visual Object Classes (VOC) challenge, section 4.2.
    """
    owner = "voc_mean_average_precision"
    checks.finite_number(owner, "iou_threshold", iou_threshold, above=0.0)
    found, true = detected.read(owner, predictions, targets, box_format=box_format)
    labels = detected.classes([*found, *true])
    values = [_average_precision(found, true, label, iou_threshold, points) for label in labels]
    defined = [value for value in values if value >= 0]
    return {
        "map": float(np.mean(defined)) if defined else -1.0,
        "classes": torch.tensor(labels, dtype=torch.int64),
        "map_per_class": torch.tensor(values, dtype=torch.float64),
    }


def interpolated_average_precision(
    recall: ArrayLike, precision: ArrayLike, *, points: int | None = None
) -> float:
    """Area under a precision-recall curve (n,) by rising recall, after each dent in it is filled.

    The precision at a recall is the highest one there or at a higher recall. ``points`` averages it at so
    many evenly spread recalls from 0 to 1 (VOC until 2009: 11; COCO: 101); None integrates exactly.

    Raises:
        ValueError: not as many of both, recalls that fall, or one point.
    """
    owner = "interpolated_average_precision"
    x, y = (
        inputs.finite(owner, name, values, detected.CPU).numpy()
        for name, values in (("recall", recall), ("precision", precision))
    )
    if x.ndim != 1 or x.shape != y.shape or (np.diff(x) < 0).any():
        raise ValueError(
            f"{owner}: recall must rise, and have a precision for each, got shapes {x.shape} and {y.shape}"
        )
    envelope = np.append(np.maximum.accumulate(y[::-1])[::-1], 0.0)
    if points is None:
        return float(np.diff(x, prepend=0.0) @ envelope[:-1])
    checks.positive_integer(owner, "points", points)
    if points == 1:
        raise ValueError(f"{owner}: points must be 2 or more, got 1")
    return float(envelope[np.searchsorted(x, np.linspace(0.0, 1.0, points))].mean())


def _average_precision(
    found: list[Objects], true: list[Objects], label: int, threshold: float, points: int | None
) -> float:
    """Average precision of one class; -1 if it has no object to find."""
    scores, outcomes, objects = [], [], 0
    for detections, truth in zip(found, true, strict=True):
        d = detections.pick(np.flatnonzero(detections.labels == label))
        d = d.pick(np.argsort(-d.scores, kind="stable"))
        g = truth.pick(np.flatnonzero(truth.labels == label))
        objects += int((~g.difficult).sum())
        scores.append(d.scores)
        outcomes.append(_judge(box_overlaps(d.shapes, g.shapes, g.crowd), g.difficult, threshold))
    if objects == 0:
        return -1.0
    outcome = np.concatenate(outcomes)[np.argsort(-np.concatenate(scores), kind="stable")]
    tp, fp = (outcome == 1).cumsum(), (outcome == 0).cumsum()
    return interpolated_average_precision(tp / objects, tp / np.maximum(tp + fp, 1), points=points)


def _judge(overlaps: np.ndarray, difficult: np.ndarray, threshold: float) -> np.ndarray:
    """Return 1 (right), 0 (wrong) or -1 (ignored) for each detection in one picture, by falling score."""
    outcome = np.zeros(len(overlaps), dtype=int)
    taken = np.zeros(len(difficult), dtype=bool)
    for d in range(len(overlaps) if overlaps.size else 0):
        best = overlaps[d].argmax()
        if overlaps[d, best] >= threshold:
            outcome[d] = -1 if difficult[best] else int(not taken[best])
            taken[best] = True
    return outcome
