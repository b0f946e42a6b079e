"""The exercise on RMSprop with momentum."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "05_optimization/adaptive_methods"
Array = np.ndarray
Three = tuple[Array, Array, Array]


def _whole(rng: np.random.Generator, *shape: int) -> Array:
    return rng.integers(1, 7, shape).astype(float) * rng.choice([-1.0, 1.0], shape)


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
            _rmsprop(velocity_of=lambda v, g, r, mu: mu * v - g / r, sign=1.0),
            "Your velocity has the minus sign in it. Here it gathers +g / root, and is subtracted from the weights.",
        ),
        Mistake(
            _rmsprop(velocity_of=lambda v, g, r, mu: g / r),
            "The velocity forgets its past: multiply the old one by momentum and add it.",
        ),
    ],
    hint="Three lines: the mean square, the velocity (made of divided gradients), the weights.",
)
