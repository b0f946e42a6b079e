"""Checks of arguments and inputs: a message says who complains of what, what was expected and what came."""

import math
from numbers import Integral, Real

import torch
from torch import Tensor

Device = torch.device | str | None
Dtype = torch.dtype | None


def positive_integer(owner: str, name: str, value: object) -> None:
    """Raise unless ``value`` is an integer of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{owner}: {name} must be an integer, got {value!r}")
    if value < 1:
        raise ValueError(f"{owner}: {name} must be 1 or more, got {value}")


def number(owner: str, name: str, value: object) -> None:
    """Raise unless ``value`` is a real number; infinity is one, NaN is not."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{owner}: {name} must be a number, got {value!r}")
    if math.isnan(value):
        raise ValueError(f"{owner}: {name} must be a number, got {value}")


def finite_number(
    owner: str, name: str, value: float, at_least: float = -math.inf, above: float = -math.inf
) -> None:
    """Raise unless ``value`` is a finite real number, at least ``at_least`` and greater than ``above``."""
    number(owner, name, value)
    if math.isinf(value):
        raise ValueError(f"{owner}: {name} must be finite, got {value}")
    if value < at_least:
        raise ValueError(f"{owner}: {name} must be {at_least:g} or more, got {value}")
    if value <= above:
        raise ValueError(f"{owner}: {name} must be greater than {above:g}, got {value}")


def not_inplace(owner: str, inplace: bool) -> None:
    """Raise if a layer is asked to overwrite its input: ours never do."""
    if inplace:
        raise ValueError(
            f"{owner}: inplace must be False (overwriting the input is not supported), got {inplace!r}"
        )


def tensor(owner: str, x: Tensor, name: str = "input") -> None:
    """Raise unless ``x`` is a tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{owner}: {name} must be a torch.Tensor, got {type(x).__name__}")


def float_tensor(owner: str, x: Tensor, name: str = "input") -> None:
    """Raise unless ``x`` is a tensor of a floating-point dtype."""
    tensor(owner, x, name)
    if not x.is_floating_point():
        raise TypeError(f"{owner}: {name} must have a floating-point dtype, got {x.dtype}")


def same_precision(owner: str, x: Tensor, weight: Tensor) -> None:
    """Raise if the input or the weight, but not both, is float64 (NumPy's default, and not PyTorch's).

    Other mixtures are left to PyTorch: under autocast they are meant.
    """
    if x.dtype != weight.dtype and torch.float64 in (x.dtype, weight.dtype):
        raise TypeError(f"{owner}: input must have the dtype of weight, {weight.dtype}, got {x.dtype}")
