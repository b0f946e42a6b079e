"""The right results in other forms that are as good: other types, containers and memory layouts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import torch

from course_lib.exercises.model import Exercise
from course_lib.exercises.values import as_array


def converted(exercise: Exercise, convert: Callable[[Any], Any]) -> Any:
    """Return the reference with its results, or itself, converted; containers are converted inside."""
    if not exercise.wants_function:
        return convert_inside(exercise.reference, convert)
    reference = exercise.reference

    @wraps(reference)
    def answer(*args: Any, **kwargs: Any) -> Any:
        return convert_inside(reference(*args, **kwargs), convert)

    return answer


def convert_inside(value: Any, convert: Callable[[Any], Any]) -> Any:
    """Return ``value`` with its numbers converted, those inside of tuples and dictionaries too."""
    if isinstance(value, tuple):
        return tuple(convert_inside(entry, convert) for entry in value)
    if isinstance(value, dict):
        return {key: convert_inside(entry, convert) for key, entry in value.items()}
    return convert(value) if numeric(value) else value


def numeric(value: Any) -> bool:
    """Return whether ``value`` is made of numbers."""
    return as_array(value) is not None


def _numbers(value: Any) -> np.ndarray:
    array = as_array(value)
    assert array is not None, f"{value!r} is not made of numbers"
    return array


def _floats(dtype: type[np.floating]) -> Callable[[Any], Any]:
    """Return a conversion of floating-point numbers to ``dtype``, of those that it can hold."""

    def convert(value: Any) -> Any:
        array = _numbers(value)
        with np.errstate(over="ignore"):
            narrow = array.astype(dtype)
        fits = array.dtype.kind == "f" and np.array_equal(np.isfinite(narrow), np.isfinite(array))
        return narrow if fits else value

    return convert


def _list(value: Any) -> Any:
    array = _numbers(value)
    return array.tolist() if array.size else value  # an empty list has no shape to keep


def _view(value: Any) -> np.ndarray:
    """Return the same numbers as every second entry of a larger array."""
    return np.asarray(np.repeat(_numbers(value)[..., np.newaxis], 2, axis=-1)[..., 0])


def _tensor(value: Any) -> torch.Tensor:
    tensor = torch.from_numpy(np.array(_numbers(value)))
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


FORMS: dict[str, Callable[[Any], Any]] = {
    "float32": _floats(np.float32),
    "float64": _floats(np.float64),
    "lists": _list,
    "arrays": lambda value: np.array(_numbers(value)),
    "arrays in column order": lambda value: np.array(_numbers(value), order="F"),
    "views": _view,
    "tensors": _tensor,
}
