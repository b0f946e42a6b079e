"""Batch, layer and group normalization, forward and backward, in NumPy.

All of them standardize, x_hat = (x - mean) / sqrt(variance + eps), and then scale and shift, y = weight *
x_hat + bias; they differ in the entries that share a mean and a variance. The variance is the mean of the
squared deviations (divided by m, not m - 1), never E[x^2] - E[x]^2: at mean 1e4 in float32, that difference
of two numbers near 1e8 has no correct digit left. Axis 0 holds the examples and axis 1 the channels. All
arrays are float64.

Source: Ioffe & Szegedy (2015), Batch normalization, algorithm 1 and the equations after it; Ba, Kiros &
Hinton (2016), Layer normalization, section 3; Wu & He (2018), Group normalization, section 3.
"""

import numpy as np

Axes = tuple[int, ...]
Gradients = tuple[np.ndarray, np.ndarray, np.ndarray]  # dE/dx, dE/dweight, dE/dbias


def standardize(x: np.ndarray, axes: Axes, eps: float = 1e-5) -> np.ndarray:
    """x_hat = (x - mean) / sqrt(variance + eps), with the statistics over ``axes``: mean 0, variance 1."""
    deviation = x - x.mean(axis=axes, keepdims=True)
    variance = (deviation**2).mean(axis=axes, keepdims=True)
    return deviation / np.sqrt(variance + eps)


def standardize_backward(grad_out: np.ndarray, x: np.ndarray, axes: Axes, eps: float = 1e-5) -> np.ndarray:
    """dE/dx from ``grad_out`` = dE/dx_hat, both of x's shape.

    x reaches x_hat on three paths: directly, through the mean and through the variance. With s =
    sqrt(variance + eps) and means over ``axes``, the three terms are

        dE/dx = (grad_out - mean(grad_out) - x_hat mean(grad_out x_hat)) / s.

    So the gradient is orthogonal to a constant, and (with eps = 0) to x_hat: x + c and c x have the same
    x_hat.
    """
    deviation = x - x.mean(axis=axes, keepdims=True)
    s = np.sqrt((deviation**2).mean(axis=axes, keepdims=True) + eps)
    x_hat = deviation / s
    through_mean = grad_out.mean(axis=axes, keepdims=True)
    through_variance = x_hat * (grad_out * x_hat).mean(axis=axes, keepdims=True)
    return (grad_out - through_mean - through_variance) / s


def batch_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Normalize each channel over the batch (and all positions), as in training.

    x (n, c, ...), weight (c,), bias (c,) -> y of x's shape.
    """
    return _by_channel(weight, x) * standardize(x, _all_but_channels(x), eps) + _by_channel(bias, x)


def batch_norm_backward(
    grad_out: np.ndarray, x: np.ndarray, weight: np.ndarray, eps: float = 1e-5
) -> Gradients:
    """dE/dx (n, c, ...), dE/dweight (c,), dE/dbias (c,) from ``grad_out`` = dE/dy."""
    axes = _all_but_channels(x)
    x_hat = standardize(x, axes, eps)
    dx = standardize_backward(grad_out * _by_channel(weight, x), x, axes, eps)
    return dx, (grad_out * x_hat).sum(axis=axes), grad_out.sum(axis=axes)


def running_statistics(
    x: np.ndarray, running_mean: np.ndarray, running_var: np.ndarray, momentum: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """The running mean and variance (c,) after the batch x (n, c, ...), as new arrays.

    running <- (1 - momentum) running + momentum batch. The batch's variance is divided by m - 1 here, m = n
    times the number of positions: an unbiased estimate of what the test will see.
    """
    axes = _all_but_channels(x)
    m = x.size / x.shape[1]
    mean = x.mean(axis=axes)
    var = ((x - _by_channel(mean, x)) ** 2).sum(axis=axes) / (m - 1)
    return (1 - momentum) * running_mean + momentum * mean, (1 - momentum) * running_var + momentum * var


def batch_norm_eval(
    x: np.ndarray, mean: np.ndarray, var: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float = 1e-5
) -> np.ndarray:
    """Normalize each channel with the fixed statistics ``mean`` and ``var`` (c,), as at test time.

    An affine function of x: it can be folded into the layer before.
    """
    scale = weight / np.sqrt(var + eps)
    return _by_channel(scale, x) * (x - _by_channel(mean, x)) + _by_channel(bias, x)


def batch_norm_eval_backward(
    grad_out: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    weight: np.ndarray,
    eps: float = 1e-5,
) -> Gradients:
    """dE/dx, dE/dweight (c,), dE/dbias (c,): the statistics are constants, so dE/dx is a mere scaling."""
    axes = _all_but_channels(x)
    s = np.sqrt(var + eps)
    x_hat = (x - _by_channel(mean, x)) / _by_channel(s, x)
    return grad_out * _by_channel(weight / s, x), (grad_out * x_hat).sum(axis=axes), grad_out.sum(axis=axes)


def layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Normalize each example over its last axes: those of weight and bias, x (..., *weight.shape)."""
    return weight * standardize(x, _last_axes(weight), eps) + bias


def layer_norm_backward(
    grad_out: np.ndarray, x: np.ndarray, weight: np.ndarray, eps: float = 1e-5
) -> Gradients:
    """dE/dx of x's shape, dE/dweight and dE/dbias of weight's, from ``grad_out`` = dE/dy."""
    axes = _last_axes(weight)
    examples = tuple(range(x.ndim - weight.ndim))
    x_hat = standardize(x, axes, eps)
    dx = standardize_backward(grad_out * weight, x, axes, eps)
    return dx, (grad_out * x_hat).sum(axis=examples), grad_out.sum(axis=examples)


def group_norm(
    x: np.ndarray, num_groups: int, weight: np.ndarray, bias: np.ndarray, eps: float = 1e-5
) -> np.ndarray:
    """Normalize each example over groups of neighbouring channels and all positions.

    x (n, c, ...), weight (c,), bias (c,), with c a multiple of ``num_groups``. One group is layer
    normalization over all of an example (but for the shape of the weights); c groups are instance
    normalization.
    """
    x_hat = standardize(_grouped(x, num_groups), (2,), eps).reshape(x.shape)
    return _by_channel(weight, x) * x_hat + _by_channel(bias, x)


def group_norm_backward(
    grad_out: np.ndarray, x: np.ndarray, num_groups: int, weight: np.ndarray, eps: float = 1e-5
) -> Gradients:
    """dE/dx (n, c, ...), dE/dweight (c,), dE/dbias (c,) from ``grad_out`` = dE/dy."""
    axes = _all_but_channels(x)
    groups = _grouped(x, num_groups)
    x_hat = standardize(groups, (2,), eps).reshape(x.shape)
    grad_hat = _grouped(grad_out * _by_channel(weight, x), num_groups)
    dx = standardize_backward(grad_hat, groups, (2,), eps).reshape(x.shape)
    return dx, (grad_out * x_hat).sum(axis=axes), grad_out.sum(axis=axes)


def _by_channel(vector: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Shape (c,) as (1, c, 1, ...), to multiply x (n, c, ...)."""
    return np.reshape(vector, (1, -1) + (1,) * (x.ndim - 2))


def _all_but_channels(x: np.ndarray) -> Axes:
    return (0, *range(2, x.ndim))


def _last_axes(weight: np.ndarray) -> Axes:
    return tuple(range(-weight.ndim, 0))


def _grouped(x: np.ndarray, num_groups: int) -> np.ndarray:
    """Shape (n, c, ...) as (n, groups, all entries of a group)."""
    if x.shape[1] % num_groups:
        raise ValueError(f"num_groups must divide the {x.shape[1]} channels of x, got {num_groups}")
    return x.reshape(len(x), num_groups, x.size // (len(x) * num_groups))
