"""Errors of predicted numbers.

Names, arguments, defaults and conventions are scikit-learn's. Inputs are (n,), or (n, k) for k outputs, and
``multioutput`` says how the k errors become one: their mean ("uniform_average"), their mean weighted by k
numbers, or not at all ("raw_values": (k,), as a tensor or an array).

Raises (all of them):
    ValueError: different shapes, NaN or infinity, no example, an unknown ``multioutput``, or weights that do
        not fit.
"""

import math
from typing import Any

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics.inputs import ArrayLike
from course_lib.metrics.notices import warn_undefined

Error = Any  # a float, or with multioutput="raw_values" an array


def mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str | ArrayLike = "uniform_average",
) -> Error:
    """Mean of (y_pred - y_true)^2."""
    true, predicted, by = _read("mean_squared_error", y_true, y_pred, sample_weight, multioutput)
    errors = _mean((predicted - true).square(), by)
    return _combined(errors, multioutput, y_true, y_pred)


def root_mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str | ArrayLike = "uniform_average",
) -> Error:
    """Root of the mean of (y_pred - y_true)^2, of each output: in the units of y."""
    true, predicted, by = _read("root_mean_squared_error", y_true, y_pred, sample_weight, multioutput)
    errors = _mean((predicted - true).square(), by).sqrt()
    return _combined(errors, multioutput, y_true, y_pred)


def mean_absolute_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str | ArrayLike = "uniform_average",
) -> Error:
    """Mean of |y_pred - y_true|: a large error counts less than in the mean square."""
    true, predicted, by = _read("mean_absolute_error", y_true, y_pred, sample_weight, multioutput)
    errors = _mean((predicted - true).abs(), by)
    return _combined(errors, multioutput, y_true, y_pred)


def r2_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: str | ArrayLike | None = "uniform_average",
    force_finite: bool = True,
) -> Error:
    """1 - sum (y_true - y_pred)^2 / sum (y_true - mean)^2: the share of the variance that is explained.

    1 is perfect, 0 as good as always saying the mean, below 0 worse. Where y_true is constant the fraction is
    0/0 or x/0: then a perfect prediction gives 1 and another one 0, or NaN and -infinity with
    ``force_finite=False``. ``multioutput`` may also be "variance_weighted". NaN, with a warning, for a single
    example.
    """
    owner = "r2_score"
    if multioutput is None:
        multioutput = "uniform_average"
    true, predicted, by = _read(owner, y_true, y_pred, sample_weight, multioutput, "variance_weighted")
    if len(true) < 2:
        warn_undefined(f"{owner}: not defined for fewer than two examples")
        return math.nan
    weight = torch.ones_like(true[:, :1]) if by is None else by[:, None]
    unexplained = (weight * (true - predicted).square()).sum(dim=0)
    spread = (weight * (true - _mean(true, by)).square()).sum(dim=0)
    scores = 1 - unexplained / spread
    if force_finite:
        scores = torch.where(spread == 0, (unexplained == 0).double(), scores)
    if isinstance(multioutput, str) and multioutput == "variance_weighted":
        return inputs.average(scores, spread if spread.any() else None)
    return _combined(scores, multioutput, y_true, y_pred)


def _read(
    owner: str,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    sample_weight: ArrayLike | None,
    multioutput: str | ArrayLike,
    *further_ways: str,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Check all arguments; return float64 (n, k) twice, and weights (n,)."""
    device = inputs.device_of(y_pred, y_true)
    true = inputs.finite(owner, "y_true", y_true, device)
    predicted = inputs.finite(owner, "y_pred", y_pred, device)
    true, predicted = (x[:, None] if x.ndim == 1 else x for x in (true, predicted))
    if true.ndim != 2 or true.shape != predicted.shape:  # (n, 1) - (n,) would be (n, n), in silence
        raise ValueError(
            f"{owner}: y_true and y_pred must have one shape, (n,) or (n, outputs), "
            f"got {tuple(true.shape)} and {tuple(predicted.shape)}"
        )
    if true.numel() == 0:
        raise ValueError(f"{owner}: y_true must have at least one example, got none")
    if isinstance(multioutput, str):
        checks.one_of(owner, "multioutput", multioutput, ("raw_values", "uniform_average", *further_ways))
    else:
        share = inputs.finite(owner, "multioutput", multioutput, device)
        if share.shape != true.shape[1:] or len(share) == 1:
            raise ValueError(
                f"{owner}: multioutput must be a weight for each of several outputs, "
                f"got {tuple(share.shape)} for {true.shape[1]}"
            )
    by = inputs.weights(owner, sample_weight, len(true), device)
    return true, predicted, None if by is None else by.double()


def _mean(x: Tensor, by: Tensor | None) -> Tensor:
    if by is None:
        return x.mean(dim=0)
    if by.sum() == 0:
        raise ZeroDivisionError("the weights must not sum to zero, for they are normalized")
    return by @ x / by.sum()


def _combined(errors: Tensor, multioutput: str | ArrayLike, y_true: ArrayLike, y_pred: ArrayLike) -> Error:
    if isinstance(multioutput, str):
        raw = multioutput == "raw_values"
        return inputs.hand_back(errors, y_true, y_pred) if raw else float(errors.mean())
    return inputs.average(errors, inputs.numbers("", "", multioutput, errors.device))
