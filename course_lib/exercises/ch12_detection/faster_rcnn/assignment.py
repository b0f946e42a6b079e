"""The exercise on which anchor belongs to which object."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/faster_rcnn"
Array = np.ndarray


def assign(iou: Array, high: float, low: float) -> Array:
    """The object of each anchor, -1 for background, -2 for left out."""
    top = iou.max(axis=1)
    owner = np.where(top >= high, iou.argmax(axis=1), np.where(top < low, -1, -2))
    for g in range(iou.shape[1]):
        if iou[:, g].max() > 0:
            owner[iou[:, g].argmax()] = g
    return owner


def _by_loops(iou: Array, high: float, low: float) -> list[int]:
    owners = []
    for row in iou.tolist():
        top = max(row)
        owners.append(row.index(top) if top >= high else -1 if top < low else -2)
    for g, column in enumerate(iou.T.tolist()):
        if max(column) > 0:
            owners[column.index(max(column))] = g
    return owners


Threshold = Callable[[Array, float], Array]


def _assigned(
    own: Callable[[Array, float], Array] = lambda iou, high: iou.argmax(axis=1),
    enough: Threshold = lambda top, high: top >= high,
    empty: Threshold = lambda top, low: top < low,
    left: int = -2,
    forced: Callable[[Array, Array, int, float], Any] = lambda iou, column, g, high: column.argmax(),
    gives: Callable[[Array, Any, int], int] = lambda iou, best, g: g,
    needs: Callable[[float, float], bool] = lambda best, low: best > 0,
) -> Callable[[Array, float, float], Array]:
    """Another owner, other thresholds, or another second rule."""

    def answer(iou: Array, high: float, low: float) -> Array:
        top = iou.max(axis=1)
        owner = np.where(enough(top, high), own(iou, high), np.where(empty(top, low), -1, left))
        for g in range(iou.shape[1]):
            if needs(iou[:, g].max(), low):
                best = forced(iou, iou[:, g], g, high)
                owner[best] = gives(iou, best, g)
        return owner

    return answer


def _no_second_rule(iou: Array, high: float, low: float) -> Array:
    top = iou.max(axis=1)
    return np.where(top >= high, iou.argmax(axis=1), np.where(top < low, -1, -2))


def _only_second_rule(iou: Array, high: float, low: float) -> Array:
    return assign(iou, 2.0, low)


def _thresholds_win(iou: Array, high: float, low: float) -> Array:
    owner, kept = assign(iou, high, low), iou.max(axis=1) >= high
    return np.where(kept, iou.argmax(axis=1), owner)


def _tables(rng: np.random.Generator) -> list[Case]:
    def table(n: int, g: int, label: str) -> Case:
        return case(rng.uniform(0, 0.9, (n, g)).round(2) * (rng.random((n, g)) < 0.6), 0.7, 0.3, label=label)

    return [
        case(np.array([[0.8], [0.5], [0.1]]), 0.7, 0.3, label="one object"),
        case(np.array([[0.2, 0.75], [0.4, 0.1], [0.1, 0.0]]), 0.7, 0.3, label="an object with 0.4 at best"),
        case(np.array([[0.7], [0.3], [0.9]]), 0.7, 0.3, label="exactly the thresholds"),
        case(np.array([[0.8, 0.0], [0.1, 0.0]]), 0.7, 0.3, label="an object that no anchor meets"),
        case(
            np.array([[0.9, 0.6], [0.8, 0.2], [0.0, 0.1]]), 0.7, 0.3, label="one anchor, best for two objects"
        ),
        case(
            np.array([[0.8, 0.1], [0.6, 0.5], [0.1, 0.2]]),
            0.7,
            0.3,
            label="its best anchor is more of another",
        ),
        case(np.array([[0.2, 0.0], [0.2, 0.0], [0.0, 0.5], [0.1, 0.5]]), 0.7, 0.3, label="ties"),
        case(
            np.array([[0.75, 0.8], [0.9, 0.1], [0.1, 0.85]]), 0.7, 0.3, label="above the threshold with two"
        ),
        case(np.array([[0.9, 0.1], [0.8, 0.8], [0.1, 0.95]]), 0.7, 0.3, label="as much of one as of another"),
        case(
            np.array([[0.6, 0.1], [0.45, 0.55], [0.2, 0.35], [0.7, 0.8]]), 0.5, 0.4, label="other thresholds"
        ),
        table(12, 3, "twelve anchors"),
        table(20, 5, "twenty anchors"),
    ]


ASSIGN = Exercise(
    id="faster_rcnn/assign",
    section=SECTION,
    title="No object without an anchor",
    reference=assign,
    cases=_tables,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _no_second_rule,
            "An object whose best anchor stays below the upper threshold gets none. Give it its best one.",
        ),
        Mistake(
            _only_second_rule,
            "Only the best anchor of each object is positive. All from the upper threshold on are.",
        ),
        Mistake(
            _thresholds_win,
            "An anchor above the threshold is not given to the other object that it is best for. The second rule has the last word.",
        ),
        Mistake(
            _assigned(gives=lambda iou, best, g: int(iou[best].argmax())),
            "The best anchor of an object goes to the object that it overlaps most. It is to go to the one it is best for.",
        ),
        Mistake(
            _assigned(needs=lambda best, low: True),
            "An object that no anchor meets gets one all the same: the largest overlap is 0, and any anchor has it.",
        ),
        Mistake(
            _assigned(needs=lambda best, low: best >= low),
            "An object whose best overlap is below the lower threshold gets no anchor. Any overlap above 0 will do.",
        ),
        Mistake(
            _assigned(forced=lambda iou, column, g, high: np.flatnonzero(column == column.max())),
            "All anchors that tie for an object are given to it. Here only the first is.",
        ),
        Mistake(
            _assigned(forced=lambda iou, column, g, high: np.int64(len(column) - 1 - column[::-1].argmax())),
            "Of anchors that tie for an object the last is taken. Take the first.",
        ),
        Mistake(
            _assigned(enough=lambda top, high: top > high),
            "An overlap of exactly the upper threshold is refused. It is enough.",
        ),
        Mistake(
            _assigned(empty=lambda top, low: top <= low),
            "An overlap of exactly the lower threshold counts as background. Only less does.",
        ),
        Mistake(
            _assigned(left=-1),
            "What lies between the thresholds counts as background. It is left out: -2.",
        ),
        Mistake(
            _assigned(own=lambda iou, high: (iou >= high).argmax(axis=1)),
            "An anchor goes to the first object that reaches the threshold. It goes to the one it overlaps most.",
        ),
        Mistake(
            _assigned(own=lambda iou, high: iou.shape[1] - 1 - iou[:, ::-1].argmax(axis=1)),
            "Of objects that an anchor overlaps equally, it goes to the last. It goes to the first.",
        ),
        Mistake(
            lambda iou, high, low: assign(iou, 0.7, 0.3),
            "The thresholds are always 0.7 and 0.3. Use high and low, as they are given.",
        ),
    ],
    hint="The thresholds first; then a loop over the objects that overwrites.",
)
