"""Every threshold at once: the ROC curve and the precision-recall curve.

Names, arguments, defaults and conventions are scikit-learn's. An example is taken for positive if its score
reaches the threshold, so lowering it from infinity moves along the curves; examples of equal score move
together. Labels are of two classes, or ``pos_label`` says which one is positive.

Raises (both curves):
    ValueError: scores that are NaN or infinite, or not one for each label; a ``pos_label`` that cannot be
        guessed, since labels are not 0 and 1 or -1 and 1.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.metrics import inputs
from course_lib.metrics.inputs import Array, ArrayLike
from course_lib.metrics.notices import warn, warn_undefined
from course_lib.metrics.positives import Label, is_positive


class Passed(NamedTuple):
    """How many negatives and positives reach each distinct score, from the highest score down."""

    false_positives: Tensor  # (t,), float64
    true_positives: Tensor  # (t,), float64
    thresholds: Tensor  # (t,), in the scores' dtype

    def at(self, kept: Tensor) -> "Passed":
        """Keep some of the thresholds."""
        return Passed(*(each[kept] for each in self))


def roc_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    pos_label: Label = None,
    sample_weight: ArrayLike | None = None,
    drop_intermediate: bool = True,
) -> tuple[Array, Array, Array]:
    """Return false positive rates, true positive rates and thresholds, each (t,).

    The curve runs from (0, 0) to (1, 1), and its first threshold is infinity. ``drop_intermediate`` leaves
    out points on a straight line between their neighbours. Without negatives (positives) the false (true)
    positive rate is NaN, with a warning.

    Source: Fawcett (2006), An introduction to ROC analysis.
    """
    passed = count_passed("roc_curve", y_true, y_score, pos_label, sample_weight)
    if drop_intermediate and len(passed.thresholds) > 2:
        fp, tp, _ = passed
        bends = (fp.diff(n=2) != 0) | (tp.diff(n=2) != 0)
        passed = passed.at(torch.nn.functional.pad(bends, (1, 1), value=True))
    fp, tp = (torch.nn.functional.pad(each, (1, 0)) for each in passed[:2])  # nothing reaches infinity
    thresholds = torch.cat([fp.new_full((1,), math.inf), passed.thresholds.double()])
    for what, counts in (("negative", fp), ("positive", tp)):
        if counts[-1] <= 0:
            warn_undefined(f"roc_curve: there are no {what} examples, so that their rate is NaN")
            counts.fill_(math.nan)
    curve = (fp / fp[-1], tp / tp[-1], thresholds)
    return tuple(inputs.hand_back(each, y_true, y_score) for each in curve)


def precision_recall_curve(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    pos_label: Label = None,
    sample_weight: ArrayLike | None = None,
    drop_intermediate: bool = False,
) -> tuple[Array, Array, Array]:
    """Return precisions (t + 1,), recalls (t + 1,) and rising thresholds (t,).

    The last point, precision 1 and recall 0, has no threshold. ``drop_intermediate`` leaves out points
    between others of the same recall. Without positives the recall is 1 everywhere, with a warning.
    """
    passed = count_passed("precision_recall_curve", y_true, y_score, pos_label, sample_weight)
    if drop_intermediate and len(passed.thresholds) > 2:
        rises = passed.true_positives.diff() != 0
        passed = passed.at(torch.nn.functional.pad(rises[:-1] | rises[1:], (1, 1), value=True))
    fp, tp, thresholds = passed
    both = tp + fp
    precision = torch.where(both == 0, 0.0, tp / both)
    recall = tp / tp[-1]
    if tp[-1] == 0:
        warn("precision_recall_curve: there are no positive examples, so that recall is set to one")
        recall = torch.ones_like(tp)
    curve = (torch.cat([precision.flip(0), tp.new_ones(1)]), torch.cat([recall.flip(0), tp.new_zeros(1)]))
    return tuple(inputs.hand_back(each, y_true, y_score) for each in (*curve, thresholds.flip(0)))


def auc(x: ArrayLike, y: ArrayLike) -> float:
    """Area under a curve of points (x, y), joined by straight lines; x rises, or falls, all along.

    Raises:
        ValueError: fewer than two points, NaN, not as many y as x, or an x that turns back.
    """
    device = inputs.device_of(x, y)
    x = inputs.column("auc", "x", inputs.finite("auc", "x", x, device))
    y = inputs.column("auc", "y", inputs.finite("auc", "y", y, device))
    inputs.same_length("auc", x=x, y=y)
    if len(x) < 2:
        raise ValueError(f"auc: x must have two points or more, got {len(x)}")
    steps = x.diff()
    if (steps < 0).any() and (steps > 0).any():
        raise ValueError("auc: x must rise or fall all along, got one that turns back")
    return float((steps.abs() * (y[1:] + y[:-1]) / 2).sum())


def count_passed(
    owner: str, y_true: ArrayLike, y_score: ArrayLike, pos_label: Label, sample_weight: ArrayLike | None
) -> Passed:
    """Sort by score, and count (or sum the weights of) all that reach each distinct score."""
    device = inputs.device_of(y_score, y_true)
    positive = is_positive(owner, y_true, pos_label, device)
    came = inputs.column(owner, "y_score", inputs.numbers(owner, "y_score", y_score, device))
    score = inputs.finite(owner, "y_score", came, device)
    inputs.same_length(owner, y_true=positive, y_score=score)
    by = inputs.weights(owner, sample_weight, len(score), device)
    weight = torch.ones_like(score) if by is None else by.double()
    if by is not None:
        heavy = weight != 0
        score, positive, weight = score[heavy], positive[heavy], weight[heavy]
    score, order = score.sort(descending=True, stable=True)
    last_of_ties = torch.nn.functional.pad(score.diff() != 0, (0, 1), value=True)
    positive, weight = positive[order], weight[order]
    tp = torch.where(positive, weight, 0.0).cumsum(0)[last_of_ties]
    fp = torch.where(positive, 0.0, weight).cumsum(0)[last_of_ties]
    return Passed(fp, tp, score[last_of_ties].to(came.dtype))
