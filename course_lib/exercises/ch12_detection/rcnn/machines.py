"""The exercise on which boxes are right and wrong examples of a class."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/rcnn"
Array = np.ndarray


def labels_of(iou: Array, labels: Array, c: int, negative: float) -> Array:
    """1, -1 or 0 for each box."""
    best = np.max(iou, axis=1, where=labels == c, initial=0)
    return np.where(best == 1, 1, np.where(best < negative, -1, 0))


def _one_by_one(iou: Array, labels: Array, c: int, negative: float) -> list[int]:
    answer = []
    for row in iou:
        own = [value for value, label in zip(row, labels, strict=True) if label == c]
        if 1 in own:
            answer.append(1)
        else:
            answer.append(-1 if all(value < negative for value in own) else 0)
    return answer


def _labels(
    best: Callable[[Array, Array, int], Array] = lambda iou, labels, c: np.max(
        iou, axis=1, where=labels == c, initial=0
    ),
    right: Callable[[Array, float], Array] = lambda best, negative: best == 1,
    wrong: Callable[[Array, float], Array] = lambda best, negative: best < negative,
    between: int = 0,
) -> Callable[[Array, Array, int, float], Array]:
    """Another overlap, other right or wrong examples, or another answer for those between."""

    def answer(iou: Array, labels: Array, c: int, negative: float) -> Array:
        overlap = best(iou, labels, c)
        return np.where(right(overlap, negative), 1, np.where(wrong(overlap, negative), -1, between))

    return answer


def _others_left_out(iou: Array, labels: Array, c: int, negative: float) -> Array:
    of_others = np.max(iou, axis=1, where=labels != c, initial=0) == 1
    answer = labels_of(iou, labels, c, negative)
    return np.where(of_others & (answer == -1), 0, answer)


def _by_owner(iou: Array, labels: Array, c: int, negative: float) -> Array:
    owned = labels[iou.argmax(axis=1)] == c
    return np.where(owned, labels_of(iou, labels, c, negative), -1)


def _none_there(iou: Array, labels: Array, c: int, negative: float) -> Array:
    return labels_of(iou, labels, c, negative) * int((labels == c).any())


def _cases(rng: np.random.Generator) -> list[Case]:
    def draw(g: int, k: int, classes: int, c: int, negative: float, label: str) -> Case:
        iou = rng.integers(0, 20, (k, g)) / 20 * (rng.random((k, g)) < 0.6)
        iou = np.concatenate([iou, np.eye(g) + (1 - np.eye(g)) * 0.05])
        return case(iou, rng.integers(1, classes + 1, g), c, negative, label=label)

    return [
        case(np.array([[1.0], [0.7], [0.5], [0.2], [0.0]]), np.array([2]), 2, 0.3, label="one object"),
        case(np.array([[0.3], [0.25], [1.0]]), np.array([1]), 1, 0.3, label="exactly the threshold"),
        case(
            np.array([[1.0, 0.4], [0.4, 1], [0.1, 1], [0.6, 0.4], [0.8, 0.1]]),
            np.array([1, 2]),
            2,
            0.3,
            label="an object of another class beside it",
        ),
        case(
            np.array([[0.2, 0.2], [0.2, 0.6], [0.5, 0], [1, 0.2], [0.1, 1]]),
            np.array([3, 3]),
            3,
            0.3,
            label="two of the class",
        ),
        case(np.array([[1.0, 0.2], [0.6, 0.1]]), np.array([1, 4]), 5, 0.3, label="none of the class"),
        draw(4, 12, 2, 1, 0.3, "many boxes, four objects"),
        draw(3, 10, 3, 2, 0.5, "another threshold"),
    ]


LABELS = Exercise(
    id="rcnn/labels",
    section=SECTION,
    title="Right, wrong, or left out",
    reference=labels_of,
    cases=_cases,
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            _labels(right=lambda best, negative: best >= 0.5),
            "Proposals that overlap by half are right examples. That is how the network was trained; the machine takes the true boxes only.",
        ),
        Mistake(
            _labels(right=lambda best, negative: best >= negative),
            "All that is not wrong is right. Between the two lie boxes that are left out.",
        ),
        Mistake(
            _labels(between=-1),
            "All that is not right is wrong, boxes on half of an object too. Leave out what reaches the threshold.",
        ),
        Mistake(
            _labels(wrong=lambda best, negative: best <= negative),
            "A box whose overlap is exactly the threshold is wrong. Only what is below it is.",
        ),
        Mistake(
            _labels(wrong=lambda best, negative: (best < negative) & (best > 0)),
            "Boxes that touch no object of the class are left out. They are wrong examples, the easiest ones.",
        ),
        Mistake(
            _labels(best=lambda iou, labels, c: iou.max(axis=1)),
            "The overlap with objects of all classes counts. A perfect box of another class is a wrong example of this one.",
        ),
        Mistake(
            _labels(
                best=lambda iou, labels, c: (
                    iou[:, np.argmax(labels == c)] if (labels == c).any() else np.zeros(len(iou))
                )
            ),
            "Only the first object of the class counts. Take the best overlap with any of them.",
        ),
        Mistake(
            _labels(best=lambda iou, labels, c: (iou * (labels == c)).sum(axis=1)),
            "The overlaps with several objects are added. Take the largest.",
        ),
        Mistake(
            _others_left_out,
            "The true boxes of other classes are left out. They are wrong examples, and valuable ones.",
        ),
        Mistake(
            _by_owner,
            "A box that overlaps an object of another class more is wrong. What counts is its overlap with objects of this class.",
        ),
        Mistake(
            _none_there,
            "A picture without an object of the class gives no examples. It gives wrong ones: all its boxes.",
        ),
        Mistake(
            lambda iou, labels, c, negative: (labels_of(iou, labels, c, negative) > 0).astype(int),
            "Wrong examples and those left out are both 0. Wrong ones are -1.",
        ),
    ],
    hint="First the largest overlap of each box with objects of class c, 0 if there is none.",
)
