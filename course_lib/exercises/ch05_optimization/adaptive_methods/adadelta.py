"""The exercise on a step of Adadelta."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import optim as reference

SECTION = "05_optimization/adaptive_methods"
Array = np.ndarray
Three = tuple[Array, Array, Array]


def _whole(rng: np.random.Generator, *shape: int) -> Array:
    return rng.integers(1, 7, shape).astype(float) * rng.choice([-1.0, 1.0], shape)


def adadelta_step(
    theta: Array, g: Array, mean_g2: Array, mean_d2: Array, gamma: float = 0.9, eps: float = 1e-6
) -> Three:
    """The new mean of squared gradients, the old one of squared steps."""
    mean_g2 = gamma * mean_g2 + (1 - gamma) * g**2
    step = -np.sqrt((mean_d2 + eps) / (mean_g2 + eps)) * g
    return theta + step, mean_g2, gamma * mean_d2 + (1 - gamma) * step**2


def _adadelta_reference(
    theta: Array, g: Array, mean_g2: Array, mean_d2: Array, gamma: float = 0.9, eps: float = 1e-6
) -> Three:
    new, state = reference.adadelta(theta, g, (mean_g2, mean_d2), gamma, eps)
    first, second = map(np.asarray, state or ())
    return new, first, second


def _adadelta(
    sign: float = -1.0,
    ratio: Callable[[Array, Array, float], Array] = lambda d2, g2, eps: np.sqrt((d2 + eps) / (g2 + eps)),
    kept: Callable[[Array], Array] = np.square,
    old_mean: bool = False,
    exchanged: bool = False,
    fed: bool = True,
) -> Callable[..., Three]:
    """A wrong step: another sign or ratio, another thing averaged, a mean that is old or not fed."""

    def answer(
        theta: Array, g: Array, mean_g2: Array, mean_d2: Array, gamma: float = 0.9, eps: float = 1e-6
    ) -> Three:
        if exchanged:
            gamma = 1 - gamma
        new_g2 = gamma * mean_g2 + (1 - gamma) * g**2
        step = sign * ratio(mean_d2, mean_g2 if old_mean else new_g2, eps) * g
        new_d2 = gamma * mean_d2 + (1 - gamma) * kept(step) if fed else mean_d2
        return theta + step, new_g2, new_d2

    return answer


def _ahead(
    theta: Array, g: Array, mean_g2: Array, mean_d2: Array, gamma: float = 0.9, eps: float = 1e-6
) -> Three:
    _, new_g2, new_d2 = adadelta_step(theta, g, mean_g2, mean_d2, gamma, eps)
    return theta - np.sqrt((new_d2 + eps) / (new_g2 + eps)) * g, new_g2, new_d2


def _adadelta_cases(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([1.0]), np.array([2.0]), np.zeros(1), np.zeros(1), label="the very first step"),
        case(np.array([1.0]), np.array([3.0]), np.array([4.0]), np.array([0.25]), label="a step with a past"),
        case(
            _whole(rng, 3),
            _whole(rng, 3),
            np.array([1.0, 4.0, 9.0]),
            np.array([0.01, 0.04, 1.0]),
            label="three weights",
        ),
        case(
            _whole(rng, 2),
            _whole(rng, 2),
            np.array([2.0, 5.0]),
            np.array([0.5, 0.1]),
            0.75,
            1e-2,
            label="another memory and another epsilon",
        ),
        case(
            _whole(rng, 2, 2),
            np.zeros((2, 2)),
            np.ones((2, 2)),
            np.ones((2, 2)),
            label="no gradient: nothing moves",
        ),
    ]


ADADELTA = Exercise(
    id="adaptive_methods/adadelta_step",
    section=SECTION,
    title="A step of Adadelta",
    reference=adadelta_step,
    cases=_adadelta_cases,
    alternatives=[_adadelta_reference],
    mistakes=[
        Mistake(
            _adadelta(sign=1.0),
            "The weights climb: the step is minus the ratio times g. The means do not show it, since a square has no sign.",
        ),
        Mistake(
            _adadelta(ratio=lambda d2, g2, eps: (np.sqrt(d2) + eps) / (np.sqrt(g2) + eps)),
            "Epsilon is added after the roots. In Adadelta it belongs under both of them.",
        ),
        Mistake(
            _adadelta(ratio=lambda d2, g2, eps: (d2 + eps) / (g2 + eps)),
            "The roots are missing: RMS is the root of the mean square.",
        ),
        Mistake(
            _adadelta(ratio=lambda d2, g2, eps: 1 / np.sqrt(g2 + eps)),
            "The numerator is missing: this is RMSprop with a rate of 1. Multiply by the RMS of the steps so far.",
        ),
        Mistake(
            _adadelta(ratio=lambda d2, g2, eps: np.sqrt(d2 / (g2 + eps))),
            "The numerator has no epsilon, so a walk that starts at rest never moves. Put it under both roots.",
        ),
        Mistake(
            _adadelta(ratio=lambda d2, g2, eps: np.sqrt((g2 + eps) / (d2 + eps))),
            "The ratio is upside down: the gradients' RMS divides.",
        ),
        Mistake(
            _ahead,
            "The numerator already has the present step in it. It is one step behind: use mean_d2 as it came.",
        ),
        Mistake(
            _adadelta(old_mean=True),
            "The gradient is divided by the mean as it was before this step. Take the present gradient in first.",
        ),
        Mistake(
            _adadelta(kept=lambda step: step),
            "The mean takes in the step itself. It is a mean of squares.",
        ),
        Mistake(
            _adadelta(fed=False),
            "The mean of squared steps is never fed, so the steps keep the size that epsilon gave them.",
        ),
        Mistake(
            _adadelta(exchanged=True),
            "The weights of the means are exchanged: gamma is the share of the past, 1 - gamma that of the new.",
        ),
        Mistake(
            lambda theta, g, mean_g2, mean_d2, gamma=0.9, eps=1e-6: (
                adadelta_step(theta, g, mean_g2, mean_d2, gamma, eps)[0] - theta,
                *adadelta_step(theta, g, mean_g2, mean_d2, gamma, eps)[1:],
            ),
            "The first of the three is the step. Return the new weights.",
        ),
    ],
    hint="Three lines in this order: the mean of squared gradients, the step, the mean of squared steps.",
)
