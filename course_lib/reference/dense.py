"""A dense net of any depth, forward and backward, in NumPy: the four steps of backpropagation.

Layer l = 1 ... L computes z_l = a_{l-1} w_l^T + b_l and a_l = g(z_l), with a_0 = x. Going back, its error
signal is delta_l = dE/dz_l. Each row is an example: x and a_0 are (n, d_0), and z_l, a_l and delta_l are
(n, d_l); w_l is (d_l, d_{l-1}) and b_l is (d_l,), as in torch.nn.Linear. ``params`` is the list of the L
pairs (w_l, b_l), ``grads`` the list of the pairs (dE/dw_l, dE/db_l). All arrays are float64.

Source: Rumelhart, Hinton & Williams (1986), Learning representations by back-propagating errors, Nature 323.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from course_lib.reference import activations

Params = list[tuple[np.ndarray, np.ndarray]]
Function = Callable[[np.ndarray], np.ndarray]


class Cache(NamedTuple):
    """What the forward pass keeps for the backward pass."""

    z: list[np.ndarray]  # z_1 ... z_L, so z_l is z[l - 1]
    a: list[np.ndarray]  # a_0 = x ... a_L, so a_l is a[l]
    activation: str


def dense(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """One layer's weighted sums: x (n, d_in), w (d_out, d_in), b (d_out,) -> z (n, d_out)."""
    return x @ w.T + b


def dense_backward(
    grad_out: np.ndarray, x: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One layer's gradients dE/dx (n, d_in), dE/dw (d_out, d_in), dE/db (d_out,) from ``grad_out`` = dE/dz.

    dE/dw_ji sums grad_out_j x_i over the examples; b is a weight whose input is always 1.
    """
    return grad_out @ w, grad_out.T @ x, grad_out.sum(axis=0)


def init(sizes: Sequence[int], rng: np.random.Generator, gain: float = 1.0) -> Params:
    """Small random weights and zero biases for layers of ``sizes`` = (d_0, ..., d_L).

    w_l is normal with mean 0 and standard deviation gain / sqrt(d_{l-1}), so that the weighted sums neither
    grow nor shrink with the width (LeCun et al., 1998, Efficient BackProp, section 4.6). With ReLU, sqrt(2).
    """
    return [
        (rng.normal(0.0, gain / np.sqrt(d_in), (d_out, d_in)), np.zeros(d_out))
        for d_in, d_out in itertools.pairwise(sizes)
    ]


def forward(
    params: Params, x: np.ndarray, activation: str = "sigmoid", output: str = "identity"
) -> tuple[np.ndarray, Cache]:
    """Step I: the net's output a_L (n, d_L), with every z_l and a_l kept on the way.

    ``activation`` names g of the hidden layers and ``output`` that of the last: functions of
    ``reference.activations`` that work entry by entry. A classifier keeps the identity, and its output (the
    logits) goes to ``softmax_cross_entropy``.

    Raises:
        ValueError: an unknown activation, or x that does not fit the first layer.
    """
    d_in = params[0][0].shape[1]
    if x.ndim != 2 or x.shape[1] != d_in:
        raise ValueError(f"x must have shape (n, {d_in}), got {x.shape}")
    functions = [_function_and_derivative(activation)[0]] * (len(params) - 1)
    functions.append(_function_and_derivative(output)[0])
    z, a = [], [x]
    for (w, b), g in zip(params, functions, strict=True):
        z.append(dense(a[-1], w, b))
        a.append(g(z[-1]))
    return a[-1], Cache(z, a, activation)


def backward(params: Params, cache: Cache, delta_out: np.ndarray) -> Params:
    """Steps II and III: the gradients of all layers from ``delta_out`` = delta_L = dE/dz_L (n, d_L).

    II: delta_{l-1} = g'(z_{l-1}) (delta_l w_l). III: dE/dw_l = delta_l^T a_{l-1}, and dE/db_l sums delta_l.
    With an output activation, delta_L = g'(z_L) dE/da_L: multiply by the derivative before calling.
    """
    _, g_prime = _function_and_derivative(cache.activation)
    grads: Params = []
    delta = delta_out
    for layer in range(len(params), 0, -1):
        w, _ = params[layer - 1]
        da, dw, db = dense_backward(delta, cache.a[layer - 1], w)
        grads.insert(0, (dw, db))
        if layer > 1:
            delta = g_prime(cache.z[layer - 2]) * da
    return grads


def update(params: Params, grads: Params, learning_rate: float) -> Params:
    """Step IV: w <- w - eta dE/dw and b <- b - eta dE/db, in new arrays."""
    return [
        (w - learning_rate * dw, b - learning_rate * db)
        for (w, b), (dw, db) in zip(params, grads, strict=True)
    ]


def half_squared_error(a: np.ndarray, t: np.ndarray) -> float:
    """E = 1/2 sum_k (a_k - t_k)^2, averaged over the n examples; a and the targets t are (n, k).

    The 1/2 cancels the 2 of the derivative. With one output it is J = 1/(2n) sum_i (a_i - t_i)^2.
    """
    return float(0.5 * np.sum(_differences(a, t) ** 2) / len(a))


def half_squared_error_derivative(a: np.ndarray, t: np.ndarray) -> np.ndarray:
    """dE/da = (a - t) / n, of shape (n, k)."""
    return _differences(a, t) / len(a)


def softmax_cross_entropy(z: np.ndarray, labels: np.ndarray) -> float:
    """E = -log softmax(z)_label, averaged over the n examples; z (n, k) logits, labels (n,) in 0 ... k-1.

    The logarithm is taken of the whole fraction, z_label - log sum_j e^z_j, so that it never meets log 0.
    """
    shifted = z - z.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-np.sum(_one_hot(labels, z) * log_probabilities) / len(z))


def softmax_cross_entropy_derivative(z: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """dE/dz = (softmax(z) - one-hot label) / n, of shape (n, k). Bridle (1990)."""
    return (activations.softmax(z, axis=1) - _one_hot(labels, z)) / len(z)


def _differences(a: np.ndarray, t: np.ndarray) -> np.ndarray:
    if np.shape(a) != np.shape(t):  # (n, 1) - (n,) would broadcast to (n, n) in silence
        raise ValueError(f"t must have a's shape {np.shape(a)}, got {np.shape(t)}")
    return a - t


def _one_hot(labels: np.ndarray, z: np.ndarray) -> np.ndarray:
    if np.shape(labels) != z.shape[:1]:
        raise ValueError(
            f"labels must have shape {z.shape[:1]}, one for each row of z, got {np.shape(labels)}"
        )
    return (np.asarray(labels)[:, np.newaxis] == np.arange(z.shape[1])).astype(float)


def _function_and_derivative(activation: str) -> tuple[Function, Function]:
    """Find g and g' by name."""
    names = [name.removesuffix("_derivative") for name in vars(activations) if name.endswith("_derivative")]
    if activation not in names:
        raise ValueError(f"activation must be one of {', '.join(names)}, got {activation!r}")
    return getattr(activations, activation), getattr(activations, f"{activation}_derivative")
