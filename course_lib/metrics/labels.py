"""Class labels, true and predicted, as numbers 0 ... k-1.

Labels are whole numbers (of any dtype), booleans or strings. Every metric of classification first replaces
them by the positions of their classes in the sorted list of all that occur, so that it only has to count.
"""

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.metrics import inputs
from course_lib.metrics.inputs import ArrayLike

DENSE_RANGE = 100_000  # labels within a range this wide are found by counting, which is faster than sorting


class Labels(NamedTuple):
    """True and predicted labels (n,) as positions in ``classes``, and their weights."""

    true: Tensor
    predicted: Tensor
    classes: list
    weights: Tensor | None

    @property
    def kind(self) -> str:
        """Say whether there are two classes or more, as scikit-learn does."""
        return "binary" if len(self.classes) <= 2 else "multiclass"


def read(owner: str, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> Labels:
    """Check labels and weights, and number the classes that occur.

    Raises:
        ValueError: none, not as many, several labels an example, fractions, NaN, or strings with numbers.
    """
    device = inputs.device_of(y_pred, y_true)
    true, predicted = vector(owner, "y_true", y_true, device), vector(owner, "y_pred", y_pred, device)
    inputs.same_length(owner, y_true=true, y_pred=predicted)
    n = len(true)
    if isinstance(true, np.ndarray) and isinstance(predicted, np.ndarray):
        codes, classes = _number_strings(np.concatenate([true, predicted]), device)
    elif isinstance(true, Tensor) and isinstance(predicted, Tensor):
        codes, classes = number(torch.cat([true, predicted]))
    else:
        raise ValueError(f"{owner}: y_true and y_pred must both be strings or both numbers, got one of each")
    return Labels(codes[:n], codes[n:], classes, inputs.weights(owner, sample_weight, n, device))


def read_one(owner: str, name: str, y: ArrayLike, device: torch.device) -> tuple[Tensor, list]:
    """Check one vector of labels; return their positions (n,) in the sorted list of classes, and the list."""
    found = vector(owner, name, y, device)
    return _number_strings(found, device) if isinstance(found, np.ndarray) else number(found)


def vector(owner: str, name: str, y: ArrayLike, device: torch.device) -> Tensor | np.ndarray:
    """Return labels (n,): numbers as a tensor, strings as a NumPy array."""
    if not isinstance(y, Tensor):
        y = inputs.array(owner, name, y)
        if y.dtype.kind in "UO":
            return _strings(owner, name, y)
    found = inputs.numbers(owner, name, y, device)
    if found.ndim == 2 and found.shape[1] > 1:
        raise ValueError(
            f"{owner}: {name} must have shape (n,), one label for each example "
            f"(several labels an example are not supported), got {tuple(found.shape)}"
        )
    found = inputs.column(owner, name, found)
    if found.is_floating_point():
        found = inputs.finite(owner, name, found, device)
        if (found != found.floor()).any():
            fraction = inputs.first(found, found != found.floor())
            raise ValueError(f"{owner}: {name} must be whole numbers or strings, got {fraction}")
    return found


def _strings(owner: str, name: str, y: np.ndarray) -> np.ndarray:
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    odd = [each for each in y.ravel().tolist() if not isinstance(each, str)]
    if odd:
        raise TypeError(f"{owner}: {name} must be whole numbers or strings, got {odd[0]!r}")
    if y.ndim != 1 or len(y) == 0:
        raise ValueError(f"{owner}: {name} must have shape (n,), one label for each example, got {y.shape}")
    return y.astype(str)


def _number_strings(y: np.ndarray, device: torch.device) -> tuple[Tensor, list]:
    classes, codes = np.unique(y, return_inverse=True)
    return torch.from_numpy(codes.reshape(-1)).to(device), classes.tolist()


def number(y: Tensor) -> tuple[Tensor, list]:
    """Positions (n,) of labels in the sorted list of the classes that occur, and that list."""
    if not y.is_floating_point():
        lowest = y.min().long()
        offsets = y.long() - lowest
        if 0 <= int(offsets.max()) < DENSE_RANGE:
            occurs = torch.bincount(offsets) > 0
            classes = (occurs.nonzero()[:, 0] + lowest).to(y.dtype)
            return (occurs.cumsum(0) - 1)[offsets], classes.tolist()
    found, codes = torch.unique(y, return_inverse=True)
    return codes, found.tolist()


def listed(owner: str, labels: ArrayLike) -> list:
    """Return the argument ``labels`` as a list of Python values; raise if it is empty or not one row."""
    row = labels.tolist() if isinstance(labels, Tensor) else inputs.array(owner, "labels", labels).tolist()
    if not isinstance(row, list) or not row or not all(isinstance(label, Hashable) for label in row):
        raise ValueError(f"{owner}: labels must be one row of class labels, got {labels!r}")
    return row


def positions(wanted: list, classes: list, missing: int) -> list[int]:
    """Where each of the ``wanted`` labels stands in ``classes``; ``missing`` for one that does not."""
    index = {label: i for i, label in enumerate(classes)}
    return [index.get(label, missing) for label in wanted]


def columns(owner: str, y: ArrayLike, labels: ArrayLike | None, device: torch.device) -> tuple[Tensor, list]:
    """Number labels by the columns of a table of scores: those of ``labels``, else those that occur.

    Raises:
        ValueError: ``labels`` that repeat, are not sorted, or lack one that occurs.
    """
    codes, classes = read_one(owner, "y_true", y, device)
    if labels is None:
        return codes, classes
    wanted = listed(owner, labels)
    if wanted != sorted(set(wanted)):
        raise ValueError(f"{owner}: labels must be distinct and in order, got {wanted}")
    where = positions(classes, wanted, missing=-1)
    if -1 in where:
        raise ValueError(
            f"{owner}: y_true must only have labels of {wanted}, got {classes[where.index(-1)]!r}"
        )
    return torch.tensor(where, device=device)[codes], wanted
