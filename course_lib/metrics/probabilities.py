"""Scores of predicted probabilities: log loss, Brier score, and whether the truth is among the top k.

Names, arguments, defaults and conventions are scikit-learn's.
"""

import math

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics import labels as label_lists
from course_lib.metrics.inputs import ArrayLike
from course_lib.metrics.notices import warn, warn_undefined
from course_lib.metrics.positives import GUESSED, Label, is_positive


def log_loss(
    y_true: ArrayLike,
    y_proba: ArrayLike | None = None,
    *,
    normalize: bool = True,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    y_pred: ArrayLike | str = "deprecated",
) -> float:
    """Mean of -log p(true class), in nats: the cross-entropy. ``normalize=False`` gives the sum.

    ``y_proba`` (n, k) has a column a class, sorted, or is (n,): the probability of the second of two. It is
    clipped to [eps, 1 - eps] with its dtype's eps, so that a confident mistake costs much, but not infinity.
    ``labels`` lists all classes if not all occur in y_true. ``y_pred`` is what scikit-learn called y_proba
    before version 1.9.

    Raises:
        ValueError: probabilities that are not in [0, 1] or not one a class; a single class.
    """
    owner = "log_loss"
    if not isinstance(y_pred, str):
        if y_proba is not None:
            raise ValueError(
                f"{owner}: y_pred must not be given beside y_proba: it is its old name, got both"
            )
        y_proba = y_pred
    true, proba, eps, by = _one_a_class(owner, y_true, y_proba, labels, sample_weight)
    losses = -proba.clamp(eps, 1 - eps).gather(1, true[:, None])[:, 0].log()
    if normalize:
        return inputs.average(losses, by)
    return float(losses.sum() if by is None else losses @ by.double())


def brier_score_loss(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    pos_label: Label = None,
    labels: ArrayLike | None = None,
    scale_by_half: bool | str = "auto",
) -> float:
    """Mean squared difference between probabilities and what happened (1 or 0), summed over the classes.

    ``y_proba`` is (n,), the probability of the class ``pos_label`` of two (default: the later one), or it is
    (n, k), a column a class. ``scale_by_half`` halves the sum, so that it lies in [0, 1]; "auto" does so for
    two classes.

    Raises:
        ValueError: as ``log_loss``; a ``pos_label`` that cannot be guessed.

    Source: Brier (1950), Verification of forecasts expressed in terms of probability.
    """
    owner = "brier_score_loss"
    checks.one_of(owner, "scale_by_half", scale_by_half, (True, False, "auto"))
    device = inputs.device_of(y_proba, y_true)
    proba = inputs.numbers(owner, "y_proba", y_proba, device)
    if proba.ndim == 2 and proba.shape[1] > 1:
        true, proba, _, by = _one_a_class(owner, y_true, y_proba, labels, sample_weight)
        happened = torch.nn.functional.one_hot(true, proba.shape[1])
    else:
        proba = _probabilities(owner, inputs.column(owner, "y_proba", proba))
        positive = _happened(owner, y_true, pos_label, device)
        inputs.same_length(owner, y_true=positive, y_proba=proba)
        by = inputs.weights(owner, sample_weight, len(proba), device)
        proba = torch.stack([1 - proba, proba], dim=1)
        happened = torch.stack([~positive, positive], dim=1)
    score = inputs.average((happened.double() - proba).square().sum(dim=1), by)
    halved = proba.shape[1] < 3 if scale_by_half == "auto" else scale_by_half
    return score / 2 if halved else score


def top_k_accuracy_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    k: int = 2,
    normalize: bool = True,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> float:
    """Share of the examples whose true class is among the k highest scores.

    ``normalize=False`` gives their number. ``y_score`` (n, classes) has a column a class, sorted; of equal
    scores the later column ranks higher. With two classes it is (n,), and its threshold is 0.5 if all scores
    lie in [0, 1], else 0.

    Raises:
        ValueError: not one column a class, labels not in order, NaN.
    """
    owner = "top_k_accuracy_score"
    checks.positive_integer(owner, "k", k)
    device = inputs.device_of(y_score, y_true)
    true, classes = label_lists.columns(owner, y_true, labels, device)
    score = inputs.finite(owner, "y_score", y_score, device)
    if len(classes) <= 2:
        score = inputs.column(owner, "y_score", score)
        threshold = 0.5 if score.min() >= 0 and score.max() <= 1 else 0.0
        score = torch.stack([score <= threshold, score > threshold], dim=1).double()
    _column_a_class(owner, "y_score", score, classes)
    inputs.same_length(owner, y_true=true, y_score=score)
    if k >= len(classes):
        warn_undefined(f"{owner}: k={k} of {len(classes)} classes makes any score perfect")
    own = score.gather(1, true[:, None])
    later = torch.arange(len(classes), device=device) > true[:, None]
    ahead = (score > own) | ((score == own) & later)
    hits = (ahead.sum(dim=1) < k).double()
    by = inputs.weights(owner, sample_weight, len(hits), device)
    if normalize:
        return inputs.average(hits, by)
    return float(hits.sum() if by is None else hits @ by.double())


def _happened(owner: str, y_true: ArrayLike, pos_label: Label, device: torch.device) -> Tensor:
    """Which of two classes it was; unless 1 is the positive one by convention, the later number is."""
    _, classes = label_lists.read_one(owner, "y_true", y_true, device)
    if len(classes) > 2:
        raise ValueError(
            f"{owner}: y_true must have two classes for y_proba of shape (n,), got {len(classes)}"
        )
    if pos_label is None and classes not in GUESSED and not isinstance(classes[-1], str):
        pos_label = classes[-1]
    return is_positive(owner, y_true, pos_label, device)


def _one_a_class(
    owner: str,
    y_true: ArrayLike,
    y_proba: ArrayLike | None,
    labels: ArrayLike | None,
    sample_weight: ArrayLike | None,
) -> tuple[Tensor, Tensor, float, Tensor | None]:
    """Return columns of the true classes (n,), float64 probabilities (n, k), their dtype's eps, weights."""
    if y_proba is None:
        raise TypeError(f"{owner}: y_proba must be a tensor, an array or a list, got None")
    device = inputs.device_of(y_proba, y_true)
    came = inputs.numbers(owner, "y_proba", y_proba, device)
    eps = torch.finfo(came.dtype if came.is_floating_point() else torch.float64).eps
    proba = _probabilities(owner, came)
    if proba.ndim == 1:
        proba = proba[:, None]
    if proba.ndim == 2 and proba.shape[1] == 1:
        proba = torch.cat([1 - proba, proba], dim=1)
    true, classes = label_lists.columns(owner, y_true, labels, device)
    if len(classes) < 2:
        raise ValueError(f"{owner}: labels must list all classes if only one occurs, got {classes}")
    _column_a_class(owner, "y_proba", proba, classes)
    inputs.same_length(owner, y_true=true, y_proba=proba)
    if ((proba.sum(dim=1) - 1).abs() > math.sqrt(eps)).any():
        warn(f"{owner}: the probabilities of an example do not sum to one")
    return true, proba, eps, inputs.weights(owner, sample_weight, len(proba), device)


def _probabilities(owner: str, x: Tensor) -> Tensor:
    x = inputs.finite(owner, "y_proba", x, x.device)
    outside = (x < 0) | (x > 1)
    if outside.any():
        raise ValueError(f"{owner}: y_proba must be from 0 to 1, got {inputs.first(x, outside)}")
    return x


def _column_a_class(owner: str, name: str, x: Tensor, classes: list) -> None:
    if x.ndim != 2 or x.shape[1] != len(classes):
        raise ValueError(
            f"{owner}: {name} must have shape (n, {len(classes)}), a column a class "
            f"(all classes can be listed in labels), got {tuple(x.shape)}"
        )
