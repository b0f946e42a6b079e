"""The confusion matrix, and scores that are read off it: accuracy, balanced accuracy, correlation, kappa.

Names, arguments, defaults and conventions are scikit-learn's. See ``course_lib.metrics.inputs`` for what
comes in and goes out.
"""

import math
from numbers import Real

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics import labels as label_lists
from course_lib.metrics.inputs import Array, ArrayLike
from course_lib.metrics.notices import warn, warn_undefined


def confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    normalize: str | None = None,
) -> Array:
    """Count how often class i (row) was taken for class j (column): (k, k) for k classes.

    The classes are those of ``labels``, in that order, and examples of others are left out; else all that
    occur, sorted. With two classes the rows are (TN, FP), (FN, TP). Counts are int64, or float64 if
    ``sample_weight`` has fractions. ``normalize`` divides by the sum of the row ("true"), of the column
    ("pred") or of all ("all"), and 0/0 is 0.

    Raises:
        ValueError: labels as in ``course_lib.metrics.labels.read``; none of ``labels`` is in y_true.
    """
    checks.one_of("confusion_matrix", "normalize", normalize, (None, "true", "pred", "all"))
    matrix = _matrix("confusion_matrix", y_true, y_pred, labels, sample_weight)
    if matrix.shape == (1, 1):
        warn("confusion_matrix: there is a single label; list all classes in labels for a larger matrix")
    if normalize is not None:
        along = {"true": (1,), "pred": (0,), "all": (0, 1)}[normalize]
        sums = matrix.sum(dim=along, keepdim=True).double()
        matrix = torch.where(sums == 0, 0.0, matrix / sums)
    return inputs.hand_back(matrix, y_true, y_pred)


def _matrix(
    owner: str,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    labels: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Tensor:
    found = label_lists.read(owner, y_true, y_pred, sample_weight)
    true, predicted, by = found.true, found.predicted, found.weights
    k = len(found.classes)
    if labels is not None:
        wanted = label_lists.listed(owner, labels)
        k = len(wanted)
        place = torch.tensor(label_lists.positions(found.classes, wanted, missing=k), device=true.device)
        true, predicted = place[true], place[predicted]
        if not (true < k).any():
            raise ValueError(f"{owner}: labels must have at least one that is in y_true, got {wanted}")
        inside = (true < k) & (predicted < k)
        true, predicted = true[inside], predicted[inside]
        by = None if by is None else by[inside]
    return count(true * k + predicted, k * k, by).view(k, k)


def count(codes: Tensor, k: int, by: Tensor | None) -> Tensor:
    """Number of examples of each code 0 ... k-1, or the sum of their weights, in the dtype of these."""
    if by is None:
        return torch.bincount(codes, minlength=k)
    return torch.bincount(codes, by.double(), minlength=k).to(by.dtype)  # whole weights: exact below 2^53


def accuracy_score(
    y_true: ArrayLike, y_pred: ArrayLike, *, normalize: bool = True, sample_weight: ArrayLike | None = None
) -> float:
    """Share of the examples whose predicted label is the true one; their number with ``normalize=False``."""
    found = label_lists.read("accuracy_score", y_true, y_pred, sample_weight)
    hits = (found.true == found.predicted).double()
    if normalize:
        return inputs.average(hits, found.weights)
    return float(hits.sum() if found.weights is None else hits @ found.weights.double())


def balanced_accuracy_score(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None, adjusted: bool = False
) -> float:
    """Mean of the recalls of all classes that occur in y_true.

    ``adjusted`` rescales it so that chance (1/k) is 0 and a perfect score stays 1; one class gives NaN (0/0)
    or minus infinity.
    """
    matrix = _matrix("balanced_accuracy_score", y_true, y_pred, sample_weight=sample_weight).double()
    recalls = matrix.diagonal() / matrix.sum(dim=1)
    if recalls.isnan().any():
        warn("balanced_accuracy_score: y_pred has classes that are not in y_true")
        recalls = recalls[~recalls.isnan()]
    if not adjusted:
        return float(recalls.mean())
    chance = 1 / len(recalls)
    return float((recalls.mean() - chance) / recalls.new_tensor(1 - chance))  # a tensor: 0/0 is NaN


def matthews_corrcoef(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Correlation of true and predicted labels, from -1 to 1; 0 if either are all the same.

    Source: Gorodkin (2004), Comparing two K-category assignments by a K-category correlation coefficient.
    """
    matrix = _matrix("matthews_corrcoef", y_true, y_pred, sample_weight=sample_weight).double()
    true, predicted, n = matrix.sum(dim=1), matrix.sum(dim=0), matrix.sum()
    both = matrix.trace() * n - true @ predicted
    spread = (predicted @ (n - predicted)) * (true @ (n - true))  # not n^2 - sum p^2: that is 0 only almost
    return float(both / spread.sqrt()) if spread > 0 else 0.0


def cohen_kappa_score(
    y1: ArrayLike,
    y2: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    weights: str | None = None,
    sample_weight: ArrayLike | None = None,
    replace_undefined_by: float = math.nan,
) -> float:
    """Agreement of two raters beyond what chance would give: 1 is perfect, 0 is chance.

    ``weights`` says how much a confusion of classes i and j costs: 1 (None), |i - j| ("linear") or
    (i - j)^2 ("quadratic"). Where only one class is left, or none, it is ``replace_undefined_by``, with a
    warning.

    Source: Cohen (1960), A coefficient of agreement for nominal scales.
    """
    owner = "cohen_kappa_score"
    checks.one_of(owner, "weights", weights, (None, "linear", "quadratic"))
    if not isinstance(replace_undefined_by, Real) or not (
        math.isnan(replace_undefined_by) or -1 <= replace_undefined_by <= 1
    ):
        raise ValueError(
            f"{owner}: replace_undefined_by must be from -1 to 1, or NaN, got {replace_undefined_by!r}"
        )
    matrix = _matrix(owner, y1, y2, labels, sample_weight).double()
    place = torch.arange(len(matrix), device=matrix.device, dtype=torch.float64)
    apart = (place[:, None] - place).abs()
    cost = {None: (apart > 0).double(), "linear": apart, "quadratic": apart**2}[weights]
    chance = torch.outer(matrix.sum(dim=1), matrix.sum(dim=0)) / matrix.sum()
    expected = (cost * chance).sum()
    if not expected > 0:  # NaN too: no example is left
        warn_undefined(f"{owner}: undefined with one class in common; set to {replace_undefined_by}")
        return replace_undefined_by
    return float(1 - (cost * matrix).sum() / expected)
