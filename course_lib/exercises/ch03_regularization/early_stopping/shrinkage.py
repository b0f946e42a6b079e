"""Exercises on the likeness to L2: where t steps lead on a quadratic, and the penalty that leads there too."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "03_regularization/early_stopping"

# t steps down a bowl


def after_steps(h: np.ndarray, w_star: np.ndarray, eta: float, t: int) -> np.ndarray:
    """Gradient descent from the origin."""
    w = np.zeros(len(w_star))
    for _ in range(t):
        w = w - eta * h @ (w - w_star)
    return w


def _along_axes(
    factor: Callable[[np.ndarray, float, int], np.ndarray],
) -> Callable[[np.ndarray, np.ndarray, float, int], np.ndarray]:
    """Multiply the coordinate of w* along each eigenvector by a function of its curvature."""

    def answer(h: np.ndarray, w_star: np.ndarray, eta: float, t: int) -> np.ndarray:
        curvature, axes = np.linalg.eigh(h)
        return np.asarray(axes @ (factor(curvature, eta, t) * (axes.T @ w_star)))

    return answer


def _by_power(h: np.ndarray, w_star: np.ndarray, eta: float, t: int) -> np.ndarray:
    eye = np.eye(len(h))
    return np.asarray((eye - np.linalg.matrix_power(eye - eta * h, t)) @ w_star)


def _not_turned_back(h: np.ndarray, w_star: np.ndarray, eta: float, t: int) -> np.ndarray:
    curvature, axes = np.linalg.eigh(h)
    return np.asarray((1 - (1 - eta * curvature) ** t) * (axes.T @ w_star))


def _step_cases(rng: np.random.Generator) -> list[Case]:
    root = rng.normal(size=(9, 5))
    turned = np.array([[2.0, 1.0], [1.0, 3.0]])
    return [
        case(np.array([[2.0]]), np.array([3.0]), 0.25, 1, label="one weight, one step"),
        case(np.array([[2.0]]), np.array([3.0]), 0.25, 4, label="one weight, four steps"),
        case(np.diag([2.0, 0.5]), np.array([1.0, -2.0]), 0.4, 3, label="two curvatures along the axes"),
        case(turned, np.array([1.0, -2.0]), 0.2, 5, label="axes that are turned"),
        case(turned, np.array([1.0, -2.0]), 0.2, 0, label="no step"),
        case(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([2.0, 1.0]), 0.3, 6, label="a flat direction"),
        case(root.T @ root / 9, rng.normal(size=5), 0.1, 25, label="five weights"),
    ]


AFTER_STEPS = Exercise(
    id="early_stopping/after_steps",
    section=SECTION,
    title="Where t steps lead",
    reference=after_steps,
    cases=_step_cases,
    alternatives=[_by_power, _along_axes(lambda curvature, eta, t: 1 - (1 - eta * curvature) ** t)],
    mistakes=[
        Mistake(
            _along_axes(lambda curvature, eta, t: (1 - eta * curvature) ** t),
            "This is the distance that is left. The path starts at the origin: take it from w*.",
        ),
        Mistake(
            lambda h, w_star, eta, t: (1 - (np.eye(len(h)) - eta * h) ** t) @ w_star,
            "Every entry of the matrix is raised to a power. The steps multiply by the matrix again and again: use "
            "np.linalg.matrix_power, or the eigenvectors, or a loop.",
        ),
        Mistake(
            lambda h, w_star, eta, t: (1 - (1 - eta * np.diag(h)) ** t) * w_star,
            "Only the diagonal of H is used. That is right only when the axes of the bowl are those of the weights.",
        ),
        Mistake(
            _along_axes(lambda curvature, eta, t: eta * t * curvature),
            "The slope at the origin is used for all steps. It becomes smaller as the minimum comes near.",
        ),
        Mistake(
            _along_axes(lambda curvature, eta, t: 1 - np.exp(-eta * t * curvature)),
            "This is the limit of infinitely small steps. Here the steps have length: (1 - eta lambda)^t.",
        ),
        Mistake(
            _along_axes(lambda curvature, eta, t: 1 - (1 - eta * curvature) ** (t + 1)),
            "This is one step too many. With t = 0 the weights are still at the origin.",
        ),
        Mistake(
            _along_axes(lambda curvature, eta, t: 1 - (1 - eta * curvature) ** max(t - 1, 0)),
            "This is one step too few. With t = 1 the weights have left the origin.",
        ),
        Mistake(
            _along_axes(lambda curvature, eta, t: 1 - (1 - 2 * eta * curvature) ** t),
            "The steps are twice too long. The gradient of the bowl is H (w - w*): the one half takes the 2 away.",
        ),
        Mistake(
            _along_axes(lambda curvature, eta, t: curvature * eta * t / (curvature * eta * t + 1)),
            "This is the minimum with the penalty 1 / (eta t), which is near the answer and not the same.",
        ),
        Mistake(
            _not_turned_back,
            "These are the coordinates along the eigenvectors. Turn them back to the weights.",
        ),
    ],
    hint="A loop of t steps from zero is enough: the gradient at w is H (w - w*).",
)

# the penalty that shrinks as much


def equivalent_alpha(curvature: float, eta: float, t: int) -> float:
    """The strength with which a penalty shrinks a direction exactly as much as t steps do."""
    left = (1 - eta * curvature) ** t
    return float(curvature * left / (1 - left))


EQUIVALENT_ALPHA = Exercise(
    id="early_stopping/equivalent_alpha",
    section=SECTION,
    title="The penalty that shrinks as much",
    reference=equivalent_alpha,
    cases=[
        case(1.0, 0.5, 1, label="one step that goes half of the way"),
        case(1.0, 0.5, 2, label="two steps"),
        case(2.0, 0.25, 3, label="another curvature"),
        case(0.125, 0.5, 40, label="a flat direction, many steps"),
        case(4.0, 0.125, 10, label="a steep direction"),
        case(0.001, 0.5, 5, label="hardly any curvature: close to 1 / (eta t)"),
    ],
    alternatives=[
        lambda curvature, eta, t: curvature / ((1 - eta * curvature) ** -t - 1),
        lambda curvature, eta, t: curvature * (1 / (1 - (1 - eta * curvature) ** t) - 1),
    ],
    mistakes=[
        Mistake(
            lambda curvature, eta, t: 1 / (eta * t),
            "This is the approximation for small curvatures. Solve for alpha exactly.",
        ),
        Mistake(
            lambda curvature, eta, t: curvature / np.expm1(eta * t * curvature),
            "This is exact for infinitely small steps only. Keep (1 - eta lambda)^t.",
        ),
        Mistake(
            lambda curvature, eta, t: (1 - eta * curvature) ** t / (1 - (1 - eta * curvature) ** t),
            "The curvature is missing: this is alpha in units of it.",
        ),
        Mistake(
            lambda curvature, eta, t: curvature * ((1 - eta * curvature) ** -t - 1),
            "The fraction is upside down: more steps must give a weaker penalty.",
        ),
        Mistake(
            lambda curvature, eta, t: equivalent_alpha(curvature, eta, t) / 2,
            "This is half of it: the strength for a penalty without the one half. Here it is alpha / 2 times the "
            "sum of squares.",
        ),
        Mistake(
            lambda curvature, eta, t: curvature / (1 - (1 - eta * curvature) ** t),
            "This is lambda + alpha. Subtract the curvature.",
        ),
        Mistake(
            lambda curvature, eta, t: curvature * (1 - eta * curvature) ** t,
            "One alpha is lost. Collect both terms with alpha: the sum is divided by 1 - (1 - eta lambda)^t.",
        ),
        Mistake(
            lambda curvature, eta, t: 1 - (1 - eta * curvature) ** t,
            "This is the factor by which the steps shrink the direction. Set it equal to lambda / (lambda + alpha) "
            "and solve for alpha.",
        ),
    ],
    hint="Set 1 - (1 - eta lambda)^t equal to lambda / (lambda + alpha), and solve for alpha.",
)

EXERCISES = [AFTER_STEPS, EQUIVALENT_ALPHA]
