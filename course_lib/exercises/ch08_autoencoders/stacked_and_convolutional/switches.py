"""The exercise on unpooling."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/stacked_and_convolutional"
Array = np.ndarray


def unpool(values: Array, switches: Array, height: int, width: int) -> Array:
    """Each value at its switch, counted row by row; zeros elsewhere."""
    plane = np.zeros(height * width)
    plane[switches.ravel()] = values.ravel()
    return plane.reshape(height, width)


def _entry_by_entry(values: Array, switches: Array, height: int, width: int) -> Array:
    plane = np.zeros((height, width))
    for value, place in zip(values.ravel(), switches.ravel(), strict=True):
        plane[place // width, place % width] = value
    return plane


def _by_columns(values: Array, switches: Array, height: int, width: int) -> Array:
    plane = np.zeros(height * width)
    plane[switches.ravel()] = values.ravel()
    return plane.reshape(width, height).T


def _corner(values: Array, switches: Array, height: int, width: int) -> Array:
    """Every value in the upper left entry of its window."""
    plane = np.zeros((height, width))
    rows, columns = (size // count for size, count in zip((height, width), values.shape, strict=True))
    plane[: rows * len(values) : rows, : columns * values.shape[1] : columns] = values
    return plane


def _nearest(values: Array, switches: Array, height: int, width: int) -> Array:
    """Every value in all entries of its window."""
    rows, columns = (size // count for size, count in zip((height, width), values.shape, strict=True))
    plane = np.zeros((height, width))
    wide = values.repeat(rows, axis=0).repeat(columns, axis=1)
    plane[: wide.shape[0], : wide.shape[1]] = wide
    return plane


def _transposed_places(values: Array, switches: Array, height: int, width: int) -> Array:
    """Switches read column by column, values row by row."""
    plane = np.zeros(height * width)
    plane[switches.T.ravel()] = values.ravel()
    return plane.reshape(height, width)


def _wrong_side(values: Array, switches: Array, height: int, width: int) -> Array:
    """The row is found with the height."""
    plane = np.zeros((height, width))
    for value, place in zip(values.ravel(), switches.ravel(), strict=True):
        plane[min(place // height, height - 1), min(place % height, width - 1)] = value
    return plane


def _from_one(values: Array, switches: Array, height: int, width: int) -> Array:
    """Places counted from 1."""
    return unpool(values, switches - 1, height, width)


def _ones(values: Array, switches: Array, height: int, width: int) -> Array:
    return (unpool(np.ones_like(values, dtype=float), switches, height, width) > 0).astype(float)


def _with(change: Callable[[Array], Array]) -> Callable[[Array, Array, int, int], Array]:
    """The right places, with other values."""
    return lambda values, switches, height, width: unpool(change(values), switches, height, width)


def pooled(x: Array, size: int) -> tuple[Array, Array]:
    """Maxima of the windows of x (h, w), side by side, and their places."""
    h, w = x.shape[0] // size, x.shape[1] // size
    values, places = np.zeros((h, w)), np.zeros((h, w), dtype=np.int64)
    for i, j in np.ndindex(h, w):
        window = x[i * size : (i + 1) * size, j * size : (j + 1) * size]
        u, v = np.unravel_index(window.argmax(), window.shape)
        values[i, j], places[i, j] = window.max(), (i * size + u) * x.shape[1] + j * size + v
    return values, places


def _maps(rng: np.random.Generator) -> list[Case]:
    def of(height: int, width: int, size: int) -> tuple[Array, Array, int, int]:
        x = rng.permutation(height * width).reshape(height, width) - height * width / 2 + 0.5
        return (*pooled(x, size), height, width)

    return [
        case(np.array([[5.0, 7.0]]), np.array([[1, 6]]), 2, 4, label="two windows of 2 x 2"),
        case(*of(4, 4, 2), label="4 x 4"),
        case(*of(4, 6, 2), label="wider than high"),
        case(*of(6, 4, 2), label="higher than wide"),
        case(*of(6, 9, 3), label="windows of 3 x 3"),
        case(*of(5, 7, 2), label="a row and a column that no window reaches"),
        case(np.array([[-2.0, -3.0]]), np.array([[5, 2]]), 2, 4, label="negative maxima"),
    ]


UNPOOL = Exercise(
    id="stacked_and_convolutional/unpool",
    section=SECTION,
    title="Back to their places",
    reference=unpool,
    cases=_maps,
    alternatives=[_entry_by_entry],
    mistakes=[
        Mistake(
            _corner,
            "Every value stands in the upper left corner of its window. The switches say where it was.",
        ),
        Mistake(
            _nearest,
            "Every value fills its window. Unpooling puts it back at one place and leaves zeros elsewhere.",
        ),
        Mistake(
            _by_columns,
            "The places are counted column by column. They are counted row by row: i W + j.",
        ),
        Mistake(
            _transposed_places,
            "The switches are read in another order than the values. Both go row by row.",
        ),
        Mistake(
            _wrong_side,
            "Row and column are found by dividing by the height. A row has W entries: divide by the width.",
        ),
        Mistake(_from_one, "Every value is one place too early: places are counted from 0."),
        Mistake(_ones, "The places are right, but a 1 stands in each. Put the values there."),
        Mistake(
            _with(lambda values: np.maximum(values, 0)),
            "Negative values are lost. A maximum may be negative, and goes back as it is.",
        ),
        Mistake(
            _with(lambda values: values[::-1, ::-1]),
            "The values come in reverse order. The first one belongs to the first switch.",
        ),
    ],
    hint="Fill a flat array of H W zeros first. A switch is a place in it.",
)
