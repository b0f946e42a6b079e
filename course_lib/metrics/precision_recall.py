"""Precision, recall, F-scores and specificity, of each class or averaged.

Names, arguments, defaults and conventions are scikit-learn's; ``specificity_score`` is ours and follows them.
These functions share some arguments. ``average`` is
    "binary"    (mostly the default) the score of the class ``pos_label``, where there are only two;
    None        the score of every class, (k,), as a tensor or an array;
    "macro"     their mean, in which rare classes count as much as common ones;
    "weighted"  their mean, weighted by the number of true examples;
    "micro"     the score of the counts of all classes added up.
"samples" is not supported: an example has one label here. ``labels`` chooses classes, in its order.
``zero_division`` is the value of 0/0: 0, 1 or NaN (which averages leave out); "warn" is 0, with a warning.

Raises (all of them):
    ValueError: labels and weights as in ``labels.read``; average="binary" with three classes or more, or with
        a ``pos_label`` that does not occur; an unknown ``average`` or ``zero_division``.
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics import labels as label_lists
from course_lib.metrics.classification import count
from course_lib.metrics.inputs import ArrayLike
from course_lib.metrics.notices import warn, warn_undefined

Label = int | float | str | bool | None
Score = Any  # a float, or with average=None an array


class Counts(NamedTuple):
    """Of each class the true positives, the examples predicted and true; and the number of all examples."""

    hits: Tensor
    predicted: Tensor
    true: Tensor
    total: Tensor


def precision_recall_fscore_support(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    beta: float = 1.0,
    labels: ArrayLike | None = None,
    pos_label: Label = 1,
    average: str | None = None,
    warn_for: Sequence[str] | set[str] = ("precision", "recall", "f-score"),
    sample_weight: ArrayLike | None = None,
    zero_division: str | float = "warn",
) -> tuple[Score, Score, Score, Any]:
    """Return precision, recall, F_beta, and the support: the number of true examples, or None if averaged.

    ``warn_for`` says which of them may warn.
    """
    owner = "precision_recall_fscore_support"
    counts = _counts(owner, y_true, y_pred, labels, pos_label, average, sample_weight)
    scores = (
        _precision(owner, counts, zero_division, "precision" in warn_for),
        _recall(owner, counts, zero_division, "recall" in warn_for),
        _f_beta(owner, counts, beta, zero_division, "f-score" in warn_for),
    )
    precision, recall, f_score = (_averaged(each, average, counts, y_true, y_pred) for each in scores)
    support = inputs.hand_back(counts.true, y_true, y_pred) if average is None else None
    return precision, recall, f_score, support


def precision_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Label = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: str | float = "warn",
) -> Score:
    """TP / (TP + FP): of the examples predicted to be in the class, the share that are."""
    owner = "precision_score"
    counts = _counts(owner, y_true, y_pred, labels, pos_label, average, sample_weight)
    return _averaged(_precision(owner, counts, zero_division), average, counts, y_true, y_pred)


def recall_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Label = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: str | float = "warn",
) -> Score:
    """TP / (TP + FN): of the examples in the class, the share that were found (the sensitivity)."""
    owner = "recall_score"
    counts = _counts(owner, y_true, y_pred, labels, pos_label, average, sample_weight)
    return _averaged(_recall(owner, counts, zero_division), average, counts, y_true, y_pred)


def specificity_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Label = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: str | float = "warn",
) -> Score:
    """TN / (TN + FP): of the examples not in the class, the share that were not taken for it."""
    owner = "specificity_score"
    counts = _counts(owner, y_true, y_pred, labels, pos_label, average, sample_weight)
    others = counts.total - counts.true
    rejected = others - (counts.predicted - counts.hits)
    score = _ratio(owner, rejected, others, zero_division, "false")
    return _averaged(score, average, counts, y_true, y_pred)


def f1_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    pos_label: Label = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: str | float = "warn",
) -> Score:
    """2 P R / (P + R) = 2 TP / (2 TP + FP + FN): the harmonic mean of precision P and recall R.

    Unlike the arithmetic mean it is near 0 as soon as one of them is.
    """
    owner = "f1_score"
    counts = _counts(owner, y_true, y_pred, labels, pos_label, average, sample_weight)
    return _averaged(_f_beta(owner, counts, 1.0, zero_division), average, counts, y_true, y_pred)


def fbeta_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    beta: float,
    labels: ArrayLike | None = None,
    pos_label: Label = 1,
    average: str | None = "binary",
    sample_weight: ArrayLike | None = None,
    zero_division: str | float = "warn",
) -> Score:
    """(1 + beta^2) P R / (beta^2 P + R): recall R counts beta times as much as precision P.

    beta = 0 gives the precision, infinity the recall. Source: van Rijsbergen (1979), Information Retrieval.
    """
    owner = "fbeta_score"
    counts = _counts(owner, y_true, y_pred, labels, pos_label, average, sample_weight)
    return _averaged(_f_beta(owner, counts, beta, zero_division), average, counts, y_true, y_pred)


def _counts(
    owner: str,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    labels: ArrayLike | None,
    pos_label: Label,
    average: str | None,
    sample_weight: ArrayLike | None,
) -> Counts:
    """Count for the classes whose scores are wanted, in order; with "micro", over all of them."""
    if average == "samples":
        raise ValueError(f"{owner}: average='samples' is not supported: an example has one label here")
    checks.one_of(owner, "average", average, ("binary", None, "micro", "macro", "weighted"))
    found = label_lists.read(owner, y_true, y_pred, sample_weight)
    wanted = _wanted(owner, found, labels, pos_label, average)
    k, by = len(found.classes), None if found.weights is None else found.weights.double()
    hit = found.true == found.predicted
    hits = count(found.true[hit], k, by if by is None else by[hit])
    total = torch.tensor(len(hit), device=hit.device) if by is None else by.sum()
    place = torch.tensor(label_lists.positions(wanted, found.classes, missing=k), device=hit.device)
    of_each = (hits, count(found.predicted, k, by), count(found.true, k, by))
    chosen = [torch.cat([each, each.new_zeros(1)])[place] for each in of_each]  # 0 of a class never seen
    if average == "micro":
        chosen = [each.sum().view(1) for each in chosen]
        total = total * len(wanted)
    return Counts(chosen[0], chosen[1], chosen[2], total)


def _wanted(
    owner: str, found: label_lists.Labels, labels: ArrayLike | None, pos_label: Label, average: str | None
) -> list:
    if average == "binary":
        if found.kind != "binary":
            raise ValueError(
                f"{owner}: average must be None, 'micro', 'macro' or 'weighted' for "
                f"{len(found.classes)} classes, got 'binary'"
            )
        if pos_label not in found.classes and len(found.classes) == 2:
            raise ValueError(f"{owner}: pos_label must be one of {found.classes}, got {pos_label!r}")
        return [pos_label]
    if pos_label not in (None, 1):
        warn(f"{owner}: pos_label={pos_label!r} is ignored with average={average!r}")
    return found.classes if labels is None else label_lists.listed(owner, labels)


def _precision(owner: str, counts: Counts, zero_division: str | float, warns: bool = True) -> Tensor:
    return _ratio(owner, counts.hits, counts.predicted, zero_division, "predicted", warns)


def _recall(owner: str, counts: Counts, zero_division: str | float, warns: bool = True) -> Tensor:
    return _ratio(owner, counts.hits, counts.true, zero_division, "true", warns)


def _f_beta(
    owner: str, counts: Counts, beta: float, zero_division: str | float, warns: bool = True
) -> Tensor:
    checks.number(owner, "beta", beta)
    if beta < 0:
        raise ValueError(f"{owner}: beta must be 0 or more, got {beta}")
    if math.isinf(beta):
        return _recall(owner, counts, zero_division, warns=False)
    if beta == 0:
        return _precision(owner, counts, zero_division, warns=False)
    below = beta**2 * counts.true.double() + counts.predicted.double()
    return _ratio(
        owner, (1 + beta**2) * counts.hits.double(), below, zero_division, "true or predicted", warns
    )


def _ratio(
    owner: str, above: Tensor, below: Tensor, zero_division: str | float, of_what: str, warns: bool = True
) -> Tensor:
    """Divide, and put ``zero_division`` where there are no examples ``of_what`` to divide by."""
    if zero_division == "warn":
        value = 0.0
    elif isinstance(zero_division, Real) and (zero_division in (0, 1) or math.isnan(zero_division)):
        value = float(zero_division)
    else:
        raise ValueError(f"{owner}: zero_division must be 'warn', 0, 1 or NaN, got {zero_division!r}")
    empty = below == 0
    if warns and zero_division == "warn" and empty.any():
        warn_undefined(
            f"{owner}: ill-defined and set to 0.0 where there are no {of_what} examples; "
            "choose another value with zero_division"
        )
    return torch.where(empty, value, above.double() / below.double())


def _averaged(score: Tensor, average: str | None, counts: Counts, y_true: object, y_pred: object) -> Score:
    """Reduce the scores of all classes to one; NaN takes no part."""
    if average is None:
        return inputs.hand_back(score, y_true, y_pred)
    defined = ~score.isnan()
    if not defined.any():
        return math.nan
    by = counts.true[defined].double() if average == "weighted" else None
    if by is not None and by.sum() == 0:
        by = None
    return inputs.average(score[defined], by)
