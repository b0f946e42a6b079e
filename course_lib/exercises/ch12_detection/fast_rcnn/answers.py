"""The exercise on what one region may answer: a box of its own for every class."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/fast_rcnn"
Array = np.ndarray
Answer = tuple[Array, Array, Array]


def detections(probability: Array, boxes: Array, least: float) -> Answer:
    """All boxes with a probability above the least, by falling score."""
    rows, classes = np.nonzero(probability > least)
    rows, classes = rows[classes > 0], classes[classes > 0]
    order = np.argsort(-probability[rows, classes])
    rows, classes = rows[order], classes[order]
    return boxes[rows, classes], classes, probability[rows, classes]


def _by_loops(probability: Array, boxes: Array, least: float) -> tuple[Array, list[int], list[float]]:
    found = [
        (p, c, boxes[i, c])
        for i, row in enumerate(probability)
        for c, p in enumerate(row)
        if c > 0 and p > least
    ]
    found.sort(key=lambda each: -each[0])
    return (
        np.array([b for _, _, b in found]).reshape(-1, 4),
        [c for _, c, _ in found],
        [p for p, _, _ in found],
    )


def _detections(
    passing: Callable[[Array, float], Array] = lambda p, least: (p > least) & (np.arange(p.shape[1]) > 0),
    order: Callable[[Array, Array], Array] = lambda scores, classes: np.argsort(-scores),
    box: Callable[[Array, Array, Array, Array], Array] = lambda boxes, rows, classes, p: boxes[rows, classes],
    name: Callable[[Array], Array] = lambda classes: classes,
    score: Callable[[Array, Array, Array], Array] = lambda p, rows, classes: p[rows, classes],
) -> Callable[[Array, Array, float], Answer]:
    """Other pairs of region and class, another order, another box, another name, or another score."""

    def answer(probability: Array, boxes: Array, least: float) -> Answer:
        rows, classes = np.nonzero(passing(probability, least))
        by = order(probability[rows, classes], classes)
        rows, classes = rows[by], classes[by]
        return box(boxes, rows, classes, probability), name(classes), score(probability, rows, classes)

    return answer


def _best_only(p: Array, least: float) -> Array:
    best = np.arange(p.shape[1]) == p.argmax(axis=1)[:, None]
    return best & (p > least) & (np.arange(p.shape[1]) > 0)


def _best_object(p: Array, least: float) -> Array:
    best = np.arange(p.shape[1]) == 1 + p[:, 1:].argmax(axis=1)[:, None]
    return best & (p > least)


def _without_background(p: Array, rows: Array, classes: Array) -> Array:
    return p[rows, classes] / (1 - p[rows, 0])


def _cases(rng: np.random.Generator) -> list[Case]:
    def draw(table: Array, least: float, label: str) -> Case:
        boxes = rng.integers(0, 40, (*table.shape, 4)).astype(float)
        boxes[..., 2:] += boxes[..., :2] + 1
        return case(table, boxes, least, label=label)

    raw = rng.permutation(24).reshape(6, 4) + 1.0
    return [
        draw(np.array([[0.1, 0.9]]), 0.5, "one region, one class"),
        draw(np.array([[0.05, 0.55, 0.4], [0.8, 0.15, 0.05]]), 0.1, "one region, two answers"),
        draw(np.array([[0.6, 0.3, 0.1], [0.2, 0.25, 0.55]]), 0.2, "background ahead"),
        draw(np.array([[0.5, 0.2, 0.3], [0.3, 0.6, 0.1]]), 0.2, "exactly the least"),
        draw((raw / raw.sum(axis=1, keepdims=True)).round(4), 0.15, "six regions"),
        draw(np.array([[0.97, 0.02, 0.01]]), 0.05, "nothing found"),
    ]


BOXES = Exercise(
    id="fast_rcnn/boxes",
    section=SECTION,
    title="A box for every class",
    reference=detections,
    cases=_cases,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _detections(passing=_best_only),
            "A region answers with its most probable class only, and is silent if that is background. Every class above the least counts.",
        ),
        Mistake(
            _detections(passing=_best_object),
            "A region answers with its best object class only. It may answer with several, each in a box of its own.",
        ),
        Mistake(
            _detections(passing=lambda p, least: p > least),
            "Background is among the detections. It is class 0, and no object.",
        ),
        Mistake(
            _detections(passing=lambda p, least: (p >= least) & (np.arange(p.shape[1]) > 0)),
            "A probability of exactly the least is kept. Only greater ones are.",
        ),
        Mistake(
            _detections(order=lambda scores, classes: np.arange(len(scores))),
            "The detections stand region by region. Sort them by falling score.",
        ),
        Mistake(
            _detections(order=lambda scores, classes: np.argsort(scores)),
            "The lowest score is first. Sort by falling score.",
        ),
        Mistake(
            _detections(order=lambda scores, classes: np.lexsort((-scores, classes))),
            "The detections stand class by class. Sort them all by falling score.",
        ),
        Mistake(
            _detections(box=lambda boxes, rows, classes, p: boxes[rows, 0]),
            "All boxes are those of class 0. Each class has a box of its own.",
        ),
        Mistake(
            _detections(box=lambda boxes, rows, classes, p: boxes[rows, p[rows].argmax(axis=1)]),
            "The boxes are those of the region's most probable class. A detection has the box of its own class.",
        ),
        Mistake(
            _detections(box=lambda boxes, rows, classes, p: boxes[rows, classes - 1]),
            "The boxes are those of the class before. Background has a box, too, the first one.",
        ),
        Mistake(
            _detections(name=lambda classes: classes - 1),
            "The labels are one too low. Class 0 is background, and the first object class is 1.",
        ),
        Mistake(
            _detections(score=_without_background),
            "The scores are divided by the probability of not being background. Return the probabilities as they are.",
        ),
    ],
    hint="numpy.nonzero of a table gives rows and columns of what is true.",
)
