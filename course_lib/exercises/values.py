"""Copies and compares values of the kinds that answers are made of, without importing torch for it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

NUMBERS = (bool, int, float, complex, np.generic)


def is_tensor(value: Any) -> bool:
    """Return whether ``value`` is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_generator(value: Any) -> bool:
    """Return whether ``value`` is a stream of random numbers, of NumPy or of torch."""
    torch = sys.modules.get("torch")
    return isinstance(value, np.random.Generator | np.random.RandomState) or (
        torch is not None and isinstance(value, torch.Generator)
    )


def clone(value: Any) -> Any:
    """Return a deep copy; of random streams too, so that every copy draws the same numbers.

    Tensors keep ``requires_grad`` and arrays their memory layout. What cannot be copied is returned as it is.
    """
    if is_tensor(value):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, np.ndarray):
        return value.copy(order="K") if value.dtype != object else copy.deepcopy(value)
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(clone(entry) for entry in value)
    if type(value) is dict:
        return {key: clone(entry) for key, entry in value.items()}
    if is_generator(value) and is_torch_generator(value):
        twin = type(value)(device=value.device)
        twin.set_state(value.get_state())
        return twin
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def is_torch_generator(value: Any) -> bool:
    """Return whether ``value`` is a ``torch.Generator``."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Generator)


def snapshot(value: Any) -> Any:
    """Return a copy of what an answer returned, which later calls cannot change. Unknown types are kept."""
    if is_tensor(value):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(snapshot(entry) for entry in value)
    if type(value) is dict:
        return {key: snapshot(entry) for key, entry in value.items()}
    return value


def as_array(value: Any) -> np.ndarray | None:
    """Return numbers as an array in main memory, or None where ``value`` is not made of numbers.

    Takes arrays, tensors (with gradients, on a device, bfloat16, sparse), numbers, and rectangular nests of
    lists and tuples of them.
    """
    if is_tensor(value):
        value = value.detach()
        if value.layout is not sys.modules["torch"].strided:
            value = value.to_dense()
        if "bfloat16" in str(value.dtype):
            value = value.float()
        value = value.resolve_conj().resolve_neg().cpu().numpy()
    if isinstance(value, np.ma.MaskedArray):
        return None
    if isinstance(value, list | tuple):
        parts = [as_array(entry) for entry in value]
        if any(part is None or part.shape != parts[0].shape for part in parts):  # type: ignore[union-attr]
            return None
        value = np.stack(parts) if parts else np.zeros(0)  # type: ignore[arg-type]
    elif not isinstance(value, np.ndarray):
        if not isinstance(value, NUMBERS) and not hasattr(value, "__array__"):
            return None
        try:
            value = np.asarray(value)
        except Exception:
            return None
    value = np.asarray(value)
    return value if value.dtype.kind in "biufc" else None


def precision(value: Any) -> float:
    """Return the coarsest machine epsilon of the floating-point parts of ``value``; 0 if there are none."""
    if isinstance(value, Mapping):
        return max((precision(entry) for entry in value.values()), default=0.0)
    if isinstance(value, list | tuple):
        return max((precision(entry) for entry in value), default=0.0)
    if is_tensor(value):
        if not (value.is_floating_point() or value.is_complex()):
            return 0.0
        return float(sys.modules["torch"].finfo(value.dtype).eps)
    dtype = getattr(value, "dtype", np.dtype(type(value)) if isinstance(value, float | complex) else None)
    if isinstance(dtype, np.dtype) and dtype.kind in "fc":
        return float(np.finfo(dtype).eps)
    return 0.0


def unchanged(before: Any, after: Any) -> bool:
    """Return whether an argument is bit for bit what it was. Random streams, unknown types may move on."""
    if type(before) is not type(after):
        return False
    if is_tensor(before) or isinstance(before, np.ndarray):
        one, two = as_array(before), as_array(after)
        if one is None or two is None:
            return True
        return one.shape == two.shape and one.dtype == two.dtype and one.tobytes() == two.tobytes()
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(unchanged, before, after))
    if isinstance(before, dict):
        return list(before) == list(after) and all(unchanged(before[key], after[key]) for key in before)
    if isinstance(before, set | frozenset):
        return bool(before == after)
    if isinstance(before, int | float | complex | str | bytes | np.generic):
        return bool(before == after or (before != before and after != after))  # NaN stays NaN
    return True


def count(value: Any) -> int:
    """Return how many numbers, characters or other atoms ``value`` holds; to tell small cases from large."""
    if is_tensor(value):
        return int(value.numel())
    if isinstance(value, np.ndarray):
        return int(value.size)
    if isinstance(value, Mapping):
        return sum(count(entry) for entry in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return sum(count(entry) for entry in value)
    return len(value) if isinstance(value, str | bytes) else 1
