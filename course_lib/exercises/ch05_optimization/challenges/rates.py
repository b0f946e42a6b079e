"""Exercises on a bowl: its best constant rate, and the number of steps."""

import math
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/challenges"
Pair = tuple[float, float]

# the best rate


def best_rate(hessian: np.ndarray) -> Pair:
    """2 over the sum of the extreme curvatures, and the factor at both of them."""
    values = np.linalg.eigvalsh(hessian)
    rate = 2 / (values[0] + values[-1])
    return float(rate), float(rate * values[-1] - 1)


def _through_the_condition(hessian: np.ndarray) -> Pair:
    values = np.linalg.svd(hessian, compute_uv=False)
    condition = values.max() / values.min()
    return 2 / (values.max() + values.min()), (condition - 1) / (condition + 1)


def _rate(
    rate: Callable[[np.ndarray], float] = lambda v: 2 / (v[0] + v[-1]),
    factor: Callable[[np.ndarray, float], float] = lambda v, rate: np.abs(1 - rate * v).max(),
    curvatures: Callable[[np.ndarray], np.ndarray] = np.linalg.eigvalsh,
) -> Callable[[np.ndarray], Pair]:
    """A wrong pair: another rate, another factor, or other curvatures (sorted)."""

    def answer(hessian: np.ndarray) -> Pair:
        values = np.sort(curvatures(hessian))
        chosen = rate(values)
        return float(chosen), float(factor(values, chosen))

    return answer


def _right_factor(values: np.ndarray, rate: float) -> float:
    """The factor at the best rate, whatever rate was chosen."""
    return (values[-1] - values[0]) / (values[-1] + values[0])


_BASIS = np.linalg.qr(np.random.default_rng(5).normal(size=(4, 4)))[0]

BEST_RATE = Exercise(
    id="challenges/best_rate",
    section=SECTION,
    title="The best constant rate",
    reference=best_rate,
    cases=[
        case(np.diag([1.0, 9.0]), label="curvatures 1 and 9"),
        case(np.diag([20.0, 0.5]), label="the steep one first"),
        case(np.array([[3.0, 2.0], [2.0, 3.0]]), label="a bowl across the axes"),
        case(np.diag([2.0, 3.0, 10.0]), label="a third curvature between"),
        case(_BASIS @ np.diag([0.1, 1.0, 2.0, 7.0]) @ _BASIS.T, label="four parameters, turned"),
        case(np.diag([5.0, 5.0]), label="a round bowl"),
    ],
    alternatives=[_through_the_condition],
    mistakes=[
        Mistake(
            _rate(rate=lambda v: 1 / v[-1]),
            "This rate is 1 over the largest curvature. It is right for the steepest direction, and the flattest is "
            "then needlessly slow: let the steepest overshoot until both shrink alike.",
        ),
        Mistake(
            _rate(rate=lambda v: 2 / v[-1]),
            "This is the limit. At it the steepest direction bounces for ever: its factor is -1.",
        ),
        Mistake(
            _rate(rate=lambda v: 2 / v.sum()),
            "2 over the sum of all curvatures. With two parameters that is the same; with more only the smallest and "
            "the largest decide.",
        ),
        Mistake(
            _rate(rate=lambda v: 1 / v.mean()),
            "1 over the mean curvature, which the curvatures in between should not change.",
        ),
        Mistake(
            _rate(rate=lambda v: (1 / v[0] + 1 / v[-1]) / 2),
            "This is the middle between the rates that suit the two ends. It is far too long for the steep one: take "
            "the rate where the two factors are equal in size.",
        ),
        Mistake(
            _rate(rate=lambda v: 1 / (v[0] + v[-1])),
            "Half of the best rate. Solve 1 - rate * low = rate * high - 1.",
        ),
        Mistake(
            _rate(rate=lambda v: 1 / math.sqrt(v[0] * v[-1])),
            "1 over the geometric mean of the two ends. Set the sizes of the two factors equal instead.",
        ),
        Mistake(
            _rate(curvatures=np.diag),
            "The diagonal holds the curvatures along the axes. Those that decide are the eigenvalues.",
        ),
        Mistake(
            _rate(factor=lambda v, rate: 1 - rate * v[-1]),
            "The rate is right. The factor is negative here; return its size, by which the distance shrinks.",
        ),
        Mistake(
            _rate(factor=lambda v, rate: v[-1] / v[0]),
            "The rate is right, and the second number is the condition number. The factor follows from it.",
        ),
        Mistake(
            _rate(factor=lambda v, rate: ((v[-1] - v[0]) / (v[-1] + v[0])) ** 2),
            "The rate is right, and the second number is the factor of the cost. The distance shrinks by its root.",
        ),
        Mistake(
            _rate(factor=lambda v, rate: 1 - v[0] / v[-1]),
            "The rate is right, but the factor is that of the rate 1 over the largest curvature.",
        ),
        Mistake(
            _rate(rate=lambda v: 2 / v.sum(), factor=_right_factor),
            "The rate is 2 over the sum of all curvatures. The factor is right for another rate: only the smallest and "
            "the largest curvature belong in the sum.",
        ),
        Mistake(
            _rate(rate=lambda v: 1 / v[-1], factor=_right_factor),
            "The factor is that of the best rate, but the rate is 1 over the largest curvature.",
        ),
        Mistake(
            _rate(rate=lambda v: 2 / v[-1], factor=_right_factor),
            "The factor is that of the best rate, but the rate is the limit, 2 over the largest curvature.",
        ),
        Mistake(
            lambda hessian: best_rate(hessian)[::-1],
            "The two are exchanged: the rate first, then the factor.",
        ),
    ],
    hint="Which two of the factors 1 - rate * curvature are the worst, and when are they equal in size?",
)

# the number of steps


def steps_needed(condition: float, tolerance: float) -> int:
    """Smallest k with rho^(2k) at most the tolerance."""
    rho = (condition - 1) / (condition + 1)
    if rho == 0:
        return 1
    return math.ceil(math.log(tolerance) / (2 * math.log(rho)))


def _counted(condition: float, tolerance: float) -> int:
    cost, taken = 1.0, 0
    while cost > tolerance:
        cost, taken = cost * ((condition - 1) / (condition + 1)) ** 2, taken + 1
    return taken


def _steps(
    rho: Callable[[float], float] = lambda k: (k - 1) / (k + 1),
    power: float = 2.0,
    rounded: Callable[[float], float] = math.ceil,
) -> Callable[..., float]:
    """A wrong number: another factor, another power of it, or rounded otherwise."""

    def answer(condition: float, tolerance: float) -> float:
        factor = rho(condition)
        if factor == 0:
            return 1
        return rounded(math.log(tolerance) / (power * math.log(factor)))

    return answer


STEPS = Exercise(
    id="challenges/steps_needed",
    section=SECTION,
    title="Steps to a tolerance",
    reference=steps_needed,
    cases=[
        case(4.0, 1e-2, label="condition number 4"),
        case(25.0, 1e-3, label="condition number 25"),
        case(1000.0, 1e-6, label="condition number 1,000, six digits"),
        case(1.5, 0.1, label="nearly round"),
        case(1.0, 1e-6, label="round"),
        case(10.0, 0.9, label="hardly any progress wanted"),
        case(3.0, 0.0625, label="a tolerance that is met exactly"),
        case(1e5, 1e-3, label="a very narrow ravine"),
        case(7.0, 1e-12, label="twelve digits"),
    ],
    alternatives=[_counted],
    mistakes=[
        Mistake(
            _steps(power=1.0),
            "This many steps bring the distance to the tolerance. The cost goes with its square and is there in half of them.",
        ),
        Mistake(
            _steps(power=0.5),
            "Four times too many: the cost shrinks by the square of the distance's factor, not by its root.",
        ),
        Mistake(
            _steps(rho=lambda k: 1 - 1 / k),
            "This is for the rate 1 over the largest curvature. The best rate shrinks the distance by (k - 1)/(k + 1).",
        ),
        Mistake(
            _steps(rounded=math.floor),
            "Rounded down, the tolerance is not quite reached: take one step more.",
        ),
        Mistake(
            _steps(rounded=round),
            "Rounded to the nearest whole number, the tolerance may be missed by part of a step: round up.",
        ),
        Mistake(_steps(rounded=lambda k: k), "A number of steps is a whole number: round up."),
        Mistake(
            _steps(rounded=lambda k: math.floor(k) + 1),
            "One step too many where the tolerance is met exactly: round up, do not add one.",
        ),
        Mistake(
            lambda condition, tolerance: math.ceil(condition / 2 * math.log(1 / tolerance)),
            "The rule of thumb for the distance and for large condition numbers. Use the exact factor, and the cost.",
        ),
        Mistake(
            lambda condition, tolerance: math.ceil(condition / 4 * math.log(1 / tolerance)),
            "The rule of thumb, which is right for large condition numbers only. Use the exact factor.",
        ),
        Mistake(
            lambda condition, tolerance: (
                max(1, math.ceil(-math.log10(tolerance) / (-2 * math.log((condition - 1) / (condition + 1)))))
                if condition > 1
                else 1
            ),
            "One logarithm is to base 10 and the other natural. Use the same for both.",
        ),
    ],
    hint="After k steps the cost has shrunk by the factor rho^(2k). Take logarithms, and mind that ln(rho) is negative.",
)

EXERCISES = [BEST_RATE, STEPS]
