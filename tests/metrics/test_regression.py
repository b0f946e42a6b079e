"""Errors of predicted numbers against scikit-learn."""

import math

import numpy as np
import pytest
import sklearn.metrics as original
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import metrics

NAMES = ["mean_squared_error", "mean_absolute_error", "root_mean_squared_error", "r2_score"]


@st.composite
def predicted(draw):
    """Numbers on a coarse grid, so that constants and perfect predictions occur; one output or several."""
    n, k = draw(st.integers(1, 8)), draw(st.sampled_from([None, 1, 2, 3]))
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    shape = (n,) if k is None else (n, k)
    y_true, y_pred = rng.integers(0, draw(st.sampled_from([1, 2, 5])), (2, *shape)).astype(float)
    scale = draw(st.sampled_from([1.0, 1e-9, 1e9]))
    weights = draw(st.one_of(st.none(), st.just(rng.integers(1, 4, n).astype(float).tolist())))
    own = st.just(rng.random(k or 1).tolist())
    average = draw(st.one_of(st.sampled_from(["uniform_average", "raw_values", "variance_weighted"]), own))
    return (scale * y_true).tolist(), (scale * y_pred).tolist(), weights, average


@pytest.mark.parametrize("name", NAMES)
@given(drawn=predicted())
@settings(max_examples=100, deadline=None)
def test_errors(agree, name, drawn):
    y_true, y_pred, weights, average = drawn
    if name == "root_mean_squared_error" and not isinstance(average, str) and len(average) == 1:
        return  # we refuse a weight for a single output always, scikit-learn everywhere but here
    options = {"sample_weight": weights, "multioutput": average}
    agree(getattr(metrics, name), getattr(original, name), y_true, y_pred, **options, rtol=1e-11)


@given(drawn=predicted(), force_finite=st.booleans())
@settings(max_examples=100, deadline=None)
def test_r2_with_and_without_forcing(agree, drawn, force_finite):
    y_true, y_pred, weights, average = drawn
    options = {"sample_weight": weights, "multioutput": average, "force_finite": force_finite}
    with np.errstate(all="ignore"):
        agree(metrics.r2_score, original.r2_score, y_true, y_pred, **options, rtol=1e-11)


def test_r2_without_forcing_is_not_a_number_or_infinite():
    assert math.isnan(metrics.r2_score([1, 1], [1, 1], force_finite=False))
    assert metrics.r2_score([1, 1], [1, 2], force_finite=False) == -math.inf
    assert metrics.r2_score([1.0, 2], [1, 2], multioutput=None) == 1.0
    with pytest.warns(metrics.UndefinedMetricWarning, match="fewer than two"):
        assert math.isnan(metrics.r2_score([1.0], [1.0]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int64])
def test_any_dtype_and_device_is_computed_in_float64(devices, dtype):
    x, y = torch.arange(300).to(dtype), torch.full((300,), 150).to(dtype)
    expected = (x.double() - y.double()).square().mean().item()
    for device in devices:
        assert metrics.mean_squared_error(x.to(device), y.to(device)) == expected, f"{dtype} on {device}"
    raw = metrics.mean_absolute_error(x[:, None], y[:, None], multioutput="raw_values")
    assert (raw.dtype, raw.shape) == (torch.float64, (1,))


def test_large_offsets_do_not_cancel():
    y = torch.tensor([1e9, 1e9 + 1, 1e9 + 2], dtype=torch.float64)
    assert metrics.mean_squared_error(y, y + 0.5) == 0.25
    assert metrics.r2_score(y, y.flip(0)) == pytest.approx(1 - 8 / 2)
