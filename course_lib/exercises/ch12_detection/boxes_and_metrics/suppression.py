"""The exercise on non-maximum suppression, class by class."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/boxes_and_metrics"
Array = np.ndarray


def nms(iou: Array, scores: Array, labels: Array, threshold: float) -> list[int]:
    """Indices that are kept, by falling score."""
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable").tolist():
        if all(labels[i] != labels[k] or iou[i, k] <= threshold for k in kept):
            kept.append(i)
    return kept


def _by_matrix(iou: Array, scores: Array, labels: Array, threshold: float) -> Array:
    rivals = (iou > threshold) & (labels[:, None] == labels)
    left, kept = np.ones(len(scores), dtype=bool), []
    while left.any():
        best = int(np.argmax(np.where(left, scores, -np.inf)))
        kept.append(best)
        left &= ~rivals[best]
        left[best] = False
    return np.array(kept)


def _nms(
    order: Callable[[Array], Array] = lambda scores: np.argsort(-scores, kind="stable"),
    rivals: Callable[[int, int], bool] = lambda labels, other: labels == other,
    beats: Callable[[Array, float], Array] = lambda iou, threshold: iou > threshold,
    result: Callable[[list[int], Array, Array], object] = lambda kept, scores, labels: kept,
) -> Callable[..., object]:
    """Another order, other rivals, another comparison, or another form of the result."""

    def answer(iou: Array, scores: Array, labels: Array, threshold: float) -> object:
        kept: list[int] = []
        for i in order(scores).tolist():
            if not any(rivals(labels[i], labels[k]) and beats(iou[i, k], threshold) for k in kept):
                kept.append(i)
        return result(kept, scores, labels)

    return answer


def _not_greedy(iou: Array, scores: Array, labels: Array, threshold: float) -> list[int]:
    order = np.argsort(-scores, kind="stable").tolist()
    return [
        i
        for at, i in enumerate(order)
        if not any(labels[i] == labels[k] and iou[i, k] > threshold for k in order[:at])
    ]


def _once_each(iou: Array, scores: Array, labels: Array, threshold: float) -> list[int]:
    found: dict[int, int] = {}
    for i in np.argsort(-scores, kind="stable").tolist():
        found.setdefault(int(labels[i]), i)
    return list(found.values())


def _next_only(iou: Array, scores: Array, labels: Array, threshold: float) -> list[int]:
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable").tolist():
        same = [k for k in kept if labels[k] == labels[i]]
        if not same or iou[i, same[-1]] <= threshold:
            kept.append(i)
    return kept


def _overlaps(boxes: Array) -> Array:
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return shared / (areas[:, None] + areas - shared)


def _row(lefts: list[float], width: float = 10.0) -> Array:
    """Overlaps of boxes of one height side by side, by their left edges."""
    return _overlaps(np.array([[x, 0.0, x + width, 10.0] for x in lefts]))


def _crowds(rng: np.random.Generator) -> list[Case]:
    def crowd(n: int, classes: int, threshold: float, label: str) -> Case:
        corner, sides = rng.uniform(0, 20, (n, 2)), rng.uniform(10, 20, (n, 2))
        iou = _overlaps(np.concatenate([corner, corner + sides], axis=1)).round(3)
        scores = rng.permutation(n) / n + 0.02
        return case(iou, scores, rng.integers(1, classes + 1, n), threshold, label=label)

    ones = np.ones(4, dtype=int)
    return [
        case(
            _row([0, 1, 20, 21]), np.array([0.6, 0.9, 0.8, 0.3]), ones, 0.5, label="two objects, each twice"
        ),
        case(
            _row([0, 3, 6, 9]),
            np.array([0.9, 0.8, 0.7, 0.6]),
            ones,
            0.5,
            label="a row of boxes, each on the next",
        ),
        case(
            _row([0, 1, 2, 20]),
            np.array([0.5, 0.9, 0.7, 0.8]),
            np.array([1, 2, 1, 2]),
            0.5,
            label="two classes",
        ),
        case(
            np.array([[1, 0.5], [0.5, 1]]),
            np.array([0.4, 0.7]),
            np.array([3, 3]),
            0.5,
            label="exactly the threshold",
        ),
        case(_row([0, 1, 30, 31]), np.array([0.5, 0.5, 0.5, 0.5]), ones, 0.3, label="equal scores"),
        crowd(12, 3, 0.3, "twelve boxes of three classes"),
        crowd(15, 1, 0.4, "a crowd of one class"),
    ]


NMS = Exercise(
    id="boxes_and_metrics/nms",
    section=SECTION,
    title="Suppression, class by class",
    reference=nms,
    cases=_crowds,
    alternatives=[_by_matrix],
    mistakes=[
        Mistake(
            _nms(rivals=lambda one, other: True),
            "Boxes of different classes suppress each other. A cross in front of a star is no repetition.",
        ),
        Mistake(
            _nms(rivals=lambda one, other: one != other),
            "Only boxes of other classes are suppressed. Repetitions have the same class.",
        ),
        Mistake(
            _nms(beats=lambda iou, threshold: iou >= threshold),
            "An overlap of exactly the threshold is dropped. Only greater ones are.",
        ),
        Mistake(
            _nms(beats=lambda iou, threshold: iou < threshold),
            "The comparison is turned round: boxes that overlap little are dropped.",
        ),
        Mistake(
            _nms(order=lambda scores: np.arange(len(scores))),
            "The boxes are taken in the order they come. Take the best first.",
        ),
        Mistake(
            _nms(order=lambda scores: np.argsort(scores, kind="stable")),
            "The lowest score is taken first. Take the highest.",
        ),
        Mistake(
            _nms(order=lambda scores: np.argsort(scores, kind="stable")[::-1]),
            "Of equal scores the last box comes first: the sorted order was turned round. Sort by minus the score.",
        ),
        Mistake(
            _not_greedy,
            "A box that was dropped still drops others. Compare only with the boxes that are kept.",
        ),
        Mistake(
            _next_only,
            "Each box is compared with the last one kept of its class only. Compare with all that are kept.",
        ),
        Mistake(
            _nms(result=lambda kept, scores, labels: sorted(kept)),
            "The right boxes, but by index. Return them by falling score.",
        ),
        Mistake(
            _nms(
                result=lambda kept, scores, labels: [
                    i for c in np.unique(labels) for i in kept if labels[i] == c
                ]
            ),
            "The right boxes, but class after class. Return all of them by falling score.",
        ),
        Mistake(
            _nms(result=lambda kept, scores, labels: [float(scores[i]) for i in kept]),
            "These are the scores of the boxes that are kept. Return their indices.",
        ),
        Mistake(_once_each, "One box is kept for each class. There may be several objects of a class."),
    ],
    hint="Go through the boxes by falling score; keep one if no kept box of its class overlaps it too much.",
)
