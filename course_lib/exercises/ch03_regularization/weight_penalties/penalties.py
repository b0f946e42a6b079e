"""Exercises on the penalties themselves: their gradients, and how L2 moves the minimum of a quadratic."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "03_regularization/weight_penalties"

# the gradients


def penalty_gradient(w: np.ndarray, lam: float, norm: str) -> np.ndarray:
    """lam sign(w) for the sum of |w|, 2 lam w for the sum of w^2."""
    return lam * np.sign(w) if norm == "l1" else 2 * lam * w


def _pair(
    l1: Callable[[np.ndarray, float], np.ndarray], l2: Callable[[np.ndarray, float], np.ndarray]
) -> Callable[[np.ndarray, float, str], np.ndarray]:
    return lambda w, lam, norm: l1(w, lam) if norm == "l1" else l2(w, lam)


def _l1(w: np.ndarray, lam: float) -> np.ndarray:
    return lam * np.sign(w)


def _l2(w: np.ndarray, lam: float) -> np.ndarray:
    return 2 * lam * w


PENALTY_GRADIENT = Exercise(
    id="weight_penalties/penalty_gradient",
    section=SECTION,
    title="The gradients of the two penalties",
    reference=penalty_gradient,
    cases=[
        case(np.array([0.5, 1.0, 3.0]), 1.0, "l2", label="L2, positive weights"),
        case(np.array([0.5, 1.0, 3.0]), 1.0, "l1", label="L1, positive weights"),
        case(np.array([-0.25, 4.0, -3.0]), 0.1, "l2", label="L2, signs mixed"),
        case(np.array([-0.25, 4.0, -3.0]), 0.1, "l1", label="L1, signs mixed"),
        case(np.array([0.0, -2.0, 0.0, 1e-6]), 0.3, "l1", label="L1, some weights exactly zero"),
        case(np.array([[1.0, -0.5], [0.25, 0.0], [-6.0, 2.0]]), 0.2, "l1", label="L1, a table of weights"),
        case(np.array([[1.0, -0.5], [0.25, 0.0], [-6.0, 2.0]]), 0.2, "l2", label="L2, a table of weights"),
        case(np.array([3.0, -1.0]), 0.0, "l1", label="no penalty"),
    ],
    alternatives=[
        _pair(lambda w, lam: lam * ((w > 0).astype(float) - (w < 0)), lambda w, lam: lam * (w + w)),
    ],
    mistakes=[
        Mistake(
            _pair(_l1, lambda w, lam: lam * w),
            "For L2 this is lam times w. The derivative of w^2 is 2 w: there is no half in this penalty.",
        ),
        Mistake(
            _pair(lambda w, lam: lam * np.ones_like(w), _l2),
            "For L1 every weight gets +lam here. A negative weight must be pushed up: the slope of |w| is -1 there.",
        ),
        Mistake(
            _pair(lambda w, lam: lam * np.where(w >= 0, 1.0, -1.0), _l2),
            "For L1 a weight of exactly zero gets +lam here. The exercise asks for 0 there, as np.sign gives.",
        ),
        Mistake(
            _pair(lambda w, lam: lam * np.abs(w), lambda w, lam: lam * w**2),
            "These are the terms of the penalty itself. Its gradient is asked for: the slope of each term.",
        ),
        Mistake(
            lambda w, lam, norm: lam * (np.abs(w).sum() if norm == "l1" else (w**2).sum()),
            "This is the penalty, one number. Its gradient has one entry for each weight.",
        ),
        Mistake(_pair(_l2, _l1), "The two are exchanged: L1 is the sum of |w|, L2 that of w^2."),
        Mistake(
            _pair(lambda w, lam: np.sign(w), lambda w, lam: 2 * w),
            "The strength lam is missing from the gradient.",
        ),
        Mistake(
            _pair(lambda w, lam: -_l1(w, lam), lambda w, lam: -_l2(w, lam)),
            "The sign is the wrong way round. The minus belongs to the step of gradient descent.",
        ),
        Mistake(
            _pair(_l1, lambda w, lam: 2 * lam * np.abs(w)),
            "For L2 the sign of w is lost: this pushes negative weights further down.",
        ),
        Mistake(
            _pair(_l1, lambda w, lam: lam * w / max(float(np.linalg.norm(w)), 1e-300)),
            "For L2 this is the gradient of the length. The penalty is its square, the sum of w^2.",
        ),
    ],
    hint="Differentiate one term: what is the slope of |w| left and right of zero, and what is that of w^2?",
)

# the minimum of a penalized quadratic


def ridge_minimum(h: np.ndarray, w_star: np.ndarray, lam: float) -> np.ndarray:
    """Where the gradient H (w - w*) + 2 lam w vanishes."""
    return np.linalg.solve(h + 2 * lam * np.eye(len(h)), h @ w_star)


def _in_eigenbasis(factor: Callable[[np.ndarray, float], np.ndarray]) -> Callable[..., np.ndarray]:
    """Multiply the coordinate of w* along each eigenvector by a function of its curvature."""

    def answer(h: np.ndarray, w_star: np.ndarray, lam: float) -> np.ndarray:
        curvature, axes = np.linalg.eigh(h)
        return np.asarray(axes @ (factor(curvature, lam) * (axes.T @ w_star)))

    return answer


def _broadcast(h: np.ndarray, w_star: np.ndarray, lam: float) -> np.ndarray:
    return np.linalg.lstsq(h + 2 * lam, h @ w_star, rcond=None)[0]


def _ridge_cases(rng: np.random.Generator) -> list[Case]:
    root = rng.normal(size=(7, 4))
    return [
        case(np.eye(2), np.array([1.0, -2.0]), 0.5, label="the same curvature 1 in all directions"),
        case(np.diag([2.0, 0.5]), np.array([1.0, 1.0]), 0.25, label="two curvatures along the axes"),
        case(np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, -1.0]), 0.4, label="axes that are turned"),
        case(np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, -1.0]), 0.0, label="no penalty"),
        case(
            np.array([[1.0, 1.0], [1.0, 1.0]]),
            np.array([2.0, 0.0]),
            0.1,
            label="a direction without curvature",
        ),
        case(root.T @ root / 7, rng.normal(size=4), 0.05, label="four weights"),
    ]


RIDGE_MINIMUM = Exercise(
    id="weight_penalties/ridge_minimum",
    section=SECTION,
    title="Where L2 moves the minimum",
    reference=ridge_minimum,
    cases=_ridge_cases,
    alternatives=[
        _in_eigenbasis(lambda c, lam: np.divide(c, c + 2 * lam)),
        lambda h, w_star, lam: h @ np.linalg.pinv(h + 2 * lam * np.eye(len(h))) @ w_star,
    ],
    mistakes=[
        Mistake(
            _in_eigenbasis(lambda c, lam: c / (c + lam)),
            "The factor 2 is missing: the gradient of lam times the sum of w^2 is 2 lam w.",
        ),
        Mistake(
            lambda h, w_star, lam: np.linalg.lstsq(h + 2 * lam * np.eye(len(h)), w_star, rcond=None)[0],
            "The right-hand side is w* here. Set H (w - w*) + 2 lam w to zero: H w* stands on the right.",
        ),
        Mistake(
            lambda h, w_star, lam: w_star / (1 + 2 * lam),
            "All directions shrink by the same factor here. Steep ones should shrink less: bring in H.",
        ),
        Mistake(
            lambda h, w_star, lam: np.diag(h) / (np.diag(h) + 2 * lam) * w_star,
            "Only the diagonal of H is used. That is right only when the axes of the valley are those of the weights.",
        ),
        Mistake(
            _in_eigenbasis(lambda c, lam: 1 / (1 + 2 * lam * c)),
            "Here steep directions shrink most. The factor of a direction is h / (h + 2 lam), near 1 where h is large.",
        ),
        Mistake(
            _broadcast,
            "2 lam is added to every entry of H. It belongs on the diagonal only: add 2 lam times np.eye(d).",
        ),
        Mistake(
            _in_eigenbasis(lambda c, lam: 1 - np.divide(c, c + 2 * lam)),
            "This is by how much the minimum moves, w* - w. The place itself is asked for.",
        ),
        Mistake(
            lambda h, w_star, lam: w_star - 2 * lam * w_star,
            "This is w* after one step of decay, not the minimum of the sum of both costs.",
        ),
    ],
    hint="At the minimum the gradient H (w - w*) + 2 lam w is zero. Collect w on one side; np.linalg.solve does the rest.",
)

EXERCISES = [PENALTY_GRADIENT, RIDGE_MINIMUM]
