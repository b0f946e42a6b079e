"""Exercises on what the original net has and today's does not: subsampling that learns, and codes of digits."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/lenet"
Array = NDArray[np.float64]

# subsampling


def _windows(x: Array) -> Array:
    """x (n, c, h, w) -> (n, c, h/2, w/2, 4): the entries of each window."""
    n, c, h, w = x.shape
    cut = x.reshape(n, c, h // 2, 2, w // 2, 2)
    return cut.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)


def _per_map(values: Array) -> Array:
    return np.asarray(values)[:, None, None]


def _f(z: Array) -> Array:
    return np.asarray(1.7159 * np.tanh(2 / 3 * z))


def subsample(x: Array, weight: Array, bias: Array) -> Array:
    """The sum of each window, times the map's coefficient, plus its bias, then the scaled tanh."""
    return _f(_windows(x).sum(axis=-1) * _per_map(weight) + _per_map(bias))


def _by_slices(x: Array, weight: Array, bias: Array) -> Array:
    total = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
    z = np.einsum("nchw,c->nchw", total, weight) + bias.reshape(1, -1, 1, 1)
    return np.asarray(1.7159 * np.tanh(z / 1.5))


def _sampled(
    pool: Callable[[Array], Array] = lambda windows: windows.sum(axis=-1),
    affine: Callable[[Array, Array, Array], Array] = lambda s, w, b: s * w + b,
    end: Callable[[Array], Array] = _f,
) -> Callable[[Array, Array, Array], Array]:
    """A wrong subsampling: how a window becomes a number, what the two parameters do, the activation."""
    return lambda x, weight, bias: end(affine(pool(_windows(x)), _per_map(weight), _per_map(bias)))


def _maps(seed: int, n: int, c: int, h: int, w: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, c, h, w)), rng.uniform(0.2, 0.8, c), rng.normal(size=c)


SUBSAMPLE = Exercise(
    id="lenet/subsample",
    section=SECTION,
    title="Subsampling that learns",
    reference=subsample,
    cases=[
        case(
            np.array([[[[1.0, 0.0], [0.5, -0.5]]]]),
            np.array([0.5]),
            np.array([0.25]),
            label="one window",
        ),
        case(*_maps(0, 2, 3, 4, 4), label="two images, three maps"),
        case(*_maps(1, 1, 2, 2, 6), label="maps that are not square"),
        case(*_maps(2, 3, 2, 6, 2), label="three images, two maps"),
        case(
            _maps(3, 1, 2, 4, 4)[0], np.array([-1.0, 3.0]), np.array([0.0, -2.0]), label="large coefficients"
        ),
    ],
    alternatives=[_by_slices],
    mistakes=[
        Mistake(
            _sampled(pool=lambda windows: windows.mean(axis=-1)),
            "The mean of the window is taken. S2 adds the four entries; here the coefficient acts as if it were a quarter.",
        ),
        Mistake(
            _sampled(pool=lambda windows: windows.max(axis=-1)),
            "This is a max pooling with a coefficient and a bias. S2 adds all four entries.",
        ),
        Mistake(
            _sampled(end=lambda z: z),
            "This is the sum before the activation. Apply the scaled tanh to it.",
        ),
        Mistake(
            _sampled(end=np.tanh),
            "This is the plain tanh. The scaled one has two constants, 1.7159 outside and 2/3 inside.",
        ),
        Mistake(
            _sampled(end=lambda z: np.tanh(2 / 3 * z)),
            "The factor 1.7159 before the tanh is missing.",
        ),
        Mistake(
            _sampled(end=lambda z: 1.7159 * np.tanh(z)),
            "The factor 2/3 inside the tanh is missing.",
        ),
        Mistake(
            _sampled(end=lambda z: 2 / 3 * np.tanh(1.7159 * z)),
            "The two constants have changed places: 1.7159 stands outside the tanh, 2/3 inside.",
        ),
        Mistake(
            _sampled(affine=lambda s, w, b: (s + b) * w),
            "The coefficient multiplies the bias as well. It multiplies the sum, and the bias is added after that.",
        ),
        Mistake(
            _sampled(affine=lambda s, w, b: s * w + 4 * b),
            "The bias is added to each of the four entries. It is added once, to the window's sum times the coefficient.",
        ),
        Mistake(
            lambda x, weight, bias: _f(_windows(x).sum(axis=-1)) * _per_map(weight) + _per_map(bias),
            "The scaled tanh acts on the sum before coefficient and bias do. It comes last.",
        ),
        Mistake(
            _sampled(affine=lambda s, w, b: s * w),
            "The bias is missing: each map has one besides its coefficient.",
        ),
    ],
    hint="Four slices such as x[:, :, ::2, ::2] give the entries of all windows. Coefficient and bias need two more axes.",
)

# the codes


def read(a: Array, codes: Array) -> tuple[Array, NDArray[np.int64]]:
    """The squared distance to each code, and the class of the smallest."""
    y = ((a[:, None, :] - codes) ** 2).sum(axis=-1)
    return y, y.argmin(axis=1)


def _expanded(a: Array, codes: Array) -> tuple[Array, NDArray[np.int64]]:
    y = (a**2).sum(axis=1)[:, None] - 2 * a @ codes.T + (codes**2).sum(axis=1)
    return y, np.argmin(y, axis=1)


def _by(distance: Callable[[Array], Array]) -> Callable[[Array, Array], tuple[Array, NDArray[np.int64]]]:
    """A wrong distance, from the differences (n, K, d); the smallest wins."""

    def answer(a: Array, codes: Array) -> tuple[Array, NDArray[np.int64]]:
        y = distance(a[:, None, :] - codes)
        return y, y.argmin(axis=1)

    return answer


def _codes(seed: int, n: int, classes: int, d: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], size=(classes, d))


CODES = Exercise(
    id="lenet/codes",
    section=SECTION,
    title="The original's output",
    reference=read,
    cases=[
        case(
            np.array([[1.0, 0.5, -1.0]]),
            np.array([[1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]),
            label="one output, two codes of three entries",
        ),
        case(*_codes(0, 4, 3, 6), label="four outputs, three codes"),
        case(*_codes(1, 5, 10, 84), label="ten codes of 84 entries"),
        case(*_codes(2, 1, 4, 5), label="a single image"),
        case(
            np.random.default_rng(3).normal(size=(6, 4)),
            np.random.default_rng(4).normal(size=(5, 4)) * np.arange(1, 6)[:, None],
            label="codes of different length",
        ),
    ],
    alternatives=[_expanded],
    mistakes=[
        Mistake(
            lambda a, codes: (read(a, codes)[0], read(a, codes)[0].argmax(axis=1)),
            "The distances are right, but the class is the one that is farthest away. The smallest distance wins.",
        ),
        Mistake(
            lambda a, codes: (-read(a, codes)[0], read(a, codes)[1]),
            "The classes are right, but the distances have turned their sign. y is a squared distance, never negative.",
        ),
        Mistake(
            _by(lambda gap: np.sqrt((gap**2).sum(axis=-1))),
            "This is the distance itself. The units give its square.",
        ),
        Mistake(
            _by(lambda gap: (gap**2).mean(axis=-1)),
            "This is the mean of the squares. The squared distance is their sum.",
        ),
        Mistake(
            _by(lambda gap: np.abs(gap).sum(axis=-1)),
            "Absolute differences are added up. Square them.",
        ),
        Mistake(
            _by(lambda gap: gap.sum(axis=-1) ** 2),
            "The differences are added first and squared afterwards, so they cancel. Square each, then add.",
        ),
        Mistake(
            lambda a, codes: (read(a, codes)[0] - (codes**2).sum(axis=1), read(a, codes)[1]),
            "The squared lengths of the codes are missing. When you expand the square, three terms are left.",
        ),
        Mistake(
            lambda a, codes: (read(a, codes)[0], (a @ codes.T).argmax(axis=1)),
            "The distances are right, but the class is that of the largest product. With codes of different length another may be nearest: take the smallest distance.",
        ),
        Mistake(
            lambda a, codes: (a @ codes.T, (a @ codes.T).argmax(axis=1)),
            "These are the products of outputs and codes, as in a dense layer. Asked for are squared distances.",
        ),
        Mistake(
            lambda a, codes: (read(a, codes)[0] / 2, read(a, codes)[1]),
            "Every distance is half of what it should be. The squares of the differences are added up as they are.",
        ),
    ],
    hint="a[:, None, :] - codes has the shape (n, K, d): all differences at once.",
)

EXERCISES = [SUBSAMPLE, CODES]
