"""The exercise on judging pictures, by PSNR."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/applications"
Array = np.ndarray


def psnr(x_hat: Array, x: Array) -> Array:
    """Decibels of each picture, by its own mean squared error after clipping."""
    squares = (np.clip(x_hat, 0, 1) - x) ** 2
    return -10 * np.log10(squares.mean(axis=(1, 2, 3)))


def _by_norms(x_hat: Array, x: Array) -> Array:
    rows = (np.minimum(np.maximum(x_hat, 0), 1) - x).reshape(len(x), -1)
    return 20 * np.log10(np.sqrt(rows.shape[1]) / np.linalg.norm(rows, axis=1))


def _of(decibels: Callable[[Array, Array], Array | float]) -> Callable[[Array, Array], Array | float]:
    """decibels(difference, x), of the clipped picture."""
    return lambda x_hat, x: decibels(np.clip(x_hat, 0, 1) - x, x)


def _mse(difference: Array) -> Array:
    return (difference**2).mean(axis=(1, 2, 3))


def _pairs(rng: np.random.Generator) -> list[Case]:
    def pair(*shape: int, noise: float) -> tuple[Array, Array]:
        x = rng.uniform(0.1, 0.8, shape).round(3)
        scale = noise * np.arange(1, shape[0] + 1).reshape(-1, 1, 1, 1) / shape[1]
        spread = scale * np.arange(1, shape[1] + 1).reshape(1, -1, 1, 1)  # channels err differently
        return (x + spread * rng.normal(size=shape)).round(3), x

    return [
        case(*pair(1, 1, 3, 3, noise=0.05), label="one grey picture"),
        case(*pair(3, 1, 4, 5, noise=0.1), label="three grey pictures, some rebuilt better than others"),
        case(*pair(2, 3, 5, 4, noise=0.1), label="two colour pictures"),
        case(*pair(2, 3, 4, 4, noise=0.9), label="values far below 0 and above 1"),
    ]


PSNR = Exercise(
    id="applications/psnr",
    section=SECTION,
    title="Decibels",
    reference=psnr,
    cases=_pairs,
    alternatives=[_by_norms],
    mistakes=[
        Mistake(
            lambda x_hat, x: -10 * np.log10(_mse(x_hat - x)),
            "The reconstruction is not clipped. A screen shows nothing below 0 or above 1, so clip first.",
        ),
        Mistake(
            _of(lambda e, x: float(-10 * np.log10((e**2).mean()))),
            "This is one number, from the error over all pictures. Each picture has a PSNR of its own.",
        ),
        Mistake(
            _of(lambda e, x: float(-10 * np.log10(_mse(e)).mean())),
            "This is the mean of the right numbers. Return them one by one.",
        ),
        Mistake(
            _of(lambda e, x: 10 * np.log10(_mse(e))),
            "The sign is turned round: smaller errors must give more decibels.",
        ),
        Mistake(
            _of(lambda e, x: -20 * np.log10(_mse(e))),
            "Twice too many: 20 belongs to the root of the mean squared error, 10 to that error itself.",
        ),
        Mistake(
            _of(lambda e, x: -5 * np.log10(_mse(e))),
            "Half of it: 10 times the logarithm of the root. For the root the factor is 20.",
        ),
        Mistake(_of(lambda e, x: -10 * np.log(_mse(e))), "A natural logarithm; decibels use base 10."),
        Mistake(
            _of(lambda e, x: -20 * np.log10(abs(e).mean(axis=(1, 2, 3)))),
            "The differences are taken absolutely, not squared.",
        ),
        Mistake(
            _of(lambda e, x: -10 * np.log10((e**2).sum(axis=(1, 2, 3)))),
            "The squares are summed over the pixels. Take their mean, or large pictures look worse.",
        ),
        Mistake(
            _of(lambda e, x: 10 * np.log10(x.max(axis=(1, 2, 3)) ** 2 / _mse(e))),
            "The peak here is the brightest pixel of each picture. It is the largest possible value, 1.",
        ),
        Mistake(
            _of(lambda e, x: 10 * np.log10(255**2 / _mse(e))),
            "255 is the peak of bytes. These pictures go from 0 to 1.",
        ),
        Mistake(
            _of(lambda e, x: -10 * np.log10((e**2).mean(axis=(2, 3))).mean(axis=1)),
            "The mean over the channels is taken of the decibels. Take it of the squared errors.",
        ),
    ],
    hint="Clip, square, take the mean over all axes but the first, and then -10 times the logarithm to base 10.",
)
