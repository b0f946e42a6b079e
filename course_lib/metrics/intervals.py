"""How sure is a score? Resampling the examples tells."""

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics.inputs import ArrayLike


class Interval(NamedTuple):
    """A score of all examples, and the ends of its confidence interval."""

    estimate: float
    low: float
    high: float


def confidence_interval(
    score: Callable[..., float],
    *arrays: ArrayLike,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    **options: Any,
) -> Interval:
    """Bootstrap interval of ``score(*arrays, **options)``, such as of accuracy_score(y_true, y_pred).

    Draws n of the n examples, with replacement, ``resamples`` times, always the same rows of all ``arrays``,
    and returns the quantiles (1 - level) / 2 and (1 + level) / 2 of the scores. The same seed gives the same
    draws on every device. Draws for which the score is NaN, say because only one class was drawn, are left
    out, and so are the warnings about them. Examples must be independent: resample patients, not their
    pictures.

    Raises:
        ValueError: arrays of different lengths or empty; a score that is NaN for all examples or all draws.

    Source: Efron (1979), Bootstrap methods: another look at the jackknife (the percentile method).
    """
    owner = "confidence_interval"
    checks.finite_number(owner, "level", level, above=0.0)
    if level >= 1:
        raise ValueError(f"{owner}: level must be below 1, got {level}")
    checks.positive_integer(owner, "resamples", resamples)
    if not arrays:
        raise TypeError(f"{owner}: arrays must be one or more, got none")
    rows = [x if isinstance(x, Tensor) else inputs.array(owner, "arrays", x) for x in arrays]
    lengths = {len(x) for x in rows}
    if len(lengths) > 1 or 0 in lengths:
        raise ValueError(
            f"{owner}: arrays must have as many examples, and at least one, got {sorted(lengths)}"
        )
    estimate = float(score(*rows, **options))
    generator = torch.Generator().manual_seed(seed)
    n = lengths.pop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draws = [
            _resampled(score, rows, torch.randint(n, (n,), generator=generator), options)
            for _ in range(resamples)
        ]
    defined = [value for value in draws if not math.isnan(value)]
    if math.isnan(estimate) or not defined:
        raise ValueError(f"{owner}: score must be a number for these examples, got NaN")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high))


def _resampled(score: Callable[..., float], rows: list[Any], drawn: Tensor, options: dict[str, Any]) -> float:
    picked = [x[drawn.to(x.device)] if isinstance(x, Tensor) else x[drawn.numpy()] for x in rows]
    return float(score(*picked, **options))
