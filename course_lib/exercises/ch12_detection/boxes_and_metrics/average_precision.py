"""The exercise on average precision."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/boxes_and_metrics"
Array = np.ndarray


def average_precision(scores: Array, right: Array, objects: int, points: int) -> float:
    """Mean of the best precision at each of so many recalls or beyond."""
    hits = np.cumsum(right[np.argsort(-scores)])
    precision, recall = hits / np.arange(1, len(hits) + 1), hits / objects
    wanted = np.linspace(0, 1, points)
    return float(np.mean([precision[recall >= r].max(initial=0) for r in wanted]))


def _by_sweep(scores: Array, right: Array, objects: int, points: int) -> float:
    curve, hits = [], 0
    for k, i in enumerate(sorted(range(len(scores)), key=lambda i: -scores[i]), start=1):
        hits += bool(right[i])
        curve.append((hits / objects, hits / k))
    total = 0.0
    for step in range(points):
        total += max((p for r, p in curve if r >= step / (points - 1)), default=0.0)
    return total / points


def _ap(
    order: Callable[[Array], Array] = lambda scores: np.argsort(-scores),
    recall: Callable[[Array, int], Array] = lambda hits, objects: hits / objects,
    precision: Callable[[Array, int], Array] = lambda hits, objects: hits / np.arange(1, len(hits) + 1),
    recalls: Callable[[int], Array] = lambda points: np.linspace(0, 1, points),
    at: Callable[[Array, Array, float], float] = lambda p, r, wanted: p[r >= wanted].max(initial=0),
    mean: Callable[[list[float], int], float] = lambda values, points: sum(values) / points,
) -> Callable[..., float]:
    """Another order, curve, set of recalls, or way to read the curve."""

    def answer(scores: Array, right: Array, objects: int, points: int) -> float:
        hits = np.cumsum(right[order(scores)])
        p, r = precision(hits, objects), recall(hits, objects)
        return mean([at(p, r, float(wanted)) for wanted in recalls(points)], points)

    return answer


def _first_there(p: Array, r: Array, wanted: float) -> float:
    return float(p[r >= wanted][0]) if (r >= wanted).any() else 0.0


def _last_known(p: Array, r: Array, wanted: float) -> float:
    return float(p[r >= wanted].max(initial=0) if (r >= wanted).any() else p[-1])


def _reached_only(scores: Array, right: Array, objects: int, points: int) -> float:
    share = right.sum() / objects
    reached = (np.linspace(0, 1, points) <= share).sum()
    return average_precision(scores, right, objects, points) * points / reached


def _area(scores: Array, right: Array, objects: int, points: int) -> float:
    hits = np.cumsum(right[np.argsort(-scores)])
    precision = hits / np.arange(1, len(hits) + 1)
    filled = np.maximum.accumulate(precision[::-1])[::-1]
    return float(filled @ np.diff(hits / objects, prepend=0))


def _uninterpolated(scores: Array, right: Array, objects: int, points: int) -> float:
    ranked = right[np.argsort(-scores)]
    return float((ranked * np.cumsum(ranked) / np.arange(1, len(ranked) + 1)).sum() / objects)


def _curves(rng: np.random.Generator) -> list[Case]:
    def some(n: int, objects: int, points: int, label: str) -> Case:
        right = np.zeros(n, dtype=bool)
        right[rng.permutation(n)[: objects - 1]] = True
        return case(rng.permutation(n) / n, right, objects, points, label=label)

    return [
        case(np.array([0.9, 0.8, 0.7]), np.array([True, True, True]), 3, 11, label="all right, none missed"),
        case(
            np.array([0.9, 0.8, 0.7, 0.6]),
            np.array([True, False, True, True]),
            4,
            5,
            label="one wrong, one missed",
        ),
        case(
            np.array([0.3, 0.9, 0.5, 0.7, 0.2]),
            np.array([True, False, True, False, True]),
            4,
            5,
            label="unsorted",
        ),
        case(np.array([0.9, 0.8]), np.array([False, False]), 2, 11, label="nothing right"),
        some(12, 7, 11, "a longer list"),
        some(20, 8, 101, "COCO's 101 recalls"),
    ]


AP = Exercise(
    id="boxes_and_metrics/average_precision",
    section=SECTION,
    title="Average precision at given recalls",
    reference=average_precision,
    cases=_curves,
    alternatives=[_by_sweep],
    mistakes=[
        Mistake(
            _ap(order=lambda scores: np.arange(len(scores))),
            "The detections are counted in the order they come. Sort them by falling score first.",
        ),
        Mistake(
            _ap(order=lambda scores: np.argsort(scores)),
            "The detections are counted from the lowest score up. Start with the highest.",
        ),
        Mistake(
            _ap(at=_first_there),
            "The dents are not filled: take the best precision at this recall or any higher one.",
        ),
        Mistake(
            _ap(at=lambda p, r, wanted: p[r <= wanted].max(initial=0)),
            "The best precision is sought at this recall or lower ones. Look at this recall or higher ones.",
        ),
        Mistake(
            _ap(at=lambda p, r, wanted: p[r > wanted].max(initial=0)),
            "A recall that is exactly reached does not count. Take the precisions with R >= r.",
        ),
        Mistake(
            _ap(at=_last_known),
            "Recalls that are never reached get the last precision. They get 0: these objects were missed.",
        ),
        Mistake(
            _reached_only,
            "The mean is over the recalls that are reached. Take it over all of them, with 0 for the rest.",
        ),
        Mistake(
            _ap(recall=lambda hits, objects: hits / max(hits[-1], 1)),
            "Recall is divided by the number of objects found, so nothing is ever missed. Divide by objects.",
        ),
        Mistake(
            _ap(recall=lambda hits, objects: np.arange(1, len(hits) + 1) / len(hits)),
            "The share of the list stands in for recall. Recall is the share of the objects found.",
        ),
        Mistake(
            _ap(precision=lambda hits, objects: hits / len(hits)),
            "The precision is divided by the length of the whole list. After k detections, divide by k.",
        ),
        Mistake(
            _ap(recalls=lambda points: np.arange(points) / points),
            "The recalls stop before 1. They are evenly spread from 0 to 1, both included.",
        ),
        Mistake(
            _ap(recalls=lambda points: np.arange(1, points + 1) / points),
            "The recalls begin after 0. They are evenly spread from 0 to 1, both included.",
        ),
        Mistake(
            _area,
            "This is the exact area under the filled curve. Here the mean at given recalls is asked for.",
        ),
        Mistake(
            _uninterpolated,
            "This is the mean precision at the right detections, as for a classifier. Fill the dents, at given recalls.",
        ),
        Mistake(
            _ap(at=lambda p, r, wanted: float(np.interp(wanted, r, p))),
            "The curve is joined by straight lines. Take the largest P among those with R >= r.",
        ),
    ],
    hint="Cumulative sums give P and R; then, for each r, the largest P among those with R >= r, or 0.",
)
