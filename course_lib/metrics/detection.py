"""Mean average precision of detections by COCO's rule."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import detected, inputs
from course_lib.metrics.detected import Objects, Picture
from course_lib.metrics.matching import box_overlaps, mask_overlaps, match

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
AREAS = {"all": (0, 1e5**2), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e5**2)}


class Matches(NamedTuple):
    """One class in one picture: its detections by falling score, and what became of them."""

    scores: np.ndarray  # (d,)
    matched: np.ndarray  # (areas, thresholds, d)
    ignored: np.ndarray  # (areas, thresholds, d): neither right nor wrong
    objects: np.ndarray  # (areas,), how many count


def mean_average_precision(
    predictions: Sequence[Picture],
    targets: Sequence[Picture],
    *,
    iou_type: str = "bbox",
    box_format: str = "xyxy",
    iou_thresholds: Sequence[float] | None = None,
    max_detections: Sequence[int] = (1, 10, 100),
) -> dict[str, Any]:
    """Average precision, averaged over classes and thresholds of overlap: what pycocotools.COCOeval finds.

    Args:
        predictions: a dictionary a picture: ``boxes`` (n, 4) in ``box_format``, ``scores`` (n,) and whole
            ``labels`` (n,); with iou_type="segm" ``masks`` (n, h, w) take the boxes' place.
        targets: the same without scores; optional are ``iscrowd`` (n,), 1 for a region of many objects, and
            ``area`` (n,), the area that says whether an object is small (default: the box's, or the mask's).
        iou_type: whether overlaps are those of boxes ("bbox") or of masks ("segm").
        box_format: "xyxy" (two corners), "xywh" (corner and size) or "cxcywh" (centre and size).
        iou_thresholds: default 0.5, 0.55 ... 0.95.
        max_detections: how many detections of a class in a picture count: the last for the precisions, each
            for a recall.

    Returns:
        Floats ``map``, ``map_50``, ``map_75``, ``map_small`` (up to 32 x 32 pixels), ``map_medium`` (up to
        96 x 96), ``map_large``; ``mar_1``, ``mar_10``, ``mar_100`` (the highest recalls, averaged, by
        ``max_detections``), ``mar_small``, ``mar_medium``, ``mar_large``; and tensors ``classes`` (k,), the
        labels that occur, with ``map_per_class`` and ``mar_100_per_class`` (k,). -1 where there is nothing to
        find. ``map`` is the mean of all classes' precisions at the recalls 0, 0.01 ... 1; a precision is the
        highest one at that recall or a higher one.

    Raises:
        ValueError: entries missing or not as many as labels, NaN, boxes with a negative side.
        TypeError: not lists of dictionaries.

    Source: Lin et al. (2014), Microsoft COCO: common objects in context; https://cocodataset.org/#detection-eval.
    """
    owner = "mean_average_precision"
    thresholds = _thresholds(owner, iou_thresholds)
    limits = _limits(owner, max_detections)
    found, true = detected.read(owner, predictions, targets, iou_type, box_format)
    labels = detected.classes([*found, *true])
    overlaps = box_overlaps if iou_type == "bbox" else mask_overlaps
    matches: dict[int, list[Matches]] = {label: [] for label in labels}
    for detections, objects in zip(found, true, strict=True):
        by_score = np.argsort(-detections.scores, kind="stable")
        for label in detected.classes([detections, objects]):
            d = detections.pick(by_score[detections.labels[by_score] == label][: limits[-1]])
            g = objects.pick(np.flatnonzero(objects.labels == label))
            matches[label].append(_evaluate(d, g, overlaps(d.shapes, g.shapes, g.crowd), thresholds))
    k, t = len(labels), len(thresholds)
    scores = [_curves(matches[label], limits) for label in labels]
    precision = np.array([each[0] for each in scores]).reshape(k, len(AREAS), t, len(RECALLS))
    recall = np.array([each[1] for each in scores]).reshape(k, len(AREAS), t)
    limited = np.array([each[2] for each in scores]).reshape(k, len(limits), t)
    result: dict[str, Any] = {"map": _mean(precision[:, 0])}
    for name, value in (("map_50", 0.5), ("map_75", 0.75)):
        result[name] = _mean(precision[:, 0, thresholds == value])
    result |= {f"map_{area}": _mean(precision[:, i]) for i, area in enumerate(AREAS) if i}
    result |= {f"mar_{limit}": _mean(limited[:, i]) for i, limit in enumerate(limits)}
    result |= {f"mar_{area}": _mean(recall[:, i]) for i, area in enumerate(AREAS) if i}
    result["classes"] = torch.tensor(labels, dtype=torch.int64)
    result["map_per_class"] = _tensor([_mean(each[0]) for each in precision])
    result[f"mar_{limits[-1]}_per_class"] = _tensor([_mean(each[0]) for each in recall])
    return result


def _evaluate(detections: Objects, objects: Objects, overlaps: np.ndarray, thresholds: np.ndarray) -> Matches:
    """Match one class in one picture, with each range of areas: objects outside of it are ignored."""
    low, high = np.array(list(AREAS.values())).T[:, :, None]  # (areas, 1)
    skipped = (objects.areas < low) | (objects.areas > high) | objects.crowd
    matched, ignored = match(overlaps, objects.crowd, skipped, thresholds)
    outside = (detections.areas < low) | (detections.areas > high)
    ignored |= ~matched & outside[:, None]
    return Matches(detections.scores, matched, ignored, (~skipped).sum(axis=1))


def _curves(pictures: list[Matches], limits: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return one class's precisions (areas, t, recalls) and recalls (areas, t) and (limits, t); -1: none."""
    scores = np.concatenate([each.scores for each in pictures])
    order = np.argsort(-scores, kind="stable")
    rank = np.concatenate([np.arange(len(each.scores)) for each in pictures])[order]
    matched = np.concatenate([each.matched for each in pictures], axis=2)[:, :, order]
    counts = ~np.concatenate([each.ignored for each in pictures], axis=2)[:, :, order]
    objects = np.sum([each.objects for each in pictures], axis=0)
    right, wrong = matched & counts, ~matched & counts
    t = right.shape[1]
    precision, recall = np.full((len(AREAS), t, len(RECALLS)), -1.0), np.full((len(AREAS), t), -1.0)
    limited = np.full((len(limits), t), -1.0)
    for area in np.flatnonzero(objects):
        precision[area] = [
            _precisions_at_recalls(tp, fp, objects[area])
            for tp, fp in zip(right[area].cumsum(axis=1), wrong[area].cumsum(axis=1), strict=True)
        ]
        recall[area] = right[area].sum(axis=1) / objects[area]
    if objects[0]:
        limited[:] = [right[0][:, rank < limit].sum(axis=1) / objects[0] for limit in limits]
    return precision, recall, limited


def _precisions_at_recalls(tp: np.ndarray, fp: np.ndarray, objects: int) -> np.ndarray:
    """Highest precision at each of the 101 recalls or beyond; 0 where recall never gets."""
    precision = tp / (tp + fp + np.spacing(1))
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return envelope[np.searchsorted(tp / objects, RECALLS)]


def _mean(values: np.ndarray) -> float:
    defined = values[values > -1]
    return float(defined.mean()) if defined.size else -1.0


def _tensor(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _thresholds(owner: str, iou_thresholds: Sequence[float] | None) -> np.ndarray:
    if iou_thresholds is None:
        return THRESHOLDS
    found = inputs.finite(owner, "iou_thresholds", iou_thresholds, detected.CPU).numpy()
    if found.ndim != 1 or len(found) == 0 or (found <= 0).any() or (found > 1).any():
        raise ValueError(f"{owner}: iou_thresholds must be above 0 and at most 1, got {iou_thresholds!r}")
    return found


def _limits(owner: str, max_detections: Sequence[int]) -> list[int]:
    limits = list(max_detections)
    for limit in limits:
        checks.positive_integer(owner, "max_detections", limit)
    if not limits or limits != sorted(set(limits)):
        raise ValueError(f"{owner}: max_detections must be rising numbers, got {max_detections!r}")
    return limits
