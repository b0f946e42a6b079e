"""The exercise on what the cells of a grid are to say."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/one_shot_detectors"
Array = np.ndarray


def grid(boxes: Array, labels: Array, cells: int, stride: int, prior: float) -> Array:
    """Label and code (cells, cells, 5) of the largest object whose centre lies in each cell."""
    wanted = np.zeros((cells, cells, 5))
    sides = boxes[:, 2:] - boxes[:, :2]
    for n in np.argsort(sides.prod(axis=1)):  # the largest comes last, and stays
        x, y = (boxes[n, :2] + boxes[n, 2:]) / (2 * stride)
        i, j = int(y), int(x)
        wanted[i, j] = labels[n], x - j, y - i, *np.log(sides[n] / prior)
    return wanted


def _cell_by_cell(boxes: Array, labels: Array, cells: int, stride: int, prior: float) -> Array:
    wanted = np.zeros((cells, cells, 5))
    centre, sides = (boxes[:, :2] + boxes[:, 2:]) / 2 / stride, boxes[:, 2:] - boxes[:, :2]
    for i, j in np.ndindex(cells, cells):
        here = np.flatnonzero((np.floor(centre) == [j, i]).all(axis=1))
        if len(here):
            n = max(here, key=lambda n: sides[n, 0] * sides[n, 1])
            shift = centre[n] % 1
            wanted[i, j] = [labels[n], *shift, np.log(sides[n, 0] / prior), np.log(sides[n, 1] / prior)]
    return wanted


Point = tuple[float, float]


def _target(
    order: Callable[[Array], Array] = lambda sides: np.argsort(sides.prod(axis=1)),
    point: Callable[[Array], Array] = lambda box: (box[:2] + box[2:]) / 2,
    cell: Callable[[float, float], tuple[int, int]] = lambda x, y: (int(y), int(x)),
    shift: Callable[[float, float, int, int, int], Point] = lambda x, y, i, j, stride: (x - j, y - i),
    size: Callable[[Array, float, int], Array] = lambda sides, prior, stride: np.log(sides / prior),
) -> Callable[..., Array]:
    """Another winner, another cell, or another code."""

    def answer(boxes: Array, labels: Array, cells: int, stride: int, prior: float) -> Array:
        wanted = np.zeros((cells, cells, 5))
        sides = boxes[:, 2:] - boxes[:, :2]
        for n in order(sides):
            x, y = point(boxes[n]) / stride
            i, j = np.minimum(cell(x, y), cells - 1)
            wanted[i, j] = labels[n], *shift(x, y, i, j, stride), *size(sides[n], prior, stride)
        return wanted

    return answer


def _all_that_it_touches(boxes: Array, labels: Array, cells: int, stride: int, prior: float) -> Array:
    wanted = np.zeros((cells, cells, 5))
    sides = boxes[:, 2:] - boxes[:, :2]
    for n in np.argsort(sides.prod(axis=1)):
        x, y = (boxes[n, :2] + boxes[n, 2:]) / (2 * stride)
        left, top = (boxes[n, :2] // stride).astype(int)
        right, bottom = np.ceil(boxes[n, 2:] / stride).astype(int)
        for i in range(top, bottom):
            for j in range(left, right):
                wanted[i, j] = labels[n], x - j, y - i, *np.log(sides[n] / prior)
    return wanted


def _objects(rng: np.random.Generator) -> list[Case]:
    def some(n: int, cells: int, stride: int, prior: float, label: str) -> Case:
        sides = rng.integers(3, cells * stride // 2, (n, 2))
        corner = rng.integers(0, cells * stride - sides)
        boxes = np.concatenate([corner, corner + sides], axis=1) + rng.permutation(n)[:, None] / 64
        return case(boxes, rng.integers(1, 7, n), cells, stride, prior, label=label)

    return [
        case(np.array([[10.0, 2.0, 24.0, 10.0]]), np.array([3]), 4, 8, 10.0, label="one object"),
        case(
            np.array([[0.0, 0.0, 8.0, 8.0], [16.0, 8.0, 32.0, 24.0]]),
            np.array([1, 2]),
            4,
            8,
            8.0,
            label="two objects; a centre on a corner of four cells",
        ),
        case(
            np.array([[8.0, 9.0, 23.0, 22.0], [13.0, 13.0, 18.0, 17.0], [1.0, 2.0, 5.0, 9.0]]),
            np.array([4, 5, 6]),
            2,
            16,
            18.0,
            label="two centres in one cell, the larger object first",
        ),
        case(
            np.array([[13.0, 13.0, 18.0, 17.0], [8.0, 9.0, 23.0, 22.0]]),
            np.array([5, 4]),
            2,
            16,
            18.0,
            label="two centres in one cell, the larger object last",
        ),
        case(
            np.array(
                [
                    [8.0, 9.0, 18.0, 19.0],
                    [2.0, 12.0, 26.0, 16.0],
                    [6.0, 8.0, 18.0, 20.0],
                    [20.0, 20.0, 23.0, 23.0],
                    [13.0, 1.0, 17.0, 25.0],
                ]
            ),
            np.array([1, 2, 3, 4, 5]),
            2,
            32,
            18.0,
            label="five centres in one cell, of a wide, a high and other objects",
        ),
        case(np.zeros((0, 4)), np.zeros(0, dtype=int), 3, 8, 18.0, label="an empty picture"),
        some(5, 8, 8, 18.0, "a scene"),
        some(12, 4, 16, 20.0, "a crowd on a coarse grid"),
    ]


GRID = Exercise(
    id="one_shot_detectors/grid_target",
    section=SECTION,
    title="What the cells are to say",
    reference=grid,
    cases=_objects,
    alternatives=[_cell_by_cell],
    mistakes=[
        Mistake(
            _target(cell=lambda x, y: (int(x), int(y))),
            "Rows and columns are exchanged: x chooses the column j, y the row i.",
        ),
        Mistake(
            _target(point=lambda box: box[:2]),
            "The upper left corner chooses the cell. The centre of the box does.",
        ),
        Mistake(
            _target(cell=lambda x, y: (round(y), round(x))),
            "The centre is rounded to the nearest whole number. Cell j reaches from j to j + 1: round down.",
        ),
        Mistake(
            _target(order=lambda sides: np.arange(len(sides))),
            "Of several objects in one cell the last one of the list stays. Keep the one with the largest area.",
        ),
        Mistake(
            _target(order=lambda sides: np.argsort(sides.prod(axis=1))[::-1]),
            "Of several objects in one cell the smallest stays. Keep the one with the largest area.",
        ),
        Mistake(
            _target(order=lambda sides: np.arange(len(sides))[::-1]),
            "Of several objects in one cell the first one of the list stays. Keep the one with the largest area.",
        ),
        Mistake(
            _target(order=lambda sides: np.argsort(sides[:, 0])),
            "Of several objects in one cell the widest stays. Keep the one with the largest area.",
        ),
        Mistake(
            _target(shift=lambda x, y, i, j, stride: (stride * (x - j), stride * (y - i))),
            "The shifts within the cell are in pixels. Write them as shares of a cell, from 0 to 1.",
        ),
        Mistake(
            _target(shift=lambda x, y, i, j, stride: (x - j - 0.5, y - i - 0.5)),
            "The shifts are measured from the middle of the cell. Measure from its upper left corner.",
        ),
        Mistake(
            _target(shift=lambda x, y, i, j, stride: (y - i, x - j)),
            "The two shifts are exchanged: first the one to the right, then the one downwards.",
        ),
        Mistake(
            _target(shift=lambda x, y, i, j, stride: (x, y)),
            "These are places in the picture, in cells. Take off the cell's own number, so that 0 to 1 is left.",
        ),
        Mistake(
            _target(size=lambda sides, prior, stride: sides / prior),
            "The sides are ratios to the prior. Take their logarithms.",
        ),
        Mistake(
            _target(size=lambda sides, prior, stride: np.log(sides)),
            "These are logarithms of sides in pixels. Divide by the prior first, so that a usual box has 0.",
        ),
        Mistake(
            _target(size=lambda sides, prior, stride: np.log(sides / stride)),
            "The sides are divided by the stride. Divide them by the prior, the side of a usual box.",
        ),
        Mistake(
            _target(size=lambda sides, prior, stride: np.log(sides[::-1] / prior)),
            "Height and width are exchanged: the width comes first.",
        ),
        Mistake(
            _all_that_it_touches,
            "Every cell that the box touches has the object. Only the cell of its centre is to say it.",
        ),
    ],
    hint="Centre over stride: its whole part is the cell, the rest the shift. Go through the boxes by rising area.",
)
