"""Exercises on steps II and III: the error signals of units, and the gradients of weights and biases."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "01_neural_networks/backpropagation"

# the output's error signal


def _sigmoid(z: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def output_delta(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Error signal g'(z) (a - t) of sigmoid outputs under half the squared error."""
    a = _sigmoid(z)
    return a * (1.0 - a) * (a - t)


def _overflowing(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    a = np.exp(z) / (1.0 + np.exp(z))
    return a * (1.0 - a) * (a - t)


OUTPUT_DELTA = Exercise(
    id="backpropagation/output_delta",
    section=SECTION,
    title="The output's error signal",
    reference=output_delta,
    cases=[
        case(np.array([[0.5]]), np.array([[1.0]]), label="one output that should be larger"),
        case(np.array([[1.5]]), np.array([[0.0]]), label="one output that should be smaller"),
        case(
            np.array([[0.0, 1.0, -2.0], [0.3, -0.7, 2.5]]),
            np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]),
            label="two examples, three outputs",
        ),
        case(np.array([[-0.4], [2.0]]), np.array([[0.25], [0.9]]), label="targets between 0 and 1"),
        case(np.array([[5.0, -6.0]]), np.array([[0.0, 1.0]]), label="saturated, and wrong"),
        case(np.array([[800.0, -800.0]]), np.array([[1.0, 1.0]]), label="pre-activations of 800 and -800"),
        case(np.zeros((0, 2)), np.zeros((0, 2)), label="an empty batch"),
    ],
    alternatives=[
        lambda z, t: _sigmoid(z) * _sigmoid(-z) * (_sigmoid(z) - t),
        lambda z, t: (0.5 + 0.5 * np.tanh(z / 2) - t) * (1 - np.tanh(z / 2) ** 2) / 4,
    ],
    mistakes=[
        Mistake(
            lambda z, t: output_delta(z, t).sum(axis=0),
            "This is summed over the examples. Every row keeps an error signal of its own; step III does the sum.",
        ),
        Mistake(
            lambda z, t: _sigmoid(z) * (_sigmoid(z) - t),
            "Half of g' is missing: it is g(z) (1 - g(z)), and this has only g(z).",
        ),
        Mistake(
            lambda z, t: _sigmoid(z) - t,
            "This is a - t, which is dE/da. One more factor takes it through the sigmoid to dE/dz: g'(z).",
        ),
        Mistake(
            lambda z, t: -output_delta(z, t),
            "The sign is the wrong way round. The derivative of (a - t)^2 / 2 for a is a - t, not t - a.",
        ),
        Mistake(
            lambda z, t: _sigmoid(_sigmoid(z)) * (1 - _sigmoid(_sigmoid(z))) * (_sigmoid(z) - t),
            "The derivative is taken at a here. g' wants the pre-activation: g'(z) = g(z) (1 - g(z)).",
        ),
        Mistake(
            lambda z, t: z * (1 - z) * (_sigmoid(z) - t),
            "This uses z (1 - z). The derivative through the value is a (1 - a), with a = g(z).",
        ),
        Mistake(
            lambda z, t: 2 * output_delta(z, t),
            "This is twice too large: the 2 from the square cancels against the 1/2 in E.",
        ),
        Mistake(
            lambda z, t: output_delta(z, t) / max(len(z), 1),
            "This is divided by the number of examples. E is a sum here; every row has its own error signal.",
        ),
        Mistake(
            _overflowing,
            "This is right until e^z overflows: at z = 800 it is inf / inf. Write g(z) = 1 / (1 + e^-z).",
        ),
    ],
    hint="Two factors: how E changes with a, and how a changes with z. The second is a (1 - a).",
)

# the error signal of hidden units


def hidden_delta(delta: np.ndarray, w: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Error signal of tanh units that feed units with error signal delta through w."""
    return (1.0 - np.tanh(z) ** 2) * (delta @ w)


_DELTA = np.array([[0.5, -1.0, 0.25], [1.5, 0.75, -0.5]])
_W = np.array([[1.0, -2.0], [0.5, 3.0], [-1.5, 0.25]])

HIDDEN_DELTA = Exercise(
    id="backpropagation/hidden_delta",
    section=SECTION,
    title="The error signal of hidden units",
    reference=hidden_delta,
    cases=[
        case(
            np.array([[0.5]]),
            np.array([[2.0, -1.0]]),
            np.array([[0.5, -1.5]]),
            label="two hidden units, one output",
        ),
        case(
            np.array([[0.5, -1.0]]),
            np.array([[1.0, 2.0], [-3.0, 0.5]]),
            np.array([[0.75, 0.25]]),
            label="two hidden units, two outputs",
        ),
        case(_DELTA, _W, np.array([[0.2, -0.6], [1.1, 0.9]]), label="two examples, three units above"),
        case(
            _DELTA,
            _W * np.array([1.0, 0.0]),
            np.array([[0.4, 0.5], [-0.3, 2.0]]),
            label="a unit that feeds nothing",
        ),
        case(_DELTA, 4 * _W, np.array([[3.0, -3.0], [2.0, 0.1]]), label="saturated hidden units"),
        case(np.zeros((0, 3)), _W, np.zeros((0, 2)), label="an empty batch"),
    ],
    alternatives=[
        lambda delta, w, z: np.einsum("nk,kj->nj", delta, w) / np.cosh(z) ** 2,
        lambda delta, w, z: np.array(
            [
                [(1 - np.tanh(zj) ** 2) * sum(row * w[:, j]) for j, zj in enumerate(zs)]
                for row, zs in zip(delta, z, strict=True)
            ]
        ).reshape(z.shape),
    ],
    mistakes=[
        Mistake(
            lambda delta, w, z: (1 - np.tanh(z) ** 2) * (w.T @ delta),
            "w.T @ delta is for one example, with delta as a vector. Here each row is an example: delta @ w.",
        ),
        Mistake(
            lambda delta, w, z: (1 - np.tanh(z)) ** 2 * (delta @ w),
            "The square is in the wrong place: g'(z) = 1 - tanh(z)^2, not (1 - tanh(z))^2.",
        ),
        Mistake(
            lambda delta, w, z: delta @ w,
            "This is dE/da, the blame that arrives at the unit's output. The tanh adds one factor: g'(z).",
        ),
        Mistake(
            lambda delta, w, z: np.tanh(z) * (delta @ w),
            "This multiplies by g(z). The chain rule wants the derivative, g'(z) = 1 - tanh(z)^2.",
        ),
        Mistake(
            lambda delta, w, z: (1 - z**2) * (delta @ w),
            "This uses 1 - z^2. The derivative through the value is 1 - a^2, with a = tanh(z).",
        ),
        Mistake(
            lambda delta, w, z: (1 - np.tanh(np.tanh(z)) ** 2) * (delta @ w),
            "The derivative is taken at a = tanh(z) here: one tanh too many. g' wants the pre-activation z.",
        ),
        Mistake(
            lambda delta, w, z: (1 - np.tanh(z) ** 2) * (delta @ w.T),
            "w is transposed. Forward it is a @ w.T, so on the way back it is delta @ w.",
        ),
        Mistake(
            lambda delta, w, z: (1 - np.tanh(z) ** 2) * delta.sum(axis=1, keepdims=True),
            "The weights are missing: every hidden unit gets the same blame. Weigh each delta_k by w_jk.",
        ),
        Mistake(
            lambda delta, w, z: _sigmoid(z) * _sigmoid(-z) * (delta @ w),
            "This is the derivative of the sigmoid. These units use tanh, with g'(z) = 1 - tanh(z)^2.",
        ),
    ],
    hint="Write the shapes beside the names: delta (n, d_out), w (d_out, d_in). Which product is (n, d_in)?",
)

# the gradients of weights and biases

Gradients = tuple[np.ndarray, np.ndarray]


def weight_gradients(delta: np.ndarray, a: np.ndarray) -> Gradients:
    """Gradients of a layer's weights and biases, summed over the examples."""
    return delta.T @ a, delta.sum(axis=0)


def _with_bias(bias: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Gradients]:
    return lambda delta, a: (delta.T @ a, bias(delta))


WEIGHT_GRADIENTS = Exercise(
    id="backpropagation/weight_gradients",
    section=SECTION,
    title="The gradients of weights and biases",
    reference=weight_gradients,
    cases=[
        case(np.array([[0.5, -1.0]]), np.array([[2.0, 3.0]]), label="one example, two units, two inputs"),
        case(
            np.array([[0.5, -1.0], [0.25, 2.0]]),
            np.array([[1.0, 0.0], [-2.0, 3.0]]),
            label="two examples, two units, two inputs",
        ),
        case(
            np.array([[0.5], [-1.0], [2.0]]),
            np.array([[1.0, 2.0], [0.5, -1.0], [-3.0, 0.25]]),
            label="three examples, one unit",
        ),
        case(
            _DELTA, np.array([[1.0, 0.0, -1.0, 2.0], [0.5, 3.0, 0.0, -2.0]]), label="three units, four inputs"
        ),
        case(
            np.array([[1.0, -1.0], [-1.0, 1.0]]),
            np.zeros((2, 3)),
            label="inputs of zero: only the biases could move",
        ),
    ],
    alternatives=[
        lambda delta, a: (np.einsum("nk,nj->kj", delta, a), np.ones(len(delta)) @ delta),
        lambda delta, a: (sum(np.outer(d, x) for d, x in zip(delta, a, strict=True)), sum(delta)),
    ],
    mistakes=[
        Mistake(
            _with_bias(lambda delta: delta),
            "dE/db still has a row for each example. Sum them, as the matrix product does for dE/dw.",
        ),
        Mistake(lambda delta, a: delta.T @ a, "Only dE/dw is returned. Return two arrays: dw, db."),
        Mistake(
            lambda delta, a: (delta.sum(axis=0), delta.T @ a),
            "The two are in the wrong order: dE/dw comes first, then dE/db.",
        ),
        Mistake(
            lambda delta, a: (delta[:, :, None] * a[:, None, :], delta.sum(axis=0)),
            "dE/dw still has an outer product for each example. Sum them over the examples.",
        ),
        Mistake(
            lambda delta, a: (a.T @ delta, delta.sum(axis=0)),
            "dE/dw is transposed: like w itself it has one row for each unit and one column for each input.",
        ),
        Mistake(
            lambda delta, a: (delta.T @ a / len(delta), delta.mean(axis=0)),
            "This is the mean over the examples. E is a sum over them here, and so is its gradient.",
        ),
        Mistake(
            lambda delta, a: (-delta.T @ a, -delta.sum(axis=0)),
            "These are the gradients with a minus sign. The minus comes later, in step IV.",
        ),
        Mistake(
            lambda delta, a: (np.outer(delta[0], a[0]), delta[0]),
            "Only the first example counts here. Sum the outer products of all rows.",
        ),
        Mistake(
            _with_bias(lambda delta: delta.sum(axis=1)),
            "dE/db sums over the wrong axis: it needs one number for each unit, not one for each example.",
        ),
        Mistake(
            _with_bias(lambda delta: delta.mean(axis=0)),
            "dE/dw sums over the examples, but dE/db takes their mean. A bias is a weight like the others.",
        ),
        Mistake(
            lambda delta, a: (delta.T @ a, (delta.T @ a).sum(axis=1)),
            "dE/db multiplies by the inputs. The bias's own input is always 1, so dE/db just sums delta.",
        ),
    ],
    hint="One example alone gives np.outer(delta, a). A batch gives the sum of these: one matrix product.",
)

EXERCISES = [OUTPUT_DELTA, HIDDEN_DELTA, WEIGHT_GRADIENTS]
