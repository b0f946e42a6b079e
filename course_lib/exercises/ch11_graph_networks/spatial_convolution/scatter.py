"""The exercise on scattered means."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spatial_convolution"
Array = np.ndarray


def sums(rows: Array, index: Array, n: int) -> Array:
    """The sums of the rows with the same index."""
    total = np.zeros((n, *rows.shape[1:]))
    np.add.at(total, index, rows)
    return total


def counts(rows: Array, index: Array, n: int) -> Array:
    """How many rows go to each of n places, in a shape that divides sums."""
    return np.bincount(index, minlength=n).reshape(-1, *[1] * (rows.ndim - 1))


def scatter_mean(rows: Array, index: Array, n: int) -> Array:
    """The means of the rows with the same index, 0 where there is none."""
    return sums(rows, index, n) / np.maximum(counts(rows, index, n), 1)


def _by_masks(rows: Array, index: Array, n: int) -> Array:
    empty = np.zeros(rows.shape[1:])
    return np.array([rows[index == i].mean(axis=0) if (index == i).any() else empty for i in range(n)])


def _by_matrix(rows: Array, index: Array, n: int) -> Array:
    goes = (np.arange(n)[:, None] == index).astype(float)  # (n, E)
    goes /= np.maximum(goes.sum(axis=1, keepdims=True), 1)
    return np.tensordot(goes, rows, axes=1)


def _divided(by: Callable[[Array, Array, int], Array | float]) -> Callable[[Array, Array, int], Array]:
    """The sums, divided by something else."""

    def answer(rows: Array, index: Array, n: int) -> Array:
        with np.errstate(all="ignore"):
            return sums(rows, index, n) / by(rows, index, n)

    return answer


def _last_wins(rows: Array, index: Array, n: int) -> Array:
    out = np.zeros((n, *rows.shape[1:]))
    out[index] = rows
    return out


def _last_wins_divided(rows: Array, index: Array, n: int) -> Array:
    return _last_wins(rows, index, n) / np.maximum(counts(rows, index, n), 1)


def _in_runs(rows: Array, index: Array, n: int) -> Array:
    """Right only where equal indices stand together: a later run overwrites an earlier one."""
    out = np.zeros((n, *rows.shape[1:]))
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    for first, last in zip(starts, [*starts[1:], len(index)], strict=True):
        out[index[first]] = rows[first:last].mean(axis=0)
    return out


def _as_whole_numbers(rows: Array, index: Array, n: int) -> Array:
    out = np.zeros((n, *rows.shape[1:]), dtype=rows.dtype)
    np.add.at(out, index, rows)
    return (out / np.maximum(counts(rows, index, n), 1)).astype(rows.dtype)


def _running(rows: Array, index: Array, n: int) -> Array:
    """The mean of what is there and what comes, so that the last row counts half."""
    out, there = np.zeros((n, *rows.shape[1:])), np.zeros(n, dtype=bool)
    for row, i in zip(rows, index, strict=True):
        out[i] = (out[i] + row) / 2 if there[i] else row
        there[i] = True
    return out


def _only_those_met(rows: Array, index: Array, n: int) -> Array:
    places = np.unique(index)
    return _by_masks(rows, index, n)[places]


def _up_to_the_largest(rows: Array, index: Array, n: int) -> Array:
    return scatter_mean(rows, index, int(index.max()) + 1)


def _mean_of_all_where_none(rows: Array, index: Array, n: int) -> Array:
    out = scatter_mean(rows, index, n)
    out[counts(rows, index, n).ravel() == 0] = rows.mean(axis=0)
    return out


def _messages(rng: np.random.Generator) -> list[Case]:
    def draw(shape: tuple[int, ...], index: list[int], n: int, label: str) -> Case:
        return case(rng.normal(size=shape).round(2), np.array(index), n, label=label)

    return [
        case(
            np.array([[2.0], [4], [9]]), np.array([0, 0, 1]), 2, label="two rows for node 0, one for node 1"
        ),
        draw((5, 3), [0, 0, 1, 2, 2], 3, "sorted targets"),
        draw((6, 2), [2, 0, 2, 1, 0, 2], 3, "targets in any order"),
        case(np.array([[3.0, 1], [3, 1], [0, 4]]), np.array([0, 0, 0]), 1, label="the same message twice"),
        draw((4, 2), [3, 1, 3, 3], 6, "nodes 0, 2, 4 and 5 get nothing"),
        draw((5, 2, 3), [1, 0, 1, 2, 1], 4, "two heads of three numbers in each message"),
        case(np.array([[1, 2], [2, 5], [4, 4]]), np.array([1, 1, 0]), 2, label="whole numbers"),
    ]


MEAN = Exercise(
    id="spatial_convolution/scatter",
    section=SECTION,
    title="A scattered mean",
    reference=scatter_mean,
    cases=_messages,
    alternatives=[_by_masks, _by_matrix],
    mistakes=[
        Mistake(
            _divided(lambda rows, index, n: 1.0), "These are the sums. Divide each by the number of its rows."
        ),
        Mistake(
            _divided(counts),
            "Where no row arrives, 0 is divided by 0. The mean of nothing should be 0 here.",
        ),
        Mistake(
            _divided(lambda rows, index, n: counts(rows, index, n) + 1),
            "The sums are divided by the number of rows and one more, as if each node had sent itself a row of 0.",
        ),
        Mistake(
            _divided(lambda rows, index, n: len(rows)),
            "Every sum is divided by the number of all rows. Count the rows of each node apart.",
        ),
        Mistake(
            _divided(lambda rows, index, n: n),
            "Every sum is divided by the number of nodes. Count the rows that arrive at each.",
        ),
        Mistake(_last_wins, "Of several rows for one node the last one is left, and not their mean."),
        Mistake(
            _last_wins_divided,
            "Adding by index counts each node once: the last row is left, divided by the number of them. See np.add.at.",
        ),
        Mistake(
            _in_runs,
            "Rows of one node are put together only where they stand together. Their order may be any.",
        ),
        Mistake(
            _as_whole_numbers,
            "For whole numbers the result is cut to whole numbers. A mean needs an array of floats.",
        ),
        Mistake(
            _running,
            "Each new row is averaged with what is there, so that later rows count for more. Add first, divide at the end.",
        ),
        Mistake(
            _only_those_met,
            "There is a row for the nodes that occur, and none for the others. The result has n rows.",
        ),
        Mistake(
            _up_to_the_largest,
            "The result ends with the largest index that occurs. Nodes after it get nothing, but are there: n rows.",
        ),
        Mistake(
            _mean_of_all_where_none,
            "Nodes that get nothing have the mean of all rows. They should have 0.",
        ),
    ],
    hint="np.add.at adds repeated targets as often as they come; np.bincount with minlength counts them.",
)
