"""Gradients by central differences: slow, approximate, and independent of any backward pass."""

from collections.abc import Callable

import numpy as np


def numerical_gradient(f: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """The gradient of a number f(x), entry by entry: (f(x + h) - f(x - h)) / 2h, of x's shape.

    Truncation costs about h^2 and rounding about 1e-16 / h: they balance near h = 1e-5. f is called twice for
    each entry, with a float64 copy of x.
    """
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        here = x[index]
        x[index] = here + h
        above = f(x)
        x[index] = here - h
        below = f(x)
        x[index] = here
        gradient[index] = (above - below) / (2 * h)
    return gradient


def relative_error(gradient: np.ndarray, numerical: np.ndarray) -> float:
    """|g - n| / (|g| + |n|), 0 if both vanish: about 1e-7 or less is right, above 1e-3 there is a bug."""
    scale = np.linalg.norm(gradient) + np.linalg.norm(numerical)
    return float(np.linalg.norm(gradient - numerical) / scale) if scale > 0 else 0.0
