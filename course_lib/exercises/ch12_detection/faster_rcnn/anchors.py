"""The exercise on anchors."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "12_detection/faster_rcnn"
Array = np.ndarray
Numbers = Sequence[float]


def anchors(sizes: Numbers, ratios: Numbers, h: int, w: int, stride: int) -> Array:
    """Anchors (h w A, 4) as centre and sides, place by place, at each place size by size."""
    rows = [
        ((j + 0.5) * stride, (i + 0.5) * stride, q / np.sqrt(r), q * np.sqrt(r))
        for i in range(h)
        for j in range(w)
        for q in sizes
        for r in ratios
    ]
    return np.array(rows, dtype=float)


def _by_grids(sizes: Numbers, ratios: Numbers, h: int, w: int, stride: int) -> Array:
    size, root = np.array(sizes, dtype=float), np.sqrt(np.array(ratios, dtype=float))
    sides = np.stack([np.divide.outer(size, root).ravel(), np.multiply.outer(size, root).ravel()], axis=1)
    y, x = np.indices((h, w)).reshape(2, -1) * stride + stride / 2
    places = np.stack([x, y], axis=1)
    return np.concatenate([np.repeat(places, len(sides), axis=0), np.tile(sides, (h * w, 1))], axis=1)


def _anchors(
    centre: Callable[[int, int, int], tuple[float, float]] = lambda i, j, d: ((j + 0.5) * d, (i + 0.5) * d),
    sides: Callable[[float, float], tuple[float, float]] = lambda q, r: (q / r**0.5, q * r**0.5),
    row: Callable[[float, float, float, float], tuple[float, ...]] = lambda x, y, a, b: (x, y, a, b),
) -> Callable[..., Array]:
    """Another centre, other sides, or another format."""

    def answer(sizes: Numbers, ratios: Numbers, h: int, w: int, stride: int) -> Array:
        places = [centre(i, j, stride) for i in range(h) for j in range(w)]
        shapes = [sides(q, r) for q in sizes for r in ratios]
        return np.array([row(*place, *shape) for place in places for shape in shapes], dtype=float)

    return answer


def _ordered(*order: int) -> Callable[..., Array]:
    """The axes i, j, size and ratio run in another order."""

    def answer(sizes: Numbers, ratios: Numbers, h: int, w: int, stride: int) -> Array:
        grid = anchors(sizes, ratios, h, w, stride).reshape(h, w, len(sizes), len(ratios), 4)
        return grid.transpose(*order, 4).reshape(-1, 4)

    return answer


ANCHORS = Exercise(
    id="faster_rcnn/anchors",
    section=SECTION,
    title="Anchors in the middle of their cells",
    reference=anchors,
    cases=[
        case([16], [1.0], 1, 1, 4, label="one place, one anchor"),
        case([16], [4.0], 1, 2, 4, label="a high anchor at two places"),
        case([8, 20], [1.0], 2, 1, 8, label="two sizes"),
        case([12, 18, 26], [0.5, 1.0, 2.0], 2, 3, 4, label="nine anchors, more columns than rows"),
        case([128, 256], [0.25, 1.0, 4.0], 3, 2, 16, label="larger strides"),
        case([10], [1.0, 2.0], 2, 2, 5, label="an odd stride"),
    ],
    alternatives=[_by_grids],
    mistakes=[
        Mistake(
            _anchors(centre=lambda i, j, d: (j * d, i * d)),
            "The centres are at the corners of the cells. Here an anchor is centred half a stride further.",
        ),
        Mistake(
            _anchors(centre=lambda i, j, d: ((i + 0.5) * d, (j + 0.5) * d)),
            "Rows and columns are exchanged: the column says x, the row says y.",
        ),
        Mistake(
            _anchors(centre=lambda i, j, d: (j + 0.5, i + 0.5)),
            "The centres are counted in places of the map. Multiply by the stride to get pixels.",
        ),
        Mistake(
            _anchors(centre=lambda i, j, d: (j * d + 0.5, i * d + 0.5)),
            "Half a pixel is added. The middle of a cell is half a stride from its corner.",
        ),
        Mistake(
            _anchors(centre=lambda i, j, d: (j * d + d // 2, i * d + d // 2)),
            "Half of an odd stride is rounded down. Divide by 2 without rounding.",
        ),
        Mistake(
            _anchors(sides=lambda q, r: (q * r**0.5, q / r**0.5)),
            "The ratio is width over height here. It is to be height over width.",
        ),
        Mistake(
            _anchors(sides=lambda q, r: (q, q * r)),
            "The area changes with the ratio. It is the size squared for each ratio: use the root.",
        ),
        Mistake(
            _anchors(sides=lambda q, r: (q / r, q * r)),
            "The area is right, but the ratio is squared: use its root on each side.",
        ),
        Mistake(
            _anchors(row=lambda x, y, a, b: (x - a / 2, y - b / 2, x + a / 2, y + b / 2)),
            "These are corners. Return the centre and the sides.",
        ),
        Mistake(
            _ordered(0, 1, 3, 2),
            "At each place, the ratios run slower than the sizes. All ratios of the first size come first.",
        ),
        Mistake(
            _ordered(2, 3, 0, 1),
            "All places of the first anchor come first. Go place by place, with all anchors at each.",
        ),
        Mistake(
            _ordered(1, 0, 2, 3),
            "The places run column by column. Go row by row.",
        ),
    ],
    hint="Four loops, one in the other: row, column, size, ratio.",
)
