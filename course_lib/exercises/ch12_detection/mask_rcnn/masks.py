"""The exercise on pasting a mask."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/mask_rcnn"
Array = np.ndarray


def paste(mask: Array, box: Array, h: int, w: int, threshold: float) -> Array:
    """Whether each pixel (h, w) is the object's: its mask's nearest entry is above the threshold."""
    m, found = len(mask), np.zeros((h, w), dtype=bool)
    x1, y1, x2, y2 = box
    for r in range(h):
        for q in range(w):
            i, j = np.floor((r + 0.5 - y1) / (y2 - y1) * m), np.floor((q + 0.5 - x1) / (x2 - x1) * m)
            if 0 <= i < m and 0 <= j < m:
                found[r, q] = mask[int(i), int(j)] > threshold
    return found


def _by_index(mask: Array, box: Array, h: int, w: int, threshold: float) -> Array:
    m = len(mask)
    x1, y1, x2, y2 = box
    i = np.floor((np.arange(h) + 0.5 - y1) * m / (y2 - y1)).astype(int)
    j = np.floor((np.arange(w) + 0.5 - x1) * m / (x2 - x1)).astype(int)
    inside = np.logical_and.outer((i >= 0) & (i < m), (j >= 0) & (j < m))
    return inside & (mask > threshold)[np.clip(i, 0, m - 1)][:, np.clip(j, 0, m - 1)]


def _pasted(
    centre: float = 0.5,
    rounded: Callable[[float], float] = np.floor,
    inside: Callable[[float, float, int], bool] = lambda i, j, m: bool(0 <= i < m and 0 <= j < m),
    place: Callable[[int, int, int], tuple[int, int]] = lambda i, j, m: (i, j),
    box_of: Callable[[Array], Array] = lambda box: box,
    cut: Callable[[float, float], bool] = lambda value, threshold: value > threshold,
    sides: Callable[[float, float], tuple[float, float]] = lambda wide, high: (wide, high),
    swap: bool = False,
) -> Callable[..., Array]:
    """Another point, rounding, border, orientation, box or threshold."""

    def answer(mask: Array, box: Array, h: int, w: int, threshold: float) -> Array:
        m, found = len(mask), np.zeros((h, w), dtype=bool)
        x1, y1, x2, y2 = box_of(np.asarray(box, dtype=float))
        wide, high = sides(x2 - x1, y2 - y1)
        for r in range(h):
            for q in range(w):
                x, y = (r, q) if swap else (q, r)
                i, j = rounded((y + centre - y1) / high * m), rounded((x + centre - x1) / wide * m)
                if inside(i, j, m):
                    found[r, q] = cut(mask[place(int(i), int(j), m)], threshold)
        return found

    return answer


def _clamped(mask: Array, box: Array, h: int, w: int, threshold: float) -> Array:
    m = len(mask)
    x1, y1, x2, y2 = box
    i = np.floor((np.arange(h) + 0.5 - y1) * m / (y2 - y1)).astype(int).clip(0, m - 1)
    j = np.floor((np.arange(w) + 0.5 - x1) * m / (x2 - x1)).astype(int).clip(0, m - 1)
    return (mask > threshold)[i][:, j]


def _negative_index(i: float, j: float, m: int) -> bool:
    return bool(-m <= i < m and -m <= j < m)


def _boxes(rng: np.random.Generator) -> list[Case]:
    def draw(m: int, box: list[float], h: int, w: int, threshold: float, label: str) -> Case:
        return case(rng.random((m, m)).round(2), np.array(box), h, w, threshold, label=label)

    return [
        case(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([2.0, 1, 6, 5]), 6, 8, 0.5, label="two by two"),
        case(
            np.array([[0.9, 0.5], [0.6, 0.7]]),
            np.array([1.0, 2, 5, 4]),
            6,
            6,
            0.5,
            label="exactly the threshold",
        ),
        draw(3, [1.3, 0.6, 5.8, 6.7], 8, 7, 0.4, "fractions of pixels"),
        draw(4, [-2.5, 3.0, 4.0, 9.5], 8, 8, 0.3, "beyond the edge"),
        draw(7, [2.2, 1.1, 13.7, 6.4], 10, 16, 0.5, "a wide box"),
        draw(7, [4.0, 4.0, 6.0, 7.0], 9, 9, 0.6, "a box with fewer pixels than the mask"),
        draw(5, [0.5, 0.5, 7.5, 11.5], 12, 8, 0.45, "edges on the centres of pixels"),
    ]


PASTE = Exercise(
    id="mask_rcnn/paste",
    section=SECTION,
    title="Paste without a blur",
    reference=paste,
    cases=_boxes,
    alternatives=[_by_index],
    mistakes=[
        Mistake(
            _pasted(centre=0.0),
            "Each pixel is asked at its upper left corner. Ask at its centre, half a pixel further.",
        ),
        Mistake(
            _pasted(centre=1.0),
            "Each pixel is asked at its lower right corner. Ask at its centre.",
        ),
        Mistake(
            _pasted(rounded=np.round),
            "The entry is rounded. Entry i of the mask reaches from i to i + 1: use floor.",
        ),
        Mistake(
            _clamped,
            "Outside the box the edge of the mask goes on. There the answer is no.",
        ),
        Mistake(
            _pasted(inside=_negative_index),
            "A negative index takes the mask from its other end. Above and left of the box the answer is no.",
        ),
        Mistake(
            _pasted(rounded=np.trunc),
            "Truncation makes -0.3 a 0: the row above the box gets the mask's first row. Use floor.",
        ),
        Mistake(
            _pasted(place=lambda i, j, m: (j, i)),
            "Rows and columns of the mask are exchanged. The row comes from y.",
        ),
        Mistake(
            _pasted(place=lambda i, j, m: (m - 1 - i, j)),
            "The mask stands on its head. Its first row is at y1, the upper edge.",
        ),
        Mistake(
            _pasted(box_of=np.round),
            "The box is rounded to whole pixels. Keep its fractions.",
        ),
        Mistake(
            _pasted(cut=lambda value, threshold: value >= threshold),
            "A probability of exactly the threshold is called the object. Only greater ones are.",
        ),
        Mistake(
            _pasted(sides=lambda wide, high: (wide + 1, high + 1)),
            "A pixel is added to the sides. In this book x2 - x1 is the width.",
        ),
        Mistake(
            _pasted(swap=True),
            "x is taken along rows. The column of a pixel says x, the row says y.",
        ),
    ],
    hint="Share of the way from x1 to x2, times m, rounded down: that is the column of the mask.",
)
