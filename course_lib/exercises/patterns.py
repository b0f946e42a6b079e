"""Looks for a simple law by which all of an answer's numbers are wrong at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from course_lib.exercises import show
from course_lib.exercises.compare import Tolerance, compare
from course_lib.exercises.values import as_array

_TIGHT = 1e-4


def find(got: Sequence[Any], expected: Sequence[Any], faults: Collection[int]) -> str:
    """Return a sentence on how all results are off, or ``""`` where no simple law holds over all cases.

    A law is named only where it holds for every number of every case, and there are at least two different
    numbers to tell it from chance.
    """
    if len(got) > 1 and _always_the_same(got, expected):
        return "The result is the same in every case, whatever the arguments."
    pairs = [pair for one, two in zip(got, expected, strict=True) for pair in _pairs(one, two)]
    if not pairs or any(pair is None for pair in pairs):
        return ""
    arrays = [(one, two) for one, two in pairs]  # type: ignore[misc]
    if any(one.shape != two.shape for one, two in arrays):
        return ""
    one = np.concatenate([np.ravel(pair[0]) for pair in arrays]).astype(np.float64)
    two = np.concatenate([np.ravel(pair[1]) for pair in arrays]).astype(np.float64)
    return _law(one, two) or _reversed(arrays)


def _pairs(got: Any, expected: Any) -> list[tuple[np.ndarray, np.ndarray] | None]:
    """Return the arrays of an output beside those expected; None stands for what is not real numbers."""
    if isinstance(expected, tuple) and isinstance(got, list | tuple) and len(got) == len(expected):
        return [pair for one, two in zip(got, expected, strict=True) for pair in _pairs(one, two)]
    one, two = as_array(got), as_array(expected)
    if one is None or two is None or one.dtype.kind == "c" or two.dtype.kind == "c":
        return [None]
    return [(one, two)]


def _always_the_same(got: Sequence[Any], expected: Sequence[Any]) -> bool:
    exact = Tolerance(0.0, 0.0)
    if any(value is None for value in got) or any(compare(value, got[0], exact) for value in got[1:]):
        return False
    return any(compare(value, expected[0], exact) for value in expected[1:])


def _law(one: np.ndarray, two: np.ndarray) -> str:
    """Return the law between two flat arrays, if one holds for all their entries."""
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        return ""
    apart = np.unique(two[two != 0])
    if apart.size >= 2 and ((one == 0) == (two == 0)).all():
        ratios = one[two != 0] / two[two != 0]
        factor = float(np.median(ratios))
        if np.abs(ratios - factor).max() <= _TIGHT * abs(factor):
            if abs(factor + 1) <= _TIGHT:
                return "Every number has the wrong sign."
            if abs(factor - 1) <= _TIGHT:  # as good as equal: something else is wrong, such as the type
                return ""
            return f"Every number is {show.number(factor, 4)} times what it should be."
    if np.unique(two).size >= 2:
        offsets = one - two
        offset = float(np.median(offsets))
        if offset and np.abs(offsets - offset).max() <= _TIGHT * abs(offset):
            return f"Every number is {show.number(abs(offset), 4)} too {'large' if offset > 0 else 'small'}."
    return ""


def _reversed(arrays: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
    if all(one.ndim >= 1 and np.allclose(one[::-1], two, rtol=_TIGHT, equal_nan=True) for one, two in arrays):
        return "The numbers are right, but in reverse order."
    return ""
