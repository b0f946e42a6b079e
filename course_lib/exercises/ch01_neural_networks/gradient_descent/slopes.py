"""Exercises on the gradient of the squared error and the largest learning rate that converges."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "01_neural_networks/gradient_descent"
Pair = tuple[float, float]


def mse_gradient(t0: float, t1: float, x: np.ndarray, y: np.ndarray) -> Pair:
    """Partial derivatives of 1/(2m) sum (t0 + t1 x - y)^2."""
    error = t0 + t1 * x - y
    return float(error.mean()), float((error * x).mean())


def _gradient(
    scale: float = 1.0,
    summed: bool = False,
    second: Callable[[np.ndarray, np.ndarray], np.ndarray] = np.multiply,
) -> Callable[..., Pair]:
    """A wrong gradient: scaled, summed in place of averaged, or with another factor in its second part."""

    def answer(t0: float, t1: float, x: np.ndarray, y: np.ndarray) -> Pair:
        error = t0 + t1 * x - y
        reduce = np.sum if summed else np.mean
        return scale * float(reduce(error)), scale * float(reduce(second(error, x)))

    return answer


_X = np.array([0.0, 1.0, 2.0, 3.0])
_Y = np.array([1.0, 2.5, 5.5, 6.0])

GRADIENT = Exercise(
    id="gradient_descent/mse_gradient",
    section=SECTION,
    title="The slope of the cost",
    reference=mse_gradient,
    cases=[
        case(0.0, 0.0, np.array([1.0, 2.0]), np.array([2.0, 5.0]), label="two points, both parameters zero"),
        case(1.0, 2.0, _X, _Y, label="four points near the line 1 + 2x"),
        case(1.0, -2.0, _X, _Y, label="a slope of the wrong sign"),
        case(0.5, 3.0, np.array([2.0]), np.array([6.5]), label="one point, exactly on the line"),
        case(-1.0, 0.5, np.linspace(-3, 5, 7), np.linspace(4, -2, 7) ** 2, label="seven points on a curve"),
    ],
    mistakes=[
        Mistake(
            _gradient(scale=2.0),
            "Both parts are twice too large. The one half in front of the cost cancels the 2 of the square.",
        ),
        Mistake(
            _gradient(summed=True), "This is the sum over the examples. The cost is their mean: divide by m."
        ),
        Mistake(
            _gradient(scale=-1.0),
            "Both signs are turned around. The error is prediction minus answer, h(x) - y.",
        ),
        Mistake(
            _gradient(second=lambda error, x: error),
            "The second part lacks its factor x. By the chain rule, dh/dt1 is x.",
        ),
        Mistake(
            lambda t0, t1, x, y: mse_gradient(t0, t1, x, y)[::-1],
            "The two parts are exchanged: return dJ/dt0 first, then dJ/dt1.",
        ),
        Mistake(
            _gradient(second=lambda error, x: error * x.mean()),
            "The errors and the x are averaged apart and then multiplied. Multiply first, example by example.",
        ),
        Mistake(
            lambda t0, t1, x, y: (mse_gradient(t0, t1, x, y)[0], float(((t1 * x - y) * x).mean())),
            "The error in the second part leaves out t0. Both parts use the same error, t0 + t1 x - y.",
        ),
        Mistake(
            lambda t0, t1, x, y: (t0 + t1 * x - y, (t0 + t1 * x - y) * x),
            "These are the slopes of every single example. The cost is their mean: average each.",
        ),
    ],
    hint="Compute the errors h(x) - y once; one part is their mean, the other the mean of each times its x.",
)


def _rows(inputs: np.ndarray) -> np.ndarray:
    return np.hstack([np.ones((len(inputs), 1)), inputs])


def largest_rate(inputs: np.ndarray) -> float:
    """2 over the largest eigenvalue of the cost's matrix of second derivatives."""
    rows = _rows(inputs)
    return float(2 / np.linalg.eigvalsh(rows.T @ rows / len(rows))[-1])


def _rate(
    numerator: float = 2.0,
    pick: Callable[[np.ndarray], float] = np.max,
    averaged: bool = True,
    constant: bool = True,
) -> Callable[[np.ndarray], float]:
    """A wrong rate: another numerator, eigenvalue, scale, or no column of ones."""

    def answer(inputs: np.ndarray) -> float:
        rows = _rows(inputs) if constant else inputs
        curvatures = np.linalg.eigvalsh(rows.T @ rows / (len(rows) if averaged else 1))
        return float(numerator / pick(curvatures))

    return answer


RATE = Exercise(
    id="gradient_descent/largest_rate",
    section=SECTION,
    title="Why a run diverges",
    reference=largest_rate,
    cases=[
        case(np.array([[1.0], [2.0]]), label="two points"),
        case(np.array([[0.0], [1.0], [2.0], [3.0]]), label="four points"),
        case(np.array([[10.0], [11.0], [12.0]]), label="points far from zero"),
        case(np.array([[1.0, 0.5], [-1.0, 0.2], [0.3, -2.0], [0.0, 1.0]]), label="two inputs"),
        case(np.random.default_rng(0).normal(0.5, 1.0, (20, 5)), label="five inputs"),
        case(1000 * np.array([[0.5], [1.0], [1.5]]), label="metres turned into millimetres"),
    ],
    alternatives=[
        lambda inputs: 2 * len(inputs) / np.linalg.norm(_rows(inputs), 2) ** 2,
    ],
    mistakes=[
        Mistake(
            _rate(numerator=1.0),
            "Half of the largest rate: at 1 / curvature a step lands exactly in the minimum. It diverges only "
            "when it lands higher than it started, beyond 2 / curvature.",
        ),
        Mistake(
            _rate(pick=np.min),
            "This is the limit in the flattest direction. The steepest direction diverges first.",
        ),
        Mistake(_rate(averaged=False), "The cost is a mean: divide the matrix by the number of examples."),
        Mistake(
            _rate(constant=False),
            "The column of ones for the intercept is missing from the matrix: it is a parameter too.",
        ),
        Mistake(
            _rate(pick=np.sum),
            "2 over the trace is safe but not the limit: the trace adds all curvatures, one alone decides.",
        ),
        Mistake(
            lambda inputs: 2 / largest_rate(inputs),
            "This is the largest curvature itself. The limit is 2 over it.",
        ),
        Mistake(
            lambda inputs: float(2 / (_rows(inputs) ** 2).mean(axis=0).max()),
            "The diagonal holds the curvatures along the axes. The steepest direction is slanted: use the eigenvalue.",
        ),
        Mistake(
            lambda inputs: float(2 / (_rows(inputs) ** 2).sum(axis=1).max()),
            "This is the limit for the steepest single example. Batch descent sees the mean over all of them.",
        ),
    ],
    hint="Put a column of ones before the inputs, multiply the transpose with it, divide by m, ask eigvalsh.",
)

EXERCISES = [GRADIENT, RATE]
