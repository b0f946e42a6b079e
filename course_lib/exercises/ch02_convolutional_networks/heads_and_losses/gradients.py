"""Exercises on the gradients of losses: prediction less target, and what saturation does to it."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/heads_and_losses"

# softmax and cross-entropy


def _softmax(z: np.ndarray, axis: int = 1) -> np.ndarray:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_gradient(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(p - t) / n."""
    gradient = _softmax(z)
    gradient[np.arange(len(y)), y] -= 1
    return gradient / len(y)


def _one_hot(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.eye(z.shape[1])[y]


def _naive_gradient(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        e = np.exp(z)
        return (e / e.sum(axis=1, keepdims=True) - _one_hot(z, y)) / len(y)


def _whole_columns(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    gradient = _softmax(z)
    gradient[:, y] -= 1
    return gradient / len(y)


def _squared_error_gradient(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    p = _softmax(z)
    g = 2 * (p - _one_hot(z, y))
    return p * (g - (p * g).sum(axis=1, keepdims=True)) / len(y)


SOFTMAX_GRADIENT = Exercise(
    id="heads_and_losses/softmax_gradient",
    section=SECTION,
    title="The gradient of softmax and cross-entropy",
    reference=softmax_gradient,
    cases=[
        case(np.array([[1.0, 2.0, 3.0]]), np.array([0]), label="one example"),
        case(np.array([[1.0, 2.0, 3.0], [0.0, 0.5, -0.5]]), np.array([2, 1]), label="two examples"),
        case(
            np.array([[0.3, -1.0], [2.0, 1.0], [0.0, 0.0], [-3.0, 1.0]]),
            np.array([1, 0, 0, 0]),
            label="two classes",
        ),
        case(np.array([[9.0, -9.0, 0.0]]), np.array([1]), label="a confident mistake"),
        case(np.array([[1000.0, 1001.0, 999.0], [1.0, 0.0, 2.0]]), np.array([1, 2]), label="large logits"),
        case(np.eye(3) * 2.0, np.array([2, 1, 1]), label="as many examples as classes"),
    ],
    alternatives=[lambda z, y: (_softmax(z) - _one_hot(z, y)) / len(y)],
    mistakes=[
        Mistake(
            lambda z, y: _softmax(z) - _one_hot(z, y),
            "The loss is the mean over the examples, so the gradient of each is divided by their number.",
        ),
        Mistake(
            lambda z, y: (_one_hot(z, y) - _softmax(z)) / len(y),
            "The sign is turned around. The gradient points uphill: raising a wrong logit raises the loss.",
        ),
        Mistake(
            lambda z, y: (_softmax(z) - _one_hot(z, y)) / z.size,
            "This divides by the number of entries. The mean is over examples; each has one loss, whatever K is.",
        ),
        Mistake(
            lambda z, y: (_softmax(z) - _one_hot(z, y)) / z.shape[1],
            "This divides by the number of classes. The mean is over the examples: divide by len(y).",
        ),
        Mistake(
            _whole_columns,
            "p[:, y] -= 1 takes 1 from whole columns. Each row has its own label: p[np.arange(len(y)), y] -= 1.",
        ),
        Mistake(
            lambda z, y: -_one_hot(z, y) / _softmax(z) / len(y),
            "This is the gradient for the probabilities, -t / p. Take it on through the softmax to the logits: much "
            "cancels.",
        ),
        Mistake(lambda z, y: _softmax(z) / len(y), "The targets are missing: subtract 1 at each label."),
        Mistake(
            lambda z, y: (_softmax(z) - y[:, None]) / len(y),
            "The number of the class was subtracted. The target is one-hot: 1 at the label, 0 elsewhere.",
        ),
        Mistake(
            lambda z, y: _softmax(z) * (1 - _softmax(z)) * (_softmax(z) - _one_hot(z, y)) / len(y),
            "There is a factor p (1 - p) too many. With cross-entropy it cancels, which is the point of it.",
        ),
        Mistake(
            _squared_error_gradient,
            "This is the gradient of the squared error of the probabilities. Cross-entropy was asked for.",
        ),
        Mistake(
            lambda z, y: (_softmax(z, axis=0) - _one_hot(z, y)) / len(y),
            "The softmax runs over the examples here. Each row is a distribution over the classes: axis=1.",
        ),
        Mistake(
            _naive_gradient,
            "This overflows for large logits: subtract each row's largest logit before the exponential.",
        ),
        Mistake(
            lambda z, y: (z - _one_hot(z, y)) / len(y),
            "The logits stand where the probabilities belong: apply the softmax first.",
        ),
        Mistake(
            lambda z, y: np.where(_one_hot(z, y) == 1, _softmax(z) - 1, 0) / len(y),
            "Only the label's logit gets a gradient here. The others must come down: theirs is p.",
        ),
    ],
    hint="Compute p. What is subtracted from it at the label, and what elsewhere? Then think of the mean.",
)

# through a saturated sigmoid

Pair = tuple[np.ndarray, np.ndarray]


def sigmoid_gradients(z: np.ndarray, t: np.ndarray) -> Pair:
    """Of (a - t)^2 and of the binary cross-entropy, for each logit."""
    a = 1 / (1 + np.exp(-z))
    return 2 * (a - t) * a * (1 - a), a - t


def _pair(
    squared: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    cross: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> Callable[[np.ndarray, np.ndarray], Pair]:
    """Two gradients, each from a, t and z."""

    def answer(z: np.ndarray, t: np.ndarray) -> Pair:
        a = 1 / (1 + np.exp(-z))
        return squared(a, t, z), cross(a, t, z)

    return answer


def _squared(a: np.ndarray, t: np.ndarray, z: np.ndarray) -> np.ndarray:
    return 2 * (a - t) * a * (1 - a)


def _cross(a: np.ndarray, t: np.ndarray, z: np.ndarray) -> np.ndarray:
    return a - t


SIGMOID_GRADIENTS = Exercise(
    id="heads_and_losses/sigmoid_gradients",
    section=SECTION,
    title="Two gradients at saturation",
    reference=sigmoid_gradients,
    cases=[
        case(np.array([0.0]), np.array([1.0]), label="an undecided unit"),
        case(np.array([-2.0, 2.0]), np.array([1.0, 0.0]), label="two mistakes"),
        case(np.array([3.0, -3.0, 0.5]), np.array([1.0, 0.0, 0.0]), label="right and wrong"),
        case(np.array([-8.0, 8.0]), np.array([1.0, 0.0]), label="confident mistakes"),
        case(np.array([1.0, -0.5]), np.array([0.7, 0.2]), label="targets between 0 and 1"),
    ],
    rtol=1e-4,
    atol=1e-9,
    mistakes=[
        Mistake(
            _pair(lambda a, t, z: (a - t) * a * (1 - a), _cross),
            "The factor 2 of the squared error is missing: this is the gradient of one half of it.",
        ),
        Mistake(
            _pair(lambda a, t, z: 2 * (a - t), _cross),
            "The squared error was differentiated for a. For z the chain rule adds the sigmoid's slope a (1 - a).",
        ),
        Mistake(
            _pair(_squared, lambda a, t, z: (a - t) * a * (1 - a)),
            "Cross-entropy has no factor a (1 - a) left: its derivative for a has the same factor below the fraction bar.",
        ),
        Mistake(
            _pair(_squared, lambda a, t, z: (a - t) / (a * (1 - a))),
            "The cross-entropy was differentiated for a. Times the sigmoid's slope a (1 - a) it is the gradient for z.",
        ),
        Mistake(
            _pair(lambda a, t, z: -_squared(a, t, z), lambda a, t, z: -_cross(a, t, z)),
            "Both signs are turned around: a unit that answers too much has a positive gradient.",
        ),
        Mistake(
            _pair(lambda a, t, z: -_squared(a, t, z), _cross),
            "The first sign is turned around: at z = 0 and t = 1 a larger logit lowers the squared error as well.",
        ),
        Mistake(
            _pair(_squared, lambda a, t, z: t - a),
            "The second sign is turned around: at z = 0 and t = 1 a larger logit lowers the cross-entropy as well.",
        ),
        Mistake(
            _pair(lambda a, t, z: (a - t) ** 2, lambda a, t, z: np.logaddexp(0, z) - t * z),
            "These are the two losses. Their gradients for z were asked for.",
        ),
        Mistake(_pair(_cross, _squared), "The two are exchanged: the squared error's gradient comes first."),
        Mistake(
            _pair(lambda a, t, z: 2 * (a - t) * z * (1 - z), _cross),
            "The sigmoid's slope is a (1 - a), with the activation a and not the logit z.",
        ),
        Mistake(
            _pair(lambda a, t, z: _squared(a, t, z) / a.size, lambda a, t, z: _cross(a, t, z) / a.size),
            "These are divided by the number of entries, as for a mean. Each entry's own gradient was asked for.",
        ),
        Mistake(
            _pair(lambda a, t, z: 2 * (z - t), _cross),
            "That is the squared error of the logit. Here the sigmoid comes between: compare a with t.",
        ),
    ],
    hint="Differentiate for a first, then multiply by the slope of the sigmoid, a (1 - a). What cancels?",
)

EXERCISES = [SOFTMAX_GRADIENT, SIGMOID_GRADIENTS]
