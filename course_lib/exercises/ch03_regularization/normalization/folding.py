"""The exercise on folding batch normalization into a convolution."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "03_regularization/normalization"
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
            _fold_with(scale=lambda gamma, var, eps: gamma / np.sqrt(var + 1e-5)),
            "This is right for an epsilon of 1e-5 only. Use the argument.",
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
