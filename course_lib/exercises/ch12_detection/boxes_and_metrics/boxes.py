"""Exercises on the overlap of boxes, and on boxes as corrections of others."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/boxes_and_metrics"
Array = np.ndarray

# intersection over union


def _corners(boxes: Array) -> Array:
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)


def _shared_sides(p: Array, q: Array) -> Array:
    """Width and height (n, m, 2) that corners p (n, 4) and q (m, 4) share; negative where they part."""
    return np.minimum(p[:, None, 2:], q[None, :, 2:]) - np.maximum(p[:, None, :2], q[None, :, :2])


def _areas(p: Array) -> Array:
    return (p[:, 2] - p[:, 0]) * (p[:, 3] - p[:, 1])


def _ratio(shared: Array, whole: Array) -> Array:
    return np.divide(shared, whole, out=np.zeros(np.broadcast(shared, whole).shape), where=whole > 0)


def iou(a: Array, b: Array) -> Array:
    """IoU (n, m) of boxes given by centre and sides."""
    p, q = _corners(a), _corners(b)
    shared = np.clip(_shared_sides(p, q), 0, None).prod(axis=2)
    return _ratio(shared, _areas(p)[:, None] + _areas(q) - shared)


def _by_loops(a: Array, b: Array) -> Array:
    found = np.zeros((len(a), len(b)))
    for i, (x, y, w, h) in enumerate(a):
        for j, (u, v, s, t) in enumerate(b):
            wide = min(x + w / 2, u + s / 2) - max(x - w / 2, u - s / 2)
            high = min(y + h / 2, v + t / 2) - max(y - h / 2, v - t / 2)
            if wide > 0 and high > 0:
                found[i, j] = wide * high / (w * h + s * t - wide * high)
    return found


def _iou(
    corners: Callable[[Array], Array] = _corners,
    sides: Callable[[Array], Array] = lambda both: np.clip(both, 0, None),
    whole: Callable[[Array, Array, Array], Array] = lambda p, q, shared: p[:, None] + q - shared,
    times: float = 1,
) -> Callable[[Array, Array], Array]:
    """Another reading of the boxes, of what they share, or of what that is divided by."""

    def answer(a: Array, b: Array) -> Array:
        p, q = corners(a), corners(b)
        shared = sides(_shared_sides(p, q)).prod(axis=2)
        return times * _ratio(shared, whole(_areas(p), _areas(q), shared))

    return answer


def _by_hull(a: Array, b: Array) -> Array:
    p, q = _corners(a), _corners(b)
    shared = np.clip(_shared_sides(p, q), 0, None).prod(axis=2)
    low, high = np.minimum(p[:, None, :2], q[:, :2]), np.maximum(p[:, None, 2:], q[:, 2:])
    return _ratio(shared, (high - low).prod(axis=2))


def _with_nan(a: Array, b: Array) -> Array:
    empty = (a[:, 2:].prod(axis=1)[:, None] + b[:, 2:].prod(axis=1)) == 0
    return np.where(empty, np.nan, iou(a, b))


def _box_cases(rng: np.random.Generator) -> list[Case]:
    def some(n: int) -> Array:
        return np.concatenate([rng.integers(10, 30, (n, 2)), rng.integers(2, 30, (n, 2))], axis=1) * 1.0

    return [
        case(np.array([[5.0, 5, 10, 10]]), np.array([[10.0, 5, 10, 10]]), label="moved by half its width"),
        case(np.array([[5.0, 5, 10, 4], [5, 5, 2, 2]]), np.array([[5.0, 5, 4, 10]]), label="a cross"),
        case(
            np.array([[5.0, 5, 4, 4]]),
            np.array([[20.0, 5, 4, 4], [20, 25, 4, 4]]),
            label="apart, in one and both directions",
        ),
        case(some(4), some(3), label="four with three"),
        case(some(2), some(6), label="two with six"),
        case(
            np.array([[3.0, 3, 0, 0], [3, 3, 2, 2]]), np.array([[3.0, 3, 0, 5]]), label="boxes without area"
        ),
    ]


IOU = Exercise(
    id="boxes_and_metrics/iou",
    section=SECTION,
    title="Every box with every box",
    reference=iou,
    cases=_box_cases,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _iou(corners=lambda boxes: boxes),
            "The four numbers are taken for two corners. These boxes are given by centre and sides.",
        ),
        Mistake(
            _iou(corners=lambda b: np.concatenate([b[:, :2], b[:, :2] + b[:, 2:]], axis=1)),
            "The centre is taken for the upper left corner. The box reaches half its sides to each side of the centre.",
        ),
        Mistake(
            _iou(corners=lambda b: np.concatenate([b[:, :2] - b[:, 2:], b[:, :2] + b[:, 2:]], axis=1)),
            "The boxes reach a whole side from their centre to each side. It is half a side.",
        ),
        Mistake(
            _iou(sides=lambda both: both),
            "Boxes that are apart get an overlap: a negative width times a negative height is positive. Cut both at 0.",
        ),
        Mistake(
            _iou(sides=np.abs),
            "The gap between boxes that are apart counts as overlap. Where an edge lies beyond the other box, the width is 0.",
        ),
        Mistake(
            _iou(whole=lambda p, q, shared: p[:, None] + q + 0 * shared),
            "What they share is counted twice in the union. Take it off once.",
        ),
        Mistake(
            _iou(whole=lambda p, q, shared: np.minimum(p[:, None], q)),
            "This divides by the smaller area: a small box inside a large one would be perfect. Divide by the union.",
        ),
        Mistake(
            _iou(whole=lambda p, q, shared: p[:, None] + 0 * shared),
            "This divides by the area of the first box alone. Divide by the union of both.",
        ),
        Mistake(
            _iou(whole=lambda p, q, shared: p[:, None] + q + 0 * shared, times=2),
            "That is the Dice coefficient, twice the intersection over the sum of the areas. Divide by the union.",
        ),
        Mistake(
            _by_hull,
            "This divides by the smallest box around both. The union is smaller: only what they cover.",
        ),
        Mistake(
            lambda a, b: iou(a, b).T,
            "Rows and columns are exchanged: a row for each box of a, a column for each of b.",
        ),
        Mistake(_with_nan, "Two boxes without area give 0 / 0. Here that is to be 0."),
    ],
    hint="Corners first. Shapes (n, 1) and (1, m) broadcast to (n, m).",
)

# corrections


def decode(boxes: Array, t: Array, most: float) -> Array:
    """Corrected boxes, as corners."""
    sides = boxes[:, 2:] - boxes[:, :2]
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + t[:, :2] * sides
    half = sides * np.exp(np.minimum(t[:, 2:], most)) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _one_by_one(boxes: Array, t: Array, most: float) -> Array:
    rows = []
    for (x1, y1, x2, y2), (tx, ty, tw, th) in zip(boxes, t, strict=True):
        w, h = x2 - x1, y2 - y1
        x, y = x1 + w / 2 + tx * w, y1 + h / 2 + ty * h
        w, h = w * min(np.exp(tw), np.exp(most)), h * min(np.exp(th), np.exp(most))
        rows.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return np.array(rows)


def _decode(
    start: Callable[[Array, Array], Array] = lambda boxes, sides: boxes[:, :2] + sides / 2,
    move: Callable[[Array, Array, Array], Array] = lambda t, sides, new: t * sides,
    size: Callable[[Array, Array, float], Array] = lambda t, sides, most: sides * np.exp(np.minimum(t, most)),
    form: Callable[[Array, Array], tuple[Array, Array]] = lambda c, s: (c - s / 2, c + s / 2),
) -> Callable[[Array, Array, float], Array]:
    """Another start, another move, another size, or another format of the answer."""

    def answer(boxes: Array, t: Array, most: float) -> Array:
        sides = boxes[:, 2:] - boxes[:, :2]
        new = size(t[:, 2:], sides, most)
        centre = start(boxes, sides) + move(t[:, :2], sides, new)
        return np.concatenate(form(centre, new), axis=1)

    return answer


def _codes(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, spread: float, most: float, label: str) -> Case:
        corner, sides = rng.integers(0, 50, (n, 2)), rng.integers(4, 40, (n, 2))
        boxes = np.concatenate([corner, corner + sides], axis=1) * 1.0
        return case(boxes, rng.normal(0, spread, (n, 4)).round(2), most, label=label)

    return [
        case(
            np.array([[10.0, 20, 30, 30]]), np.array([[0.5, 0, 0, 0]]), 4.0, label="half a width to the right"
        ),
        case(np.array([[10.0, 20, 30, 30]]), np.array([[0.0, 0, np.log(2), 0]]), 4.0, label="twice as wide"),
        draw(4, 0.3, 4.0, "small corrections"),
        draw(3, 1.0, 4.0, "large corrections"),
        draw(5, 2.0, 0.7, "many of them cut off"),
    ]


DECODE = Exercise(
    id="boxes_and_metrics/decode",
    section=SECTION,
    title="From corrections to boxes",
    reference=decode,
    cases=_codes,
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            _decode(start=lambda boxes, sides: boxes[:, :2]),
            "The correction starts at the upper left corner. It moves the centre.",
        ),
        Mistake(
            _decode(move=lambda t, sides, new: t),
            "The centre moves by t pixels. It moves by t times the side of the box that is corrected.",
        ),
        Mistake(
            _decode(move=lambda t, sides, new: t * new),
            "The move is in units of the new sides. The code was made in units of the old ones.",
        ),
        Mistake(
            _decode(move=lambda t, sides, new: t * sides[:, ::-1]),
            "Width and height are exchanged in the move: t_x goes with the width, t_y with the height.",
        ),
        Mistake(
            _decode(size=lambda t, sides, most: sides * (1 + np.minimum(t, most))),
            "The sides grow by 1 + t. The code holds logarithms: undo them by exp.",
        ),
        Mistake(
            _decode(size=lambda t, sides, most: sides + np.exp(np.minimum(t, most))),
            "exp(t) is added to the side. It is the ratio of new to old: multiply.",
        ),
        Mistake(
            _decode(size=lambda t, sides, most: np.exp(np.minimum(t, most))),
            "exp(t) is taken for the side itself. It is the ratio of new to old: multiply by the old side.",
        ),
        Mistake(
            _decode(size=lambda t, sides, most: sides * np.exp(t)),
            "Nothing is cut off: one wild output makes a box larger than any picture. Cut t_w and t_h at most.",
        ),
        Mistake(
            _decode(size=lambda t, sides, most: sides * np.minimum(np.exp(t), most)),
            "The ratio is cut off at most, after the exponential. Cut t itself.",
        ),
        Mistake(
            _decode(size=lambda t, sides, most: sides * np.exp(np.clip(t, -most, most))),
            "Small sides are cut off, too. Only growth needs a limit: exp of a negative number stays in bounds.",
        ),
        Mistake(
            lambda boxes, t, most: decode(boxes, np.minimum(t, most), most),
            "The moves are cut off, too. Only t_w and t_h are, which stand in an exponential.",
        ),
        Mistake(
            _decode(form=lambda c, s: (c, s)),
            "These are centre and sides. Return corners, x1, y1, x2, y2.",
        ),
        Mistake(
            _decode(form=lambda c, s: (c - s / 2, s)),
            "This is a corner and the sides. Return both corners, x1, y1, x2, y2.",
        ),
        Mistake(
            _decode(form=lambda c, s: (c - s, c + s)),
            "The box reaches a whole side from its centre to each side. It is half a side.",
        ),
    ],
    hint="Centre and sides of the old box, then of the new one, then its corners.",
)
