"""The exercise on what the box regression of one class is fitted to."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/rcnn"
Array = np.ndarray
Pairs = Callable[[Array, float], tuple[Array, Array]]
Code = Callable[[Array, Array], Array]


def _overlaps(a: Array, b: Array) -> Array:
    low, high = np.maximum(a[:, None, :2], b[:, :2]), np.minimum(a[:, None, 2:], b[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(each[:, 2:] - each[:, :2]).prod(axis=1) for each in (a, b)]
    return shared / (areas[0][:, None] + areas[1] - shared)


def _near(iou: Array, least: float) -> tuple[Array, Array]:
    """Rows of proposals, and the object of each."""
    rows = np.flatnonzero(iou.max(axis=1) >= least)
    return rows, iou[rows].argmax(axis=1)


def _parts(boxes: Array) -> tuple[Array, Array]:
    """Centres and sides."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def _code(objects: Array, proposals: Array) -> Array:
    (c, s), (c_a, s_a) = _parts(objects), _parts(proposals)
    return np.concatenate([(c - c_a) / s_a, np.log(s / s_a)], axis=1)


def targets(proposals: Array, objects: Array, least: float) -> tuple[Array, Array]:
    """The rows of the proposals to learn from, and their codes."""
    rows, own = _near(_overlaps(proposals, objects), least)
    return rows, _code(objects[own], proposals[rows])


def _one_by_one(proposals: Array, objects: Array, least: float) -> tuple[list[int], Array]:
    rows, codes = [], []
    for i, (x1, y1, x2, y2) in enumerate(proposals):
        iou = _overlaps(proposals[i : i + 1], objects)[0]
        if iou.max() >= least:
            u1, v1, u2, v2 = objects[iou.argmax()]
            w, h, s, t = x2 - x1, y2 - y1, u2 - u1, v2 - v1
            rows.append(i)
            codes.append(
                [(u1 + u2 - x1 - x2) / 2 / w, (v1 + v2 - y1 - y2) / 2 / h, np.log(s / w), np.log(t / h)]
            )
    return rows, np.array(codes).reshape(-1, 4)


def _targets(
    pairs: Pairs = _near, code: Code = _code
) -> Callable[[Array, Array, float], tuple[Array, Array]]:
    """Another choice of pairs, or another code."""

    def answer(proposals: Array, objects: Array, least: float) -> tuple[Array, Array]:
        rows, own = pairs(_overlaps(proposals, objects), least)
        return rows, code(objects[own], proposals[rows])

    return answer


def _over(iou: Array, least: float) -> tuple[Array, Array]:
    rows = np.flatnonzero(iou.max(axis=1) > least)
    return rows, iou[rows].argmax(axis=1)


def _first_near(iou: Array, least: float) -> tuple[Array, Array]:
    rows = np.flatnonzero(iou.max(axis=1) >= least)
    return rows, (iou[rows] >= least).argmax(axis=1)


def _best_of_each(iou: Array, least: float) -> tuple[Array, Array]:
    own = np.flatnonzero(iou.max(axis=0) >= least)
    rows = iou[:, own].argmax(axis=0)
    order = np.argsort(rows, kind="stable")
    return rows[order], own[order]


def _every_pair(iou: Array, least: float) -> tuple[Array, Array]:
    rows, own = np.nonzero(iou >= least)
    return rows, own


def _coded(
    move: Callable[[Array, Array, Array, Array], Array] = lambda c, s, c_a, s_a: (c - c_a) / s_a,
    size: Callable[[Array, Array], Array] = lambda s, s_a: np.log(s / s_a),
) -> Code:
    """Another code of the move, or of the sides."""

    def code(objects: Array, proposals: Array) -> Array:
        (c, s), (c_a, s_a) = _parts(objects), _parts(proposals)
        return np.concatenate([move(c, s, c_a, s_a), size(s, s_a)], axis=1)

    return code


def _corners(objects: Array, proposals: Array) -> Array:
    (_, s), (_, s_a) = _parts(objects), _parts(proposals)
    return np.concatenate([(objects[:, :2] - proposals[:, :2]) / s_a, np.log(s / s_a)], axis=1)


def _cases(rng: np.random.Generator) -> list[Case]:
    def draw(objects: list[list[float]], spread: float, each: int, least: float, label: str) -> Case:
        true = np.array(objects)
        near = np.repeat(true, each, axis=0) + rng.integers(-2, 3, (each * len(true), 4)) * spread
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 2)
        return case(near[rng.permutation(len(near))], true, least, label=label)

    one = [[10.0, 10, 30, 20]]
    return [
        case(np.array([[8.0, 10, 28, 20]]), np.array(one), 0.6, label="two pixels too far left"),
        case(np.array([[10.0, 10, 20, 20], [10, 10, 30, 20]]), np.array(one), 0.5, label="exactly the least"),
        draw(one, 1.5, 6, 0.6, "one object"),
        draw([[10.0, 10, 30, 30], [14, 10, 36, 32]], 1.0, 4, 0.5, "two objects, close together"),
        draw([[5.0, 5, 15, 25], [20, 8, 50, 30], [40, 30, 60, 50]], 2.0, 4, 0.6, "three objects"),
        case(np.array([[0.0, 0, 5, 5]]), np.array(one), 0.6, label="no proposal near"),
    ]


TARGETS = Exercise(
    id="rcnn/targets",
    section=SECTION,
    title="What the regression is to say",
    reference=targets,
    cases=_cases,
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            _targets(lambda iou, least: (np.arange(len(iou)), iou.argmax(axis=1))),
            "All proposals are taken, those far from any object too. Only the near ones say something of it.",
        ),
        Mistake(
            _targets(_over),
            "A proposal whose IoU is exactly the least is left out. It belongs to the near ones.",
        ),
        Mistake(
            _targets(_first_near),
            "A proposal near two objects goes to the first of them. It goes to the one it overlaps most.",
        ),
        Mistake(
            _targets(_best_of_each),
            "Each object has its best proposal only. Take every proposal that is near enough.",
        ),
        Mistake(
            _targets(_every_pair),
            "A proposal near two objects is there twice, with two targets. It has one: that of the object it overlaps most.",
        ),
        Mistake(
            _targets(code=lambda objects, proposals: _code(proposals, objects)),
            "The code turns the object into the proposal. It is to turn the proposal into the object.",
        ),
        Mistake(
            _targets(code=_coded(move=lambda c, s, c_a, s_a: c - c_a)),
            "The move is in pixels. Divide it by the sides of the proposal.",
        ),
        Mistake(
            _targets(code=_coded(move=lambda c, s, c_a, s_a: (c - c_a) / s)),
            "The move is divided by the sides of the object, which are unknown when a box is corrected. Use the proposal's.",
        ),
        Mistake(
            _targets(code=_coded(size=lambda s, s_a: s / s_a)),
            "The last two are ratios of the sides. Take their logarithms.",
        ),
        Mistake(
            _targets(code=_coded(size=lambda s, s_a: (s - s_a) / s_a)),
            "The last two are relative differences of the sides. Take logarithms of their ratios.",
        ),
        Mistake(
            _targets(code=_coded(size=lambda s, s_a: np.log2(s / s_a))),
            "Logarithms of base 2. The code has natural ones, which exp undoes.",
        ),
        Mistake(
            _targets(code=_corners),
            "The move is that of the upper left corner. Take the centre's.",
        ),
        Mistake(
            _targets(code=lambda objects, proposals: _code(objects, proposals)[:, [0, 2, 1, 3]]),
            "The columns stand as x, w, y, h. Their order is x, y, w, h.",
        ),
    ],
    hint="An overlap of every pair, the best object of each proposal, and the code of the pairs that are near.",
)
