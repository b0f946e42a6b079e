"""An exercise on local response normalization, with the constants of the paper."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/alexnet"
Array = NDArray[np.float64]
Window = Callable[[int, int, int], tuple[int, int]]


def response_norm(a: Array, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75) -> Array:
    """Channel by channel, as the formula says."""
    return _normalized(a, n, k, alpha, beta)


def _around(channel: int, n: int, channels: int) -> tuple[int, int]:
    return max(0, channel - n // 2), min(channels - 1, channel + n // 2)


def _normalized(
    a: Array,
    n: int,
    k: float,
    alpha: float,
    beta: float,
    window: Window = _around,
    measure: Callable[[Array], Array] = np.square,
) -> Array:
    out = np.empty(a.shape)
    for channel in range(a.shape[1]):
        first, last = window(channel, n, a.shape[1])
        total = measure(a[:, first : last + 1]).sum(axis=1)
        out[:, channel] = a[:, channel] / (k + alpha * total) ** beta
    return out


def _in_place(a: Array, n: int, k: float, alpha: float, beta: float) -> Array:
    a = a.copy()
    for channel in range(a.shape[1]):
        first, last = _around(channel, n, a.shape[1])
        a[:, channel] /= (k + alpha * np.square(a[:, first : last + 1]).sum(axis=1)) ** beta
    return a


def _round(a: Array, n: int, k: float, alpha: float, beta: float) -> Array:
    total = sum(np.roll(np.square(a), shift, axis=1) for shift in range(-(n // 2), n // 2 + 1))
    return a / (k + alpha * total) ** beta


def _in_space(a: Array, n: int, k: float, alpha: float, beta: float) -> Array:
    half = n // 2
    padded = np.pad(np.square(a), ((0, 0), (0, 0), (half, half), (half, half)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (n, n), axis=(2, 3))
    return a / (k + alpha * windows.sum(axis=(-2, -1))) ** beta


def _square_of_sum(a: Array, n: int, k: float, alpha: float, beta: float) -> Array:
    windows = [_around(channel, n, a.shape[1]) for channel in range(a.shape[1])]
    sums = np.stack([a[:, first : last + 1].sum(axis=1) for first, last in windows], axis=1)
    return a / (k + alpha * sums**2) ** beta


def _others(a: Array, n: int, k: float, alpha: float, beta: float) -> Array:
    near = response_norm(a, n, 0.0, 1.0, -1.0) / a  # the windows' sums of squares
    return a / (k + alpha * (near - np.square(a))) ** beta


def _with(change: Callable[..., Array]) -> Callable[..., Array]:
    """A wrong answer with the defaults of the right one."""

    def answer(a: Array, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75) -> Array:
        return change(a, n, k, alpha, beta)

    return answer


def _windowed(window: Window) -> Callable[..., Array]:
    """A wrong answer that takes other neighbours: from the first to the last of ``window(channel, n, channels)``."""
    return _with(lambda a, n, k, alpha, beta: _normalized(a, n, k, alpha, beta, window=window))


def _maps(seed: int, *shape: int, scale: float = 1.0) -> Array:
    return np.random.default_rng(seed).normal(scale=scale, size=shape)


RESPONSE = Exercise(
    id="alexnet/response_norm",
    section=SECTION,
    title="Local response normalization",
    reference=response_norm,
    cases=[
        case(
            np.array([100.0, 0.5, -200.0, 1.0, 50.0, 300.0]).reshape(1, 6, 1, 1),
            label="six channels of one pixel, the constants of the paper",
        ),
        case(_maps(0, 2, 8, 3, 4, scale=150.0), label="maps, the constants of the paper"),
        case(_maps(1, 1, 7, 2, 2), 3, 1.0, 0.5, 0.75, label="windows of three channels"),
        case(_maps(2, 2, 4, 3, 3), 7, 2.0, 0.3, 0.5, label="a window wider than all channels"),
        case(_maps(3, 1, 5, 2, 3), 1, 0.5, 1.0, 1.0, label="each channel by itself"),
        case(1e3 * _maps(4, 1, 6, 2, 2), 5, 2.0, 1e-4, 0.75, label="large responses"),
    ],
    mistakes=[
        Mistake(
            _with(lambda a, n, k, alpha, beta: response_norm(a, n, k, alpha / n, beta)),
            "The squares are averaged: alpha is divided by n, as in PyTorch. In the paper it stands before their sum.",
        ),
        Mistake(
            _windowed(lambda i, n, c: (max(0, i - n), min(c - 1, i + n))),
            "The window reaches n channels to either side. It has n channels in all, n // 2 on either side.",
        ),
        Mistake(
            _windowed(lambda i, n, c: (i, min(c - 1, i + n - 1))),
            "The window begins at the channel itself. The channel is in the middle of it.",
        ),
        Mistake(
            _windowed(lambda i, n, c: (max(0, i - n // 2), min(c - 1, i + n // 2 - 1))),
            "The window's last channel is missing: i + n // 2 belongs to it. A slice stops before its end.",
        ),
        Mistake(
            _with(lambda a, n, k, alpha, beta: _normalized(a, n, k, alpha, beta, measure=np.abs)),
            "Absolute values are added up. The formula has squares.",
        ),
        Mistake(
            _with(_square_of_sum),
            "The responses are added up, and their sum is squared. Square each of them first.",
        ),
        Mistake(
            _with(lambda a, n, k, alpha, beta: response_norm(a, 5, k, alpha, beta)),
            "Every window has five channels here. It has n of them.",
        ),
        Mistake(
            _with(_others),
            "The channel itself is left out of its window. It inhibits itself as well.",
        ),
        Mistake(
            _with(_round),
            "The first channel counts as a neighbour of the last. The window is cut off at both ends.",
        ),
        Mistake(
            _with(_in_space),
            "The window lies in the map, over rows and columns. It runs over channels, at one place.",
        ),
        Mistake(
            _with(_in_place),
            "Later channels see neighbours that are normalized already. All windows are of the input: write to a new array.",
        ),
        Mistake(
            _windowed(lambda i, n, c: (0, c - 1)),
            "All channels are in every window. It has n of them.",
        ),
        Mistake(
            _with(lambda a, n, k, alpha, beta: a / (response_norm(a, n, k, alpha, -1.0) / a)),
            "The power beta is missing: the sum in brackets is raised to it.",
        ),
        Mistake(
            _with(lambda a, n, k, alpha, beta: response_norm(a, n, 1.0, alpha, beta)),
            "The constant in the bracket is always 1 here, PyTorch's default. It is k.",
        ),
        Mistake(
            _with(lambda a, n, k, alpha, beta: response_norm(a, n, k, alpha, -beta)),
            "The maps are multiplied by the bracket. They are divided by it.",
        ),
    ],
    rtol=1e-6,
    hint="For channel i, slice the channels from max(0, i - n // 2) to i + n // 2, and add up their squares.",
)
