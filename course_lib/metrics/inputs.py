"""What metrics take, and how they hand results back.

A metric takes tensors on any device and of any precision, NumPy arrays, or lists. It computes in float64,
where the data are; Apple's GPUs have no float64, and there the work moves to the CPU. A single number comes
back as a Python float. Where scikit-learn returns an array, the kind that came goes out: a tensor if one of
the inputs is a tensor, else a NumPy array. Nothing here is differentiated.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

ArrayLike = Tensor | np.ndarray | Sequence[Any]
Array = Any  # a tensor or a NumPy array: the kind that came; a union would need a cast at every use


def hand_back(result: Tensor, *inputs: object) -> Array:
    """Return ``result`` as it is if one of ``inputs`` is a tensor, else as a NumPy array."""
    return result if any(isinstance(x, Tensor) for x in inputs) else result.cpu().numpy()


def device_of(*inputs: object) -> torch.device:
    """Device of the first tensor among ``inputs``; the CPU if there is none, or if it has no float64."""
    devices = [x.device for x in inputs if isinstance(x, Tensor)]
    return devices[0] if devices and devices[0].type != "mps" else torch.device("cpu")


def numbers(owner: str, name: str, x: object, device: torch.device) -> Tensor:
    """Return ``x`` as a tensor of real numbers on ``device``, without its history.

    Raises:
        TypeError: something that is no array of numbers.
        ValueError: rows of different lengths.
    """
    if not isinstance(x, Tensor):
        x = _from_numpy(owner, name, array(owner, name, x))
    if x.is_complex():
        raise TypeError(f"{owner}: {name} must hold real numbers, got {x.dtype}")
    return x.detach().to(device)


def finite(owner: str, name: str, x: object, device: torch.device) -> Tensor:
    """Return ``x`` as a float64 tensor; raise as ``numbers`` does, and for NaN and infinity."""
    found = numbers(owner, name, x, device).double()
    if not found.isfinite().all():
        raise ValueError(f"{owner}: {name} must be finite, got {first(found, ~found.isfinite())}")
    return found


def array(owner: str, name: str, x: object) -> np.ndarray:
    """Return a list, or whatever else NumPy understands, as an array."""
    if not (isinstance(x, Sequence) or hasattr(x, "__array__")) or isinstance(x, str | bytes):
        raise TypeError(f"{owner}: {name} must be a tensor, an array or a list, got {type(x).__name__}")
    if isinstance(x, Sequence):
        x = [each.tolist() if isinstance(each, Tensor) else each for each in x]
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{owner}: {name} must have rows of one length, got {x!r}") from error


def _from_numpy(owner: str, name: str, x: np.ndarray) -> Tensor:
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{owner}: {name} must hold real numbers, got an array of {x.dtype}")
    if x.dtype.kind == "u" and x.itemsize > 1:  # PyTorch computes little with these
        x = x.astype(np.int64)
    if x.dtype.itemsize > 8:  # long double
        x = x.astype(np.float64)
    return torch.from_numpy(
        np.array(x, dtype=x.dtype.newbyteorder("="), order="C")
    )  # a copy: may be read-only


def column(owner: str, name: str, x: Tensor) -> Tensor:
    """Return (n,) from (n,) or (n, 1), one entry an example; raise for another shape or none at all."""
    if x.ndim == 2 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim != 1:
        raise ValueError(f"{owner}: {name} must have shape (n,), one for each example, got {tuple(x.shape)}")
    if len(x) == 0:
        raise ValueError(f"{owner}: {name} must have at least one example, got none")
    return x


def same_length(owner: str, **arrays: Tensor | np.ndarray | None) -> None:
    """Raise unless all ``arrays`` have as many examples."""
    lengths = {name: len(x) for name, x in arrays.items() if x is not None}
    if len(set(lengths.values())) > 1:
        got = ", ".join(f"{length} in {name}" for name, length in lengths.items())
        raise ValueError(f"{owner}: {' and '.join(lengths)} must have as many examples, got {got}")


def weights(owner: str, sample_weight: object, n: int, device: torch.device) -> Tensor | None:
    """Return the weights of ``n`` examples: None, int64 if they are whole by type, else float64.

    Raises:
        ValueError: not one for each example, not finite, or all zero.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n, sample_weight)
    found = numbers(owner, "sample_weight", sample_weight, device)
    if found.is_floating_point():
        found = finite(owner, "sample_weight", found, device)
    if found.shape != (n,):
        raise ValueError(f"{owner}: sample_weight must have shape ({n},), got {tuple(found.shape)}")
    if not found.any():
        raise ValueError(f"{owner}: sample_weight must have an entry that is not zero, got none")
    return found if found.is_floating_point() else found.long()


def average(values: Tensor, by: Tensor | None = None) -> float:
    """Mean of ``values`` (n,), weighted ``by`` (n,) if given.

    Raises:
        ZeroDivisionError: weights that sum to zero, as in NumPy and scikit-learn.
    """
    values = values.double()
    if by is None:
        return float(values.mean())
    total = by.double().sum()
    if total == 0:
        raise ZeroDivisionError("the weights must not sum to zero, for they are normalized")
    return float(values @ by.double() / total)


def first(x: Tensor, wrong: Tensor) -> float:
    """Return the first entry of ``x`` where ``wrong`` holds, for an error message."""
    return x[wrong][0].item()
