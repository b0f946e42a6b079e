"""Exercises on average pooling and on max pooling with its switches."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/pooling"
FIRST = np.array(
    [[29.0, 15.0, 28.0, 184.0], [0.0, 100.0, 70.0, 38.0], [12.0, 12.0, 7.0, 2.0], [12.0, 12.0, 45.0, 6.0]]
)
SECOND = np.array(
    [[31.0, 15.0, 28.0, 184.0], [0.0, 100.0, 70.0, 38.0], [12.0, 12.0, 7.0, 2.0], [12.0, 12.0, 45.0, 6.0]]
)

# average pooling


def average_pool(x: np.ndarray, k: int) -> np.ndarray:
    """Cut off what does not fit, put the entries of a window on two axes, take their mean."""
    h, w = x.shape[0] // k, x.shape[1] // k
    return x[: h * k, : w * k].reshape(h, k, w, k).mean(axis=(1, 3))


def _by_windows(x: np.ndarray, k: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, (k, k))[::k, ::k].mean(axis=(2, 3))


def _average(summary: Callable = np.mean, stride: int | None = None) -> Callable[..., np.ndarray]:
    """A wrong pooling: another summary of a window, or another stride."""

    def answer(x: np.ndarray, k: int) -> np.ndarray:
        step = k if stride is None else stride
        return summary(np.lib.stride_tricks.sliding_window_view(x, (k, k))[::step, ::step], axis=(2, 3))

    return answer


def _in_reading_order(x: np.ndarray, k: int) -> np.ndarray:
    h, w = x.shape[0] // k, x.shape[1] // k
    return x[: h * k, : w * k].reshape(h, w, k * k).mean(axis=2)


def _last_entries(x: np.ndarray, k: int) -> np.ndarray:
    h, w = x.shape[0] // k, x.shape[1] // k
    return x[-h * k :, -w * k :].reshape(h, k, w, k).mean(axis=(1, 3))


def _hanging_over(x: np.ndarray, k: int) -> np.ndarray:
    h, w = -(-x.shape[0] // k), -(-x.shape[1] // k)
    blocks = [
        [x[i * k : (i + 1) * k, j * k : (j + 1) * k].mean() if x.size else 0.0 for j in range(w)]
        for i in range(h)
    ]
    return np.array(blocks).reshape(h, w)


AVERAGE = Exercise(
    id="pooling/average_pool",
    section=SECTION,
    title="Average pooling without a loop",
    reference=average_pool,
    cases=[
        case(SECOND, 2, label="the second table of the text"),
        case(np.arange(12.0).reshape(2, 6), 2, label="two rows, six columns"),
        case(np.arange(54.0).reshape(6, 9) ** 2, 3, label="windows of 3 × 3"),
        case(np.arange(35.0).reshape(5, 7) ** 2, 2, label="a row and a column that do not fit"),
        case(np.array([[-1.0, 4.0], [2.5, -8.0]]), 1, label="windows of a single entry"),
        case(-(np.arange(64.0).reshape(8, 8) ** 1.5), 4, label="negative entries, windows of 4 × 4"),
    ],
    alternatives=[_by_windows],
    mistakes=[
        Mistake(_average(np.sum), "This is the sum of each window. Divide by its k * k entries."),
        Mistake(
            lambda x, k: average_pool(x, k) * k,
            "This is k times the mean: you divided by k, but a window has k * k entries.",
        ),
        Mistake(_average(np.max), "This is the largest entry of each window; the mean was asked for."),
        Mistake(
            _average(stride=1),
            "These windows start one entry apart. They should lie side by side: the stride is k.",
        ),
        Mistake(
            _in_reading_order,
            "This takes k * k entries in reading order for a window, all from one row. A window also goes down: reshape to "
            "(h, k, w, k) and take the mean over both axes of length k.",
        ),
        Mistake(
            lambda x, k: average_pool(x, k).T,
            "Rows and columns of the output are exchanged.",
        ),
        Mistake(
            _last_entries,
            "This drops the first rows and columns where the windows do not fit. Start at the top left and drop the last.",
        ),
        Mistake(
            _hanging_over,
            "These windows hang over the edge. Only whole windows count: rows and columns that are left over are dropped.",
        ),
    ],
    hint="Cut x to a multiple of k, reshape it to (h, k, w, k), and ask which two axes lie inside a window.",
)

# max pooling with indices

Pooled = tuple[np.ndarray, np.ndarray]


def max_with_indices(x: np.ndarray, k: int, stride: int) -> Pooled:
    """Scan the windows; turn the place inside the window into one in the whole map."""
    h, w = (x.shape[0] - k) // stride + 1, (x.shape[1] - k) // stride + 1
    values, indices = np.empty((h, w)), np.empty((h, w), dtype=int)
    for i, j in np.ndindex(h, w):
        top, left = i * stride, j * stride
        window = x[top : top + k, left : left + k]
        u, v = np.unravel_index(window.argmax(), window.shape)
        values[i, j], indices[i, j] = window[u, v], (top + u) * x.shape[1] + left + v
    return values, indices


def _with_windows(x: np.ndarray, k: int, stride: int) -> Pooled:
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k))[::stride, ::stride].reshape(
        (x.shape[0] - k) // stride + 1, (x.shape[1] - k) // stride + 1, k * k
    )
    best = windows.argmax(axis=2)
    i, j = np.indices(best.shape)
    return windows.max(axis=2), (i * stride + best // k) * x.shape[1] + j * stride + best % k


def _scan(
    score: Callable = lambda window: window,
    width: Callable = lambda x: x.shape[1],
    last: bool = False,
    start: bool = True,
    by_columns: bool = False,
) -> Callable[..., Pooled]:
    """A wrong scan: another score, another row length, another of equal entries, the window's start ignored."""

    def answer(x: np.ndarray, k: int, stride: int) -> Pooled:
        h, w = (x.shape[0] - k) // stride + 1, (x.shape[1] - k) // stride + 1
        values, indices = np.empty((h, w)), np.empty((h, w), dtype=int)
        for i, j in np.ndindex(h, w):
            window = x[i * stride : i * stride + k, j * stride : j * stride + k]
            scores = score(window).ravel(order="F" if by_columns else "C")
            best = k * k - 1 - scores[::-1].argmax() if last else scores.argmax()
            u, v = divmod(int(best), k)
            if by_columns:
                u, v = v, u
            top, left = (i * stride, j * stride) if start else (0, 0)
            values[i, j], indices[i, j] = window[u, v], (top + u) * width(x) + left + v
        return values, indices

    return answer


def _from_zero(x: np.ndarray, k: int, stride: int) -> Pooled:
    values, indices = max_with_indices(x, k, stride)
    return np.maximum(values, 0.0), np.where(values > 0, indices, 0)


MAX = Exercise(
    id="pooling/max_with_indices",
    section=SECTION,
    title="Max pooling with its switches",
    reference=max_with_indices,
    cases=[
        case(FIRST, 2, 2, label="the first table of the text"),
        case(np.array([[1.0, 5.0, 2.0], [7.0, 3.0, 4.0]]), 2, 1, label="overlapping windows, wide"),
        case(
            np.array([[3.0, 1.0], [9.0, 2.0], [4.0, 8.0], [0.0, 6.0]]), 2, 2, label="four rows, two columns"
        ),
        case(np.sin(np.arange(63.0)).reshape(7, 9) + 2, 3, 2, label="windows of 3 × 3, stride 2"),
        case(-1 - np.cos(np.arange(30.0)).reshape(5, 6) ** 2, 2, 2, label="only negative entries"),
        case(np.array([[2.0, 2.0, 5.0], [2.0, 2.0, 5.0], [1.0, 3.0, 3.0]]), 2, 1, label="ties"),
        case(np.array([[1.0, 4.0, 0.0], [4.0, 2.0, 4.0]]), 2, 1, label="equal entries on a diagonal"),
        case(np.sin(np.arange(48.0) * 2.5).reshape(6, 8), 2, 3, label="stride larger than the window"),
    ],
    alternatives=[_with_windows],
    mistakes=[
        Mistake(
            lambda x, k, stride: (
                max_with_indices(x, k, stride)[0],
                np.lib.stride_tricks.sliding_window_view(x, (k, k))[::stride, ::stride]
                .reshape((x.shape[0] - k) // stride + 1, (x.shape[1] - k) // stride + 1, k * k)
                .argmax(axis=2),
            ),
            "These indices count inside each window. Count through the whole map: row times its width, plus column.",
        ),
        Mistake(
            _scan(start=False),
            "These indices forget where the window starts. Add its top row and its left column.",
        ),
        Mistake(
            _scan(width=lambda x: x.shape[0]),
            "These indices use the number of rows for the length of a row: index = row * width + column.",
        ),
        Mistake(
            _scan(last=True),
            "Of equal entries this takes the last. The first, row by row, is asked for.",
        ),
        Mistake(
            _scan(by_columns=True),
            "Of equal entries this takes the first column by column. Row by row is asked for: the upper one wins.",
        ),
        Mistake(
            _scan(score=np.abs),
            "This takes the entry of the largest absolute value. -9 is not larger than 2.",
        ),
        Mistake(
            _from_zero,
            "This starts its search at 0, so that windows of negative entries answer 0. Start at minus infinity, or at the "
            "first entry.",
        ),
        Mistake(
            lambda x, k, stride: max_with_indices(x, k, k),
            "This is what you get when the stride is ignored and windows lie side by side.",
        ),
        Mistake(
            lambda x, k, stride: max_with_indices(x, k, stride)[::-1],
            "Values and indices are returned in the wrong order.",
        ),
    ],
    hint="window.argmax() counts inside the window; np.unravel_index or divmod by k turns it into row and column.",
)

EXERCISES = [AVERAGE, MAX]
