"""Exercise on one step of Nesterov's momentum."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case
from course_lib.exercises.ch05_optimization.momentum.slopes import bowl, valleys

SECTION = "05_optimization/momentum"
Gradient = Callable[[np.ndarray], np.ndarray]


def nesterov_step(
    theta: np.ndarray, v: np.ndarray, gradient: Gradient, rate: float, gamma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Look ahead, then correct."""
    velocity = gamma * v + rate * gradient(theta - gamma * v)
    return theta - velocity, velocity


def _nesterov(
    place: Callable[..., np.ndarray] = lambda theta, v, gamma: theta - gamma * v,
    new: Callable[..., np.ndarray] = lambda v, g, rate, gamma: gamma * v + rate * g,
    end: Callable[..., np.ndarray] = lambda theta, v, velocity, g, rate, gamma: theta - velocity,
) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """A wrong step: the gradient at another place, another velocity, or another end."""

    def answer(
        theta: np.ndarray, v: np.ndarray, gradient: Gradient, rate: float, gamma: float
    ) -> tuple[np.ndarray, np.ndarray]:
        g = gradient(place(theta, v, gamma))
        velocity = new(v, g, rate, gamma)
        return end(theta, v, velocity, g, rate, gamma), velocity

    return answer


def _nesterov_swapped(*args: object) -> tuple[np.ndarray, np.ndarray]:
    theta, velocity = nesterov_step(*args)  # type: ignore[arg-type]
    return velocity, theta


NESTEROV_STEP = Exercise(
    id="momentum/nesterov_step",
    section=SECTION,
    title="One step of Nesterov's",
    reference=nesterov_step,
    cases=[
        case(np.array([2.0]), np.array([1.0]), bowl, 0.1, 0.9, label="a bowl, rolling downhill"),
        case(np.array([2.0, -1.0]), np.zeros(2), bowl, 0.1, 0.9, label="a bowl, from rest"),
        case(np.array([0.5, -1.0]), np.array([1.0, 0.3]), bowl, 0.2, 0.8, label="about to overshoot"),
        case(np.array([1.5, -0.5]), np.array([0.4, -0.7]), valleys, 0.1, 0.95, label="not a bowl"),
        case(np.array([1.0, 2.0, 3.0]), np.array([0.5, -0.5, 1.0]), bowl, 0.05, 0.0, label="no momentum"),
    ],
    alternatives=[
        lambda theta, v, gradient, rate, gamma: (
            (theta - gamma * v) - rate * gradient(theta - gamma * v),
            theta - ((theta - gamma * v) - rate * gradient(theta - gamma * v)),
        ),
    ],
    mistakes=[
        Mistake(
            _nesterov(place=lambda theta, v, gamma: theta),
            "This is momentum: the gradient is taken where you stand. Take it at theta - gamma v.",
        ),
        Mistake(
            _nesterov(place=lambda theta, v, gamma: theta + gamma * v),
            "The look goes backwards: the step subtracts v, so the place ahead is theta - gamma v.",
        ),
        Mistake(
            _nesterov(
                place=lambda theta, v, gamma: theta + gamma * v,
                new=lambda v, g, rate, gamma: gamma * v - rate * g,
                end=lambda theta, v, velocity, g, rate, gamma: theta + velocity,
            ),
            "Right for a velocity that points downhill. Here v has the gradient's sign and is subtracted, and the place ahead is theta - gamma v.",
        ),
        Mistake(
            _nesterov(place=lambda theta, v, gamma: theta - v),
            "The look goes too far. Only gamma v is left of the velocity in the next step.",
        ),
        Mistake(
            _nesterov(end=lambda theta, v, velocity, g, rate, gamma: theta - gamma * v - velocity),
            "The step starts from the place ahead, so gamma v is counted twice. Start from theta.",
        ),
        Mistake(
            _nesterov(
                place=lambda theta, v, gamma: theta,
                end=lambda theta, v, velocity, g, rate, gamma: theta - gamma * velocity - rate * g,
            ),
            "This is PyTorch's form, which is right when the parameters it keeps are the places ahead. Here theta is where you stand.",
        ),
        Mistake(
            _nesterov(end=lambda theta, v, velocity, g, rate, gamma: theta - velocity - gamma * velocity),
            "This returns the next place ahead, theta - gamma v. Return theta itself.",
        ),
        Mistake(
            _nesterov(
                new=lambda v, g, rate, gamma: gamma * v + g,
                end=lambda theta, v, velocity, g, rate, gamma: theta - rate * velocity,
            ),
            "The rate is left out of the velocity and multiplied in later. Here it belongs inside: v = gamma v + rate times the gradient.",
        ),
        Mistake(
            _nesterov(end=lambda theta, v, velocity, g, rate, gamma: theta - rate * velocity),
            "The rate is applied twice: it is in the velocity already.",
        ),
        Mistake(
            _nesterov(new=lambda v, g, rate, gamma: rate * g),
            "The old velocity was used to look ahead and then dropped. It is part of the step: gamma v + rate g.",
        ),
        Mistake(
            _nesterov(new=lambda v, g, rate, gamma: gamma * v + (1 - gamma) * rate * g),
            "The gradient is multiplied by 1 - gamma: that is a running mean, not this velocity.",
        ),
        Mistake(
            _nesterov(end=lambda theta, v, velocity, g, rate, gamma: theta + velocity),
            "This climbs. Subtract the new velocity.",
        ),
        Mistake(
            _nesterov(new=lambda v, g, rate, gamma: gamma * (v + rate * g)),
            "gamma fades the new gradient, too. It multiplies the old velocity alone.",
        ),
        Mistake(_nesterov_swapped, "The two are exchanged: return theta first, then v."),
    ],
    hint="Three lines: the place ahead, theta - gamma v; the new velocity with the gradient there; theta minus the new velocity.",
)
