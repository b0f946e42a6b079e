"""Exercises on the damped oscillator: its critical momentum, and how long a ravine takes."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/momentum"
TOLERANCE = 1e-6


def critical_damping(rate: float, curvature: float) -> tuple[float, float]:
    """Where the two roots coincide, and their size."""
    factor = 1 - np.sqrt(rate * curvature)
    return float(factor**2), float(factor)


def _pair(
    gamma: Callable[[float], float], factor: Callable[[float], float] | None = None
) -> Callable[[float, float], tuple[float, float]]:
    """A wrong answer made of x = rate * curvature; the factor is the root of gamma unless given."""

    def answer(rate: float, curvature: float) -> tuple[float, float]:
        x = rate * curvature
        first = gamma(x)
        return float(first), float(np.sqrt(max(first, 0)) if factor is None else factor(x))

    return answer


def _by_eigenvalues(rate: float, curvature: float) -> tuple[float, float]:
    """The smallest gamma whose roots are not two different real ones."""
    x = rate * curvature
    gamma = min(root.real for root in np.roots([1, -2 * (1 + x), (1 - x) ** 2]))
    return float(gamma), float(np.sqrt(abs(gamma)))


CRITICAL = Exercise(
    id="momentum/critical_damping",
    section=SECTION,
    title="Critical damping",
    reference=critical_damping,
    cases=[
        case(0.25, 1.0, label="rate times curvature 1/4"),
        case(0.01, 1.0, label="a flat direction"),
        case(0.01, 36.0, label="a steep direction, small rate"),
        case(0.5, 0.02, label="a large rate, flat direction"),
        case(0.04, 25.0, label="rate times curvature 1"),
        case(1e-4, 1.0, label="very flat"),
    ],
    alternatives=[
        lambda rate, curvature: (
            1 + rate * curvature - 2 * (rate * curvature) ** 0.5,
            1 - (rate * curvature) ** 0.5,
        ),
    ],
    mistakes=[
        Mistake(
            _pair(lambda x: (1 - np.sqrt(x)) ** 2, lambda x: (1 - np.sqrt(x)) ** 2),
            "gamma is right. The factor is its square root: gamma is the product of the two equal roots.",
        ),
        Mistake(
            _pair(lambda x: 1 - np.sqrt(x), lambda x: 1 - np.sqrt(x)),
            "The factor is right. 1 - sqrt(rate * curvature) is the root of gamma: square it.",
        ),
        Mistake(
            _pair(lambda x: 1 - np.sqrt(x)),
            "1 - sqrt(rate * curvature) is the root of gamma, not gamma. The factor is then the root of a root.",
        ),
        Mistake(
            _pair(lambda x: (1 - x) ** 2),
            "The square root of rate * curvature is missing: this gives the factor of gradient descent.",
        ),
        Mistake(
            _pair(lambda x: (1 + np.sqrt(x)) ** 2),
            "This is the other solution, larger than 1, where nothing converges. Take the one with the minus.",
        ),
        Mistake(
            _pair(lambda x: (1 - np.sqrt(x)) / (1 + np.sqrt(x)), lambda x: 1 - np.sqrt(x)),
            "This is the gamma that is critical for Nesterov's momentum. Here the gradient is taken where the ball stands.",
        ),
        Mistake(
            _pair(lambda x: ((1 - np.sqrt(x)) / (1 + np.sqrt(x))) ** 2),
            "This is the best gamma for a whole ravine with both rate and gamma free. Here the rate is given: solve for one direction.",
        ),
        Mistake(
            _pair(lambda x: (1 - np.sqrt(x)) ** 2, lambda x: 1 - x),
            "gamma is right. The factor 1 - rate * curvature is that of gradient descent, without momentum.",
        ),
        Mistake(
            _pair(lambda x: 1 - 2 * np.sqrt(x), lambda x: 1 - np.sqrt(x)),
            "This leaves out a term of the square: (1 - s)^2 = 1 - 2 s + s^2, with s = sqrt(rate * curvature).",
        ),
        Mistake(
            lambda rate, curvature: (
                float((1 - np.sqrt(curvature)) ** 2),
                float(abs(1 - np.sqrt(curvature))),
            ),
            "The rate is left out. What counts is rate times curvature.",
        ),
        Mistake(
            lambda rate, curvature: critical_damping(rate, curvature)[::-1],
            "The two are exchanged: return gamma first, then the factor.",
        ),
    ],
    hint="The two roots coincide where (1 + gamma - x)^2 = 4 gamma with x = rate * curvature. Take roots of both sides.",
)


def _costs(
    curvatures: np.ndarray, start: np.ndarray, rate: float, gamma: float, limit: int, ahead: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Places (limit + 1, d) and costs (limit + 1,) of a walk."""
    theta, v = np.asarray(start, dtype=float), np.zeros(len(start))
    places = [theta]
    for _ in range(limit):
        v = gamma * v + rate * curvatures * (theta - gamma * v if ahead else theta)
        theta = theta - v
        places.append(theta)
    path = np.array(places)
    return path, 0.5 * (curvatures * path**2).sum(axis=1)


def _settled(high: np.ndarray) -> int:
    """First index from which on nothing is high."""
    return int(np.flatnonzero(high)[-1]) + 1 if high.any() else 0


def ravine_steps(curvatures: np.ndarray, start: np.ndarray, rate: float, gamma: float, limit: int) -> int:
    """One more than the last step at which the cost is too high."""
    return _settled(_costs(curvatures, start, rate, gamma, limit)[1] > TOLERANCE)


Measure = Callable[[np.ndarray, np.ndarray, np.ndarray], int]


def _counted(measure: Measure, ahead: bool = False, memory: bool = True) -> Callable[..., int]:
    """A wrong count, made of the places, the costs and the curvatures; or of another walk."""

    def answer(curvatures: np.ndarray, start: np.ndarray, rate: float, gamma: float, limit: int) -> int:
        path, costs = _costs(curvatures, start, rate, gamma if memory else 0.0, limit, ahead)
        return measure(path, costs, curvatures)

    return answer


def _first(low: np.ndarray) -> int:
    return int(low.argmax()) if low.any() else len(low)


def _running_mean(curvatures: np.ndarray, start: np.ndarray, rate: float, gamma: float, limit: int) -> int:
    return ravine_steps(curvatures, start, rate * (1 - gamma), gamma, limit)


def _beyond(curvatures: np.ndarray, start: np.ndarray, rate: float, gamma: float, limit: int) -> int:
    return min(ravine_steps(curvatures, start, rate, gamma, 2 * limit), limit + 1)


_RAVINE = np.array([1.0, 25.0])
_START = np.array([-2.0, 0.6])

RAVINE_STEPS = Exercise(
    id="momentum/ravine_steps",
    section=SECTION,
    title="Steps to a millionth",
    reference=ravine_steps,
    cases=[
        case(_RAVINE, _START, 0.04, 0.6, 200, label="condition number 25"),
        case(_RAVINE, _START, 1 / 9, 4 / 9, 200, label="Polyak's rate and gamma"),
        case(_RAVINE, _START, 2 / 26, 0.0, 300, label="no momentum"),
        case(np.array([1.0]), np.array([1.0]), 0.04, 0.95, 500, label="one direction, swinging"),
        case(np.array([1.0, 4.0, 100.0]), np.ones(3), 0.01, 0.9, 600, label="three directions"),
        case(_RAVINE, np.array([1e-4, 1e-5]), 0.04, 0.5, 50, label="already there"),
        case(_RAVINE, _START, 0.01, 0.5, 100, label="not there within the limit"),
        case(np.array([1.0]), np.array([1.0]), 1.0, 0.5, 3, label="through the minimum and out again"),
        case(
            np.array([1.0]), np.array([1.0]), 0.04, 0.95, 242, label="low at the limit, high again after it"
        ),
    ],
    mistakes=[
        Mistake(
            _counted(lambda path, costs, curvatures: _first(costs <= TOLERANCE)),
            "This stops at the first low cost. A swinging ball passes through the minimum and climbs again: look for the last high cost.",
        ),
        Mistake(
            _counted(lambda path, costs, curvatures: int((costs > TOLERANCE).sum())),
            "This counts the steps with a high cost. Between two of them a swinging ball has low ones: look for the last high cost.",
        ),
        Mistake(
            _beyond,
            "This looks at steps beyond the limit. Walk `limit` steps, no more.",
        ),
        Mistake(
            _counted(lambda path, costs, curvatures: max(_settled(costs > TOLERANCE) - 1, 0)),
            "This is the last step at which the cost is still too high. The answer is one more.",
        ),
        Mistake(
            _counted(lambda path, costs, curvatures: _settled(costs > TOLERANCE) + 1),
            "One too many: the start is step 0.",
        ),
        Mistake(
            _counted(
                lambda path, costs, curvatures: min(_settled(costs > TOLERANCE), len(costs) - 1),
            ),
            "A walk whose cost is too high at the last step should give limit + 1, so that it differs from one that just arrived.",
        ),
        Mistake(
            _counted(lambda path, costs, curvatures: _settled(np.linalg.norm(path, axis=1) > TOLERANCE)),
            "This measures the distance to the minimum. The cost is asked for, which is small long before.",
        ),
        Mistake(
            _counted(lambda path, costs, curvatures: _settled((path**2).sum(axis=1) / 2 > TOLERANCE)),
            "The curvatures are missing from the cost.",
        ),
        Mistake(
            _counted(lambda path, costs, curvatures: _settled(2 * costs > TOLERANCE)),
            "The one half is missing from the cost.",
        ),
        Mistake(
            _counted(lambda path, costs, curvatures: _settled(costs > TOLERANCE * costs[0])),
            "The tolerance is taken as a share of the first cost. It is an absolute 1e-6.",
        ),
        Mistake(
            _counted(lambda path, costs, curvatures: _settled(costs > TOLERANCE), memory=False),
            "This is gradient descent: the velocity is forgotten, or set to zero in each step.",
        ),
        Mistake(
            _counted(lambda path, costs, curvatures: _settled(costs > TOLERANCE), ahead=True),
            "This is Nesterov's momentum. Take the gradient where the ball stands.",
        ),
        Mistake(
            _running_mean,
            "The gradient is multiplied by 1 - gamma here. Momentum adds the gradients up.",
        ),
    ],
    hint="Walk all the steps, and remember the number of the last one at which the cost was above 1e-6.",
)
