"""Exercises on the methods that divide by a running mean: Adadelta and RMSprop."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import optim as reference

SECTION = "05_optimization/adaptive_methods"
Array = np.ndarray
Three = tuple[Array, Array, Array]


def _whole(rng: np.random.Generator, *shape: int) -> Array:
    return rng.integers(1, 7, shape).astype(float) * rng.choice([-1.0, 1.0], shape)


# Adadelta


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

# RMSprop with momentum


def rmsprop_step(
    theta: Array,
    g: Array,
    mean_g2: Array,
    velocity: Array,
    lr: float = 0.01,
    gamma: float = 0.99,
    momentum: float = 0.9,
    eps: float = 1e-8,
) -> Three:
    """Divide first, then remember."""
    mean_g2 = gamma * mean_g2 + (1 - gamma) * g**2
    velocity = momentum * velocity + g / (np.sqrt(mean_g2) + eps)
    return theta - lr * velocity, mean_g2, velocity


def _rmsprop(
    root: Callable[[Array, float], Array] = lambda s, eps: np.sqrt(s) + eps,
    velocity_of: Callable[[Array, Array, Array, float], Array] = lambda v, g, r, mu: mu * v + g / r,
    step_of: Callable[[Array, Array], Array] = lambda v, r: v,
    sign: float = -1.0,
    old_mean: bool = False,
    exchanged: bool = False,
    rated: bool = True,
) -> Callable[..., Three]:
    """A wrong step: another root, another velocity, another use of it."""

    def answer(
        theta: Array,
        g: Array,
        mean_g2: Array,
        velocity: Array,
        lr: float = 0.01,
        gamma: float = 0.99,
        momentum: float = 0.9,
        eps: float = 1e-8,
    ) -> Three:
        if exchanged:
            gamma = 1 - gamma
        new = gamma * mean_g2 + (1 - gamma) * g**2
        r = root(mean_g2 if old_mean else new, eps)
        velocity = velocity_of(velocity, g, r, momentum)
        return theta + sign * (lr if rated else 1) * step_of(velocity, r), new, velocity

    return answer


def _with_rate(
    theta: Array,
    g: Array,
    mean_g2: Array,
    velocity: Array,
    lr: float = 0.01,
    gamma: float = 0.99,
    momentum: float = 0.9,
    eps: float = 1e-8,
) -> Three:
    mean_g2 = gamma * mean_g2 + (1 - gamma) * g**2
    velocity = momentum * velocity + lr * g / (np.sqrt(mean_g2) + eps)
    return theta - velocity, mean_g2, velocity


def _rmsprop_cases(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([1.0]), np.array([2.0]), np.zeros(1), np.zeros(1), label="the very first step"),
        case(np.array([1.0]), np.array([3.0]), np.array([4.0]), np.array([-2.0]), label="a step with a past"),
        case(
            _whole(rng, 3),
            _whole(rng, 3),
            np.array([1.0, 4.0, 9.0]),
            np.array([0.5, -1.0, 2.0]),
            0.1,
            0.9,
            0.0,
            label="no momentum: plain RMSprop",
        ),
        case(
            _whole(rng, 2, 2),
            _whole(rng, 2, 2),
            np.full((2, 2), 3.0),
            _whole(rng, 2, 2),
            0.1,
            0.75,
            0.5,
            0.125,
            label="a matrix, and an epsilon that is felt",
        ),
    ]


RMSPROP = Exercise(
    id="adaptive_methods/rmsprop_step",
    section=SECTION,
    title="RMSprop with momentum",
    reference=rmsprop_step,
    cases=_rmsprop_cases,
    mistakes=[
        Mistake(
            _rmsprop(velocity_of=lambda v, g, r, mu: mu * v + g, step_of=lambda v, r: v / r),
            "The velocity gathers raw gradients and is divided afterwards, which is Adam's order. Divide each "
            "gradient by its own root, then add it to the velocity.",
        ),
        Mistake(
            _with_rate,
            "The velocity contains the rate. As in PyTorch, keep it without, and multiply by lr at the end.",
        ),
        Mistake(
            _rmsprop(velocity_of=lambda v, g, r, mu: mu * v + (1 - mu) * g / r),
            "The velocity is a running mean here. It is a sum: what comes in has the weight 1, not 1 - momentum.",
        ),
        Mistake(
            _rmsprop(root=lambda s, eps: np.sqrt(s + eps)),
            "Epsilon is under the root. Here it is added after the root, as in PyTorch.",
        ),
        Mistake(
            _rmsprop(root=lambda s, eps: s + eps),
            "The root is missing: the gradient is divided by its mean square.",
        ),
        Mistake(
            _rmsprop(rated=False),
            "The rate lr is missing.",
        ),
        Mistake(
            _rmsprop(old_mean=True),
            "The gradient is divided by the mean as it was before this step. Take the present gradient in first.",
        ),
        Mistake(
            _rmsprop(exchanged=True),
            "The weights of the mean are exchanged: gamma is the share of the past, 1 - gamma that of the new.",
        ),
        Mistake(_rmsprop(sign=1.0), "The weights climb: subtract the step."),
        Mistake(
            _rmsprop(velocity_of=lambda v, g, r, mu: g / r),
            "The velocity forgets its past: multiply the old one by momentum and add it.",
        ),
    ],
    hint="Three lines: the mean square, the velocity (made of divided gradients), the weights.",
)
