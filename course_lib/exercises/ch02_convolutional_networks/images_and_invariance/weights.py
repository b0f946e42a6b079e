"""Exercises on weights: how many a layer has, which of them are shared, and what their order means."""

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/images_and_invariance"

# dense against convolutional

Counts = tuple[int, int]


def parameters(channels: int, height: int, width: int, maps: int, kernel: int) -> Counts:
    """Weights and biases of a dense and of a convolutional layer between the same shapes."""
    inputs, outputs = channels * height * width, maps * height * width
    return (inputs + 1) * outputs, (channels * kernel**2 + 1) * maps


def _only_dense(channels: int, height: int, width: int, maps: int, kernel: int) -> int:
    return parameters(channels, height, width, maps, kernel)[0]


def _only_conv(channels: int, height: int, width: int, maps: int, kernel: int) -> int:
    return parameters(channels, height, width, maps, kernel)[1]


PARAMETERS = Exercise(
    id="images_and_invariance/parameters",
    section=SECTION,
    title="Dense against convolutional",
    reference=parameters,
    cases=[
        case(1, 8, 8, 1, 3, label="a grey 8 x 8 picture, one map"),
        case(1, 8, 8, 16, 3, label="sixteen maps"),
        case(3, 32, 32, 16, 3, label="a colour picture"),
        case(3, 32, 32, 16, 5, label="a larger window"),
        case(3, 30, 40, 4, 1, label="a picture that is not square, a window of one pixel"),
        case(64, 224, 224, 64, 3, label="deep inside a large network"),
    ],
    alternatives=[
        lambda channels, height, width, maps, kernel: [
            channels * maps * (height * width) ** 2 + maps * height * width,
            channels * maps * kernel * kernel + maps,
        ]
    ],
    mistakes=[
        Mistake(
            lambda c, h, w, m, k: (c * h * w * m * h * w, _only_conv(c, h, w, m, k)),
            "The dense layer has no biases here. Each of its output numbers has one.",
        ),
        Mistake(
            lambda c, h, w, m, k: (_only_dense(c, h, w, m, k), c * k * k * m),
            "The convolutional layer has no biases here. Each map has one.",
        ),
        Mistake(
            lambda c, h, w, m, k: (c * h * w * m * h * w, c * k * k * m),
            "Both layers lack their biases: one for each output number of the dense layer, one for each map.",
        ),
        Mistake(
            lambda c, h, w, m, k: (_only_dense(c, h, w, m, k), c * k * k * m + m * h * w),
            "The convolutional layer has a bias for every output number here. It is shared too: one for each map.",
        ),
        Mistake(
            lambda c, h, w, m, k: (_only_dense(c, h, w, m, k), (k * k + 1) * m),
            "The window looks at one channel only. It has k x k weights for every channel of the input.",
        ),
        Mistake(
            lambda c, h, w, m, k: (_only_dense(c, h, w, m, k), (c * k * k + 1) * m * h * w),
            "Every place has a window of its own here: local, but not shared. The same weights serve all places.",
        ),
        Mistake(
            lambda c, h, w, m, k: ((c * h * w + 1) * m, _only_conv(c, h, w, m, k)),
            "The dense layer has one output number for each map here. A map has height x width of them.",
        ),
        Mistake(
            lambda c, h, w, m, k: ((h * w + 1) * m * h * w, _only_conv(c, h, w, m, k)),
            "The dense layer looks at one channel only. Each output number has a weight for every number of the input.",
        ),
        Mistake(
            lambda c, h, w, m, k: parameters(c, h, w, m, k)[::-1],
            "The two counts are in the wrong order: the dense layer comes first.",
        ),
        Mistake(
            lambda c, h, w, m, k: (_only_dense(c, h, w, m, k), c * k * k + 1),
            "This is one window. Every map has a window of its own: that is what multiple filters means.",
        ),
        Mistake(
            lambda c, h, w, m, k: (_only_dense(c, h, w, m, k), (c * k + 1) * m),
            "A window is k pixels wide and k pixels high, so it has k x k weights for each channel.",
        ),
    ],
    hint="For one output number ask: how many weights does it have, and with how many others does it share them?",
)

# shuffled pixels


def reordered(W: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Weights that answer to x[:, order] as W answers to x."""
    return W[:, order]


def _into_places(W: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Put column i where pixel i came to lie, one after the other."""
    moved = np.empty_like(W)
    for place, pixel in enumerate(order):
        moved[:, place] = W[:, pixel]
    return moved


_W = np.arange(1.0, 41.0).reshape(8, 5)

REORDERED = Exercise(
    id="images_and_invariance/reordered",
    section=SECTION,
    title="A layer for shuffled pixels",
    reference=reordered,
    cases=[
        case(_W[:3, :3], np.array([1, 2, 0]), label="three pixels, each moved by one"),
        case(_W[:4, :4], np.array([2, 0, 3, 1]), label="four pixels"),
        case(_W, np.array([4, 2, 0, 1, 3]), label="eight units, five pixels"),
        case(_W, np.array([0, 1, 2, 3, 4]), label="pixels that stay where they are"),
        case(_W[:6], np.array([3, 4, 0, 2, 1]), label="six units, five pixels"),
    ],
    alternatives=[_into_places, lambda W, order: W @ np.eye(len(order))[:, order]],
    mistakes=[
        Mistake(
            lambda W, order: W[:, np.argsort(order)],
            "The columns are shuffled back, the inverse of what is asked. Place i of the shuffled image holds pixel "
            "order[i], so column i must hold the weights of that pixel.",
        ),
        Mistake(
            lambda W, order: W[order],
            "The rows are shuffled. A row is a unit; the pixels are the columns.",
        ),
        Mistake(
            lambda W, order: W,
            "The weights are as before, so each meets a pixel that is not its own.",
        ),
        Mistake(
            lambda W, order: W[:, order].T,
            "The weights are right, but transposed: rows are units, columns are pixels.",
        ),
        Mistake(
            lambda W, order: W[:, ::-1],
            "The columns are in reverse, whatever `order` says.",
        ),
    ],
    hint="Write down which pixel stands in place 0 of the shuffled image. Which column of W belongs to that pixel?",
)

# a shared window as a matrix


def shared_weights(window: np.ndarray, n: int) -> np.ndarray:
    """Weight matrix (n - k + 1, n) of the dense layer that slides a window (k,) along n numbers."""
    k = len(window)
    W = np.zeros((n - k + 1, n))
    for place in range(n - k + 1):
        W[place, place : place + k] = window
    return W


def _by_diagonals(window: np.ndarray, n: int) -> np.ndarray:
    rows = n - len(window) + 1
    return sum(weight * np.eye(rows, n, offset) for offset, weight in enumerate(window))


def _around(window: np.ndarray, n: int, start: int = 0) -> np.ndarray:
    """The window at n places, wrapping around the ends."""
    first = np.append(window, np.zeros(n - len(window)))
    return np.stack([np.roll(first, place - start) for place in range(n)])


def _padded(window: np.ndarray, n: int) -> np.ndarray:
    """The window centred on each of n places, cut off at the ends."""
    before = (len(window) - 1) // 2
    after = len(window) - 1 - before
    return shared_weights(window, n + before + after)[:, before : before + n]


SHARED = Exercise(
    id="images_and_invariance/shared_weights",
    section=SECTION,
    title="A sliding window is a dense layer",
    reference=shared_weights,
    cases=[
        case(np.array([1.0, -2.0, 3.0]), 5, label="a window of three, five numbers"),
        case(np.array([-1.0, 1.0]), 4, label="the difference of neighbours"),
        case(np.array([0.5, 0.0, 2.0, -1.0]), 7, label="a window of four, one weight of which is 0"),
        case(np.array([4.0]), 3, label="a window of one"),
        case(np.array([1.0, 2.0, 3.0]), 3, label="a window as long as the line"),
    ],
    alternatives=[_by_diagonals],
    mistakes=[
        Mistake(
            lambda window, n: shared_weights(window[::-1], n),
            "The window is reversed. Its first weight meets the leftmost of the k numbers.",
        ),
        Mistake(
            lambda window, n: np.tile(np.append(window, np.zeros(n - len(window))), (n - len(window) + 1, 1)),
            "Every row looks at the first k numbers. Row i must look at those from place i on.",
        ),
        Mistake(
            _around,
            "The window wraps around the end of the line, so there are n rows. Only places where the whole window "
            "fits count: n - k + 1.",
        ),
        Mistake(
            _padded,
            "The window hangs over both ends, as with zero padding. Only places where all of it fits count here.",
        ),
        Mistake(
            lambda window, n: shared_weights(window, n).T,
            "The matrix is transposed: a row for each place, a column for each input number, as in a dense layer.",
        ),
        Mistake(
            lambda window, n: shared_weights(window, n)[:-1],
            "The last place is missing: a window of k fits n - k + 1 times into n numbers, not n - k times.",
        ),
        Mistake(
            lambda window, n: (shared_weights(window, n) != 0).astype(float),
            "This says which input numbers each place looks at. The weights of the window belong there, not ones.",
        ),
    ],
    hint="Write the matrix for a window (a, b) and n = 3 on paper: two rows, each with a and b, the second one "
    "column further to the right.",
)
