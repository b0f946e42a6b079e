"""Checks for the options of generated sets, so that a wrong one is named before it does harm."""

import math
from numbers import Integral, Real


def whole(name: str, value: int, at_least: int) -> int:
    """Return ``value`` as an int; raise ValueError unless it is a whole number that is large enough."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < at_least:
        raise ValueError(f"{name} must be a whole number of at least {at_least}, got {value!r}")
    return int(value)


def number(name: str, value: float) -> float:
    """Return ``value`` as a float; raise ValueError unless it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return float(value)


def at_least_zero(name: str, value: float) -> float:
    """Return ``value`` as a float; raise ValueError unless it is a finite number of at least 0."""
    if number(name, value) < 0:
        raise ValueError(f"{name} must be at least 0, got {value!r}")
    return float(value)


def above_zero(name: str, value: float) -> float:
    """Return ``value`` as a float; raise ValueError unless it is a finite number above 0."""
    if number(name, value) <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    return float(value)
