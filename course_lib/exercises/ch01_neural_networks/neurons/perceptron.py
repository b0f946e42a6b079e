"""Exercises on the perceptron: its update and the bound on its mistakes."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "01_neural_networks/neurons"

Weights = tuple[np.ndarray, float]


def perceptron_update(w: np.ndarray, b: float, x: np.ndarray, y: int, learning_rate: float = 1.0) -> Weights:
    """Move the weights only if the prediction differs from the label."""
    prediction = int(x @ w + b > 0)
    step = learning_rate * (y - prediction)
    return w + step * x, b + step


def _update_with(
    error: Callable[[float, float, int], float], w_follows_rate: bool = True, b_moves: float | None = None
) -> Callable[..., Weights]:
    """A wrong update: its error from (w.x, b, y), whether w uses the learning rate, the bias's own rate."""

    def answer(w: np.ndarray, b: float, x: np.ndarray, y: int, learning_rate: float = 1.0) -> Weights:
        step = error(float(x @ w), b, y)
        rate = learning_rate if w_follows_rate else 1.0
        return w + rate * step * x, b + (rate if b_moves is None else b_moves) * step

    return answer


def _error(s: float, b: float, y: int) -> int:
    return y - int(s + b > 0)


UPDATE = Exercise(
    id="neurons/perceptron_update",
    section=SECTION,
    title="The perceptron's update",
    reference=perceptron_update,
    cases=[
        case(np.array([0.0, 0.0]), 0.0, np.array([1.0, 2.0]), 1, label="a missed 1 from zero weights"),
        case(np.array([1.0, 1.0]), 0.5, np.array([1.0, 2.0]), 0, label="a false alarm"),
        case(np.array([1.0, 1.0]), 0.5, np.array([1.0, 2.0]), 1, label="a right answer: nothing moves"),
        case(np.array([-1.0, 0.5]), 0.25, np.array([2.0, 1.0]), 0, label="a right silence: nothing moves"),
        case(
            np.array([1.0, -1.0]),
            -3.0,
            np.array([2.0, 1.0]),
            1,
            0.5,
            label="the bias decides, learning rate 0.5",
        ),
        case(
            np.array([1.0, -1.0]),
            3.0,
            np.array([-2.0, 0.0]),
            0,
            0.1,
            label="a false alarm, learning rate 0.1",
        ),
        case(np.array([1.0, 1.0]), -3.0, np.array([1.0, 2.0]), 0, label="a sum of exactly zero is silence"),
        case(
            np.array([1.0, -1.0]),
            2.0,
            np.array([2.0, 1.0]),
            0,
            0.5,
            label="a false alarm with a positive bias",
        ),
    ],
    mistakes=[
        Mistake(
            _update_with(lambda s, b, y: 2 * y - 1),
            "This moves the weights for every example. When the answer is already right, nothing "
            "must change.",
        ),
        Mistake(
            _update_with(lambda s, b, y: -_error(s, b, y)),
            "The sign is the wrong way round: after a missed 1 the sum must grow, so add x, don't "
            "subtract it.",
        ),
        Mistake(
            _update_with(_error, b_moves=0.0),
            "The bias never moves here. It is the weight of an input that is always 1, and learns "
            "like the others.",
        ),
        Mistake(
            _update_with(_error, w_follows_rate=False),
            "This is what you get when the learning rate is ignored.",
        ),
        Mistake(
            _update_with(_error, b_moves=1.0),
            "The weights use the learning rate, the bias does not. Both take the same step.",
        ),
        Mistake(
            _update_with(lambda s, b, y: y - (s + b)),
            "The error here is y minus the raw sum (the delta rule of Widrow and Hoff). The "
            "perceptron compares "
            "with its 0-or-1 answer.",
        ),
        Mistake(
            _update_with(lambda s, b, y: y - int(s > 0)),
            "The prediction leaves the bias out: the unit fires when w.x + b > 0.",
        ),
        Mistake(
            _update_with(lambda s, b, y: y - int(s + b >= 0)),
            "A sum of exactly zero counts as firing here. The unit fires only when the sum exceeds zero.",
        ),
        Mistake(
            _update_with(lambda s, b, y: (2 * y - 1) * ((2 * y - 1) * (s + b) <= 0)),
            "A tie counts as a mistake for either class here, as in the section's `learn`. This exercise asks for the "
            "plain rule: at a sum of exactly zero the unit answers 0, so a label 0 is right.",
        ),
        Mistake(
            _update_with(lambda s, b, y: y - int(s > b)),
            "The bias is taken for a threshold here: the unit fires when w.x + b > 0, not when w.x > b.",
        ),
        Mistake(
            _update_with(lambda s, b, y: y * abs(_error(s, b, y))),
            "A false alarm teaches nothing here: the label 0 stands where -1 belongs. The step is y - prediction.",
        ),
        Mistake(
            _update_with(lambda s, b, y: y - (1 if s + b > 0 else -1)),
            "The prediction is -1 or 1 here, the label 0 or 1. Both must use 0 and 1.",
        ),
    ],
    hint="The error y - prediction is -1, 0 or 1. What should happen to w and b in each of the three cases?",
)


def mistake_bound(x: np.ndarray, y: np.ndarray, w: np.ndarray, b: float) -> float:
    """Novikoff's bound (R / gamma)^2, the bias counted as the weight of a constant input 1."""
    z = np.hstack([x, np.ones((len(x), 1))])
    v = np.append(w, b)
    radius = np.linalg.norm(z, axis=1).max()
    margin = ((2 * y - 1) * (z @ v)).min() / np.linalg.norm(v)
    return float((radius / margin) ** 2)


def _bound(
    radius: Callable = np.max,
    margin: Callable = np.min,
    constant: float = 1.0,
    power: int = 2,
    unit_norm: bool = True,
) -> Callable[..., float]:
    """A wrong bound: other reductions, no constant input, no square, or w not divided by its length."""

    def answer(x: np.ndarray, y: np.ndarray, w: np.ndarray, b: float) -> float:
        z = np.hstack([x, np.full((len(x), 1), constant)])
        norm = np.linalg.norm(np.append(w, b)) if unit_norm else 1.0
        gamma = margin((2 * y - 1) * (x @ w + b)) / norm
        return float((radius(np.linalg.norm(z, axis=1)) / gamma) ** power)

    return answer


def _without_constant(x: np.ndarray, y: np.ndarray, w: np.ndarray, b: float) -> float:
    gamma = ((2 * y - 1) * (x @ w + b)).min() / np.linalg.norm(w)
    return float((np.linalg.norm(x, axis=1).max() / gamma) ** 2)


_POINTS = np.array([[2.0, 1.0], [3.0, -1.0], [-1.0, -2.0], [-2.0, 0.5]])
_LABELS = np.array([1, 1, 0, 0])
_RING = np.stack([np.cos(np.arange(8.0)), np.sin(np.arange(8.0))], axis=1) * np.arange(1, 9)[:, None]

BOUND = Exercise(
    id="neurons/mistake_bound",
    section=SECTION,
    title="How many mistakes at most?",
    reference=mistake_bound,
    cases=[
        case(_POINTS, _LABELS, np.array([1.0, 0.0]), 0.0, label="four points, a vertical boundary"),
        case(_POINTS, _LABELS, np.array([3.0, 1.0]), 0.5, label="a slanted boundary with a bias"),
        case(
            _POINTS,
            _LABELS,
            np.array([300.0, 100.0]),
            50.0,
            label="the same boundary, weights 100 times larger",
        ),
        case(_POINTS, 1 - _LABELS, np.array([-3.0, -1.0]), -0.5, label="the labels exchanged"),
        case(
            _RING,
            (_RING[:, 0] > 0.2).astype(int),
            np.array([2.0, 0.0]),
            -0.4,
            label="eight points on a spiral",
        ),
    ],
    mistakes=[
        Mistake(
            _bound(unit_norm=False),
            "The weights are not divided by their length, so scaling them changes the bound.",
        ),
        Mistake(_bound(power=1), "This is R / gamma. The bound is its square."),
        Mistake(
            _without_constant,
            "The bias is not counted as a weight, neither in R nor in the length of (w, b). Append a 1 to every "
            "example and b to w first.",
        ),
        Mistake(
            _bound(margin=np.max), "The margin is that of the closest example: the smallest, not the largest."
        ),
        Mistake(
            _bound(radius=np.linalg.norm),
            "R is the length of the longest example, not of all of them together.",
        ),
        Mistake(_bound(constant=0.0), "R leaves out the constant input 1 that belongs to the bias."),
        Mistake(_bound(radius=np.mean), "R is the length of the longest example, not of the average one."),
        Mistake(
            _bound(margin=np.mean), "The margin is that of the closest example: the smallest, not the mean."
        ),
        Mistake(
            lambda x, y, w, b: _bound()(x, y, w, b) * (w @ w + b * b) / (w @ w),
            "The margin is divided by the length of w alone. The bias is one of the weights here: "
            "use that of (w, b).",
        ),
    ],
    hint="Append a 1 to every example and b to w; then there is no bias left to think about.",
)

EXERCISES = [UPDATE, BOUND]
