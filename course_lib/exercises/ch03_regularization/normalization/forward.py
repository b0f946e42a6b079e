"""Exercises on the forward pass of batch normalization, and on folding it into a convolution."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import normalization

SECTION = "03_regularization/normalization"

# the forward pass


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


def _images(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-5, 6, shape).astype(float)

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
    ],
    hint="x.mean(axis=(0, 2, 3), keepdims=True) has the shape (1, c, 1, 1) and can be subtracted from x.",
)

# folding

Folded = tuple[np.ndarray, np.ndarray]


def fold(
    weight: np.ndarray,
    bias: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    eps: float = 1e-5,
) -> Folded:
    """Scale every filter and its bias, and shift the bias."""
    scale = gamma / np.sqrt(var + eps)
    return weight * scale[:, None, None, None], scale * (bias - mean) + beta


def _by_einsum(
    weight: np.ndarray,
    bias: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    eps: float = 1e-5,
) -> Folded:
    s = np.sqrt(var + eps)
    return np.einsum("oiuv,o->oiuv", weight, gamma / s), gamma * bias / s + beta - gamma * mean / s


def _scale(gamma: np.ndarray, var: np.ndarray, eps: float) -> np.ndarray:
    return np.asarray(gamma / np.sqrt(var + eps))


def _fold_with(
    scale: Callable[[np.ndarray, np.ndarray, float], np.ndarray] = _scale,
    shift: Callable[..., np.ndarray] = lambda s, bias, mean, beta: s * (bias - mean) + beta,
    scaled: bool = True,
) -> Callable[..., Folded]:
    """A wrong fold: another scale, another new bias, or filters left as they are."""

    def answer(
        weight: np.ndarray,
        bias: np.ndarray,
        mean: np.ndarray,
        var: np.ndarray,
        gamma: np.ndarray,
        beta: np.ndarray,
        eps: float = 1e-5,
    ) -> Folded:
        s = scale(gamma, var, eps)
        return weight * s[:, None, None, None] if scaled else weight, shift(s, bias, mean, beta)

    return answer


def _by_input(
    weight: np.ndarray,
    bias: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    eps: float = 1e-5,
) -> Folded:
    """The scale applied to the input channels, wherever NumPy lets it pass."""
    right = fold(weight, bias, mean, var, gamma, beta, eps)
    if weight.shape[0] != weight.shape[1]:
        return right
    return weight * _scale(gamma, var, eps)[:, None, None], right[1]


def _convolutions(rng: np.random.Generator) -> list[Case]:
    def layer(c_out: int, c_in: int, k: int) -> list[np.ndarray]:
        vectors = [rng.integers(-3, 4, c_out) + 0.5 for _ in range(4)]
        bias, mean, gamma, beta = vectors
        return [
            rng.integers(-4, 5, (c_out, c_in, k, k)) * 1.0,
            bias,
            mean,
            rng.uniform(0.3, 6, c_out),
            gamma,
            beta,
        ]

    one = [np.array([v]) for v in (1.0, 2.0, 4.0, 2.0, 3.0)]
    return [
        case(np.full((1, 1, 1, 1), 3.0), *one, label="a single weight, variance 4"),
        case(*layer(2, 1, 3), label="two filters of 3 x 3"),
        case(*layer(3, 3, 3), label="as many channels in as out"),
        case(*layer(4, 2, 1), label="a 1 x 1 convolution"),
        case(*layer(2, 3, 2), 0.7, label="a large epsilon"),
        case(
            *layer(3, 2, 3)[:3], np.full(3, 1e-6), np.ones(3), np.zeros(3), label="channels that hardly vary"
        ),
    ]


FOLD = Exercise(
    id="normalization/fold",
    section=SECTION,
    title="Fold it into the convolution",
    reference=fold,
    cases=_convolutions,
    alternatives=[_by_einsum],
    mistakes=[
        Mistake(
            _fold_with(shift=lambda s, bias, mean, beta: beta - s * mean),
            "The bias of the convolution is lost. It passes through the normalization too: scale * (bias - mean) + beta.",
        ),
        Mistake(
            _fold_with(shift=lambda s, bias, mean, beta: bias + beta - s * mean),
            "The old bias is not scaled. What is normalized is the whole output of the convolution, bias included.",
        ),
        Mistake(
            _fold_with(shift=lambda s, bias, mean, beta: s * bias + beta - mean),
            "The mean is not scaled. It is subtracted before the division: scale * (bias - mean) + beta.",
        ),
        Mistake(
            _fold_with(shift=lambda s, bias, mean, beta: s * bias + beta),
            "The running mean is forgotten. It is subtracted before the scaling.",
        ),
        Mistake(
            _fold_with(shift=lambda s, bias, mean, beta: s * (bias + mean) + beta),
            "The sign of the running mean is wrong: it is subtracted.",
        ),
        Mistake(
            _fold_with(shift=lambda s, bias, mean, beta: s * (bias - mean + beta)),
            "beta is scaled too. It is added last, after the scaling.",
        ),
        Mistake(
            _fold_with(scale=lambda gamma, var, eps: gamma / var),
            "This divides by the variance. Divide by the root of var + eps.",
        ),
        Mistake(
            _fold_with(scale=lambda gamma, var, eps: gamma / np.sqrt(var)),
            "Epsilon is left out. The layer divides by sqrt(var + eps), and so must the folded weights.",
        ),
        Mistake(
            _fold_with(scale=lambda gamma, var, eps: 1 / np.sqrt(var + eps)),
            "gamma is left out: the scale of a channel is gamma / sqrt(var + eps).",
        ),
        Mistake(
            _fold_with(scaled=False), "The weights are unchanged. Scale every filter as well as its bias."
        ),
        Mistake(
            _by_input,
            "The scale meets the input channels. It belongs to the filter, axis 0 of the weight: shape (c_out, 1, 1, 1).",
        ),
    ],
    hint="Write gamma * (z - mean) / sqrt(var + eps) + beta as scale * z + shift, and put z = w * x + bias in.",
)
