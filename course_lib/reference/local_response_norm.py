"""Local response normalization across channels, forward and backward, in NumPy.

Source: Krizhevsky, Sutskever & Hinton (2012), ImageNet classification with deep convolutional neural
networks, section 3.3. There alpha multiplies the sum over the window; here, as in PyTorch and Caffe, the
mean.
"""

import numpy as np


def local_response_norm(
    x: np.ndarray, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> np.ndarray:
    """y_c = x_c / d_c^beta with d_c = k + alpha / size * the sum of x_j^2 over the window of channel c.

    The window is j = c - size // 2, ..., c + (size - 1) // 2, as far as there are channels: an even window
    reaches one further to the left. x (n, c, ...) -> y of x's shape.
    """
    return x / _denominator(x, size, alpha, k) ** beta


def local_response_norm_backward(
    grad_out: np.ndarray, x: np.ndarray, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> np.ndarray:
    """dE/dx of x's shape from ``grad_out`` = dE/dy.

    dE/dx_j = grad_out_j / d_j^beta - 2 alpha beta / size x_j * the sum of grad_out_c x_c / d_c^(beta + 1)
    over the channels c whose window holds j.
    """
    d = _denominator(x, size, alpha, k)
    shared = grad_out * x / d ** (beta + 1)
    dx = grad_out / d**beta
    for c in range(x.shape[1]):
        for j in _window(c, size, x.shape[1]):
            dx[:, j] -= 2 * alpha * beta / size * x[:, j] * shared[:, c]
    return dx


def _denominator(x: np.ndarray, size: int, alpha: float, k: float) -> np.ndarray:
    d = np.full(x.shape, k, dtype=float)
    for c in range(x.shape[1]):
        for j in _window(c, size, x.shape[1]):
            d[:, c] += alpha / size * x[:, j] ** 2
    return d


def _window(c: int, size: int, channels: int) -> range:
    return range(max(0, c - size // 2), min(channels, c + (size - 1) // 2 + 1))
