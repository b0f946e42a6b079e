"""An exercise on im2col: windows as the columns of a matrix."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/convolution"


def im2col(x: np.ndarray, kernel_size: int) -> np.ndarray:
    """Every window of x (c, h, w) as a column (c k k, h_out w_out)."""
    windows = sliding_window_view(x, (kernel_size, kernel_size), axis=(1, 2))  # (c, h_out, w_out, k, k)
    return windows.transpose(0, 3, 4, 1, 2).reshape(x.shape[0] * kernel_size**2, -1)


def _by_columns(x: np.ndarray, kernel_size: int) -> np.ndarray:
    k, (_, h, w) = kernel_size, x.shape
    places = [(i, j) for i in range(h - k + 1) for j in range(w - k + 1)]
    return np.stack([x[:, i : i + k, j : j + k].ravel() for i, j in places], axis=1)


def _reordered(*axes: int) -> Callable[[np.ndarray, int], np.ndarray]:
    """Columns whose entries (axes 0, 3, 4 of the windows) or places (1, 2) come in another order."""

    def answer(x: np.ndarray, kernel_size: int) -> np.ndarray:
        windows = sliding_window_view(x, (kernel_size, kernel_size), axis=(1, 2))
        return windows.transpose(*axes).reshape(x.shape[0] * kernel_size**2, -1)

    return answer


def _squeezed(x: np.ndarray, kernel_size: int) -> np.ndarray:
    windows = sliding_window_view(x, (kernel_size, kernel_size), axis=(1, 2))
    return windows.reshape(x.shape[0] * kernel_size**2, -1)


def _side_by_side(x: np.ndarray, kernel_size: int) -> np.ndarray:
    k, (_, h, w) = kernel_size, x.shape
    places = [(i, j) for i in range(0, h - k + 1, k) for j in range(0, w - k + 1, k)]
    return np.stack([x[:, i : i + k, j : j + k].ravel() for i, j in places], axis=1)


_PIXELS = np.arange(1.0, 41.0).reshape(2, 4, 5)

IM2COL = Exercise(
    id="convolution/im2col",
    section=SECTION,
    title="Windows as columns",
    reference=im2col,
    cases=[
        case(_PIXELS[:1, :3, :3], 2, label="one channel of 3 x 3 pixels, windows of 2 x 2"),
        case(_PIXELS[:1], 3, label="an image wider than high"),
        case(_PIXELS, 2, label="two channels"),
        case(_PIXELS, 1, label="windows of one pixel"),
        case(np.sqrt(np.arange(75.0)).reshape(3, 5, 5), 3, label="three channels"),
        case(_PIXELS[:, :, :4], 4, label="a single window"),
    ],
    alternatives=[_by_columns],
    mistakes=[
        Mistake(
            lambda x, kernel_size: im2col(x, kernel_size).T,
            "The windows are rows here. Each should be a column, so that weights @ columns works.",
        ),
        Mistake(
            _reordered(3, 4, 0, 1, 2),
            "Each column goes through the channels fastest. All of channel 0 comes first, then "
            "channel 1, as in the weights.",
        ),
        Mistake(
            _reordered(0, 4, 3, 1, 2),
            "Inside each column the pixels come column by column. They should come row by row, as in the weights.",
        ),
        Mistake(
            _reordered(0, 3, 4, 2, 1),
            "The windows come column by column. They should come row by row, so that the product can "
            "be reshaped to (h_out, w_out).",
        ),
        Mistake(
            _squeezed,
            "The shape is right, but reshape alone mixes places and pixels: move the axes of the "
            "pixels to the front before you reshape.",
        ),
        Mistake(
            _side_by_side,
            "These windows lie side by side. With stride 1 they overlap: every place has its own.",
        ),
        Mistake(
            lambda x, kernel_size: im2col(x.sum(axis=0, keepdims=True), kernel_size),
            "The channels are summed. A column holds the pixels of all channels, one channel after the other.",
        ),
    ],
    hint="Take one window, x[:, i : i + k, j : j + k], and ravel it: that is one column.",
)
