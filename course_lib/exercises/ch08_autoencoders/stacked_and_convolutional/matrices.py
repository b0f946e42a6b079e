"""Exercises on the matrix of a convolution, and on a kernel without a checkerboard."""

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "08_autoencoders/stacked_and_convolutional"
Array = np.ndarray


# the matrix


def conv_matrix(w: Array, n: int, stride: int = 1, padding: int = 0) -> Array:
    """The matrix (m, n) of the convolution of n entries with w (k,)."""
    k = len(w)
    m = (n + 2 * padding - k) // stride + 1
    M = np.zeros((m, n + 2 * padding))
    for i in range(m):
        M[i, i * stride : i * stride + k] = w
    return M[:, padding : padding + n]


def _by_probing(w: Array, n: int, stride: int = 1, padding: int = 0) -> Array:
    """Column j is what the convolution makes of a 1 at place j."""
    columns = []
    for unit in np.eye(n):
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(unit, padding), len(w))[::stride]
        columns.append(windows @ w)
    return np.stack(columns, axis=1)


def _by_entries(w: Array, n: int, stride: int = 1, padding: int = 0) -> Array:
    m = (n + 2 * padding - len(w)) // stride + 1
    M = np.zeros((m, n))
    for i in range(m):
        for u, weight in enumerate(w):
            if 0 <= i * stride + u - padding < n:
                M[i, i * stride + u - padding] = weight
    return M


def _wrapped(w: Array, n: int, stride: int = 1, padding: int = 0) -> Array:
    """A weight that meets the padding comes back at the other end."""
    m = (n + 2 * padding - len(w)) // stride + 1
    M = np.zeros((m, n))
    for i in range(m):
        for u, weight in enumerate(w):
            M[i, (i * stride + u - padding) % n] += weight
    return M


def _step_of_one(w: Array, n: int, stride: int = 1, padding: int = 0) -> Array:
    """The right number of rows, each moved on by one."""
    return conv_matrix(w, n, 1, padding)[: (n + 2 * padding - len(w)) // stride + 1]


def _overhanging(w: Array, n: int, stride: int = 1, padding: int = 0) -> Array:
    """One more row where a rest is left: its window begins inside and ends beyond."""
    rows = -((len(w) - n - 2 * padding) // stride) + 1
    wide = conv_matrix(w, n + 2 * padding + stride, stride)[:rows]
    return wide[:, padding : padding + n]


def _late_cut(w: Array, n: int, stride: int = 1, padding: int = 0) -> Array:
    """The columns of the padding are cut off behind."""
    return conv_matrix(w, n + 2 * padding, stride)[:, :n]


CASES = [
    case(np.array([1.0, 2.0, 3.0]), 5, label="5 entries, kernel 3"),
    case(np.array([1.0, 2.0, 3.0]), 5, 2, label="stride 2"),
    case(np.array([1.0, 2.0, 3.0]), 5, 2, 1, label="stride 2 and padding 1: 5 to 3"),
    case(np.array([4.0, -1.0]), 6, 1, 1, label="kernel 2, padding 1"),
    case(np.array([2.0]), 4, 3, label="kernel 1, stride 3"),
    case(np.array([1.0, -2.0, 5.0, 0.5]), 9, 3, label="a rest that no window reaches"),
    case(np.array([1.0, -2.0, 5.0, 0.5]), 8, stride=2, padding=2, label="by name"),
]

CONV_MATRIX = Exercise(
    id="stacked_and_convolutional/conv_matrix",
    section=SECTION,
    title="The matrix to transpose",
    reference=conv_matrix,
    cases=CASES,
    alternatives=[_by_probing, _by_entries],
    mistakes=[
        Mistake(
            lambda w, n, stride=1, padding=0: conv_matrix(w[::-1], n, stride, padding),
            "The kernel is turned around. The layer does not turn it: the first weight meets the first entry.",
        ),
        Mistake(
            lambda w, n, stride=1, padding=0: conv_matrix(w, n, stride, padding).T,
            "This is the matrix of the transposed convolution. M itself has a row for each output.",
        ),
        Mistake(
            lambda w, n, stride=1, padding=0: np.linalg.pinv(conv_matrix(w, n, stride, padding)),
            "This is the (pseudo-)inverse of the matrix. Return the matrix itself.",
        ),
        Mistake(
            _step_of_one,
            "Each row is moved on by one column. It should move on by the stride.",
        ),
        Mistake(
            lambda w, n, stride=1, padding=0: conv_matrix(w, n, stride),
            "The padding is left out: windows may begin P entries before the first one.",
        ),
        Mistake(
            lambda w, n, stride=1, padding=0: conv_matrix(w, n + 2 * padding, stride),
            "There are columns for the padding. It is made of zeros: cut its columns off, at both sides.",
        ),
        Mistake(
            _late_cut,
            "The columns are cut off at the end only. P of them belong to the front.",
        ),
        Mistake(
            _wrapped,
            "A weight that meets the padding comes back at the other end. It meets a zero and has no entry.",
        ),
        Mistake(
            _overhanging,
            "A row too many: its window hangs over the end. Only windows that fit are computed.",
        ),
        Mistake(
            lambda w, n, stride=1, padding=0: conv_matrix(w, n, 1, padding),
            "The stride is left out: only every S-th window is computed.",
        ),
    ],
    hint="Row i holds the weights from column i S - P on; whatever falls beside the matrix is dropped.",
)

# a kernel without a checkerboard

Kernel = tuple[float, float, float]


def doubled(kernel: Kernel, z: Array) -> Array:
    """What the kernel makes of z (n,) at stride 2 and padding 1: (2 n - 1,)."""
    w = np.asarray(kernel, dtype=float)
    if w.shape != (3,):
        raise ValueError(f"the kernel must have three weights, got shape {w.shape}")
    out = np.zeros(2 * len(z) + 1)
    for i, value in enumerate(z):
        out[2 * i : 2 * i + 3] += value * w
    return out[1:-1]


def _answer(*weights: float) -> Kernel:
    return weights[0], weights[1], weights[2]


SMOOTH_KERNEL = Exercise(
    id="stacked_and_convolutional/smooth_kernel",
    section=SECTION,
    title="Three weights that do not show",
    reference=_answer(0.5, 1.0, 0.5),
    cases=[
        case(np.array([3.0, 3.0, 3.0, 3.0]), label="a constant"),
        case(np.array([0.0, 2.0, 4.0, 6.0]), label="a ramp"),
        case(np.array([0.0, 0.0, 8.0, 0.0]), label="a single peak"),
        case(np.array([-1.0, 5.0, 2.0, 2.0, -7.0]), label="anything"),
    ],
    apply=doubled,
    alternatives=[[0.5, 1, 0.5]],
    mistakes=[
        Mistake(
            _answer(1.0, 1.0, 1.0),
            "A constant 3 becomes 3, 6, 3, 6: where two stamps meet, the sum is twice as large.",
        ),
        Mistake(
            _answer(1 / 3, 1 / 3, 1 / 3),
            "The weights add up to 1, but a constant still becomes a pattern: a third here, two thirds there.",
        ),
        Mistake(
            _answer(0.5, 0.5, 0.5),
            "Where two stamps meet this is right, but under a single one half of the value is lost.",
        ),
        Mistake(
            _answer(0.0, 1.0, 1.0),
            "A constant stays constant, but a ramp becomes a staircase: each value is repeated.",
        ),
        Mistake(
            _answer(1.0, 1.0, 0.0),
            "A constant stays constant, but a ramp becomes a staircase: each value is drawn ahead.",
        ),
        Mistake(
            _answer(0.0, 1.0, 0.0),
            "The values stand in their places, with zeros between them: nothing fills the gaps.",
        ),
        Mistake(
            _answer(1.0, 2.0, 1.0),
            "The pattern is gone, but all is twice as large: the middle weight alone must give a value back.",
        ),
        Mistake(
            _answer(1.0, 0.5, 1.0),
            "The wrong way round: the middle weight stands alone under a single stamp, the outer two share a pixel.",
        ),
        Mistake(
            _answer(0.25, 0.5, 0.25),
            "Weights that add up to 1 halve everything here: with stride 2 a pixel sees half of them only.",
        ),
    ],
    hint="A pixel under one stamp gets w1 z. A pixel between two gets w2 z + w0 z'. What should the two be?",
)
