"""An exercise on the way back through max pooling."""

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/pooling"

Shape = tuple[int, int]


def max_pool_backward(delta: np.ndarray, indices: np.ndarray, shape: Shape) -> np.ndarray:
    """Add each error signal at the entry that won."""
    gradient = np.zeros(shape[0] * shape[1])
    np.add.at(gradient, indices, delta)
    return gradient.reshape(shape)


def _by_counting(delta: np.ndarray, indices: np.ndarray, shape: Shape) -> np.ndarray:
    counted = np.bincount(indices.ravel(), weights=delta.ravel(), minlength=shape[0] * shape[1])
    return counted.reshape(shape)


def _assigned(delta: np.ndarray, indices: np.ndarray, shape: Shape) -> np.ndarray:
    gradient = np.zeros(shape[0] * shape[1])
    for place, signal in zip(indices.ravel(), delta.ravel(), strict=True):
        gradient[place] = signal
    return gradient.reshape(shape)


def _mean_of_signals(delta: np.ndarray, indices: np.ndarray, shape: Shape) -> np.ndarray:
    wins = max_pool_backward(np.ones(delta.shape), indices, shape)
    return max_pool_backward(delta, indices, shape) / np.maximum(wins, 1)


def _by_columns(delta: np.ndarray, indices: np.ndarray, shape: Shape) -> np.ndarray:
    flat = max_pool_backward(delta, indices, shape).ravel()
    return flat.reshape(shape, order="F")


def _one_further(delta: np.ndarray, indices: np.ndarray, shape: Shape) -> np.ndarray:
    return max_pool_backward(delta, indices - 1, shape)


def _evenly(delta: np.ndarray, indices: np.ndarray, shape: Shape) -> np.ndarray:
    return np.full(shape, delta.sum() / (shape[0] * shape[1]))


_OVERLAPPING = np.array([[5, 5, 7], [9, 5, 7]])  # two winners of several windows in a 3 x 4 map

BACKWARD = Exercise(
    id="pooling/max_pool_backward",
    section=SECTION,
    title="Back through max pooling",
    reference=max_pool_backward,
    cases=[
        case(
            np.array([[1.0, 2.0], [3.0, 4.0]]),
            np.array([[5, 3], [8, 14]]),
            (4, 4),
            label="the switches of the first table",
        ),
        case(np.array([[2.0, -1.0, 0.5]]), np.array([[1, 8, 5]]), (2, 6), label="a wide map"),
        case(np.array([[1.0, 4.0]]), np.array([[2, 2]]), (3, 2), label="one entry won two windows"),
        case(np.arange(6.0).reshape(2, 3) - 3.5, _OVERLAPPING, (3, 4), label="overlapping windows"),
        case(np.array([[7.0]]), np.array([[0]]), (1, 1), label="a single entry"),
        case(np.zeros((2, 2)), np.array([[0, 3], [10, 13]]), (4, 5), label="no error, no gradient"),
    ],
    alternatives=[_by_counting],
    mistakes=[
        Mistake(
            _assigned,
            "Where one entry won several windows only the last signal is left. They must add up; note that "
            "g[indices] += delta adds once only. Try np.add.at.",
        ),
        Mistake(
            _mean_of_signals,
            "Where one entry won several windows this takes the mean of the signals. The chain rule adds them.",
        ),
        Mistake(
            lambda delta, indices, shape: max_pool_backward(np.ones(delta.shape), indices, shape),
            "This puts a 1 for each window won. Put the error signal of the window there.",
        ),
        Mistake(
            _by_columns,
            "The flat gradient is folded column by column. The indices count row by row.",
        ),
        Mistake(
            _evenly,
            "The signals are shared among all entries. Max pooling sends each to the winner of its window alone.",
        ),
        Mistake(
            _one_further,
            "Every signal stands one place too early: indices count from 0.",
        ),
        Mistake(
            lambda delta, indices, shape: -max_pool_backward(delta, indices, shape),
            "The sign is flipped: this is the gradient, not the step against it.",
        ),
    ],
    hint="Work on a flat array of zeros as long as the map, add each signal at its index, and reshape at the end.",
)

EXERCISES = [BACKWARD]
