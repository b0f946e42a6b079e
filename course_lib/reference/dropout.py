"""Dropout and DropConnect with the mask given, forward and backward, in NumPy.

A mask holds 1 where a number is kept and 0 where it is dropped, with probability p. What is kept is divided
by 1 - p in training ("inverted" dropout), so that the expectation over masks is the net without dropout, and
nothing needs to be done at test time. The papers scale at test time instead; their p is the probability to
keep.

Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), Dropout; Wan, Zeiler, Zhang, LeCun &
Fergus (2013), Regularization of neural networks using DropConnect.
"""

import numpy as np


def draw_mask(shape: tuple[int, ...], p: float, rng: np.random.Generator) -> np.ndarray:
    """A mask of ones, each replaced by 0 with probability p, independently."""
    return (rng.random(shape) >= p).astype(float)


def dropout(x: np.ndarray, mask: np.ndarray, p: float) -> np.ndarray:
    """y = x mask / (1 - p), of x's shape; p = 1 leaves only zeros.

    A mask of shape (n, c, 1, 1) for x (n, c, h, w) drops whole channels: neighbouring pixels say nearly the
    same, and one would give away what another one hides (Tompson et al., 2015, section 3.2).
    """
    return x * _scaled(mask, p)


def dropout_backward(grad_out: np.ndarray, mask: np.ndarray, p: float) -> np.ndarray:
    """dE/dx: the gradient passes where the unit was kept, scaled in the same way."""
    return grad_out * _scaled(mask, p)


def drop_connect(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, mask_w: np.ndarray, mask_b: np.ndarray, p: float
) -> np.ndarray:
    """y_no = (sum_i mask_noi w_oi x_ni + mask_no b_o) / (1 - p): links are dropped, anew for each example.

    x (n, d_in), w (d_out, d_in), b (d_out,), mask_w (n, d_out, d_in), mask_b (n, d_out) -> y (n, d_out).
    A mask with n = 1 is shared by all the examples.
    """
    links = w * _scaled(mask_w, p)
    return (links * x[:, np.newaxis, :]).sum(axis=2) + b * _scaled(mask_b, p)


def drop_connect_backward(
    grad_out: np.ndarray, x: np.ndarray, w: np.ndarray, mask_w: np.ndarray, mask_b: np.ndarray, p: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dE/dx (n, d_in), dE/dw (d_out, d_in), dE/db (d_out,): a dropped link learns nothing from an example."""
    scale_w, scale_b = _scaled(mask_w, p), _scaled(mask_b, p)
    dx = (grad_out[:, :, np.newaxis] * w * scale_w).sum(axis=1)
    dw = (grad_out[:, :, np.newaxis] * x[:, np.newaxis, :] * scale_w).sum(axis=0)
    return dx, dw, (grad_out * scale_b).sum(axis=0)


def drop_connect_moments(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, p: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance over the masks of what ``drop_connect`` gives, each (n, d_out), for p < 1.

    The mean is the net without masks, w x + b, and the variance p / (1 - p) (w^2 x^2 + b^2), squares entry by
    entry. Inference in the paper (section 3.2) draws samples of a normal distribution with these moments,
    passes each through the activation and averages: an estimate of E[a(u)], where the net without masks gives
    a(E[u]).
    """
    return x @ w.T + b, p / (1 - p) * (x**2 @ (w**2).T + b**2)


def _scaled(mask: np.ndarray, p: float) -> np.ndarray:
    return mask / (1 - p) if p < 1 else np.zeros_like(mask)
