"""The exercise on drawing a few labels of every class."""

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "07_transfer_learning/feature_extraction"


def draw_labels(y: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    """Go through the examples in the drawn order and keep the first k of each class."""
    shuffled = y[order]
    return np.concatenate([order[shuffled == c][:k] for c in np.unique(y)])


def _by_counting(y: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    taken: dict[int, list[int]] = {int(c): [] for c in sorted(set(y.tolist()))}
    for i in order:
        if len(taken[int(y[i])]) < k:
            taken[int(y[i])].append(int(i))
    return np.array([i for chosen in taken.values() for i in chosen])


def _any_class(y: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    return order[: k * len(np.unique(y))]


def _as_stored(y: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    return np.concatenate([np.flatnonzero(y == c)[:k] for c in np.unique(y)])


def _positions(y: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    return np.concatenate([np.flatnonzero(y[order] == c)[:k] for c in np.unique(y)])


def _last(y: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    return np.concatenate([order[y[order] == c][-k:] for c in np.unique(y)])


def _counted_classes(y: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    return np.concatenate([order[y[order] == c][:k] for c in range(len(np.unique(y)))])


def _mixed(y: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    chosen = draw_labels(y, k, order)
    return order[np.isin(order, chosen)]


def _nested_wrongly(y: np.ndarray, k: int, order: np.ndarray) -> np.ndarray:
    return np.concatenate([np.sort(order[y[order] == c][:k]) for c in np.unique(y)])


def _labels(rng: np.random.Generator) -> list[Case]:
    def drawn(y: list[int], k: int, label: str) -> Case:
        values = np.array(y)
        return case(values, k, rng.permutation(len(values)), label=label)

    first = np.array([0, 0, 0, 1, 1, 1])
    return [
        case(first, 1, np.array([2, 5, 1, 0, 4, 3]), label="one label of two classes"),
        drawn([0, 1, 2] * 5, 2, "two of three classes"),
        drawn([0] * 20 + [1] * 4 + [2] * 4, 3, "a common class and two rare ones"),
        drawn([7, 2, 5, 2, 7, 5, 5, 2, 7, 7, 2, 5], 2, "classes called 2, 5 and 7"),
        drawn([1, 0] * 6, 6, "all there are"),
    ]


DRAW_LABELS = Exercise(
    id="feature_extraction/draw_labels",
    section=SECTION,
    title="Draw k labels a class",
    reference=draw_labels,
    cases=_labels,
    alternatives=[_by_counting],
    mistakes=[
        Mistake(
            _any_class,
            "These are the first k times K examples of the order, whatever their class: rare classes may get no label at all. "
            "Count within each class.",
        ),
        Mistake(
            _as_stored,
            "The first k of each class as they are stored: order is not used, so every draw is the same draw.",
        ),
        Mistake(
            _positions,
            "These are places within order. What is asked for is the examples that stand there: order at these places.",
        ),
        Mistake(_last, "These are the last k of each class in the order. Take the first k."),
        Mistake(
            _counted_classes,
            "The classes are taken to be 0, 1, 2 ... Ask y which classes it holds.",
        ),
        Mistake(
            _mixed,
            "The right examples, but in the drawn order. Put class by class, the smallest class first.",
        ),
        Mistake(
            _nested_wrongly,
            "The right examples, but sorted within each class. Keep the drawn order there: then the first of k is the draw for "
            "one label.",
        ),
    ],
    hint="y[order] holds the labels in the drawn order; a mask on it picks from order.",
)
