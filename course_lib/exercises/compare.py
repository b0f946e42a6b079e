"""Compares an answer's output with the right one and says where and how they part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from course_lib.exercises.values import as_array, is_tensor, precision


@dataclass(frozen=True)
class Tolerance:
    """How far two numbers may be apart: ``atol + rtol * |expected|``, wider for narrow types."""

    rtol: float
    atol: float
    strict: bool = False


@dataclass(frozen=True)
class Difference:
    """The first way in which an output is not the expected one.

    ``kind`` is one of ``none`` (it is None), ``generator``, ``count`` (number of returned values), ``type``,
    ``complex``, ``shape``, ``dtype``, ``keys``, ``nan``, ``value``. ``where`` is the way to the part that
    differs, such as ``("value 2 of 3",)``; ``index`` the place in an array. ``got`` and ``expected`` are the
    parts or entries.
    """

    kind: str
    got: Any
    expected: Any
    where: tuple[str, ...] = ()
    index: tuple[int, ...] = ()
    wrong: int = 0
    total: int = 0
    largest: float = 0.0
    note: str = ""


def compare(got: Any, expected: Any, tolerance: Tolerance) -> Difference | None:
    """Return None where ``got`` has the value of ``expected``, else how it differs.

    Lists, tuples, arrays, tensors and numbers count as equal where their shapes and values are; element types
    matter only under ``tolerance.strict``. NaN equals NaN.
    """
    if expected is None or got is None:
        return None if got is expected else Difference("none" if got is None else "type", got, expected)
    if isinstance(got, Iterator):
        return Difference("generator", got, expected)
    if isinstance(got, range | type({}.values()) | type({}.keys())):
        got = list(got)
    if isinstance(expected, Mapping):
        return _compare_mappings(got, expected, tolerance)
    if isinstance(expected, tuple) or (isinstance(expected, list) and as_array(expected) is None):
        return _compare_sequences(got, expected, tolerance)
    target = as_array(expected)
    if target is None and isinstance(expected, np.ndarray):  # of strings or objects
        return compare(got.tolist() if isinstance(got, np.ndarray) else got, expected.tolist(), tolerance)
    if target is None:
        return _compare_others(got, expected)
    array = as_array(got)
    if isinstance(got, tuple) and (array is None or array.ndim > target.ndim):
        return Difference("count", got, expected)
    if array is None:
        return Difference("type", got, expected)
    if array.dtype.kind == "c" and target.dtype.kind != "c":
        return Difference("complex", got, expected)
    return compare_arrays(array, target, tolerance, max(precision(got), precision(expected)))


def compare_arrays(
    got: np.ndarray, expected: np.ndarray, tolerance: Tolerance, eps: float
) -> Difference | None:
    """Compare two arrays of numbers. ``eps`` is the machine epsilon of the narrower of the original types."""
    if got.shape != expected.shape:
        return Difference("shape", got, expected, note=_shape_note(got, expected, tolerance, eps))
    if tolerance.strict and _family(got) != _family(expected):
        return Difference("dtype", got, expected)
    wrong = ~close(got, expected, tolerance, eps)
    if not wrong.any():
        return None
    stray = wrong & ~np.isfinite(got) & np.isfinite(expected)
    kind = "nan" if stray.any() else "value"
    index = tuple(int(i) for i in np.argwhere(stray if stray.any() else wrong)[0])
    with np.errstate(all="ignore"):
        gaps = np.abs(_wide(got) - _wide(expected))
    finite = gaps[np.isfinite(gaps)]
    return Difference(
        kind,
        got[index],
        expected[index],
        index=index,
        wrong=int((stray if stray.any() else wrong).sum()),
        total=int(got.size),
        largest=float(finite.max()) if finite.size else 0.0,
        note="" if got.ndim < 2 else _order_note(got, expected, tolerance, eps),
    )


def close(got: np.ndarray, expected: np.ndarray, tolerance: Tolerance, eps: float) -> np.ndarray:
    """Return entry by entry whether two arrays of one shape agree."""
    one, two = _wide(got), _wide(expected)
    size = np.where(np.isfinite(two), np.abs(two), 0.0)
    scale = float(size.max(initial=0.0))
    if expected.dtype.kind in "biu":
        # Counts must be exact: a thousandth of a percent of a million parameters is still a wrong count.
        slack = np.minimum(0.25, 1e-6 + (1e-9 if eps < 1e-10 else 8 * eps) * size)
    elif eps < 1e-10:
        slack = tolerance.atol + tolerance.rtol * size
    else:
        # float32 sums lose some hundred epsilons; entries near zero lose them relative to the largest one.
        rtol = max(tolerance.rtol, 800 * eps if eps < 1e-6 else 8 * eps)
        slack = np.maximum(tolerance.atol, 80 * eps * scale if eps < 1e-6 else eps * scale) + rtol * size
    with np.errstate(all="ignore"):
        near = np.isfinite(two) & (np.abs(one - two) <= slack)  # infinity is near to nothing but itself
        return near | (one == two) | (np.isnan(one) & np.isnan(two))


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _family(array: np.ndarray) -> str:
    return {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}[array.dtype.kind]


def _compare_mappings(got: Any, expected: Mapping[Any, Any], tolerance: Tolerance) -> Difference | None:
    if not isinstance(got, Mapping):
        return Difference("type", got, expected)
    if set(got) != set(expected):
        return Difference("keys", got, expected)
    for key in expected:
        found = compare(got[key], expected[key], tolerance)
        if found:
            return replace(found, where=(f"entry {key!r}", *found.where))
    return None


def _compare_sequences(
    got: Any, expected: tuple[Any, ...] | list[Any], tolerance: Tolerance
) -> Difference | None:
    array = got if isinstance(got, np.ndarray) or is_tensor(got) else None
    if not isinstance(got, list | tuple) and (array is None or array.ndim == 0):
        return Difference("count" if len(expected) > 1 else "type", got, expected)
    if len(got) != len(expected):
        return Difference("count", got, expected)
    for position, (one, two) in enumerate(zip(got, expected, strict=True), start=1):
        found = compare(one, two, tolerance)
        if found:
            return replace(found, where=(f"value {position} of {len(expected)}", *found.where))
    return None


def _compare_others(got: Any, expected: Any) -> Difference | None:
    if isinstance(expected, set | frozenset) and isinstance(got, set | frozenset):
        return None if _equal(got, expected) else Difference("value", got, expected)
    if not isinstance(got, type(expected)):
        return Difference("type", got, expected)
    if _equal(got, expected):
        return None
    note = ""
    if isinstance(expected, str) and "".join(got.split()).casefold() == "".join(expected.split()).casefold():
        note = "They differ only in spaces or capital letters."
    return Difference("value", got, expected, note=note)


def _equal(one: Any, two: Any) -> bool:
    try:
        return bool(one == two)
    except Exception:  # an object of the student's own, whose == fails or has no truth
        return False


def _shape_note(got: np.ndarray, expected: np.ndarray, tolerance: Tolerance, eps: float) -> str:
    """Say what went wrong with a shape, where that is certain."""
    if got.ndim == expected.ndim == 2 and got.T.shape == expected.shape:
        same = bool(close(got.T, expected, tolerance, eps).all())
        return "It is the transpose of the right answer." if same else "The two axes seem to be swapped."
    if [n for n in got.shape if n != 1] == [n for n in expected.shape if n != 1]:
        same = bool(close(got.reshape(expected.shape), expected, tolerance, eps).all())
        verb = "an axis of length 1 too many" if got.ndim > expected.ndim else "an axis of length 1 missing"
        if got.ndim == expected.ndim:
            verb = "its axis of length 1 in another place"
        return f"The numbers are right, but there is {verb}." if same else f"There is {verb}."
    n = expected.size
    if expected.ndim in (1, 2) and n > 1 and n in expected.shape and got.shape == (n, n):
        return f"That happens when shapes ({n}, 1) and ({n},) meet: broadcasting pairs every two entries."
    if got.ndim < expected.ndim and _is_subsequence(got.shape, expected.shape):
        return "An axis is missing: did a sum, a mean or an index take away one too many?"
    return ""


def _is_subsequence(short: tuple[int, ...], long: tuple[int, ...]) -> bool:
    rest = iter(long)
    return all(n in rest for n in short)


def _order_note(got: np.ndarray, expected: np.ndarray, tolerance: Tolerance, eps: float) -> str:
    if got.ndim == 2 and got.T.shape == expected.shape and close(got.T, expected, tolerance, eps).all():
        return "It is the transpose of the right answer."
    return ""
