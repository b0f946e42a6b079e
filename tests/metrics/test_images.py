"""Signal-to-noise ratio and structural similarity against scikit-image; mean IoU against scikit-learn."""

import inspect
import math
import warnings

import numpy as np
import pytest
import skimage.metrics as original
import sklearn.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import metrics


def pictures(rng, shape, dtype, noise=0.1):
    smooth = np.cumsum(rng.normal(size=shape), axis=0)
    smooth = (smooth - smooth.min()) / (np.ptp(smooth) or 1)
    pair = np.stack([smooth, (smooth + noise * rng.normal(size=shape)).clip(0, 1)])
    if dtype is bool:
        return pair > 0.5
    return (pair * 255).astype(dtype) if np.issubdtype(dtype, np.integer) else pair.astype(dtype)


def both(x, y):
    """The pictures as arrays and as tensors."""
    return (x, y), (torch.from_numpy(x), torch.from_numpy(y))


@given(
    seed=st.integers(0, 999),
    sides=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    dtype=st.sampled_from([np.uint8, np.float32, np.float64, bool, np.int16]),
    data_range=st.sampled_from([None, 255, 1.0, 2]),
)
@settings(max_examples=100, deadline=None)
def test_peak_signal_noise_ratio(seed, sides, dtype, data_range):
    x, y = pictures(np.random.default_rng(seed), sides, dtype)
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = original.peak_signal_noise_ratio(x, y, data_range=data_range)
    for pair in both(x, y):
        got = metrics.peak_signal_noise_ratio(*pair, data_range=data_range)
        assert got == pytest.approx(expected, rel=1e-5), f"{dtype} {sides} range {data_range}"


def test_psnr_by_hand():
    black, grey = torch.zeros(4, 4), torch.full((4, 4), 0.1)
    assert metrics.peak_signal_noise_ratio(black, grey) == pytest.approx(20.0, rel=1e-6)
    assert metrics.peak_signal_noise_ratio(black - 1, grey - 1) == pytest.approx(26.0206, rel=1e-5)  # range 2
    assert metrics.peak_signal_noise_ratio(black, black) == math.inf
    with pytest.warns(UserWarning, match="dtypes differ"):
        metrics.peak_signal_noise_ratio(black, black.double())


@given(
    seed=st.integers(0, 999),
    sides=st.lists(st.integers(7, 16), min_size=1, max_size=3),
    dtype=st.sampled_from([np.uint8, np.float32, np.float64]),
    win_size=st.sampled_from([None, 3, 5, 7]),
    gaussian=st.booleans(),
    sample=st.booleans(),
    constants=st.sampled_from([{}, {"K1": 0.0, "K2": 0.1}, {"sigma": 0.7}]),
)
@settings(max_examples=60, deadline=None)
def test_structural_similarity(seed, sides, dtype, win_size, gaussian, sample, constants):
    x, y = pictures(np.random.default_rng(seed), sides, dtype)
    options = {
        "win_size": win_size,
        "gaussian_weights": gaussian,
        "use_sample_covariance": sample,
        "data_range": 255 if dtype == np.uint8 else 1.0,
        "gradient": True,
        "full": True,
        **constants,
    }
    if gaussian and win_size is None and min(sides) < 11 and "sigma" not in constants:
        options["win_size"] = 7
    expected = original.structural_similarity(x, y, **options)
    tolerance = {"rtol": 1e-9, "atol": 1e-10} if dtype != np.float32 else {"rtol": 1e-3, "atol": 1e-4}
    for pair in both(x, y):
        got = metrics.structural_similarity(*pair, **options)
        for name, mine, theirs in zip(("mean", "gradient", "map"), got, expected, strict=True):
            np.testing.assert_allclose(
                mine, theirs, **tolerance, err_msg=f"{name} of {dtype} {sides} {options}"
            )
        assert type(got[2]) is type(pair[0])
    assert np.asarray(got[2]).dtype == expected[2].dtype


@pytest.mark.parametrize(("shape", "axis"), [((12, 13, 3), -1), ((3, 12, 13), 0), ((12, 2, 13), 1)])
@pytest.mark.parametrize("maps", [(False, False), (True, False), (False, True), (True, True)])
def test_structural_similarity_of_channels(shape, axis, maps):
    x, y = pictures(np.random.default_rng(0), shape, np.float64)
    options = {"channel_axis": axis, "data_range": 1.0, "gradient": maps[0], "full": maps[1]}
    expected = original.structural_similarity(x, y, **options)
    for pair in both(x, y):
        got = metrics.structural_similarity(*pair, **options)
        if not any(maps):
            assert isinstance(got, float)
            got, wanted = (got,), (expected,)
        else:
            wanted = expected
        for mine, theirs in zip(got, wanted, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


def test_structural_similarity_laws():
    x, y = pictures(np.random.default_rng(0), (20, 20), np.uint8)
    assert metrics.structural_similarity(x, x) == pytest.approx(1.0, abs=1e-12)
    assert metrics.structural_similarity(x, y) == pytest.approx(
        metrics.structural_similarity(y, x), rel=1e-12
    )
    assert metrics.structural_similarity(x, 255 - x) < metrics.structural_similarity(x, y) < 1
    flat = torch.full((9, 9), 7.0)
    assert metrics.structural_similarity(flat, flat, data_range=10) == pytest.approx(1.0)
    with pytest.warns(UserWarning, match="data_range is taken from the dtype"):
        metrics.structural_similarity(x.astype(np.int16), y.astype(np.int16))


def test_structural_similarity_far_from_zero_keeps_its_digits():
    x, y = pictures(np.random.default_rng(0), (16, 16), np.float64)
    near = metrics.structural_similarity(x, y, data_range=1.0, K1=0.0, full=True)[1]
    far = metrics.structural_similarity(x + 1e6, y + 1e6, data_range=1.0, K1=1e9, full=True)[1]
    luminous = metrics.structural_similarity(x, y, data_range=1.0, K1=1e9, full=True)[1]
    np.testing.assert_allclose(far, luminous, atol=1e-8)  # with this K1 only the structure is left
    assert near.max() <= 1 + 1e-12


@pytest.mark.parametrize("name", ["peak_signal_noise_ratio", "structural_similarity"])
def test_signatures_are_scikit_images(name):
    got = inspect.signature(getattr(metrics, name)).parameters.values()
    expected = inspect.signature(getattr(original, name)).parameters.values()
    assert [(p.name, p.kind, p.default) for p in got] == [(p.name, p.kind, p.default) for p in expected]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_pictures_of_low_precision_on_any_device(devices, dtype):
    x = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0)).to(dtype)
    y = (x.float() + 0.1).clamp(max=1).to(dtype)
    exact = original.structural_similarity(
        x.double().numpy(), y.double().numpy(), data_range=1.0, channel_axis=0
    )
    for device in devices:
        got, full = metrics.structural_similarity(
            x.to(device), y.to(device), data_range=1.0, channel_axis=0, full=True
        )
        assert got == pytest.approx(exact, rel=1e-9), f"{dtype} on {device}"
        assert (full.device.type, full.dtype, full.shape) == (device, torch.float32, x.shape)


# Segmentation


@given(
    seed=st.integers(0, 999),
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    k=st.integers(1, 5),
    average=st.sampled_from(["macro", "micro", None]),
)
@settings(max_examples=100, deadline=None)
def test_mean_iou_is_the_jaccard_score(seed, shape, k, average):
    y_true, y_pred = np.random.default_rng(seed).integers(0, k, (2, *shape))
    flat = y_true.ravel(), y_pred.ravel()
    occur = np.union1d(*flat)
    if average is None:
        expected = np.full(7, np.nan)
        expected[occur] = sklearn.metrics.jaccard_score(*flat, average=None)
    else:
        expected = sklearn.metrics.jaccard_score(*flat, average=average)
    for pair in ((y_true, y_pred), (torch.tensor(y_true), torch.tensor(y_pred).to(torch.uint8))):
        got = metrics.mean_iou(*pair, num_classes=7, average=average)
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    if average is not None:
        assert metrics.mean_iou(y_true.tolist(), y_pred, average=average) == pytest.approx(expected)


def test_mean_iou_by_hand():
    y_true = torch.tensor([[0, 0, 1], [1, 1, 255]])
    y_pred = torch.tensor([[0, 1, 1], [1, 0, 2]])
    each = metrics.mean_iou(y_true, y_pred, num_classes=3, ignore_index=255, average=None)
    np.testing.assert_allclose(each, [1 / 3, 2 / 4, math.nan])
    assert metrics.mean_iou(y_true, y_pred, ignore_index=255) == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert metrics.mean_iou(y_true, y_pred, ignore_index=255, average="micro") == pytest.approx(3 / 7)
