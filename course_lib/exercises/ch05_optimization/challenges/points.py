"""An exercise on a single point: what kind it is."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/challenges"


def classify(gradient: np.ndarray, hessian: np.ndarray, tolerance: float = 1e-6) -> str:
    """First the slope, then the signs of the eigenvalues."""
    if np.linalg.norm(gradient) > tolerance:
        return "slope"
    return _by_signs(np.linalg.eigvalsh(hessian), tolerance)


def _by_signs(values: np.ndarray, tolerance: float) -> str:
    if (values > tolerance).any() and (values < -tolerance).any():
        return "saddle"
    if (values > tolerance).all():
        return "minimum"
    return "maximum" if (values < -tolerance).all() else "undecided"


def _from_the_ends(gradient: np.ndarray, hessian: np.ndarray, tolerance: float = 1e-6) -> str:
    if np.sqrt(np.dot(gradient, gradient)) > tolerance:
        return "slope"
    low, *_, high = np.linalg.eigvalsh(hessian)
    if low > tolerance:
        return "minimum"
    if high < -tolerance:
        return "maximum"
    return "saddle" if low < -tolerance and high > tolerance else "undecided"


def _signs_of(values: Callable[[np.ndarray], np.ndarray]) -> Callable[..., str]:
    """A wrong judgement: by the signs of other numbers than the eigenvalues."""

    def answer(gradient: np.ndarray, hessian: np.ndarray, tolerance: float = 1e-6) -> str:
        if np.linalg.norm(gradient) > tolerance:
            return "slope"
        return _by_signs(values(hessian), tolerance)

    return answer


def _renamed(rule: Callable[[str, np.ndarray, float], str]) -> Callable[..., str]:
    """A wrong name: made of the right one, the eigenvalues and the tolerance."""

    def answer(gradient: np.ndarray, hessian: np.ndarray, tolerance: float = 1e-6) -> str:
        name = classify(gradient, hessian, tolerance)
        return name if name == "slope" else rule(name, np.linalg.eigvalsh(hessian), tolerance)

    return answer


def _by_the_determinant(gradient: np.ndarray, hessian: np.ndarray, tolerance: float = 1e-6) -> str:
    if np.linalg.norm(gradient) > tolerance:
        return "slope"
    determinant = np.linalg.det(hessian)
    if abs(determinant) <= tolerance:
        return "undecided"
    if determinant < 0:
        return "saddle"
    return "minimum" if hessian[0, 0] > 0 else "maximum"


_EXCHANGED = {"minimum": "maximum", "maximum": "minimum"}
_FLAT = np.zeros(2)

CLASSIFY = Exercise(
    id="challenges/classify",
    section=SECTION,
    title="Minimum, maximum or saddle",
    reference=classify,
    cases=[
        case(_FLAT, np.diag([1.0, 3.0]), label="a bowl"),
        case(_FLAT, np.diag([-2.0, -1.0]), label="a hill"),
        case(_FLAT, np.diag([1.0, -1.0]), label="up one way, down the other"),
        case(_FLAT, np.array([[1.0, 3.0], [3.0, 1.0]]), label="a saddle that lies across the axes"),
        case(_FLAT, np.array([[2.0, -1.0], [-1.0, 2.0]]), label="a bowl that lies across the axes"),
        case(np.array([0.3, -0.4]), np.diag([1.0, 1.0]), label="a slope on a bowl"),
        case(np.array([0.5, -0.5]), np.diag([1.0, 2.0]), label="a slope whose parts cancel"),
        case(np.array([0.0, -0.2]), np.diag([1.0, -1.0]), label="a slope beside a saddle"),
        case(np.array([1e-4, 0.0]), np.diag([1.0, 1.0]), label="a faint slope"),
        case(_FLAT, np.diag([1.0, 0.0]), label="flat one way"),
        case(_FLAT, np.array([[-1.0, 1.0], [1.0, -1.0]]), label="a hill with a level ridge"),
        case(_FLAT, np.zeros((2, 2)), label="flat both ways"),
        case(np.zeros(3), np.diag([1.0, 0.0, -1.0]), label="three parameters: up, flat and down"),
        case(np.zeros(3), np.diag([2.0, -1.0, -3.0]), label="three parameters, two ways down"),
        case(np.zeros(4), np.diag([-1.0, -1.0, -2.0, -5.0]), label="four parameters, a hill"),
        case(np.zeros(3), np.diag([-1.0, -1.0, -2.0]), label="three parameters, a hill"),
        case(_FLAT, np.diag([1.0, -1e-9]), label="flat but for rounding"),
        case(np.array([1e-8, 0.0]), np.diag([2.0, 1.0]), label="a bottom but for rounding"),
        case(np.array([0.05, 0.0]), np.diag([2.0, -0.05]), 0.1, label="a large tolerance"),
        case(np.array([0.08, 0.08]), np.diag([2.0, 1.0]), 0.1, label="a slope along the diagonal"),
        case(_FLAT, np.diag([2.0, 0.15]), 0.1, label="steep one way, gentle the other"),
        case(_FLAT, np.diag([0.05, -0.05]), 0.1, label="nothing above the tolerance"),
        case(np.array([0.125, 0.0]), np.diag([2.0, 1.0]), 0.125, label="a slope as long as the tolerance"),
        case(_FLAT, np.diag([-2.0, -0.125]), 0.125, label="a curvature as large as the tolerance"),
    ],
    alternatives=[_from_the_ends],
    mistakes=[
        Mistake(
            _signs_of(np.diag),
            "The signs are those of the diagonal, the curvatures along the axes. [[1, 3], [3, 1]] curves up along both "
            "axes and down between them: take the eigenvalues.",
        ),
        Mistake(
            _by_the_determinant,
            "The determinant is the product of the eigenvalues. For two parameters it finds most saddles, for three "
            "it cannot tell a hill from a saddle, and a zero hides the other signs. Look at every eigenvalue.",
        ),
        Mistake(
            lambda gradient, hessian, tolerance=1e-6: _by_signs(np.linalg.eigvalsh(hessian), tolerance),
            "The gradient is not looked at. Where there is a slope, the point is none of the others.",
        ),
        Mistake(
            lambda gradient, hessian, tolerance=1e-6: (
                "slope" if abs(np.sum(gradient)) > tolerance else classify(_FLAT, hessian, tolerance)
            ),
            "The parts of the gradient are added, so that they may cancel. Take its length.",
        ),
        Mistake(
            lambda gradient, hessian, tolerance=1e-6: (
                "slope"
                if np.abs(gradient).max() > tolerance
                else _by_signs(np.linalg.eigvalsh(hessian), tolerance)
            ),
            "The largest part of the gradient is compared with the tolerance. Take the length of the whole.",
        ),
        Mistake(
            lambda gradient, hessian, tolerance=1e-6: (
                "slope" if (gradient > tolerance).any() else _by_signs(np.linalg.eigvalsh(hessian), tolerance)
            ),
            "Only positive parts of the gradient count as a slope here. Take its length.",
        ),
        Mistake(
            lambda gradient, hessian, tolerance=1e-6: (
                "slope"
                if gradient @ gradient > tolerance
                else _by_signs(np.linalg.eigvalsh(hessian), tolerance)
            ),
            "The square of the gradient's length is compared with the tolerance. Take the root.",
        ),
        Mistake(
            _renamed(lambda name, values, tolerance: _EXCHANGED.get(name, name)),
            "Minimum and maximum are exchanged: where the cost curves up in all directions, the point is at the bottom.",
        ),
        Mistake(
            _renamed(
                lambda name, values, tolerance: (
                    "minimum"
                    if (values >= -tolerance).all()
                    else "maximum"
                    if (values <= tolerance).all()
                    else name
                )
            ),
            "A zero eigenvalue counts as positive (or negative) here. x^2 + y^4 and x^2 - y^4 share it, and only one of "
            "them has a minimum: undecided.",
        ),
        Mistake(
            _renamed(
                lambda name, values, tolerance: "undecided" if (abs(values) <= tolerance).any() else name
            ),
            "Called undecided although there is a way up and a way down: a flat third direction does not change that. "
            "Ask for the saddle first.",
        ),
        Mistake(
            _renamed(lambda name, values, tolerance: "saddle" if name == "undecided" else name),
            "What is neither a minimum nor a maximum is called a saddle here. A saddle needs both signs; with zeros and "
            "one sign it is undecided.",
        ),
        Mistake(
            lambda gradient, hessian, tolerance=1e-6: classify(gradient, hessian, 0.0),
            "Compared with zero exactly, rounding decides. Use the tolerance, for the slope and for the signs.",
        ),
        Mistake(
            lambda gradient, hessian, tolerance=1e-6: classify(gradient, hessian, 1e-6),
            "The tolerance is always 1e-6 here. Use the argument.",
        ),
        Mistake(
            lambda gradient, hessian, tolerance=1e-6: (
                "slope"
                if np.linalg.norm(gradient) > tolerance
                else _by_signs(np.linalg.eigvalsh(hessian), 0.0)
            ),
            "The tolerance is used for the slope alone. An eigenvalue of -1e-9 is zero but for rounding, too.",
        ),
        Mistake(
            _renamed(lambda name, values, tolerance: _by_signs(values, tolerance * np.abs(values).max())),
            "The tolerance is multiplied by the largest curvature. Here it is meant as it stands.",
        ),
        Mistake(
            lambda gradient, hessian, tolerance=1e-6: (
                "slope"
                if np.linalg.norm(gradient) >= tolerance
                else _by_signs(np.linalg.eigvalsh(hessian), tolerance)
            ),
            "A gradient exactly as long as the tolerance is called a slope here. It must be longer: > and not >=.",
        ),
        Mistake(
            _renamed(lambda name, values, tolerance: _by_signs(values, np.nextafter(tolerance, 0))),
            "An eigenvalue whose size is exactly the tolerance still counts as zero: compare with > and not >=.",
        ),
        Mistake(
            _renamed(lambda name, values, tolerance: "saddle" if values[0] < 0 < values[-1] else name),
            "Any negative and any positive eigenvalue make a saddle here, even those that the tolerance counts as zero.",
        ),
        Mistake(
            _signs_of(lambda hessian: np.array([np.trace(hessian)])),
            "The trace is the sum of the eigenvalues and cannot show that their signs differ.",
        ),
    ],
    hint="The length of the gradient first. Then np.linalg.eigvalsh: are there both signs, or one, or zeros?",
)

EXERCISES = [CLASSIFY]
