"""rank_correlation against SciPy's spearmanr, one map at a time."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from course_lib.visualize import rank_correlation


@given(seed=st.integers(0, 999), levels=st.integers(2, 50), n=st.integers(1, 4), side=st.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_against_scipy_with_ties(seed, levels, n, side):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, levels, (2, n, side, side)).astype(float)
    first[:, 0, 0], second[:, 0, 1] = -1.0, -1.0  # no map has only one value
    got = rank_correlation(torch.from_numpy(first), second)
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)


def test_scale_does_not_count_and_order_does():
    maps = torch.rand(3, 4, 5)
    assert rank_correlation(maps, maps.exp() * 7 - 3).tolist() == pytest.approx([1.0] * 3)
    assert rank_correlation(maps, -maps).tolist() == pytest.approx([-1.0] * 3)
    noise = torch.rand(3, 100, 100, generator=torch.Generator().manual_seed(0))
    assert rank_correlation(noise[:1], noise[1:2]).abs().item() < 0.05


def test_maps_of_any_kind_and_shape():
    maps = torch.rand(2, 3, 4, 4, requires_grad=True)
    got = rank_correlation(maps, maps.detach().numpy())
    assert got.shape == (2,)
    assert got.dtype == torch.float64


def test_a_map_of_one_value_has_no_correlation_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = rank_correlation(torch.zeros(2, 3, 3), torch.rand(2, 3, 3))
    assert got.isnan().all()


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (
            torch.rand(2, 3, 3),
            torch.rand(2, 3, 4),
            r"of one shape \(N, \.\.\.\), got \(2, 3, 3\) and \(2, 3, 4\)",
        ),
        (torch.rand(3), torch.rand(3), "of one shape"),
        (torch.rand(3, 1), torch.rand(3, 1), "maps must have two entries or more, got 1"),
        (torch.full((1, 2), torch.nan), torch.rand(1, 2), "must hold numbers, got NaN"),
    ],
)
def test_bad_calls_are_named(first, second, words):
    with pytest.raises(ValueError, match=words):
        rank_correlation(first, second)
