"""Do probabilities mean what they say? Of the examples given 80 %, about 80 % should be right.

The reliability diagram plots one against the other, bin by bin; the expected calibration error sums up the
gaps. Bins are open below and closed above, ((m-1)/M, m/M], and the first one holds 0 too.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics import labels as label_lists
from course_lib.metrics.inputs import Array, ArrayLike
from course_lib.metrics.positives import Label, is_positive

STRATEGIES = ("uniform", "quantile")


class Reliability(NamedTuple):
    """Of each bin that holds examples: the share that are right, mean confidence, and number; (b,) each."""

    accuracy: Array
    confidence: Array
    count: Array


def calibration_curve(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    pos_label: Label = None,
    n_bins: int = 5,
    strategy: str = "uniform",
) -> tuple[Array, Array]:
    """Return the share of positives and the mean probability of each bin that holds examples, (b,) each.

    The function of ``sklearn.calibration``: ``y_prob`` (n,) is the probability of ``pos_label``, one of two
    classes. The bins are equally wide ("uniform") or hold equally many examples ("quantile").

    Raises:
        ValueError: probabilities outside [0, 1], not one an example, or more than two classes.
    """
    owner = "calibration_curve"
    device = inputs.device_of(y_prob, y_true)
    _, classes = label_lists.read_one(owner, "y_true", y_true, device)
    if len(classes) > 2:
        raise ValueError(f"{owner}: y_true must have two classes, got {len(classes)}")
    confidence = inputs.column(owner, "y_prob", _probabilities(owner, y_prob, device))
    right = is_positive(owner, y_true, pos_label, device)
    found = _in_bins(owner, right, confidence, n_bins, strategy)
    return inputs.hand_back(found.accuracy, y_true, y_prob), inputs.hand_back(
        found.confidence, y_true, y_prob
    )


def reliability_curve(
    y_true: ArrayLike, y_prob: ArrayLike, *, n_bins: int = 15, strategy: str = "uniform"
) -> Reliability:
    """Return accuracy, mean confidence and number of examples of each bin that holds some.

    ``y_prob`` (n, k) has a column for each class 0 ... k-1: the confidence is the largest probability, and an
    example is right if that one is the true class's (of equal ones, the first). Or ``y_prob`` is (n,), the
    probability of class 1 of the classes 0 and 1: then "right" means positive.

    Raises:
        ValueError: probabilities outside [0, 1], or labels that are not the columns' numbers.
    """
    found = _reliability("reliability_curve", y_true, y_prob, n_bins, strategy)
    return Reliability(*(inputs.hand_back(each, y_true, y_prob) for each in found))


def expected_calibration_error(
    y_true: ArrayLike, y_prob: ArrayLike, *, n_bins: int = 15, strategy: str = "uniform"
) -> float:
    """Mean gap between accuracy and confidence of the bins, weighted by their numbers of examples.

    Arguments as in ``reliability_curve``. Source: Guo et al. (2017), On calibration of modern neural
    networks, equation 3, with their 15 bins.
    """
    found = _reliability("expected_calibration_error", y_true, y_prob, n_bins, strategy)
    return inputs.average((found.accuracy - found.confidence).abs(), found.count)


def _reliability(owner: str, y_true: ArrayLike, y_prob: ArrayLike, n_bins: int, strategy: str) -> Reliability:
    device = inputs.device_of(y_prob, y_true)
    prob = _probabilities(owner, y_prob, device)
    codes, classes = label_lists.read_one(owner, "y_true", y_true, device)
    binary = prob.ndim == 1 or prob.shape[1] == 1
    k = 2 if binary else prob.shape[1]
    place = label_lists.positions(classes, list(range(k)), missing=-1)
    if -1 in place:
        raise ValueError(f"{owner}: y_true must be in 0 ... {k - 1}, got {classes[place.index(-1)]!r}")
    true = torch.tensor(place, device=device)[codes]
    if binary:
        return _in_bins(owner, true == 1, inputs.column(owner, "y_prob", prob), n_bins, strategy)
    confidence, predicted = prob.max(dim=1)
    inputs.same_length(owner, y_true=true, y_prob=predicted)
    return _in_bins(owner, predicted == true, confidence, n_bins, strategy)


def _in_bins(owner: str, right: Tensor, confidence: Tensor, n_bins: int, strategy: str) -> Reliability:
    checks.positive_integer(owner, "n_bins", n_bins)
    checks.one_of(owner, "strategy", strategy, STRATEGIES)
    inputs.same_length(owner, y_true=right, y_prob=confidence)
    shares = np.linspace(0.0, 1.0, n_bins + 1)
    if strategy == "quantile":  # NumPy's rounding decides on which side of an edge the examples on it fall
        shares = np.percentile(confidence.cpu().numpy(), shares * 100)
    edges = torch.from_numpy(shares[1:-1].copy()).to(confidence.device)
    bins = torch.searchsorted(edges, confidence)
    count, hits, total = (
        torch.bincount(bins, by, minlength=n_bins) for by in (None, right.double(), confidence)
    )
    held = count > 0
    return Reliability(hits[held] / count[held], total[held] / count[held], count[held])


def _probabilities(owner: str, y_prob: ArrayLike, device: torch.device) -> Tensor:
    prob = inputs.finite(owner, "y_prob", y_prob, device)
    if prob.ndim not in (1, 2):
        raise ValueError(f"{owner}: y_prob must have shape (n,) or (n, classes), got {tuple(prob.shape)}")
    outside = (prob < 0) | (prob > 1)
    if outside.any():
        raise ValueError(f"{owner}: y_prob must be from 0 to 1, got {inputs.first(prob, outside)}")
    return prob
