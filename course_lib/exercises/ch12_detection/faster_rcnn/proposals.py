"""The exercise on proposals."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/faster_rcnn"
Array = np.ndarray


def _decoded(anchors: Array, codes: Array) -> Array:
    """Corners of anchors (n, 4), given by centre and sides, that are corrected by codes."""
    centre = anchors[:, :2] + codes[:, :2] * anchors[:, 2:]
    half = anchors[:, 2:] * np.exp(codes[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def proposals(anchors: Array, logits: Array, codes: Array, h: int, w: int, first: int, side: float) -> Array:
    """Corrected, cut and filtered boxes of the best anchors, by falling logit."""
    best = np.argsort(-logits, kind="stable")[:first]
    boxes = np.clip(_decoded(anchors[best], codes[best]), 0, [w, h, w, h])
    return boxes[((boxes[:, 2:] - boxes[:, :2]) >= side).all(axis=1)]


def _one_by_one(
    anchors: Array, logits: Array, codes: Array, h: int, w: int, first: int, side: float
) -> Array:
    kept = []
    for k in sorted(range(len(logits)), key=lambda k: -logits[k])[:first]:
        (x, y, p, q), (a, b, c, d) = anchors[k], codes[k]
        x, y, p, q = x + a * p, y + b * q, p * np.exp(c), q * np.exp(d)
        x1, x2 = (min(max(each, 0), w) for each in (x - p / 2, x + p / 2))
        y1, y2 = (min(max(each, 0), h) for each in (y - q / 2, y + q / 2))
        if x2 - x1 >= side and y2 - y1 >= side:
            kept.append([x1, y1, x2, y2])
    return np.array(kept).reshape(-1, 4)


def _proposed(
    order: Callable[[Array], Array] = lambda logits: np.argsort(-logits, kind="stable"),
    decode: Callable[[Array, Array], Array] = _decoded,
    cut: Callable[[Array, int, int], Array] = lambda b, h, w: np.clip(b, 0, [w, h, w, h]),
    large: Callable[[Array, Array, float], Any] = lambda cut, whole, side: (cut >= side).all(axis=1),
    filter_first: bool = False,
) -> Callable[..., Array]:
    """Another order, decoding, cut or filter."""

    def answer(anchors: Array, logits: Array, codes: Array, h: int, w: int, first: int, side: float) -> Array:
        best = order(logits)[: None if filter_first else first]
        whole = decode(anchors[best], codes[best])
        boxes = cut(whole, h, w)
        kept = large(boxes[:, 2:] - boxes[:, :2], whole[:, 2:] - whole[:, :2], side)
        return boxes[kept][:first]

    return answer


def _swapped_sides(anchors: Array, codes: Array) -> Array:
    return _decoded(anchors, codes[:, [0, 1, 3, 2]])


def _moved_in_pixels(anchors: Array, codes: Array) -> Array:
    return _decoded(
        np.concatenate([anchors[:, :2] + codes[:, :2], anchors[:, 2:]], axis=1), codes * [0, 0, 1, 1]
    )


def _not_exponential(anchors: Array, codes: Array) -> Array:
    return _decoded(
        anchors, np.concatenate([codes[:, :2], np.log1p(np.maximum(codes[:, 2:], -0.99))], axis=1)
    )


def _centres(anchors: Array, codes: Array) -> Array:
    corners = _decoded(anchors, codes)
    return np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)


def _outside_dropped(
    anchors: Array, logits: Array, codes: Array, h: int, w: int, first: int, side: float
) -> Array:
    best = np.argsort(-logits, kind="stable")[:first]
    boxes = _decoded(anchors[best], codes[best])
    inside = (boxes >= 0).all(axis=1) & (boxes <= [w, h, w, h]).all(axis=1)
    return boxes[inside & ((boxes[:, 2:] - boxes[:, :2]) >= side).all(axis=1)]


def _maps(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, h: int, w: int, first: int, side: float, label: str) -> Case:
        centre, sides = rng.uniform(0, [w, h], (n, 2)), rng.uniform(5, 25, (n, 2))
        codes = rng.normal(0, 0.4, (n, 4))
        return case(
            np.concatenate([centre, sides], axis=1),
            rng.normal(0, 3, n),
            codes,
            h,
            w,
            first,
            side,
            label=label,
        )

    middle = np.array([[20.0, 15, 10, 6], [30, 15, 8, 8]])
    return [
        case(middle, np.array([2.0, 1.0]), np.zeros((2, 4)), 30, 50, 2, 1.0, label="nothing to correct"),
        case(
            middle,
            np.array([1.0, 2.0]),
            np.array([[0.1, 0.5, 0, 0.3], [0, 0, -0.5, 0]]),
            30,
            50,
            2,
            1.0,
            label="corrections",
        ),
        case(
            np.array([[48.0, 15, 10, 6], [20, 1, 8, 4]]),
            np.array([2.0, 1.0]),
            np.zeros((2, 4)),
            30,
            50,
            2,
            3.0,
            label="beyond the edge",
        ),
        case(
            np.array([[54.0, 15, 10, 6], [25, 15, 8, 4], [25, 15, 4, 4]]),
            np.array([3.0, 2.0, 1.0]),
            np.zeros((3, 4)),
            30,
            50,
            2,
            4.0,
            label="nearly outside",
        ),
        draw(12, 40, 60, 6, 5.0, "half of twelve"),
        draw(20, 60, 40, 20, 8.0, "all of twenty"),
        draw(30, 50, 50, 15, 12.0, "only large ones"),
    ]


PROPOSALS = Exercise(
    id="faster_rcnn/proposals",
    section=SECTION,
    title="From anchors to proposals",
    reference=proposals,
    cases=_maps,
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            _proposed(order=lambda logits: np.arange(len(logits))),
            "The first anchors are taken as they come. Take those with the highest logits, the highest first.",
        ),
        Mistake(
            _proposed(order=lambda logits: np.argsort(logits, kind="stable")),
            "The lowest logits come first. Take the highest.",
        ),
        Mistake(
            _proposed(decode=lambda anchors, codes: _decoded(anchors, 0 * codes)),
            "The anchors are returned as they are. Correct them by their codes.",
        ),
        Mistake(
            _proposed(decode=_swapped_sides),
            "The codes of width and height are exchanged: the third is for the width.",
        ),
        Mistake(
            _proposed(decode=_moved_in_pixels),
            "The moves are taken for pixels. They are in units of the anchor's sides.",
        ),
        Mistake(
            _proposed(decode=_not_exponential),
            "The sides are multiplied by one plus their code. The code is a logarithm: use the exponential.",
        ),
        Mistake(
            _proposed(decode=_centres),
            "Centre and sides are cut as if they were corners. Turn the boxes into corners first.",
        ),
        Mistake(
            _proposed(cut=lambda b, h, w: b),
            "Boxes reach beyond the picture. Cut them to it.",
        ),
        Mistake(
            _proposed(cut=lambda b, h, w: np.clip(b, 0, [h, w, h, w])),
            "x is cut at the height and y at the width. It is the other way round.",
        ),
        Mistake(
            _outside_dropped,
            "Boxes that reach beyond the picture are dropped. Cut them, and keep what is large enough.",
        ),
        Mistake(
            _proposed(large=lambda cut, whole, side: (whole >= side).all(axis=1)),
            "The sides are looked at before the cut: a box may be a sliver after it. Cut first, then filter.",
        ),
        Mistake(
            _proposed(large=lambda cut, whole, side: (cut >= side).any(axis=1)),
            "One large side is enough here. Both sides must be.",
        ),
        Mistake(
            _proposed(large=lambda cut, whole, side: (cut > side).all(axis=1)),
            "A side of exactly the least length is refused. It is large enough.",
        ),
        Mistake(
            _proposed(filter_first=True),
            "Small boxes are dropped before the best are chosen, so that others move up. Choose first.",
        ),
    ],
    hint="Sort and choose; centre and sides; corners; cut; filter.",
)
