"""Shows values in few characters, the same on every machine and in every run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from course_lib.exercises.values import as_array, is_generator, is_tensor

WHOLE = 12  # entries of an array that are still shown one by one


def number(value: Any, digits: int = 5) -> str:
    """Return one number with that many significant digits at most; whole numbers in full."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, complex | np.complexfloating):
        return f"{complex(value):.{digits}g}"
    value = float(value)
    if value.is_integer() and abs(value) < 1e6:
        return f"{value:.1f}"
    text = f"{value:.{digits}g}"
    return f"{text}.0" if text.lstrip("-").isdigit() else text


def pair(one: Any, two: Any) -> tuple[str, str]:
    """Return two different numbers with enough digits to tell them apart."""
    for digits in range(5, 18):
        shown = number(one, digits), number(two, digits)
        if shown[0] != shown[1]:
            break
    return shown


def value(thing: Any, digits: int = 5) -> str:
    """Return ``thing`` on one line: arrays of more than a dozen entries as their shape and first entries."""
    if isinstance(thing, np.ndarray | np.generic) or is_tensor(thing):
        return _array(thing, digits)
    if isinstance(thing, bool | int | float | complex):
        return number(thing, digits)
    if isinstance(thing, str):
        return repr(thing) if len(thing) <= 200 else f"{thing[:200]!r}... ({len(thing)} characters)"
    if isinstance(thing, list | tuple):
        return _sequence(thing, digits)
    if isinstance(thing, Mapping):
        parts = [f"{value(key)}: {value(entry, digits)}" for key, entry in list(thing.items())[:WHOLE]]
        return "{" + ", ".join(parts + ["..."] * (len(thing) > WHOLE)) + "}"
    if is_generator(thing):
        return "a random generator"
    if callable(thing):
        name = getattr(thing, "__name__", type(thing).__name__).strip("_<>")
        return "a function" if name == "lambda" else f"the {kind(thing)} {name}"
    return _repr(thing)


def kind(thing: Any) -> str:
    """Return what ``thing`` is in a student's words, such as ``"list of 3"``, ``"array of shape (2, 3)"``."""
    if thing is None:
        return "None"
    if is_tensor(thing):
        return f"tensor of shape {tuple(thing.shape)}"
    if isinstance(thing, np.ndarray):
        return f"array of shape {thing.shape}" if thing.dtype.kind in "biufc" else "array of objects"
    names = {bool: "bool", np.bool_: "bool", str: "string", dict: "dictionary", complex: "complex number"}
    for cls, name in names.items():
        if isinstance(thing, cls):
            return name
    if isinstance(thing, int | np.integer):
        return "whole number"
    if isinstance(thing, float | np.floating):
        return "number"
    if isinstance(thing, list | tuple):
        return f"{type(thing).__name__} of {len(thing)}"
    return type(thing).__name__


def _array(thing: Any, digits: int) -> str:
    array = as_array(thing)
    if array is None:
        return _repr(thing)
    name = "tensor" if is_tensor(thing) else "array"
    if array.ndim == 0:
        return number(array[()], digits)
    if array.size <= WHOLE:
        shape = "" if array.size else f", shape={array.shape}"
        return f"{name}({_nested(array, digits)}{shape})"
    first = ", ".join(number(entry, digits) for entry in array.reshape(-1)[:4])
    return f"{name} of shape {array.shape}: {first}, ..."


def _nested(array: np.ndarray, digits: int) -> str:
    if array.ndim == 0:
        return number(array[()], digits)
    return "[" + ", ".join(_nested(entry, digits) for entry in array) + "]"


def _sequence(thing: list[Any] | tuple[Any, ...], digits: int) -> str:
    left, right = "[]" if isinstance(thing, list) else "()"
    array = as_array(thing)
    if array is not None and array.size > 3 * WHOLE:
        first = ", ".join(number(entry, digits) for entry in array.reshape(-1)[:4])
        return f"{type(thing).__name__} of shape {array.shape}: {first}, ..."
    parts = [value(entry, digits) for entry in thing[: 3 * WHOLE]]
    if len(thing) > len(parts):
        parts.append("...")
    comma = "," if isinstance(thing, tuple) and len(thing) == 1 else ""
    return left + ", ".join(parts) + comma + right


def _repr(thing: Any) -> str:
    """Return a short repr without memory addresses, whatever the object's own repr does."""
    try:
        text = " ".join(re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing)).split())
    except Exception:
        text = f"<{type(thing).__name__}>"
    return text if len(text) <= 200 else text[:200] + "..."
