"""The exercise on the forward pass of batch normalization."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import normalization

SECTION = "03_regularization/normalization"


def batch_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Standardize every channel over the images and the positions, then scale and shift it."""
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    var = ((x - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True)
    return gamma[:, None, None] * (x - mean) / np.sqrt(var + eps) + beta[:, None, None]


def _channels_last(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    moved = np.moveaxis(x, 1, -1)
    rows = moved.reshape(-1, x.shape[1])
    y = gamma * (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + eps) + beta
    return np.moveaxis(y.reshape(moved.shape), -1, 1)


def _with(
    axes: tuple[int, ...] = (0, 2, 3),
    root: Callable[[np.ndarray, float], np.ndarray] = lambda var, eps: np.sqrt(var + eps),
    unbiased: bool = False,
    affine: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] = lambda x_hat, gamma, beta: (
        gamma * x_hat + beta
    ),
) -> Callable[..., np.ndarray]:
    """Batch normalization with one of its parts exchanged."""

    def answer(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> np.ndarray:
        mean = x.mean(axis=axes, keepdims=True)
        var = x.var(axis=axes, keepdims=True, ddof=int(unbiased))
        return affine((x - mean) / root(var, eps), gamma[:, None, None], beta[:, None, None])

    return answer


def _by_column(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """gamma and beta left as they are, wherever NumPy lets them pass."""
    if x.shape[-1] != len(gamma):
        return batch_norm(x, gamma, beta, eps)
    return gamma * batch_norm(x, np.ones_like(gamma), np.zeros_like(beta), eps) + beta


def _short(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    var = np.maximum((x**2).mean(axis=(0, 2, 3), keepdims=True) - mean**2, 0)
    return gamma[:, None, None] * (x - mean) / np.sqrt(var + eps) + beta[:, None, None]


def _images(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-5, 6, shape).astype(float)

    # Means of 2^27: in double precision the ones in (2^27 +- 1)^2 are lost, so the short formula gives exactly 0.
    far = 2.0**27 + np.tile([1.0, -1.0, -1.0, 1.0], 4).reshape(2, 2, 2, 2)
    skewed = whole(3, 2, 2, 3) * np.array([1.0, 20.0])[:, None, None] + np.array([0.0, 300.0])[:, None, None]
    return [
        case(
            np.array([1.0, 2.0, 3.0, 6.0]).reshape(4, 1, 1, 1),
            np.ones(1),
            np.zeros(1),
            label="one channel of one position, four images",
        ),
        case(whole(2, 1, 2, 3), np.ones(1), np.zeros(1), label="one channel, two images of 2 x 3"),
        case(skewed, np.ones(2), np.zeros(2), label="two channels of different scale"),
        case(whole(3, 2, 2, 3), np.array([2.0, -0.5]), np.array([1.0, 3.0]), label="gamma and beta"),
        case(
            whole(4, 3, 2, 3),
            np.array([1.0, 2.0, 3.0]),
            np.array([-1.0, 0.0, 4.0]),
            label="as many channels as columns",
        ),
        case(whole(2, 2, 3, 2), np.ones(2), np.array([0.5, -2.0]), 0.5, label="a large epsilon"),
        case(
            np.full((2, 2, 2, 2), 3.0), np.array([2.0, 1.0]), np.array([1.0, -1.0]), label="constant channels"
        ),
        case(0.01 * whole(3, 2, 3, 2), np.ones(2), np.zeros(2), 1e-3, label="small values beside epsilon"),
        case(far, np.array([1.0, 2.0]), np.array([0.0, 3.0]), label="values near a hundred million"),
    ]


BATCH_NORM = Exercise(
    id="normalization/batch_norm",
    section=SECTION,
    title="Batch normalization, forward",
    reference=batch_norm,
    cases=_images,
    alternatives=[normalization.batch_norm, _channels_last],
    mistakes=[
        Mistake(
            _with(axes=(0,)),
            "Every position has its own mean here. A channel shares one over the positions too: axes 0, 2 and 3.",
        ),
        Mistake(
            _with(axes=(2, 3)),
            "Every image has its own mean here: that is instance normalization. Take the mean over the images as well.",
        ),
        Mistake(
            _with(axes=(1, 2, 3)),
            "The channels share a mean and the images do not: that is layer normalization. Keep axis 1 and average the others.",
        ),
        Mistake(
            _with(axes=(0, 1, 2, 3)),
            "All channels share one mean and one variance here. Each channel has its own.",
        ),
        Mistake(
            _with(unbiased=True),
            "The variance is divided by m - 1. For normalizing the batch it is divided by m.",
        ),
        Mistake(
            _with(root=lambda var, eps: np.sqrt(var) + eps),
            "Epsilon is added to the root. It belongs under it: sqrt(var + eps).",
        ),
        Mistake(
            _with(root=lambda var, eps: var + eps),
            "This divides by the variance. Divide by its root, to end at variance 1.",
        ),
        Mistake(
            _with(affine=lambda x_hat, gamma, beta: x_hat),
            "gamma and beta are forgotten: return gamma * x_hat + beta.",
        ),
        Mistake(
            _with(affine=lambda x_hat, gamma, beta: gamma * (x_hat + beta)),
            "beta is multiplied by gamma. Scale first, then shift: gamma * x_hat + beta.",
        ),
        Mistake(
            _by_column,
            "gamma and beta meet the columns of the image. They belong to axis 1: give them the shape (c, 1, 1).",
        ),
        Mistake(
            _short,
            "Right on paper, but E[x^2] - E[x]^2 subtracts two numbers that agree in nearly all digits. Subtract the mean first, then square.",
        ),
        Mistake(
            lambda x, gamma, beta, eps=1e-5: batch_norm(x, gamma, beta),
            "This is right for an epsilon of 1e-5 only. Use the argument.",
        ),
    ],
    hint="x.mean(axis=(0, 2, 3), keepdims=True) has the shape (1, c, 1, 1) and can be subtracted from x.",
)
