"""Exercises on what makes weights exactly zero: the soft threshold, and the proximal step."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/weight_penalties"

# the soft threshold


def soft_threshold(v: np.ndarray, t: float) -> np.ndarray:
    """Move each entry towards zero by t, and stop there."""
    return np.sign(v) * np.maximum(np.abs(v) - t, 0)


SOFT_THRESHOLD = Exercise(
    id="weight_penalties/soft_threshold",
    section=SECTION,
    title="The soft threshold",
    reference=soft_threshold,
    cases=[
        case(np.array([3.0, 1.5]), 1.0, label="positive entries above the threshold"),
        case(np.array([3.0, 0.4]), 1.0, label="one entry below it"),
        case(np.array([-3.0, -0.4]), 1.0, label="negative entries"),
        case(np.array([0.5, -0.5, 0.0]), 0.5, label="entries on the threshold, and a zero"),
        case(np.array([0.2, -0.7]), 0.0, label="a threshold of zero"),
        case(np.array([[2.0, -0.05, 0.3], [-1.0, 0.1, -0.25]]), 0.2, label="a table"),
        case(np.array([]), 0.2, label="no entries"),
    ],
    alternatives=[
        lambda v, t: v - np.clip(v, -t, t),
        lambda v, t: np.where(v > t, v - t, np.where(v < -t, v + t, 0.0)),
        lambda v, t: np.maximum(v - t, 0) - np.maximum(-v - t, 0),
    ],
    mistakes=[
        Mistake(
            lambda v, t: np.where(np.abs(v) > t, v, 0.0),
            "This is the hard threshold: what stays is not moved. The soft one moves every entry by t.",
        ),
        Mistake(
            lambda v, t: np.maximum(v - t, 0),
            "Negative entries vanish altogether here. One below -t should move up by t.",
        ),
        Mistake(
            lambda v, t: v - t * np.sign(v),
            "Entries smaller than t jump over zero here. They should stop there.",
        ),
        Mistake(lambda v, t: v - t, "Every entry moves down by t here. Negative ones should move up."),
        Mistake(
            lambda v, t: np.clip(v, -t, t),
            "This is what the soft threshold takes away. Return what is left: v minus this.",
        ),
        Mistake(lambda v, t: np.maximum(np.abs(v) - t, 0), "The signs are lost: multiply by the sign of v."),
        Mistake(
            lambda v, t: v / (1 + t),
            "Every entry is divided here, and none becomes zero. That is the proximal step of an L2 penalty.",
        ),
        Mistake(
            lambda v, t: np.sign(v) * np.maximum(np.abs(v) - t / 2, 0),
            "The entries move by t / 2 here. The half in the cost belongs to the square: the slope of t |w| is t.",
        ),
    ],
    hint="Three cases: v > t, v < -t, and in between. Or: the length |v| - t, if positive, with the sign of v.",
)

# a proximal step

Step = tuple[np.ndarray, float]


def proximal_step(
    w: np.ndarray, b: float, grad_w: np.ndarray, grad_b: float, learning_rate: float, lam: float
) -> Step:
    """A gradient step for both, then the soft threshold at learning_rate * lam for the weights."""
    return soft_threshold(w - learning_rate * grad_w, learning_rate * lam), b - learning_rate * grad_b


def _scalar(threshold: Callable[[float, float], float]) -> Callable[..., Step]:
    """A proximal step whose threshold is another function of the learning rate and lam."""

    def answer(
        w: np.ndarray, b: float, grad_w: np.ndarray, grad_b: float, learning_rate: float, lam: float
    ) -> Step:
        t = threshold(learning_rate, lam)
        return soft_threshold(w - learning_rate * grad_w, t), b - learning_rate * grad_b

    return answer


def _bias_too(
    w: np.ndarray, b: float, grad_w: np.ndarray, grad_b: float, learning_rate: float, lam: float
) -> Step:
    new_w, new_b = proximal_step(w, b, grad_w, grad_b, learning_rate, lam)
    return new_w, float(soft_threshold(np.asarray(new_b), learning_rate * lam))


def _by_hand(rule: Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]) -> Callable[..., Step]:
    """Another rule for the weights, the right one for the bias."""

    def answer(
        w: np.ndarray, b: float, grad_w: np.ndarray, grad_b: float, learning_rate: float, lam: float
    ) -> Step:
        return rule(w, grad_w, learning_rate, lam), b - learning_rate * grad_b

    return answer


PROXIMAL_STEP = Exercise(
    id="weight_penalties/proximal_step",
    section=SECTION,
    title="A proximal step",
    reference=proximal_step,
    cases=[
        case(
            np.array([1.0, -1.0, 2.0]),  # three weights: two could be unpacked as the pair
            0.5,
            np.array([1.0, 2.0, -1.0]),
            1.0,
            0.1,
            1.0,
            label="nothing near zero",
        ),
        case(
            np.array([0.05, -0.03, 0.02]),
            0.04,
            np.zeros(3),
            0.0,
            0.1,
            1.0,
            label="no gradient, small weights",
        ),
        case(
            np.array([0.05, 0.6, -0.6]),
            0.3,
            np.array([0.2, 3.0, -3.0]),
            -1.0,
            0.2,
            0.5,
            label="some cross zero",
        ),
        case(np.array([0.0, 0.0, 0.0]), 0.0, np.array([0.4, -0.6, 2.0]), 0.3, 0.5, 0.5, label="all at zero"),
        case(
            np.array([2.0, -0.1, 0.3]),
            -1.0,
            np.array([-1.0, 0.5, 0.1]),
            0.25,
            0.4,
            0.0,
            label="no penalty",
        ),
        case(
            np.array([[0.3, -0.02], [1.0, 0.01]]),
            0.06,
            np.array([[0.1, 0.1], [-0.2, 0.4]]),
            0.5,
            0.1,
            0.7,
            label="a table of weights",
        ),
    ],
    alternatives=[
        _by_hand(lambda w, g, lr, lam: (w - lr * g) - np.clip(w - lr * g, -lr * lam, lr * lam)),
    ],
    mistakes=[
        Mistake(
            _scalar(lambda lr, lam: lam),
            "The threshold is lam here. One step of size eta shrinks by eta times lam.",
        ),
        Mistake(_bias_too, "The bias is shrunk too. The penalty is on the weights only."),
        Mistake(
            _by_hand(lambda w, g, lr, lam: soft_threshold(w, lr * lam) - lr * g),
            "The threshold comes before the gradient step here, so weights leave zero again at once. Shrink last.",
        ),
        Mistake(
            _by_hand(lambda w, g, lr, lam: w - lr * (g + lam * np.sign(w))),
            "This is the subgradient step. It jumps over zero instead of stopping there.",
        ),
        Mistake(
            _by_hand(lambda w, g, lr, lam: w - lr * soft_threshold(g, lam)),
            "The gradient is shrunk here, not the weight. Take the step first, then shrink what comes out.",
        ),
        Mistake(_scalar(lambda lr, lam: 0.0), "Nothing is shrunk here: this is the step without a penalty."),
        Mistake(
            _scalar(lambda lr, lam: 2 * lr * lam),
            "The threshold is twice too large. The 2 belongs to the derivative of w^2, and this is |w|.",
        ),
        Mistake(
            _by_hand(lambda w, g, lr, lam: (w - lr * g) / (1 + 2 * lr * lam)),
            "This is the proximal step for L2. It divides and never makes a weight exactly zero.",
        ),
        Mistake(
            _by_hand(lambda w, g, lr, lam: soft_threshold(w + lr * g, lr * lam)),
            "The weights go up the gradient here. Descent subtracts it.",
        ),
        Mistake(
            _by_hand(lambda w, g, lr, lam: np.where(np.abs(w - lr * g) > lr * lam, w - lr * g, 0.0)),
            "This is the hard threshold: what stays is not moved. The soft one moves every weight by eta times lam.",
        ),
        Mistake(
            lambda *given: proximal_step(*given)[::-1],
            "The pair is the wrong way round: the weights come first, then the bias.",
        ),
        Mistake(
            lambda *given: proximal_step(*given)[0],
            "Only the weights come back here. Return the new w and the new b.",
        ),
    ],
    hint="Two lines for the weights: v = w - learning_rate * grad_w, then the soft threshold of v at learning_rate * lam.",
)

EXERCISES = [SOFT_THRESHOLD, PROXIMAL_STEP]
