"""Exercises on sliding the net over larger images."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/lenet"
Array = NDArray[np.float64]

# how many answers


def answers(height: int, width: int) -> tuple[int, int]:
    """Through the layers: a convolution takes 4 pixels, a subsampling half, rounded down."""

    def places(n: int) -> int:
        return ((n - 4) // 2 - 4) // 2 - 4

    return places(height), places(width)


Places = Callable[[int], int]


def _along(places: Places) -> Callable[[int, int], tuple[int, int]]:
    """A count of places along one side, for both sides."""
    return lambda height, width: (places(height), places(width))


ANSWERS = Exercise(
    id="lenet/answers",
    section=SECTION,
    title="A larger image",
    reference=answers,
    cases=[
        case(32, 32, label="one window"),
        case(32, 60, label="a strip of 60 pixels"),
        case(36, 48, label="an image of 36 x 48"),
        case(35, 39, label="sides that leave a rest"),
        case(101, 34, label="an odd height"),
        case(128, 256, label="an image of 128 x 256"),
    ],
    alternatives=[_along(lambda n: (n - 32) // 4 + 1)],
    mistakes=[
        Mistake(
            _along(lambda n: n - 31),
            "This moves the window pixel by pixel. Two subsamplings lie between the image and the output: a step is 4 pixels.",
        ),
        Mistake(
            _along(lambda n: (n - 32) // 2 + 1),
            "This is a step of 2 pixels, as if there were one subsampling. There are two.",
        ),
        Mistake(
            _along(lambda n: (n - 32) // 4),
            "One place is missing along each side: the first window stands at pixel 0.",
        ),
        Mistake(
            _along(lambda n: n // 32),
            "These are windows side by side, without overlap. The net answers every 4 pixels.",
        ),
        Mistake(
            lambda height, width: ((height - 32) / 4 + 1, (width - 32) / 4 + 1),
            "There are fractions of answers here. A window that would reach beyond the image is left out: use // in place of /.",
        ),
        Mistake(
            _along(lambda n: math.ceil((n - 32) / 4) + 1),
            "Rounded up, the last window reaches beyond the image. Maps are rounded down.",
        ),
        Mistake(
            lambda height, width: (answers(height, width)[1], answers(height, width)[0]),
            "Rows and columns have changed places: the height comes first.",
        ),
        Mistake(
            _along(lambda n: ((n - 4) // 2 - 4) // 2),
            "This is the size of S4's maps. C5 takes another 4 from each side.",
        ),
        Mistake(
            _along(lambda n: ((n - 5) // 2 - 5) // 2 - 5),
            "Each convolution takes 5 from the side here. A window of 5 entries takes 4.",
        ),
    ],
    hint="Walk an image of 36 pixels through C1, S2, C3, S4, C5. Then write that walk for any side.",
)

# a dense layer as a convolution


def as_convolution(weight: Array, channels: int, side: int) -> Array:
    """Flattening runs over columns first, then rows, then maps, so a reshape undoes it."""
    return weight.reshape(len(weight), channels, side, side)


def _by_loop(weight: Array, channels: int, side: int) -> Array:
    kernels = np.empty((weight.shape[0], channels, side, side))
    for c in range(channels):
        for i in range(side):
            for j in range(side):
                kernels[:, c, i, j] = weight[:, (c * side + i) * side + j]
    return kernels


def _weights(seed: int, out: int, channels: int, side: int) -> tuple[Array, int, int]:
    return np.random.default_rng(seed).normal(size=(out, channels * side**2)).round(2), channels, side


DENSE = Exercise(
    id="lenet/as_convolution",
    section=SECTION,
    title="A dense layer that slides",
    reference=as_convolution,
    cases=[
        case(np.arange(8.0).reshape(1, 8), 2, 2, label="one unit, two maps of 2 x 2"),
        case(*_weights(0, 3, 2, 3), label="three units, two maps of 3 x 3"),
        case(*_weights(1, 4, 16, 5), label="four units, sixteen maps of 5 x 5"),
        case(*_weights(2, 5, 3, 1), label="1 x 1: a dense layer at every place"),
        case(*_weights(3, 2, 1, 4), label="a single map"),
    ],
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            lambda weight, channels, side: as_convolution(weight, channels, side).swapaxes(2, 3),
            "Rows and columns of each kernel have changed places. Flattening runs along a row first.",
        ),
        Mistake(
            lambda weight, channels, side: as_convolution(weight, channels, side)[:, :, ::-1, ::-1],
            "The kernels are turned by 180 degrees. The layer called convolution does not turn its kernels.",
        ),
        Mistake(
            lambda weight, channels, side: weight.reshape(-1, side, side, channels).transpose(0, 3, 1, 2),
            "The channels are read as if they came last. In maps (c, h, w) flattening takes a whole map, then the next.",
        ),
        Mistake(
            lambda weight, channels, side: as_convolution(weight, channels, side).swapaxes(0, 1),
            "The first two axes have changed places: units that come out are first, maps that go in second.",
        ),
        Mistake(
            lambda weight, channels, side: weight.T.reshape(-1, channels, side, side),
            "The transposed weight was reshaped. Row i of the weight holds all weights of unit i: keep the rows.",
        ),
        Mistake(
            lambda weight, channels, side: weight.reshape(-1, channels, side, side, order="F"),
            "Entries are read with the first index running fastest (order 'F'). Flatten reads the last index fastest.",
        ),
        Mistake(
            lambda weight, channels, side: weight[:, :, None, None],
            "This is a 1 x 1 convolution over flattened maps. The kernels must cover side x side places of each map.",
        ),
    ],
    hint="Which entry of x.flatten() is x[c, i, j]? A reshape to (units, channels, ...) puts its weight where it belongs.",
)

EXERCISES = [ANSWERS, DENSE]
