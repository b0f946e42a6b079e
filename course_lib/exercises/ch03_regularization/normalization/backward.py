"""The exercise on the way back through batch normalization."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import normalization

SECTION = "03_regularization/normalization"
Gradients = tuple[np.ndarray, np.ndarray, np.ndarray]


def batch_norm_backward(
    grad_out: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5
) -> Gradients:
    """Three terms for x: directly, through the mean, through the variance."""
    s = np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) / s
    g = grad_out * gamma
    dx = (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0)) / s
    return dx, (grad_out * x_hat).sum(axis=0), grad_out.sum(axis=0)


def _step_by_step(grad_out: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5) -> Gradients:
    """As in the paper: first for the variance, then for the mean, then for x."""
    m = len(x)
    deviation = x - x.mean(axis=0)
    s = np.sqrt((deviation**2).mean(axis=0) + eps)
    g = grad_out * gamma
    dvar = (g * deviation).sum(axis=0) * -0.5 * s**-3
    dmean = -g.sum(axis=0) / s
    dx = g / s + dvar * 2 * deviation / m + dmean / m
    return dx, (grad_out * deviation / s).sum(axis=0), grad_out.sum(axis=0)


Parts = tuple[np.ndarray, np.ndarray, np.ndarray]  # g = dE/dx_hat, x_hat, s


def _parts(grad_out: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Parts:
    s = np.sqrt(x.var(axis=0) + eps)
    return grad_out * gamma, (x - x.mean(axis=0)) / s, s


def _wrong_x(dx: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., Gradients]:
    """The right dgamma and dbeta, with another dx made of (g, x_hat, s)."""

    def answer(grad_out: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5) -> Gradients:
        _, dgamma, dbeta = batch_norm_backward(grad_out, x, gamma, eps)
        return dx(*_parts(grad_out, x, gamma, eps)), dgamma, dbeta

    return answer


def _no_gamma(grad_out: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5) -> Gradients:
    _, dgamma, dbeta = batch_norm_backward(grad_out, x, gamma, eps)
    return batch_norm_backward(grad_out, x, np.ones_like(gamma), eps)[0], dgamma, dbeta


def _means_for_parameters(
    grad_out: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5
) -> Gradients:
    dx, dgamma, dbeta = batch_norm_backward(grad_out, x, gamma, eps)
    return dx, dgamma / len(x), dbeta / len(x)


def _gamma_from_x(grad_out: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5) -> Gradients:
    dx, _, dbeta = batch_norm_backward(grad_out, x, gamma, eps)
    return dx, (grad_out * x).sum(axis=0), dbeta


def _scaled_parameters(
    grad_out: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5
) -> Gradients:
    dx, dgamma, dbeta = batch_norm_backward(grad_out, x, gamma, eps)
    return dx, gamma * dgamma, gamma * dbeta


def _swapped(grad_out: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5) -> Gradients:
    dx, dgamma, dbeta = batch_norm_backward(grad_out, x, gamma, eps)
    return dx, dbeta, dgamma


def _short(grad_out: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float = 1e-5) -> Gradients:
    g = grad_out * gamma
    s = np.sqrt(np.maximum((x**2).mean(axis=0) - x.mean(axis=0) ** 2, 0) + eps)
    x_hat = (x - x.mean(axis=0)) / s
    dx = (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0)) / s
    return dx, (grad_out * x_hat).sum(axis=0), grad_out.sum(axis=0)


def _batches(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-5, 6, shape).astype(float)

    # Means of 2^27: in double precision the ones in (2^27 +- 1)^2 are lost, so the short formula gives exactly 0.
    far = 2.0**27 + np.array([[1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
    return [
        case(
            np.array([[1.0], [0.0], [0.0]]),
            np.array([[1.0], [2.0], [6.0]]),
            np.ones(1),
            label="an error signal for the first of three examples",
        ),
        case(whole(4, 1), whole(4, 1), np.ones(1), label="four examples, one feature"),
        case(whole(5, 3), whole(5, 3), np.ones(3), label="three features"),
        case(whole(5, 3), whole(5, 3), np.array([2.0, -0.5, 3.0]), label="with gamma"),
        case(np.ones((6, 2)), whole(6, 2), np.array([1.0, 4.0]), label="the same error signal for everyone"),
        case(whole(4, 2), whole(4, 2), np.array([1.0, 2.0]), 0.8, label="a large epsilon"),
        case(whole(6, 2), whole(6, 2) + 100, np.array([0.5, 1.5]), label="inputs far from zero"),
        case(whole(3, 3), whole(3, 3), np.array([1.0, 2.0, 3.0]), label="as many examples as features"),
        case(whole(4, 2), far, np.array([1.0, 2.0]), label="inputs near a hundred million"),
    ]


BATCH_NORM_BACKWARD = Exercise(
    id="normalization/batch_norm_backward",
    section=SECTION,
    title="The way back",
    reference=batch_norm_backward,
    cases=_batches,
    alternatives=[_step_by_step, normalization.batch_norm_backward],
    mistakes=[
        Mistake(
            _wrong_x(lambda g, x_hat, s: g / s),
            "Mean and variance are taken for constants. They depend on every x of the batch: two terms are missing.",
        ),
        Mistake(
            _wrong_x(lambda g, x_hat, s: (g - x_hat * (g * x_hat).mean(axis=0)) / s),
            "The path through the mean is missing: subtract the mean of gamma * grad_out.",
        ),
        Mistake(
            _wrong_x(lambda g, x_hat, s: (g - g.mean(axis=0)) / s),
            "The path through the variance is missing: subtract x_hat times the mean of gamma * grad_out * x_hat.",
        ),
        Mistake(
            _wrong_x(lambda g, x_hat, s: (g - g.sum(axis=0) - x_hat * (g * x_hat).sum(axis=0)) / s),
            "Sums stand where means belong: an example has only a share of 1 / m in the mean of the batch.",
        ),
        Mistake(
            _wrong_x(lambda g, x_hat, s: (g - g.mean(axis=0) + x_hat * (g * x_hat).mean(axis=0)) / s),
            "The sign of the term through the variance is wrong: all that lies along x_hat is taken away.",
        ),
        Mistake(
            _wrong_x(lambda g, x_hat, s: (g - g.mean(axis=0) - (g * x_hat).mean(axis=0)) / s),
            "The mean of gamma * grad_out * x_hat is subtracted as it is. Multiply it by x_hat.",
        ),
        Mistake(
            _wrong_x(lambda g, x_hat, s: g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0)),
            "dx is not divided by sqrt(var + eps). The forward pass divides by it, and so does the way back.",
        ),
        Mistake(_no_gamma, "gamma is forgotten on the way to x: dE/dx_hat is gamma * grad_out."),
        Mistake(
            _gamma_from_x,
            "dgamma is made of x. What gamma multiplies is x_hat: sum grad_out * x_hat.",
        ),
        Mistake(
            _means_for_parameters,
            "dgamma and dbeta are means over the batch. E gets a share from every example: sum them.",
        ),
        Mistake(
            _scaled_parameters,
            "gamma is multiplied into dgamma and dbeta. It belongs in dx alone.",
        ),
        Mistake(
            _short,
            "Right on paper, but E[x^2] - E[x]^2 subtracts two numbers that agree in nearly all digits. Subtract the mean first, then square.",
        ),
        Mistake(
            lambda grad_out, x, gamma, eps=1e-5: batch_norm_backward(grad_out, x, gamma),
            "This is right for an epsilon of 1e-5 only. Use the argument.",
        ),
        Mistake(_swapped, "dgamma and dbeta are exchanged: return dx, dgamma, dbeta."),
    ],
    hint="Start with g = gamma * grad_out = dE/dx_hat. Then use the three terms of the formula.",
)
