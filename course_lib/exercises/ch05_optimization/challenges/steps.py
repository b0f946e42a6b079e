"""An exercise on a single step: how far it may go."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/challenges"


def step_limit(gradient: np.ndarray, hessian: np.ndarray) -> float:
    """Where gain and price of a step are equal; infinite where there is no price."""
    bend = gradient @ hessian @ gradient
    return float(2 * (gradient @ gradient) / bend) if bend > 0 else float("inf")


def _from_the_unit_vector(gradient: np.ndarray, hessian: np.ndarray) -> float:
    along = gradient / np.sqrt((gradient**2).sum())
    curvature = along @ (hessian @ along)
    return 2 / curvature if curvature > 0 else np.inf


def _limit(
    gain: Callable[[np.ndarray], float] = lambda g: 2 * (g @ g),
    bend: Callable[[np.ndarray, np.ndarray], float] = lambda g, h: g @ h @ g,
) -> Callable[..., float]:
    """A wrong limit: another numerator or denominator."""

    def answer(gradient: np.ndarray, hessian: np.ndarray) -> float:
        price = bend(gradient, hessian)
        return float(gain(gradient) / price) if price > 0 else float("inf")

    return answer


def _regardless(rule: Callable[[float], float]) -> Callable[..., float]:
    """The right limit where the curvature is positive, and something else where it isn't."""

    def answer(gradient: np.ndarray, hessian: np.ndarray) -> float:
        bend = gradient @ hessian @ gradient
        return float(2 * (gradient @ gradient) / bend if bend > 0 else rule(bend / (gradient @ gradient)))

    return answer


_SLANTED = np.array([[3.0, 1.0], [1.0, 2.0]])

STEP_LIMIT = Exercise(
    id="challenges/step_limit",
    section=SECTION,
    title="How far may this step go?",
    reference=step_limit,
    cases=[
        case(np.array([1.0, 0.0]), np.diag([4.0, 1.0]), label="straight down the steep side"),
        case(np.array([0.0, 3.0]), np.diag([4.0, 1.0]), label="along the flat direction"),
        case(np.array([2.0, 1.0]), np.diag([4.0, 1.0]), label="between the two"),
        case(np.array([2.0, -1.0]), _SLANTED, label="a bowl across the axes"),
        case(np.array([1.0, -2.0, 0.5]), np.diag([1.0, 0.0, -0.5]), label="up, flat and down"),
        case(np.array([1.0, 1.0]), np.diag([-1.0, 3.0]), label="a saddle, curving up along the gradient"),
        case(np.array([3.0, 1.0]), np.diag([-1.0, 3.0]), label="a saddle, curving down along the gradient"),
        case(np.array([1.0, 2.0]), np.zeros((2, 2)), label="a plane"),
    ],
    alternatives=[_from_the_unit_vector],
    mistakes=[
        Mistake(
            _limit(gain=lambda g: g @ g),
            "Half of it: at 1/c a step gains most. It begins to lose later.",
        ),
        Mistake(
            _limit(gain=lambda g: 2.0, bend=lambda g, h: np.linalg.eigvalsh(h)[-1]),
            "This is 2 over the largest eigenvalue, safe for every direction. Along this gradient the curvature may be "
            "smaller, and the step longer.",
        ),
        Mistake(
            _limit(gain=lambda g: 2.0),
            "Not divided by the gradient's length: this depends on how long g is, and a curvature does not. c is "
            "g H g over g g.",
        ),
        Mistake(
            _limit(gain=lambda g: 2 * float(np.linalg.norm(g))),
            "Divided by the length of g once. Both factors g of g H g must be made unit vectors: divide by its square.",
        ),
        Mistake(
            _limit(bend=lambda g, h: (np.diag(h) * g**2).sum()),
            "Only the diagonal of H is used. Off it stand the second derivatives in two parameters at once.",
        ),
        Mistake(
            _regardless(lambda c: 2 / c if c else np.inf),
            "A negative rate, where the ground curves down along the gradient. There the step only gains: no limit.",
        ),
        Mistake(
            _regardless(lambda c: 2 / abs(c) if c else np.inf),
            "The curvature's sign is dropped. Where the ground curves down, a longer step gains more: no limit.",
        ),
        Mistake(
            _regardless(lambda c: 0.0),
            "No step is allowed here where the ground curves down. In this model such a step cannot lose: infinity.",
        ),
        Mistake(
            lambda gradient, hessian: (
                step_limit(gradient, hessian) if np.linalg.eigvalsh(hessian)[0] > 0 else float("inf")
            ),
            "No limit wherever some eigenvalue is not positive. What counts is the curvature along this gradient, which "
            "may be positive beside a saddle, too.",
        ),
        Mistake(
            _limit(bend=lambda g, h: float(np.linalg.norm(h @ g) * np.linalg.norm(g))),
            "The length of H g is used, which includes what points across the gradient. Take the part along g: g (H g).",
        ),
    ],
    hint="Set the change of the cost in the second-order model to zero and solve for the rate.",
)

EXERCISES = [STEP_LIMIT]
