"""The exercise on right and wrong detections."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/boxes_and_metrics"
Array = np.ndarray


def outcomes(iou: Array, scores: Array, difficult: Array, threshold: float) -> Array:
    """1 right, 0 wrong, -1 of no account, in the order of the detections."""
    result, taken = np.zeros(len(iou), dtype=int), np.zeros(len(difficult), dtype=bool)
    for i in np.argsort(-scores):
        best = iou[i].argmax()
        if iou[i, best] >= threshold:
            result[i] = -1 if difficult[best] else int(not taken[best])
            taken[best] = True
    return result


def _by_object(iou: Array, scores: Array, difficult: Array, threshold: float) -> list[int]:
    best, highest = iou.argmax(axis=1), iou.max(axis=1)
    result = [0] * len(iou)
    for j, hard in enumerate(difficult):
        claims = [i for i in range(len(iou)) if best[i] == j and highest[i] >= threshold]
        claims.sort(key=lambda i: -scores[i])
        for rank, i in enumerate(claims):
            result[i] = -1 if hard else int(rank == 0)
    return result


Found = tuple[int, float]


def _judged(
    order: Callable[[Array], Array] = lambda scores: np.argsort(-scores),
    choose: Callable[[Array, Array, float], int] = lambda row, taken, threshold: int(row.argmax()),
    enough: Callable[[float, float], bool] = lambda overlap, threshold: overlap >= threshold,
    repeated: int = 0,
    hard: Callable[[bool], int] = lambda taken: -1,
    takes_always: bool = False,
) -> Callable[..., Array]:
    """Another order, another choice of the object, or another verdict."""

    def answer(iou: Array, scores: Array, difficult: Array, threshold: float) -> Array:
        result, taken = np.zeros(len(iou), dtype=int), np.zeros(len(difficult), dtype=bool)
        for i in order(scores):
            best = choose(iou[i], taken, threshold)
            found = enough(iou[i, best], threshold)
            if found:
                free = repeated if taken[best] else 1
                result[i] = hard(bool(taken[best])) if difficult[best] else free
            taken[best] |= found or takes_always
        return result

    return answer


def _best_free(row: Array, taken: Array, threshold: float) -> int:
    return int(np.where(taken, -1.0, row).argmax()) if not taken.all() else int(row.argmax())


def _first_enough(row: Array, taken: Array, threshold: float) -> int:
    return int((row >= threshold).argmax())


def _by_score(iou: Array, scores: Array, difficult: Array, threshold: float) -> Array:
    return outcomes(iou, scores, difficult, threshold)[np.argsort(-scores)]


def _best_box_of_each(iou: Array, scores: Array, difficult: Array, threshold: float) -> Array:
    result = np.zeros(len(iou), dtype=int)
    for j, hard in enumerate(difficult):
        mine = (iou.argmax(axis=1) == j) & (iou[:, j] >= threshold)
        result[mine] = -1 if hard else 0
        if mine.any() and not hard:
            result[np.where(mine, iou[:, j], -1).argmax()] = 1
    return result


def _without_difficult(iou: Array, scores: Array, difficult: Array, threshold: float) -> Array:
    return outcomes(np.where(difficult, 0, iou), scores, difficult, threshold)


def _pictures(rng: np.random.Generator) -> list[Case]:
    def picture(d: int, g: int, threshold: float, label: str) -> Case:
        iou = rng.uniform(0, 1, (d, g)).round(2)
        return case(iou, rng.permutation(d) / d, rng.random(g) < 0.3, threshold, label=label)

    easy = np.zeros(2, dtype=bool)
    return [
        case(
            np.array([[0.8, 0], [0.1, 0.4], [0, 0.7]]),
            np.array([0.9, 0.8, 0.7]),
            easy,
            0.5,
            label="three boxes",
        ),
        case(
            np.array([[0.9, 0.2], [0.7, 0.6]]), np.array([0.9, 0.8]), easy, 0.5, label="the same object twice"
        ),
        case(
            np.array([[0.9, 0], [0.6, 0.1], [0, 0.5]]),
            np.array([0.2, 0.8, 0.5]),
            easy,
            0.5,
            label="not by score",
        ),
        case(
            np.array([[0.6, 0.8, 0], [0.1, 0.7, 0.2], [0.4, 0.3, 0.2], [0.7, 0, 0.1]]),
            np.array([0.6, 0.9, 0.8, 0.5]),
            np.array([False, True, False]),
            0.5,
            label="a difficult object, found twice",
        ),
        picture(6, 3, 0.5, "six boxes, three objects"),
        picture(10, 3, 0.4, "ten boxes, three objects"),
        picture(8, 5, 0.75, "a strict threshold"),
    ]


OUTCOMES = Exercise(
    id="boxes_and_metrics/outcomes",
    section=SECTION,
    title="Right, wrong, or of no account",
    reference=outcomes,
    cases=_pictures,
    alternatives=[_by_object],
    mistakes=[
        Mistake(
            _judged(choose=_best_free),
            "A box whose object is taken gets the next best one. That is COCO's rule; by VOC's it is wrong.",
        ),
        Mistake(
            _judged(choose=_first_enough),
            "The first object with enough overlap is chosen. Choose the one with the most.",
        ),
        Mistake(
            _judged(order=lambda scores: np.arange(len(scores))),
            "The boxes are judged in the order they come. Judge the best scored first.",
        ),
        Mistake(
            _judged(order=lambda scores: np.argsort(scores)),
            "The lowest score is judged first. Judge the highest first.",
        ),
        Mistake(
            _by_score, "The verdicts are right, but by falling score. Return them in the order of the rows."
        ),
        Mistake(
            _judged(repeated=1),
            "A second box on the same object is called right. An object can be found once.",
        ),
        Mistake(
            _judged(hard=lambda taken: 1),
            "A difficult object counts as found. It is of no account: -1.",
        ),
        Mistake(
            _judged(hard=lambda taken: 0),
            "A box on a difficult object is called wrong. It is of no account: -1.",
        ),
        Mistake(
            _judged(hard=lambda taken: 0 if taken else -1),
            "The second box on a difficult object is called wrong. All of them are of no account.",
        ),
        Mistake(
            _judged(enough=lambda overlap, threshold: overlap > threshold),
            "An overlap of exactly the threshold is refused. It is enough.",
        ),
        Mistake(
            _judged(enough=lambda overlap, threshold: overlap > 0),
            "Any overlap is enough here. It must reach the threshold.",
        ),
        Mistake(
            _judged(takes_always=True),
            "A box with too little overlap takes its object all the same. Only a box that reaches the threshold does.",
        ),
        Mistake(
            _best_box_of_each,
            "Each object goes to the box that fits it best. It goes to the one with the highest score.",
        ),
        Mistake(
            _without_difficult,
            "Difficult objects are left out before the boxes choose. Choose among all, then look whether it is difficult.",
        ),
    ],
    hint="By falling score: the row's largest overlap, then the threshold, then difficult, then taken.",
)
