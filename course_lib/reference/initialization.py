"""How wide to draw the first weights, so that signals and gradients neither fade nor explode, in NumPy.

A weighted sum z = sum_i w_i x_i over fan_in inputs, with weights of mean 0 drawn independently of them, has
Var z = fan_in Var w E[x^2]. Going back, a gradient is such a sum over fan_out. Each rule below picks Var w so
that one of the two, or both as far as possible, keeps its variance from layer to layer.
"""

import math


def fan_in_and_fan_out(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many weights meet in one output, and how many leave one input, of a kernel of ``shape``.

    Dense (d_out, d_in): (d_in, d_out). Convolution (c_out, c_in / groups, k_h, k_w): each output sums over
    fan_in = (c_in / groups) k_h k_w products, and, as torch.nn.init counts, fan_out = c_out k_h k_w.
    """
    if len(shape) < 2:
        raise ValueError(f"shape must have 2 dimensions or more, got {shape}")
    receptive_field = math.prod(shape[2:])
    return shape[1] * receptive_field, shape[0] * receptive_field


def sum_variance(fan_in: int, weight_variance: float, mean_square: float) -> float:
    """Var z = fan_in Var w E[x^2], for inputs of mean square E[x^2]. He et al. (2015), equation 7."""
    return fan_in * weight_variance * mean_square


def lecun_std(fan_in: int) -> float:
    """Var w = 1 / fan_in: sums have the variance of the inputs. LeCun et al. (1998), section 4.6."""
    return math.sqrt(1 / fan_in)


def xavier_std(fan_in: int, fan_out: int, gain: float = 1.0) -> float:
    """Var w = gain^2 2 / (fan_in + fan_out): between 1 / fan_in, for signals, and 1 / fan_out, for gradients.

    Source: Glorot & Bengio (2010), equation 12. Some lecture slides have 1 / (fan_in + fan_out), without the
    2: with fan_in = fan_out, that halves the variance at every layer.
    """
    return gain * math.sqrt(2 / (fan_in + fan_out))


def kaiming_std(fan: int, gain: float = math.sqrt(2)) -> float:
    """Var w = gain^2 / fan, 2 / fan for ReLU: it sets half of the sums to 0, and so halves E[x^2].

    ``fan`` is fan_in to keep the variance of signals, fan_out for that of gradients.
    Source: He, Zhang, Ren & Sun (2015), equations 10 and 14.
    """
    return gain / math.sqrt(fan)


def leaky_relu_gain(negative_slope: float = 0.0) -> float:
    """sqrt(2 / (1 + a^2)) for slope a below 0: E[g(z)^2] = (1 + a^2) / 2 Var z. He et al. (2015), eq. 15."""
    return math.sqrt(2 / (1 + negative_slope**2))


def uniform_bound(std: float) -> float:
    """sqrt(3) std: U(-bound, bound) has variance bound^2 / 3."""
    return math.sqrt(3) * std


def truncated_normal_std(std: float, cut: float) -> float:
    """The standard deviation left of N(0, std^2) when values beyond +-cut are drawn anew.

    std^2 (1 - 2 t phi(t) / (2 Phi(t) - 1)) with t = cut / std, where phi and Phi are the standard normal's
    density and distribution function. At two standard deviations, 0.88 of ``std`` is left.
    """
    t = cut / std
    density = math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
    return std * math.sqrt(1 - 2 * t * density / math.erf(t / math.sqrt(2)))
