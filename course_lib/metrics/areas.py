"""The curves in one number: area under the ROC curve, and average precision.

Names, arguments, defaults and conventions are scikit-learn's. ``y_true`` is (n,) labels, or (n, k) of 0 and
1: column c says whether an example has label c. Where there are several columns, ``average`` is
    "macro"     (the default) the mean of the columns' scores;
    "weighted"  the same, weighted by the number of positives;
    "micro"     the score of all entries taken together;
    "samples"   the mean of the rows' scores;
    None        the score of every column, (k,).
"""

import itertools
import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics import labels as label_lists
from course_lib.metrics.curves import auc, precision_recall_curve, roc_curve
from course_lib.metrics.inputs import ArrayLike
from course_lib.metrics.notices import warn_undefined
from course_lib.metrics.positives import Label

Area = Callable[[Tensor, Tensor, Tensor | None], float]  # of (labels, scores, weights), each (n,)
AVERAGES = ("macro", "weighted", "micro", "samples", None)


def roc_auc_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    average: str | None = "macro",
    sample_weight: ArrayLike | None = None,
    max_fpr: float | None = None,
    multi_class: str = "raise",
    labels: ArrayLike | None = None,
) -> Any:
    """Area under the ROC curve: the probability that a positive scores higher than a negative (ties: half).

    With two classes ``y_score`` (n,) rates the later of the two. With more it holds probabilities (n, k), a
    column a class in the order of ``labels`` (default: of those that occur, sorted), and ``multi_class`` says
    what is averaged: "ovr", each class against the rest, or "ovo", every two classes against each other
    (Hand & Till, 2001). ``max_fpr`` gives the area up to that false positive rate, rescaled so that chance is
    1/2 (McClish, 1989). NaN with a warning where only one class occurs.

    Raises:
        ValueError: scores that are NaN, infinite, or of the wrong shape; probabilities that do not sum to 1;
            combinations of arguments that have no meaning, such as "ovo" with ``sample_weight``.
    """
    owner = "roc_auc_score"
    checks.one_of(owner, "average", average, AVERAGES)
    checks.one_of(owner, "multi_class", multi_class, ("raise", "ovr", "ovo"))
    if max_fpr is not None and not (isinstance(max_fpr, Real) and 0 < max_fpr <= 1):
        raise ValueError(f"{owner}: max_fpr must be above 0 and at most 1, got {max_fpr!r}")
    device = inputs.device_of(y_score, y_true)
    score = inputs.finite(owner, "y_score", y_score, device)
    by = inputs.weights(owner, sample_weight, len(score), device) if score.ndim else None

    def area(true: Tensor, score: Tensor, by: Tensor | None) -> float:
        return _binary_roc_auc(true, score, by, max_fpr)

    table = _indicators(owner, y_true, device)
    if table is not None:
        return _average_columns(owner, area, table, score, average, by, (y_true, y_score))
    codes, classes = label_lists.read_one(owner, "y_true", y_true, device)
    if len(classes) <= 2 and not (score.ndim == 2 and score.shape[1] > 2):
        inputs.same_length(owner, y_true=codes, y_score=inputs.column(owner, "y_score", score))
        positive = codes == 1
        return area(positive, inputs.column(owner, "y_score", score), by)
    if max_fpr not in (None, 1):
        raise ValueError(f"{owner}: max_fpr must be None with more than two classes, got {max_fpr}")
    if multi_class == "raise":
        raise ValueError(
            f"{owner}: multi_class must be 'ovr' or 'ovo' with more than two classes, got 'raise'"
        )
    codes, classes = label_lists.columns(owner, y_true, labels, device)
    _check_probabilities(owner, codes, score, classes)
    if multi_class == "ovr":
        checks.one_of(owner, "average", average, ("macro", "weighted", "micro", None))
        table = torch.nn.functional.one_hot(codes, len(classes)).bool()
        return _average_columns(owner, area, table, score, average, by, (y_true, y_score))
    checks.one_of(owner, "average", average, ("macro", "weighted"))
    if by is not None:
        raise ValueError(f"{owner}: sample_weight must be None with multi_class='ovo', got weights")
    return _one_against_one(area, codes, score, average)


def average_precision_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    average: str | None = "macro",
    pos_label: Label = 1,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Sum of the precisions at all thresholds, each times the rise in recall: sum_t (R_t - R_{t-1}) P_t.

    That is the area under the precision-recall curve as a staircase; straight lines between its points would
    be too optimistic (Davis & Goadrich, 2006). With more than two classes ``y_score`` is (n, k), a column a
    class that occurs, sorted, each against the rest. 0 with a warning where there are no positives.

    Raises:
        ValueError: scores that are NaN, infinite, or of the wrong shape; a ``pos_label`` that does not occur.
    """
    owner = "average_precision_score"
    checks.one_of(owner, "average", average, AVERAGES)
    device = inputs.device_of(y_score, y_true)
    score = inputs.finite(owner, "y_score", y_score, device)
    by = inputs.weights(owner, sample_weight, len(score), device) if score.ndim else None
    table = _indicators(owner, y_true, device)
    if table is None:
        codes, classes = label_lists.read_one(owner, "y_true", y_true, device)
        if len(classes) <= 2:
            if len(classes) == 2 and pos_label not in classes:
                raise ValueError(f"{owner}: pos_label must be one of {classes}, got {pos_label!r}")
            positive = codes == label_lists.positions([pos_label], classes, missing=-1)[0]
            return _binary_average_precision(positive, inputs.column(owner, "y_score", score), by)
        table = torch.nn.functional.one_hot(codes, len(classes)).bool()
    if pos_label != 1:
        raise ValueError(f"{owner}: pos_label must be 1 with more than two classes, got {pos_label!r}")
    return _average_columns(owner, _binary_average_precision, table, score, average, by, (y_true, y_score))


def _binary_roc_auc(
    positive: Tensor, score: Tensor, by: Tensor | None, max_fpr: float | None = None
) -> float:
    counts = positive if by is None else positive[by != 0]
    if counts.all() or not counts.any():
        warn_undefined("roc_auc_score: only one class occurs in y_true, so that the area is NaN")
        return math.nan
    fpr, tpr, _ = roc_curve(positive, score, sample_weight=by)
    if max_fpr is None or max_fpr == 1:
        return auc(fpr, tpr)
    stop = int(torch.searchsorted(fpr, max_fpr, right=True))
    share = (max_fpr - fpr[stop - 1]) / (fpr[stop] - fpr[stop - 1])
    end = tpr[stop - 1] + share * (tpr[stop] - tpr[stop - 1])
    area = auc(torch.cat([fpr[:stop], fpr.new_tensor([max_fpr])]), torch.cat([tpr[:stop], end.view(1)]))
    chance = max_fpr**2 / 2
    return (1 + (area - chance) / (max_fpr - chance)) / 2


def _binary_average_precision(positive: Tensor, score: Tensor, by: Tensor | None) -> float:
    precision, recall, _ = precision_recall_curve(positive, score, sample_weight=by)
    return max(0.0, float(-(recall.diff() @ precision[:-1])))


def _indicators(owner: str, y_true: ArrayLike, device: torch.device) -> Tensor | None:
    """Return labels given as a table (n, k) of 0 and 1, as booleans, or None if they are one an example."""
    shape = y_true.shape if isinstance(y_true, Tensor) else inputs.array(owner, "y_true", y_true).shape
    if len(shape) != 2 or shape[1] < 2:
        return None
    table = inputs.numbers(owner, "y_true", y_true, device)
    if len(table) == 0 or not ((table == 0) | (table == 1)).all():
        raise ValueError(f"{owner}: y_true must be labels (n,), or (n, k) of 0 and 1, got {tuple(shape)}")
    return table.bool()


def _average_columns(
    owner: str,
    area: Area,
    table: Tensor,
    score: Tensor,
    average: str | None,
    by: Tensor | None,
    came: tuple[object, object],
) -> Any:
    """Average the areas of the columns of ``table`` and ``score``, both (n, k)."""
    if table.shape != score.shape:
        raise ValueError(f"{owner}: y_score must have shape {tuple(table.shape)}, got {tuple(score.shape)}")
    if average == "micro":
        each = None if by is None else by.repeat_interleave(table.shape[1])
        return area(table.reshape(-1), score.reshape(-1), each)
    if average == "samples":
        areas = _doubles(area(*row, None) for row in zip(table, score, strict=True))
        return inputs.average(areas, by)
    positives = (table.double() if by is None else table * by.double()[:, None]).sum(dim=0).cpu()
    if average == "weighted" and positives.sum() == 0:
        return 0.0
    areas = _doubles(area(*column, by) for column in zip(table.T, score.T, strict=True))
    if average is None:
        return inputs.hand_back(areas.to(score.device), *came)
    if average == "macro":
        return inputs.average(areas)
    return inputs.average(areas[positives != 0], positives[positives != 0])


def _doubles(values: Iterable[float]) -> Tensor:
    return torch.tensor(list(values), dtype=torch.float64)


def _one_against_one(area: Area, codes: Tensor, score: Tensor, average: str | None) -> float:
    """Average over every two classes; of each two, over which of them is the positive one."""
    pairs, sizes = [], []
    for a, b in itertools.combinations(codes.unique().tolist(), 2):
        either = (codes == a) | (codes == b)
        is_a, rows = codes[either] == a, score[either]
        pairs.append((area(is_a, rows[:, a], None) + area(~is_a, rows[:, b], None)) / 2)
        sizes.append(len(rows))
    return inputs.average(_doubles(pairs), _doubles(sizes) if average == "weighted" else None)


def _check_probabilities(owner: str, codes: Tensor, score: Tensor, classes: list) -> None:
    if score.ndim != 2 or score.shape[1] != len(classes):
        raise ValueError(
            f"{owner}: y_score must have shape (n, {len(classes)}), a column a class "
            f"(all classes can be listed in labels), got {tuple(score.shape)}"
        )
    inputs.same_length(owner, y_true=codes, y_score=score)
    sums = score.sum(dim=1)
    if not torch.allclose(sums, torch.ones_like(sums), rtol=1e-5, atol=1e-8):
        wrong = inputs.first(sums, (sums - 1).abs() > 1e-5)
        raise ValueError(
            f"{owner}: y_score must be probabilities that sum to 1 for each example, got {wrong}"
        )
