"""The exercise on one step of the way back: through max pooling, by its switches."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/zfnet"

Place = Callable[[np.ndarray], tuple[int, int]]


def unpool(signal: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Look for the maximum of each window and put the signal there."""
    return _unpooled(lambda window: divmod(int(window.argmax()), 2))(signal, x)


def _unpooled(place: Place) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The signal of each window at one place of the window."""

    def answer(signal: np.ndarray, x: np.ndarray) -> np.ndarray:
        found = np.zeros_like(x)
        for i, j in np.ndindex(*signal.shape):
            row, column = place(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
            found[2 * i + row, 2 * j + column] = signal[i, j]
        return found

    return answer


def _enlarged(pooled: np.ndarray) -> np.ndarray:
    return pooled.repeat(2, axis=0).repeat(2, axis=1)


def _maxima(x: np.ndarray) -> np.ndarray:
    whole: np.ndarray = x.reshape(len(x) // 2, 2, x.shape[1] // 2, 2).max(axis=(1, 3))
    return whole


def _vectorized(signal: np.ndarray, x: np.ndarray) -> np.ndarray:
    h, w = signal.shape
    windows = x.reshape(h, 2, w, 2).transpose(0, 2, 1, 3).reshape(h, w, 4)
    chosen = np.eye(4)[windows.argmax(axis=2)] * signal[:, :, None]  # (h, w, 4)
    return chosen.reshape(h, w, 2, 2).transpose(0, 2, 1, 3).reshape(2 * h, 2 * w)


def _last_of_equals(window: np.ndarray) -> tuple[int, int]:
    return divmod(3 - int(window.ravel()[::-1].argmax()), 2)


def _maps(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.permutation(np.arange(1.0, 1 + np.prod(shape))).reshape(shape)

    half_off = np.maximum(whole(4, 6) - 16, 0)
    half_off[:2, 2:4] = 0.0
    return [
        case(np.array([[5.0]]), np.array([[1.0, 2.0], [4.0, 3.0]]), label="one window"),
        case(np.array([[7.0, -2.0]]), np.array([[9.0, 1, 3, 8], [2, 4, 5, 6]]), label="two windows"),
        case(whole(2, 3), whole(4, 6), label="four rows, six columns"),
        case(whole(3, 2) - 3.5, whole(6, 4) - 20.0, label="negative entries too"),
        case(whole(2, 3), half_off, label="behind a ReLU: equal entries, and a window of zeros"),
        case(
            np.array([[0.0, 3.0]]),
            np.array([[1.0, -5, 2, 2], [0, 0, 2, 2]]),
            label="a signal of 0, four equal entries",
        ),
    ]


UNPOOL = Exercise(
    id="zfnet/unpool",
    section=SECTION,
    title="Unpool by the switches",
    reference=unpool,
    cases=_maps,
    alternatives=[_vectorized],
    mistakes=[
        Mistake(
            lambda signal, x: _enlarged(signal),
            "Each signal is copied to all four entries of its window. It belongs to the one that was the maximum.",
        ),
        Mistake(
            lambda signal, x: _enlarged(signal) / 4,
            "Each signal is spread over its window, which is the way back through average pooling.",
        ),
        Mistake(
            _unpooled(lambda window: (0, 0)),
            "Each signal is put at the top left of its window. Look in x for the place of the maximum.",
        ),
        Mistake(
            lambda signal, x: _enlarged(signal) * (x == _enlarged(_maxima(x))),
            "Where entries are equal, all of them get the signal. A window hands on one value and has one switch.",
        ),
        Mistake(
            _unpooled(_last_of_equals),
            "Of equal entries the last one is taken. The switch is the first, row by row.",
        ),
        Mistake(
            lambda signal, x: _unpooled(lambda window: divmod(int(window.argmax()), 2))(_maxima(x), x),
            "The maxima themselves are put back. What goes back is the signal; x only tells where to.",
        ),
        Mistake(
            _unpooled(lambda window: divmod(int(window.argmax()), 2)[::-1]),
            "Row and column within the window are exchanged. Number i of a 2 x 2 window, row by row, is in row i // 2 "
            "and column i % 2.",
        ),
        Mistake(
            _unpooled(lambda window: divmod(int(np.abs(window).argmax()), 2)),
            "The largest absolute value is looked for. Max pooling takes the largest value, signs included.",
        ),
        Mistake(
            _unpooled(lambda window: divmod(int(window.argmin()), 2)),
            "The signal goes to the smallest entry of each window. The switch is where the largest was.",
        ),
        Mistake(
            lambda signal, x: _vectorized(signal, x) * (x > 0),
            "Signals are lost where the maximum is not positive. Unpooling does not rectify; that is a step of its own.",
        ),
    ],
    hint="Take the windows one by one: x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].argmax() says where its signal goes.",
)
