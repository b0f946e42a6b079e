"""How alike two maps are, whatever their scales: the correlation of their ranks."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.visualize.arrays import to_numpy


def rank_correlation(maps: Any, others: Any) -> Tensor:
    """Spearman's rank correlation of each map with its other: (N, ...) and (N, ...) -> (N,), in float64.

    1 where both order their pixels alike, 0 where the one says nothing of the other, -1 where the order is
    reversed; equal values share the mean of their ranks. NaN where a map has the same value everywhere.

    Source: Adebayo et al. (2018), Sanity checks for saliency maps, who compare maps by it, with
    and without their signs, and by ``metrics.structural_similarity``.

    Raises:
        ValueError: shapes that differ, maps of less than two entries, or values that are NaN.
    """
    from scipy import stats  # here, for it takes long to import

    first, second = to_numpy(maps), to_numpy(others)
    if first.shape != second.shape or first.ndim < 2:
        raise ValueError(
            f"rank_correlation: maps and others must be of one shape (N, ...), "
            f"got {first.shape} and {second.shape}"
        )
    first, second = first.reshape(len(first), -1), second.reshape(len(second), -1)
    if first.shape[1] < 2:
        raise ValueError(f"rank_correlation: maps must have two entries or more, got {first.shape[1]}")
    if np.isnan(first).any() or np.isnan(second).any():
        raise ValueError("rank_correlation: maps and others must hold numbers, got NaN")
    a, b = (stats.rankdata(each, axis=1) for each in (first, second))
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, as it should be
        found = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return torch.from_numpy(np.asarray(found))
