"""One step of every optimizer, as its paper writes it, in NumPy.

Each function takes the weights w, the gradient g there (arrays of one shape) and the ``state`` that its last
call returned (None at first); it returns the new weights and the new state, and changes nothing in place.
"""

import numpy as np

Array = np.ndarray
State = tuple[Array | float, ...] | None
Step = tuple[Array, State]  # the new weights and the new state


def sgd(w: Array, g: Array, learning_rate: float) -> Array:
    """w - eta g. Robbins & Monro (1951)."""
    return w - learning_rate * g


def momentum(w: Array, g: Array, state: State, learning_rate: float, gamma: float = 0.9) -> Step:
    """v <- gamma v + eta g, w <- w - v: the velocity contains the rate. Polyak (1964)."""
    (v,) = state or (np.zeros_like(w),)
    v = gamma * v + learning_rate * g
    return w - v, (v,)


def nesterov(w: Array, g: Array, state: State, learning_rate: float, gamma: float = 0.9) -> Step:
    """v <- gamma v + eta g, w <- w - v, where g must be the gradient ahead, at w - gamma v.

    Where to take it: ``w - gamma * state[0]``. Sutskever et al. (2013), equations 3 and 4.
    """
    return momentum(w, g, state, learning_rate, gamma)


def adagrad(w: Array, g: Array, state: State, learning_rate: float, eps: float = 1e-10) -> Step:
    """G <- G + g^2, w <- w - eta g / (sqrt(G) + eps). Duchi, Hazan & Singer (2011)."""
    (total,) = state or (np.zeros_like(w),)
    total = total + g**2
    return w - learning_rate * g / (np.sqrt(total) + eps), (total,)


def adadelta(w: Array, g: Array, state: State, rho: float = 0.9, eps: float = 1e-6) -> Step:
    """delta = -RMS[delta] / RMS[g] g, w <- w + delta. Zeiler (2012), algorithm 1."""
    mean_g2, mean_d2 = state or (np.zeros_like(w), np.zeros_like(w))
    mean_g2 = rho * mean_g2 + (1 - rho) * g**2
    delta = -np.sqrt(mean_d2 + eps) / np.sqrt(mean_g2 + eps) * g
    mean_d2 = rho * mean_d2 + (1 - rho) * delta**2
    return w + delta, (mean_g2, mean_d2)


def rmsprop(
    w: Array, g: Array, state: State, learning_rate: float, alpha: float = 0.99, eps: float = 1e-8
) -> Step:
    """s <- alpha s + (1 - alpha) g^2, w <- w - eta g / (sqrt(s) + eps). Tieleman & Hinton (2012)."""
    (mean_g2,) = state or (np.zeros_like(w),)
    mean_g2 = alpha * mean_g2 + (1 - alpha) * g**2
    return w - learning_rate * g / (np.sqrt(mean_g2) + eps), (mean_g2,)


def adam(
    w: Array,
    g: Array,
    state: State,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    decay: float = 0.0,
) -> Step:
    """Adam; AdamW with a ``decay``: w <- (1 - eta decay) w first. Kingma & Ba (2015), algorithm 1."""
    t, m, v = state or (0.0, np.zeros_like(w), np.zeros_like(w))
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    w = (1 - learning_rate * decay) * w
    return w - learning_rate * m_hat / (np.sqrt(v_hat) + eps), (t, m, v)
