"""Losses and their gradients, in NumPy.

Each loss first has a value for each entry (or, for classes, each position); ``reduction`` then takes their
"mean", their "sum", or "none". Each ``..._backward`` gives dE/dx of x's shape from ``grad_out`` = dE/dloss, a
number, or an array of the loss's shape with "none". All arrays are float64.

Source: Bridle (1990), softmax and cross-entropy; Szegedy et al. (2016), Rethinking the Inception
architecture, section 7 (label smoothing); Girshick (2015), Fast R-CNN, equation 3 (smooth L1).
"""

from typing import Any

import numpy as np

from course_lib.reference import activations


def mse_loss(x: np.ndarray, target: np.ndarray, reduction: str = "mean") -> Any:
    """(x - target)^2: the negative log-likelihood of normal noise, up to constants."""
    return _reduce((x - target) ** 2, reduction, x.size)


def mse_loss_backward(
    grad_out: Any, x: np.ndarray, target: np.ndarray, reduction: str = "mean"
) -> np.ndarray:
    """dE/dx = 2 (x - target): a large error pulls in proportion."""
    return _share(grad_out, reduction, x.size) * 2 * (x - target)


def l1_loss(x: np.ndarray, target: np.ndarray, reduction: str = "mean") -> Any:
    """|x - target|."""
    return _reduce(np.abs(x - target), reduction, x.size)


def l1_loss_backward(grad_out: Any, x: np.ndarray, target: np.ndarray, reduction: str = "mean") -> np.ndarray:
    """dE/dx = sign(x - target), 0 where they are equal."""
    return _share(grad_out, reduction, x.size) * np.sign(x - target)


def smooth_l1_loss(x: np.ndarray, target: np.ndarray, reduction: str = "mean", beta: float = 1.0) -> Any:
    """d^2 / (2 beta) where d = |x - target| < beta, else d - beta / 2: the pieces meet in value and slope.

    beta = 0 is ``l1_loss``.
    """
    d = np.abs(x - target)
    near = d < beta
    return _reduce(np.where(near, d**2 / (2 * beta if beta else 1), d - beta / 2), reduction, x.size)


def smooth_l1_loss_backward(
    grad_out: Any, x: np.ndarray, target: np.ndarray, reduction: str = "mean", beta: float = 1.0
) -> np.ndarray:
    """dE/dx = (x - target) / beta, clipped to [-1, 1]: an outlier pulls no harder than beta does."""
    if beta == 0:
        return l1_loss_backward(grad_out, x, target, reduction)
    return _share(grad_out, reduction, x.size) * np.clip((x - target) / beta, -1, 1)


def binary_cross_entropy_with_logits(
    x: np.ndarray,
    target: np.ndarray,
    weight: Any = 1.0,
    pos_weight: Any = 1.0,
    reduction: str = "mean",
) -> Any:
    """-weight (pos_weight t log s(x) + (1 - t) log(1 - s(x))), with s the sigmoid, t the target in [0, 1].

    log s(x) = -softplus(-x) and log(1 - s(x)) = -softplus(x): no logarithm of 0, however large x.
    """
    each = pos_weight * target * activations.softplus(-x) + (1 - target) * activations.softplus(x)
    return _reduce(weight * each, reduction, x.size)


def binary_cross_entropy_with_logits_backward(
    grad_out: Any,
    x: np.ndarray,
    target: np.ndarray,
    weight: Any = 1.0,
    pos_weight: Any = 1.0,
    reduction: str = "mean",
) -> np.ndarray:
    """dE/dx = s(x) - target without weights: the slope does not vanish where a confident answer is wrong."""
    s = activations.sigmoid(x)
    each = weight * ((1 - target) * s - pos_weight * target * activations.sigmoid(-x))
    return _share(grad_out, reduction, x.size) * each


def log_softmax(z: np.ndarray, axis: int) -> np.ndarray:
    """z_c - log sum_j e^z_j, the largest z_j subtracted first: log-sum-exp without overflow."""
    shifted = z - z.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def nll_loss(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """-weight_t x_t at each position, for log-probabilities x (n, c, ...) and classes ``target`` (n, ...).

    A position whose target is ``ignore_index`` counts nothing. The mean divides by the sum of the weights
    weight_t.
    """
    q = _weighted_one_hot(x, target, weight, ignore_index)
    return _reduce(-_dot(q, x), reduction, q.sum())


def nll_loss_backward(
    grad_out: Any,
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> np.ndarray:
    """dE/dx = -weight_t for the target's class, 0 for the others."""
    q = _weighted_one_hot(x, target, weight, ignore_index)
    return -q * _at_classes(_share(grad_out, reduction, q.sum()), x)


def cross_entropy(
    z: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """-sum_c q_c log softmax(z)_c at each position, for logits z (n, c, ...).

    ``target`` holds classes (n, ...) or, in z's shape, probabilities t. q_c = weight_c ((1 - e) t_c + e / C),
    with t one-hot for classes, e = ``label_smoothing`` and C the number of classes. The mean over classes
    divides by the sum of the weights of the targets, as in ``nll_loss``; the mean over probabilities by the
    number of positions.
    """
    q, divisor = _cross_entropy_targets(z, target, weight, ignore_index, label_smoothing)
    return _reduce(-_dot(q, log_softmax(z, _class_axis(z))), reduction, divisor)


def cross_entropy_backward(
    grad_out: Any,
    z: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> np.ndarray:
    """dE/dz_k = softmax(z)_k sum_c q_c - q_k: without weights p - q, the belief less the target."""
    q, divisor = _cross_entropy_targets(z, target, weight, ignore_index, label_smoothing)
    axis = _class_axis(z)
    each = activations.softmax(z, axis=axis) * q.sum(axis=axis, keepdims=True) - q
    return each * _at_classes(_share(grad_out, reduction, divisor), z)


def _cross_entropy_targets(
    z: np.ndarray, target: np.ndarray, weight: np.ndarray | None, ignore_index: int, label_smoothing: float
) -> tuple[np.ndarray, float]:
    """The weighted probabilities q of z's shape, and what the mean divides by."""
    axis, ones = _class_axis(z), np.ones(z.shape)
    weights = _at_weights(weight, z)
    uniform = ones / z.shape[axis]
    if target.shape == z.shape:
        q = weights * ((1 - label_smoothing) * target + label_smoothing * uniform)
        return q, z.size / z.shape[axis]
    counts = ones * np.expand_dims(target != ignore_index, axis)
    weighted = _weighted_one_hot(z, target, weight, ignore_index)
    return (1 - label_smoothing) * weighted + label_smoothing * uniform * weights * counts, weighted.sum()


def _weighted_one_hot(
    x: np.ndarray, target: np.ndarray, weight: np.ndarray | None, ignore_index: int
) -> np.ndarray:
    """weight_t at the target's class and 0 at the others, all 0 where the target is ignored; of x's shape."""
    axis = _class_axis(x)
    target = np.asarray(target)
    if target.shape != x.shape[:axis] + x.shape[axis + 1 :]:
        raise ValueError(f"target must have x's shape {x.shape} without the classes, got {target.shape}")
    used = target[target != ignore_index]
    if ((used < 0) | (used >= x.shape[axis])).any():
        raise ValueError(
            f"target must have classes 0 ... {x.shape[axis] - 1}, got {used.min()} ... {used.max()}"
        )
    classes = np.arange(x.shape[axis]).reshape((-1,) + (1,) * (x.ndim - axis - 1))
    target = np.expand_dims(target, axis)
    return _at_weights(weight, x) * ((target == classes) & (target != ignore_index))


def _dot(q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """sum_c q_c x_c at each position, with 0 times log 0 = 0."""
    return np.where(q == 0, 0, q * np.where(q == 0, 0, x)).sum(axis=_class_axis(x))


def _class_axis(x: np.ndarray) -> int:
    return 1 if x.ndim > 1 else 0


def _at_weights(weight: np.ndarray | None, x: np.ndarray) -> np.ndarray:
    """The class weights (c,), or ones, in a shape that multiplies x."""
    axis = _class_axis(x)
    weights = np.ones(x.shape[axis]) if weight is None else weight
    return np.reshape(weights, (-1,) + (1,) * (x.ndim - axis - 1))


def _at_classes(share: Any, x: np.ndarray) -> Any:
    """A gradient for each position, or one for all, in a shape that multiplies x."""
    return share if np.ndim(share) == 0 else np.expand_dims(share, _class_axis(x))


def _reduce(each: np.ndarray, reduction: str, divisor: float) -> Any:
    if reduction == "none":
        return each
    with np.errstate(invalid="ignore"):  # the mean of nothing is NaN
        return each.sum() / np.float64(_divisor(reduction, divisor))


def _share(grad_out: Any, reduction: str, divisor: float) -> Any:
    """What each entry gets of the loss's gradient."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return grad_out / np.float64(1 if reduction == "none" else _divisor(reduction, divisor))


def _divisor(reduction: str, divisor: float) -> float:
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    return divisor if reduction == "mean" else 1.0
