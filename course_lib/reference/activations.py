"""Activation functions and their derivatives: what the formulas say, in NumPy.

Everywhere, ``z`` is a float array of any shape (the pre-activations; a plain number works too). ``name(z)``
is the activation g(z) and ``name_derivative(z)`` is g'(z), both entry by entry and of z's shape. Softmax
mixes entries, so it has a Jacobian and a backward pass instead. At a kink, where g' does not exist, the value
is PyTorch's choice.
"""

import math

import numpy as np

# Klambauer et al. (2017), section 2: with this pair, mean 0 and variance 1 survive from layer to layer.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946

Slope = float | np.ndarray
_erf = np.vectorize(math.erf, otypes=[np.float64])  # NumPy has none


def identity(z: np.ndarray) -> np.ndarray:
    """g(z) = z: no activation, as at the output of a regression."""
    return z * 1.0


def identity_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z) = 1."""
    return np.ones_like(z)


def step(z: np.ndarray) -> np.ndarray:
    """g(z) = 1 if z > 0 else 0: fires or not. McCulloch & Pitts (1943); Rosenblatt (1958)."""
    return np.heaviside(z, 0.0)


def step_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z) = 0: the slope teaches nothing, which is why a step cannot be trained by gradient descent."""
    return np.zeros_like(z)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """g(z) = 1 / (1 + e^-z), in (0, 1). Rumelhart, Hinton & Williams (1986), equation 2."""
    e = np.exp(-np.abs(z))  # at most 1: cannot overflow
    return np.where(z >= 0, 1.0, e) / (1.0 + e)  # for z < 0, numerator and denominator times e^z


def sigmoid_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z) = g(z) (1 - g(z)) = g(z) g(-z), at most 1/4: deep stacks of sigmoids lose the gradient."""
    return sigmoid(z) * sigmoid(-z)


def tanh(z: np.ndarray) -> np.ndarray:
    """g(z) = (e^z - e^-z) / (e^z + e^-z), in (-1, 1) and zero-centred. LeCun et al. (1998), section 4.4."""
    return np.tanh(z)


def tanh_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z) = 1 - g(z)^2, at most 1."""
    return 1.0 - np.tanh(z) ** 2


def hardtanh(z: np.ndarray, min_val: float = -1.0, max_val: float = 1.0) -> np.ndarray:
    """g(z) = z clipped to [min_val, max_val]. Collobert et al. (2011), section 3.3.1."""
    return np.clip(z, min_val, max_val)


def hardtanh_derivative(z: np.ndarray, min_val: float = -1.0, max_val: float = 1.0) -> np.ndarray:
    """g'(z) = 1 strictly inside the limits, else 0."""
    return np.where((z > min_val) & (z < max_val), 1.0, 0.0)


def relu(z: np.ndarray) -> np.ndarray:
    """g(z) = max(0, z). Nair & Hinton (2010), section 2; Glorot, Bordes & Bengio (2011)."""
    return np.maximum(z, 0.0)


def relu_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z) = 1 if z > 0 else 0."""
    return np.heaviside(z, 0.0)


def relu6(z: np.ndarray) -> np.ndarray:
    """g(z) = z clipped to [0, 6]. Krizhevsky (2010), Convolutional deep belief networks on CIFAR-10."""
    return hardtanh(z, 0.0, 6.0)


def relu6_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z) = 1 strictly between 0 and 6, else 0."""
    return hardtanh_derivative(z, 0.0, 6.0)


def leaky_relu(z: np.ndarray, negative_slope: Slope = 0.01) -> np.ndarray:
    """g(z) = z if z > 0 else negative_slope z. Maas, Hannun & Ng (2013), equation 3."""
    return np.where(z > 0, z, negative_slope * z)


def leaky_relu_derivative(z: np.ndarray, negative_slope: Slope = 0.01) -> np.ndarray:
    """g'(z) = 1 if z > 0 else negative_slope."""
    return np.where(z > 0, 1.0, negative_slope)


def rrelu(
    z: np.ndarray, lower: float = 1 / 8, upper: float = 1 / 3, slopes: np.ndarray | None = None
) -> np.ndarray:
    """g(z) = z if z > 0 else a z, with a random slope a. Xu et al. (2015), section 2.4.

    Training: give ``slopes``, one draw from U(lower, upper) for each entry of z. Evaluation (None): every
    slope is the mean (lower + upper) / 2. The paper divides z by a draw from U(3, 8); PyTorch multiplies by
    one from U(1/8, 1/3).
    """
    return leaky_relu(z, (lower + upper) / 2 if slopes is None else slopes)


def rrelu_derivative(
    z: np.ndarray, lower: float = 1 / 8, upper: float = 1 / 3, slopes: np.ndarray | None = None
) -> np.ndarray:
    """g'(z) = 1 if z > 0 else a, with the slope a used in the forward pass."""
    return leaky_relu_derivative(z, (lower + upper) / 2 if slopes is None else slopes)


def prelu(z: np.ndarray, weight: Slope = 0.25) -> np.ndarray:
    """g(z) = z if z > 0 else a z, with a learned slope a. He et al. (2015), equation 1.

    ``weight`` is one slope for all entries, or one for each channel: shape (c,) for z of shape (n, c, ...).
    """
    return leaky_relu(z, _per_channel(weight, z))


def prelu_derivative(z: np.ndarray, weight: Slope = 0.25) -> np.ndarray:
    """g'(z) = 1 if z > 0 else a."""
    return leaky_relu_derivative(z, _per_channel(weight, z))


def prelu_weight_gradient(grad: np.ndarray, z: np.ndarray, weight: Slope = 0.25) -> np.ndarray:
    """Gradient of the loss for the slopes, of weight's shape. He et al. (2015), equations 2 and 3.

    dg/da = 0 if z > 0 else z; ``grad`` (z's shape) weighs it, and all entries that share a slope are summed.
    """
    entries = grad * np.minimum(z, 0.0)
    if np.size(weight) == 1:
        return entries.sum().reshape(np.shape(weight))
    return entries.sum(axis=tuple(axis for axis in range(z.ndim) if axis != 1))


def _per_channel(weight: Slope, z: np.ndarray) -> np.ndarray:
    """Shape the slopes so that they broadcast along axis 1 of z: (c,) -> (c, 1, ..., 1)."""
    if np.size(weight) == 1:
        return np.reshape(weight, ())
    return np.reshape(weight, (-1, *[1] * (z.ndim - 2)))


def elu(z: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """g(z) = z if z > 0 else alpha (e^z - 1). Clevert, Unterthiner & Hochreiter (2016), section 3."""
    # np.where evaluates both branches: the minimum keeps the unused one from overflowing
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0)))


def elu_derivative(z: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """g'(z) = 1 if z > 0 else alpha e^z."""
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0.0)))


def selu(z: np.ndarray) -> np.ndarray:
    """g(z) = scale (z if z > 0 else alpha (e^z - 1)). Klambauer et al. (2017), equation 2."""
    return SELU_SCALE * elu(z, SELU_ALPHA)


def selu_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z) = scale (1 if z > 0 else alpha e^z)."""
    return SELU_SCALE * elu_derivative(z, SELU_ALPHA)


def gelu(z: np.ndarray) -> np.ndarray:
    """g(z) = z Phi(z), with Phi the standard normal's distribution function. Hendrycks & Gimpel (2016)."""
    return z * _normal_cdf(z)


def gelu_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z) = Phi(z) + z phi(z), phi the standard normal's density; negative below z = -0.75."""
    return _normal_cdf(z) + z * np.exp(-z * z / 2.0) / np.sqrt(2.0 * np.pi)


def _normal_cdf(z: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + _erf(z / np.sqrt(2.0)))


def gelu_tanh(z: np.ndarray) -> np.ndarray:
    """g(z) = z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3))), GELU's approximation (the same section)."""
    return 0.5 * z * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (z + 0.044715 * z**3)))


def gelu_tanh_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z), by the product rule and the chain rule, with t the tanh in g."""
    t = np.tanh(np.sqrt(2.0 / np.pi) * (z + 0.044715 * z**3))
    return 0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * np.sqrt(2.0 / np.pi) * (1.0 + 3.0 * 0.044715 * z * z)


def silu(z: np.ndarray) -> np.ndarray:
    """g(z) = z sigmoid(z). Elfwing, Uchibe & Doya (2018), section 2; also known as swish."""
    return z * sigmoid(z)


def silu_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z) = s (1 + z (1 - s)) with s = sigmoid(z); negative below z = -1.28."""
    return sigmoid(z) * (1.0 + z * sigmoid(-z))


def softplus(z: np.ndarray, beta: float = 1.0) -> np.ndarray:
    """g(z) = log(1 + e^(beta z)) / beta, a smooth ReLU. Dugas et al. (2001)."""
    return np.logaddexp(0.0, beta * z) / beta  # log(e^0 + e^(beta z)) without ever forming e^(beta z)


def softplus_derivative(z: np.ndarray, beta: float = 1.0) -> np.ndarray:
    """g'(z) = sigmoid(beta z)."""
    return sigmoid(beta * z)


def softsign(z: np.ndarray) -> np.ndarray:
    """g(z) = z / (1 + |z|), in (-1, 1): saturates more slowly than tanh. Bergstra et al. (2009)."""
    return z / (1.0 + np.abs(z))


def softsign_derivative(z: np.ndarray) -> np.ndarray:
    """g'(z) = 1 / (1 + |z|)^2."""
    return 1.0 / (1.0 + np.abs(z)) ** 2


def softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    """s_i = e^z_i / sum_j e^z_j along ``axis``: positive, of sum 1. Bridle (1990).

    Adding a constant to all z_j changes nothing, so the largest is subtracted: no exponential exceeds 1.
    """
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_jacobian(z: np.ndarray) -> np.ndarray:
    """All derivatives ds_i/dz_j = s_i ([i = j] - s_j) of one vector: z (k,) -> (k, k), symmetric."""
    s = softmax(z)
    return np.diag(s) - np.outer(s, s)


def softmax_backward(grad: np.ndarray, z: np.ndarray, axis: int = -1) -> np.ndarray:
    """dE/dz from ``grad`` = dE/ds (z's shape): s_i (grad_i - sum_j grad_j s_j), the Jacobian never formed."""
    s = softmax(z, axis)
    return s * (grad - np.sum(grad * s, axis=axis, keepdims=True))
