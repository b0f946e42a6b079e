"""Initializers, called as in ``torch.nn.init``: each fills a tensor in place, and returns it.

The same seed gives the same numbers as there, and gradients are not recorded. ``generator`` is a
torch.Generator to draw from in place of PyTorch's global one. The formulas in plain Python:
``course_lib.reference.initialization``.

Raises (all of them):
    TypeError: something that is no tensor, or a random draw into a tensor of integers.
    ValueError: an argument out of range, or a tensor with too few dimensions for the rule.
"""

import math
import warnings
from numbers import Real

import torch
from torch import Generator, Tensor, nn

from course_lib.layers import checks

GAINS = {"sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4, "linear": 1.0} | {
    f"conv{transpose}{dimensions}d": 1.0 for transpose in ("", "_transpose") for dimensions in (1, 2, 3)
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What to multiply the weights' standard deviation by, given the ``nonlinearity`` after them.

    It is named as in torch.nn.functional. sqrt(2) for "relu"; sqrt(2 / (1 + param^2)) for "leaky_relu" with
    slope ``param`` below 0 (0.01 if None); 5/3 for "tanh"; 3/4 for "selu" (with "linear" before SELU, the net
    normalizes itself); 1 for "sigmoid", "linear", and convolutions such as "conv2d".
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, Real):
            raise ValueError(f"calculate_gain: param must be a number, the negative slope, got {param!r}")
        return math.sqrt(2 / (1 + slope**2))
    checks.one_of("calculate_gain", "nonlinearity", nonlinearity, ["leaky_relu", *GAINS])
    return GAINS[nonlinearity]


def fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many weights meet in one output, and how many leave one input.

    Linear's weight (out_features, in_features): (in_features, out_features). Conv2d's weight (out_channels,
    in_channels / groups, k_h, k_w): (in_channels / groups * k_h * k_w, out_channels * k_h * k_w).
    """
    return _fans("fan_in_and_fan_out", tensor)


@torch.no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with draws from U(a, b), of variance (b - a)^2 / 12."""
    checks.float_tensor("uniform_", tensor, "tensor")
    checks.finite_number("uniform_", "a", a)
    checks.finite_number("uniform_", "b", b, at_least=a)
    return tensor.uniform_(a, b, generator=generator)


@torch.no_grad()
def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with draws from N(mean, std^2)."""
    checks.float_tensor("normal_", tensor, "tensor")
    checks.finite_number("normal_", "mean", mean)
    checks.finite_number("normal_", "std", std, at_least=0)
    return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with draws from N(mean, std^2) given that they lie in [a, b].

    ``a`` and ``b`` are values, not multiples of ``std``: with std=0.02, [-2, 2] cuts nothing.
    """
    checks.float_tensor("trunc_normal_", tensor, "tensor")
    checks.finite_number("trunc_normal_", "mean", mean)
    checks.finite_number("trunc_normal_", "std", std, above=0)
    checks.number("trunc_normal_", "a", a)
    checks.number("trunc_normal_", "b", b)
    if a >= b:
        raise ValueError(f"trunc_normal_: a must be less than b, got {a} and {b}")
    # PyTorch's method, and with it the draws of a seed, differs between versions: it keeps the draw.
    return nn.init.trunc_normal_(tensor, mean, std, a, b, generator=generator)


@torch.no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with the number ``val``."""
    checks.tensor("constant_", tensor, "tensor")
    if not isinstance(val, Real):
        raise TypeError(f"constant_: val must be a number, got {val!r}")
    return tensor.fill_(val)


@torch.no_grad()
def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    checks.tensor("ones_", tensor, "tensor")
    return tensor.fill_(1)


@torch.no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros: right for biases; equal weights would stay equal."""
    checks.tensor("zeros_", tensor, "tensor")
    return tensor.zero_()


@torch.no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity: ones on its diagonal, zeros elsewhere, so that Linear passes inputs on."""
    checks.tensor("eye_", tensor, "tensor")
    checks.rank("eye_", tensor, "(rows, columns)", name="tensor")
    return tensor.zero_().fill_diagonal_(1)


@torch.no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make a convolution's weight pass its input channels on, as many as there are output channels.

    The kernel from channel c to channel c (of each group) is 1 at its centre, all else 0. ``tensor`` is the
    weight of a convolution over 1, 2 or 3 dimensions: (c_out, c_in / groups, k_1, ...).
    """
    checks.tensor("dirac_", tensor, "tensor")
    checks.positive_integer("dirac_", "groups", groups)
    checks.rank("dirac_", tensor, "(O, C, K)", "(O, C, K, K)", "(O, C, K, K, K)", name="tensor")
    if len(tensor) % groups:
        raise ValueError(f"dirac_: groups must divide the {len(tensor)} output channels, got {groups}")
    tensor.zero_()
    centre = tensor
    for size in tensor.shape[2:]:
        centre = centre.select(2, size // 2)
    for group in centre.chunk(groups):  # (c_out / groups, c_in / groups)
        group.fill_diagonal_(1)
    return tensor


@torch.no_grad()
def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with draws from U(-bound, bound), bound = gain sqrt(6 / (fan_in + fan_out)): for tanh.

    Its variance is gain^2 2 / (fan_in + fan_out). Source: Glorot & Bengio (2010), equation 16.
    """
    bound = math.sqrt(3) * _xavier_std("xavier_uniform_", tensor, gain)
    return tensor.uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with draws from N(0, gain^2 2 / (fan_in + fan_out)): for tanh.

    Source: Glorot & Bengio (2010), equation 12.
    """
    return tensor.normal_(0, _xavier_std("xavier_normal_", tensor, gain), generator=generator)


@torch.no_grad()
def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with draws from U(-bound, bound), bound = gain sqrt(3 / fan): for ReLU and its leaky kin.

    The arguments are ``kaiming_normal_``'s, and so is the variance. Source: He et al. (2015), section 2.2.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return tensor.uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with draws from N(0, gain^2 / fan), N(0, 2 / fan) for ReLU.

    gain = calculate_gain(nonlinearity, a), where ``a`` is the slope of "leaky_relu" below 0. ``mode`` says
    what keeps its variance: signals with "fan_in", gradients with "fan_out".
    Source: He, Zhang, Ren & Sun (2015), section 2.2.
    """
    if _is_empty(tensor):
        return tensor
    std = _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity)
    return tensor.normal_(0, std, generator=generator)


@torch.no_grad()
def lecun_normal_(tensor: Tensor, generator: Generator | None = None) -> Tensor:
    """Fill with draws from N(0, 1 / fan_in); torch.nn.init has it as kaiming_normal_ for "linear".

    Source: LeCun, Bottou, Orr & Müller (1998), section 4.6; Klambauer et al. (2017), for SELU.
    """
    fan_in, _ = _fans("lecun_normal_", tensor)
    return tensor.normal_(0, math.sqrt(1 / max(fan_in, 1)), generator=generator)


@torch.no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Make the weight, as a matrix (rows, all the rest), gain times a random one with orthonormal rows.

    If it has more rows than columns, the columns are orthonormal. Every such matrix is equally likely.
    Source: Saxe, McClelland & Ganguli (2014); the signs: Mezzadri (2007), section 5.
    """
    _fans("orthogonal_", tensor)
    checks.finite_number("orthogonal_", "gain", gain)
    if tensor.numel() == 0 or tensor.is_meta:
        return tensor
    rows, columns = len(tensor), tensor.numel() // len(tensor)
    dtype = torch.promote_types(tensor.dtype, torch.float32)  # no QR in half precision
    normal = torch.empty(rows, columns, dtype=dtype, device=tensor.device).normal_(generator=generator)
    q, r = torch.linalg.qr(normal.T if rows < columns else normal)
    q = q * r.diagonal().sign()
    return tensor.copy_((q.T if rows < columns else q).reshape(tensor.shape)).mul_(gain)


def _fans(owner: str, tensor: Tensor) -> tuple[int, int]:
    checks.float_tensor(owner, tensor, "tensor")
    if tensor.ndim < 2:
        raise ValueError(f"{owner}: tensor must have 2 dimensions or more, got shape {tuple(tensor.shape)}")
    receptive_field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive_field, tensor.shape[0] * receptive_field


def _xavier_std(owner: str, tensor: Tensor, gain: float) -> float:
    checks.finite_number(owner, "gain", gain, at_least=0)
    fan_in, fan_out = _fans(owner, tensor)
    return gain * math.sqrt(2 / max(fan_in + fan_out, 1))


def _kaiming_std(owner: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan_in, fan_out = _fans(owner, tensor)
    fans = {"fan_in": fan_in, "fan_out": fan_out}
    checks.one_of(owner, "mode", mode, list(fans))
    return calculate_gain(nonlinearity, a) / math.sqrt(fans[mode])


def _is_empty(tensor: Tensor) -> bool:
    empty = isinstance(tensor, Tensor) and tensor.numel() == 0
    if empty:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=4)
    return empty
