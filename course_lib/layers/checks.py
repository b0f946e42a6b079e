"""Checks of arguments and inputs: a message says who complains of what, what was expected and what came."""

import math
from collections.abc import Sequence
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


def non_negative_integer(owner: str, name: str, value: object) -> None:
    """Raise unless ``value`` is an integer of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{owner}: {name} must be an integer, got {value!r}")
    if value < 0:
        raise ValueError(f"{owner}: {name} must be 0 or more, got {value}")


def pair(owner: str, name: str, value: object, at_least: int = 1) -> tuple[int, int]:
    """Return the values for height and width from one integer for both, or from two; else raise."""
    values = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    if len(values) != 2:
        raise ValueError(f"{owner}: {name} must be one integer or two, got {value!r}")
    for each in values:
        if isinstance(each, bool) or not isinstance(each, Integral):
            raise TypeError(f"{owner}: {name} must be one integer or two, got {value!r}")
        if each < at_least:
            raise ValueError(f"{owner}: {name} must be {at_least} or more, got {value!r}")
    return int(values[0]), int(values[1])


def probability(owner: str, name: str, value: float) -> None:
    """Raise unless ``value`` is a real number from 0 to 1."""
    number(owner, name, value)
    if not 0 <= value <= 1:
        raise ValueError(f"{owner}: {name} must be from 0 to 1, got {value}")


def one_of(owner: str, name: str, value: object, options: Sequence[object]) -> None:
    """Raise unless ``value`` is one of ``options``."""
    if value not in options:
        raise ValueError(f"{owner}: {name} must be one of {', '.join(map(repr, options))}, got {value!r}")


def rank(owner: str, x: Tensor, *layouts: str, name: str = "input") -> None:
    """Raise unless ``x`` has as many dimensions as one of ``layouts``, such as "(N, C, H, W)"."""
    if x.ndim not in [layout.count(",") + 1 for layout in layouts]:
        raise ValueError(f"{owner}: {name} must be {' or '.join(layouts)}, got shape {tuple(x.shape)}")


def size(owner: str, x: Tensor, dim: int, expected: int, what: str, name: str = "input") -> None:
    """Raise unless dimension ``dim`` of ``x`` is ``expected``, which the message calls ``what``."""
    if x.shape[dim] != expected:
        raise ValueError(
            f"{owner}: {name} must have {what}={expected} in dimension {dim}, got shape {tuple(x.shape)}"
        )


def generator(owner: str, value: object, like: Tensor | None = None) -> None:
    """Raise unless ``value`` is None or a generator of random numbers, on the device of ``like`` if given."""
    if value is None:
        return
    if not isinstance(value, torch.Generator):
        raise TypeError(f"{owner}: generator must be a torch.Generator or None, got {value!r}")
    if like is not None and value.device.type != like.device.type:
        here, there = like.device.type, value.device.type
        raise ValueError(f"{owner}: generator must be on the input's device, {here}, got one on {there}")


def not_supported(owner: str, **options: object) -> None:
    """Raise if one of ``options``, which the original has and we do not, is switched on."""
    for name, value in options.items():
        if value:
            raise ValueError(f"{owner}: {name}={value!r} is not supported")
