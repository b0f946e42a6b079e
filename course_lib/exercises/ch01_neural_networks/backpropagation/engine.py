"""An exercise on the autograd engine: a node of one's own."""

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "01_neural_networks/backpropagation"

Both = tuple[np.ndarray, np.ndarray]


def logsumexp_node(z: np.ndarray, grad: np.ndarray) -> Both:
    """Forward and backward of log sum_j e^z_j along each row."""
    top = z.max(axis=1, keepdims=True)
    e = np.exp(z - top)
    total = e.sum(axis=1, keepdims=True)
    return (top + np.log(total))[:, 0], grad[:, None] * e / total


def _from_value(z: np.ndarray, grad: np.ndarray) -> Both:
    value = np.logaddexp.reduce(z, axis=1)
    return value, grad[:, None] * np.exp(z - value[:, None])


def _overflowing(z: np.ndarray, grad: np.ndarray) -> Both:
    e = np.exp(z)
    total = e.sum(axis=1)
    return np.log(total), grad[:, None] * e / total[:, None]


def _without_top(z: np.ndarray, grad: np.ndarray) -> Both:
    value, dz = logsumexp_node(z, grad)
    return value - z.max(axis=1), dz


def _one_hot(z: np.ndarray, grad: np.ndarray) -> Both:
    value, _ = logsumexp_node(z, grad)
    return value, grad[:, None] * np.eye(z.shape[1])[z.argmax(axis=1)]


def _unnormalised(z: np.ndarray, grad: np.ndarray) -> Both:
    value, _ = logsumexp_node(z, grad)
    return value, grad[:, None] * np.exp(z - z.max(axis=1, keepdims=True))


LOGSUMEXP_NODE = Exercise(
    id="backpropagation/logsumexp_node",
    section=SECTION,
    title="A node for the engine",
    reference=logsumexp_node,
    cases=[
        case(np.array([[0.0, 1.0]]), np.array([1.0]), label="one row, an arriving gradient of 1"),
        case(np.array([[0.5, -1.0, 2.0]]), np.array([-0.5]), label="an arriving gradient of -0.5"),
        case(
            np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5], [2.0, 2.0, -3.0]]),
            np.array([1.0, 2.0, -1.0]),
            label="three rows, a different gradient for each",
        ),
        case(np.array([[1000.0, 999.0], [0.0, 1.0]]), np.array([1.0, 0.5]), label="logits of a thousand"),
        case(np.array([[-1000.0, -1001.0]]), np.array([2.0]), label="logits of minus a thousand"),
        case(np.array([[3.0], [-2.0]]), np.array([1.5, 4.0]), label="a single column"),
    ],
    alternatives=[_from_value],
    mistakes=[
        Mistake(
            lambda z, grad: (grad * logsumexp_node(z, grad)[0], logsumexp_node(z, grad)[1]),
            "The value is multiplied by grad. What arrives belongs to the way back only; the value is just forward.",
        ),
        Mistake(
            lambda z, grad: (
                logsumexp_node(z, grad)[0],
                (lambda p: grad[:, None] * p * (1 - p))(logsumexp_node(z, np.ones_like(grad))[1]),
            ),
            "p (1 - p) is the derivative of the softmax. Here the softmax p itself is the derivative, of the logsumexp.",
        ),
        Mistake(
            lambda z, grad: (logsumexp_node(z, grad)[0], grad * logsumexp_node(z, np.ones_like(grad))[1]),
            "grad multiplies columns here. It has one number for each row: grad[:, None].",
        ),
        Mistake(
            _overflowing,
            "Right on small numbers, but e^1000 overflows and e^-1000 is 0. Subtract the row's top first.",
        ),
        Mistake(
            _without_top,
            "The value has lost the largest entry: after subtracting it inside, add it back outside the log.",
        ),
        Mistake(
            lambda z, grad: (logsumexp_node(z, grad)[0], logsumexp_node(z, np.ones_like(grad))[1]),
            "The arriving gradient is ignored. A node multiplies its own derivative by what arrives.",
        ),
        Mistake(
            _one_hot,
            "This sends all of it to the largest entry, as a maximum would. Here every entry gets a share.",
        ),
        Mistake(
            _unnormalised,
            "The shares do not add up to 1. The derivative of log S is 1 / S times the derivative of S.",
        ),
        Mistake(
            lambda z, grad: (
                logsumexp_node(z, grad)[0],
                logsumexp_node(z, grad)[1] - grad[:, None] / z.shape[1],
            ),
            "Something is subtracted from the shares. In cross-entropy the label does that, not this node.",
        ),
    ],
    hint="d/dz_i log(sum_j e^z_j) = e^z_i / sum_j e^z_j, a softmax. Multiply its rows by grad[:, None].",
)

EXERCISES = [LOGSUMEXP_NODE]
