"""Exercises on windows: cross-correlation, plain and with stride, padding and dilation."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "02_convolutional_networks/convolution"

# cross-correlation


def cross_correlate2d(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """A sum of products for every place of w inside x."""
    k_h, k_w = w.shape
    z = np.zeros((x.shape[0] - k_h + 1, x.shape[1] - k_w + 1))
    for i, j in np.ndindex(z.shape):
        z[i, j] = np.sum(x[i : i + k_h, j : j + k_w] * w)
    return z


def _shift_and_add(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    h, width = x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1
    return sum(w[u, v] * x[u : u + h, v : v + width] for u, v in np.ndindex(w.shape))


def _same(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    k_h, k_w = w.shape
    sides = ((k_h - 1) // 2, k_h // 2), ((k_w - 1) // 2, k_w // 2)
    return cross_correlate2d(np.pad(x, sides), w)


def _square_window(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The rows of the kernel, taken for its columns too, wherever NumPy lets it pass."""
    k = len(w)
    return cross_correlate2d(x, np.pad(w, ((0, 0), (0, max(0, k - w.shape[1]))))[:, :k])


_INTS = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3], [5, 8, 9, 7, 9], [3, 2, 3, 8, 4]])
_EDGE = np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
_ASKEW = np.array([[1.0, 2.0, -1.0], [0.0, 3.0, 0.5], [-2.0, 1.0, 4.0]])

CROSS_CORRELATE = Exercise(
    id="convolution/cross_correlate2d",
    section=SECTION,
    title="Cross-correlation of an image",
    reference=cross_correlate2d,
    cases=[
        case(_INTS.astype(float), np.ones((3, 3)), label="the sum of every window"),
        case(_INTS.astype(float), _EDGE, label="vertical edges"),
        case(_INTS.astype(float), _ASKEW, label="a kernel without symmetry"),
        case(_INTS.astype(float), np.array([[1.0, -2.0, 0.5]]), label="a kernel of one row"),
        case(_INTS.astype(float), np.array([[0.5, 1.0], [2.0, -1.0], [1.0, 3.0]]), label="3 rows, 2 columns"),
        case(np.eye(3), _ASKEW, label="a kernel as large as the image"),
        case(_INTS, np.array([[0.25, 0.5], [-0.25, 0.75]]), label="an image of whole numbers"),
    ],
    alternatives=[
        _shift_and_add,
        lambda x, w: np.einsum("ijuv,uv->ij", sliding_window_view(x, w.shape), w),
    ],
    mistakes=[
        Mistake(
            lambda x, w: cross_correlate2d(x, w[::-1, ::-1]),
            "The kernel is turned around, so this is a true convolution. A cross-correlation uses it as it stands.",
        ),
        Mistake(
            lambda x, w: cross_correlate2d(x, w[:, ::-1]),
            "The kernel is mirrored, left to right. A cross-correlation uses it as it stands.",
        ),
        Mistake(
            lambda x, w: cross_correlate2d(x, w[::-1]),
            "The kernel is mirrored, upside down. A cross-correlation uses it as it stands.",
        ),
        Mistake(
            _same,
            "This pads the image, so that the output keeps its size. Use only places where the whole window is inside.",
        ),
        Mistake(
            lambda x, w: cross_correlate2d(np.pad(x, [(k - 1, k - 1) for k in w.shape]), w),
            "This counts every place where window and image overlap. Use only those where all of it is inside.",
        ),
        Mistake(
            lambda x, w: cross_correlate2d(x, w)[:-1, :-1],
            "The last row and the last column are missing. A window fits H - K + 1 times: mind the + 1.",
        ),
        Mistake(
            lambda x, w: cross_correlate2d(x, w) / w.size,
            "This is the mean of the products. The answer of a unit is their sum.",
        ),
        Mistake(
            lambda x, w: cross_correlate2d(x, w).astype(x.dtype),
            "The output has the type of the image, and whole numbers cut off what is behind the "
            "point. Make room for floats.",
        ),
        Mistake(
            lambda x, w: cross_correlate2d(x, w.T),
            "The rows and columns of the kernel are exchanged.",
        ),
        Mistake(
            lambda x, w: np.maximum(cross_correlate2d(x, w), 0),
            "Negative sums have become 0, as behind a ReLU. Return the sums themselves.",
        ),
        Mistake(
            _square_window,
            "The window has as many columns as the kernel has rows. Kernels need not be square: use both of its sizes.",
        ),
    ],
    hint="Two loops over the places i, j; the window is x[i : i + k_h, j : j + k_w].",
)

# stride, padding and dilation


def strided_dilated(
    x: np.ndarray, w: np.ndarray, stride: int = 1, padding: int = 0, dilation: int = 1
) -> np.ndarray:
    """Spread the kernel, pad the image, and take every stride-th place."""
    spread = np.zeros([dilation * (k - 1) + 1 for k in w.shape])
    spread[::dilation, ::dilation] = w
    return cross_correlate2d(np.pad(x, padding), spread)[::stride, ::stride]


def _windows_apart(
    x: np.ndarray, w: np.ndarray, stride: int = 1, padding: int = 0, dilation: int = 1
) -> np.ndarray:
    x = np.pad(x, padding)
    (span_h, span_w) = (dilation * (k - 1) + 1 for k in w.shape)
    rows = range(0, x.shape[0] - span_h + 1, stride)
    columns = range(0, x.shape[1] - span_w + 1, stride)
    return np.array(
        [[np.sum(x[i : i + span_h : dilation, j : j + span_w : dilation] * w) for j in columns] for i in rows]
    )


def _with_options(change: Callable[[int, int, int], tuple[int, int, int]]) -> Callable[..., np.ndarray]:
    """The right function, called with other values of stride, padding and dilation."""
    return lambda x, w, stride=1, padding=0, dilation=1: strided_dilated(
        x, w, *change(stride, padding, dilation)
    )


def _padded_by(pad: Callable[[np.ndarray, int], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda x, w, stride=1, padding=0, dilation=1: strided_dilated(
        pad(x, padding), w, stride, 0, dilation
    )


def _stride_down_only(
    x: np.ndarray, w: np.ndarray, stride: int = 1, padding: int = 0, dilation: int = 1
) -> np.ndarray:
    return strided_dilated(x, w, 1, padding, dilation)[::stride]


def _in_whole_numbers(
    x: np.ndarray, w: np.ndarray, stride: int = 1, padding: int = 0, dilation: int = 1
) -> np.ndarray:
    return strided_dilated(x, w, stride, padding, dilation).astype(int)


def _pictures(rng: np.random.Generator) -> list[Case]:
    x, w = rng.integers(-9, 10, (8, 9)).astype(float), rng.integers(-3, 4, (3, 3)).astype(float)
    w[0, 0], w[2, 1] = 2.0, -3.0  # no symmetry
    w[1, 1] = 0.5  # no whole numbers either
    return [
        case(x, w, label="neither of them"),
        case(x, w, 2, label="stride 2"),
        case(x, w, 1, 1, label="padding 1"),
        case(x, w, 1, 0, 2, label="dilation 2"),
        case(x, w, 3, 2, 2, label="stride 3, padding 2, dilation 2"),
        case(x, w[:, :2], 2, 1, 3, label="a kernel of 3 rows and 2 columns"),
        case(x[:5, :5], w, 4, 0, 2, label="a single place"),
    ]


STRIDED_DILATED = Exercise(
    id="convolution/strided_dilated",
    section=SECTION,
    title="Stride, padding and dilation",
    reference=strided_dilated,
    cases=_pictures,
    alternatives=[_windows_apart],
    mistakes=[
        Mistake(
            _with_options(lambda s, p, d: (s, p, 1)),
            "The dilation is ignored. The window should take every `dilation`-th pixel.",
        ),
        Mistake(
            _with_options(lambda s, p, d: (1, p, d)),
            "The stride is ignored: this answers at every place.",
        ),
        Mistake(
            _with_options(lambda s, p, d: (s, 0, d)),
            "The padding is ignored. Surround the image with `padding` rows and columns of zeros first.",
        ),
        Mistake(
            _with_options(lambda s, p, d: (s, p, s)),
            "The stride is used between the pixels inside the window too. There it is the dilation.",
        ),
        Mistake(
            _with_options(lambda s, p, d: (s * d, p, d)),
            "The window moves on by stride times dilation. The dilation only spreads the pixels "
            "inside the window.",
        ),
        Mistake(
            _padded_by(lambda x, p: np.pad(x, ((0, p), (0, p)))),
            "The zeros are only below and to the right. The frame has `padding` of them on all four sides.",
        ),
        Mistake(
            _padded_by(lambda x, p: np.pad(x, p, mode="edge")),
            "The frame repeats the edge of the image here. Zero padding adds zeros.",
        ),
        Mistake(
            _stride_down_only,
            "The stride works downwards only. It applies to the columns as well.",
        ),
        Mistake(
            lambda x, w, stride=1, padding=0, dilation=1: strided_dilated(
                x, w[::-1, ::-1], stride, padding, dilation
            ),
            "The kernel is turned around here. A layer uses it as it stands.",
        ),
        Mistake(
            _in_whole_numbers,
            "The sums are cut to whole numbers. Weights need not be whole: make room for floats.",
        ),
    ],
    hint="Pad first. A window that starts at i reads the rows i, i + D, i + 2 D ... : a slice with a step.",
)
