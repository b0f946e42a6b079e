"""Log loss, Brier score, top-k accuracy and calibration against scikit-learn."""

import math

import numpy as np
import pytest
import sklearn.metrics as original
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from course_lib import metrics

SHARES = st.sampled_from([0.0, 1.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1 / 3])


@st.composite
def probable(draw):
    """Labels, probabilities (0 and 1 among them), weights, and perhaps all classes."""
    k, n = draw(st.integers(2, 5)), draw(st.integers(1, 20))
    names = draw(st.sampled_from([list(range(5)), ["a", "b", "c", "d", "e"], [-3, 0, 2, 9, 11]]))[:k]
    y_true = draw(st.lists(st.sampled_from(names), min_size=n, max_size=n))
    rows = st.lists(st.integers(0, 3), min_size=k, max_size=k).filter(any)
    table = np.array(draw(st.lists(rows, min_size=n, max_size=n)), dtype=float)
    weights = draw(st.one_of(st.none(), st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=n, max_size=n)))
    listed = draw(st.sampled_from([None, names]))
    return y_true, (table / table.sum(axis=1, keepdims=True)).tolist(), weights, listed


@given(drawn=probable(), normalize=st.booleans())
@settings(max_examples=100, deadline=None)
def test_log_loss(agree, drawn, normalize):
    y_true, y_proba, weights, labels = drawn
    agree(
        metrics.log_loss,
        original.log_loss,
        y_true,
        y_proba,
        normalize=normalize,
        sample_weight=weights,
        labels=labels,
    )


@st.composite
def two_classes(draw):
    n = draw(st.integers(1, 20))
    alphabet = draw(st.sampled_from([(0, 1), (-1, 1), (1,), (0,), (1, 2)]))
    row = st.lists(st.sampled_from(alphabet), min_size=n, max_size=n)
    weights = st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=n, max_size=n)
    return draw(row), draw(st.lists(SHARES, min_size=n, max_size=n)), draw(st.one_of(st.none(), weights))


@given(drawn=two_classes())
@settings(max_examples=60, deadline=None)
def test_log_loss_of_two_classes(agree, drawn):
    y_true, y_proba, weights = drawn
    agree(metrics.log_loss, original.log_loss, y_true, y_proba, sample_weight=weights)


@given(
    drawn=two_classes(), pos_label=st.sampled_from([None, 1, 2]), scale=st.sampled_from([True, False, "auto"])
)
@settings(max_examples=80, deadline=None)
def test_brier_score_of_two_classes(agree, drawn, pos_label, scale):
    y_true, y_proba, weights = drawn
    agree(
        metrics.brier_score_loss,
        original.brier_score_loss,
        y_true,
        y_proba,
        sample_weight=weights,
        pos_label=pos_label,
        scale_by_half=scale,
    )


@given(drawn=probable(), scale=st.sampled_from([True, False, "auto"]))
@settings(max_examples=80, deadline=None)
def test_brier_score(agree, drawn, scale):
    y_true, y_proba, weights, labels = drawn
    agree(
        metrics.brier_score_loss,
        original.brier_score_loss,
        y_true,
        y_proba,
        sample_weight=weights,
        labels=labels,
        scale_by_half=scale,
    )


@given(drawn=probable(), k=st.integers(1, 6), normalize=st.booleans())
@settings(max_examples=100, deadline=None)
def test_top_k_accuracy(agree, drawn, k, normalize):
    y_true, y_score, weights, labels = drawn
    agree(
        metrics.top_k_accuracy_score,
        original.top_k_accuracy_score,
        y_true,
        y_score,
        k=k,
        normalize=normalize,
        sample_weight=weights,
        labels=labels,
    )


@given(
    drawn=two_classes(), k=st.integers(1, 3), scale=st.sampled_from([1.0, -2.0, 3.0]), listed=st.booleans()
)
@settings(max_examples=60, deadline=None)
def test_top_k_accuracy_of_two_classes(agree, drawn, k, scale, listed):
    y_true, y_score, weights = drawn
    if len({*y_true}) == 1 and not listed:
        return  # refused by both; but scikit-learn knows 2 classes where we see 1, so the messages differ
    agree(
        metrics.top_k_accuracy_score,
        original.top_k_accuracy_score,
        y_true,
        [scale * score for score in y_score],
        k=k,
        sample_weight=weights,
        labels=[-1, 1] if listed and -1 in y_true else [0, 1] if listed and 2 not in y_true else None,
    )


def test_half_precision_is_clipped_by_its_own_eps():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        proba = torch.tensor([[1.0, 0.0], [0.5, 0.5]], dtype=dtype)
        expected = (-math.log(torch.finfo(dtype).eps) + math.log(2)) / 2
        assert metrics.log_loss(torch.tensor([1, 0]), proba) == pytest.approx(expected, rel=1e-12), f"{dtype}"
    y_true, single = np.array([0, 1, 1]), np.array([0.0, 0.3, 1.0], dtype=np.float32)
    assert metrics.log_loss(y_true, single) == pytest.approx(original.log_loss(y_true, single), rel=1e-6)


def test_log_loss_takes_the_old_name_too_and_warns_of_sums():
    assert metrics.log_loss([0, 1], y_pred=[0.5, 0.5]) == pytest.approx(math.log(2))
    with pytest.warns(UserWarning, match="do not sum to one"):
        metrics.log_loss([0, 1], [[0.5, 0.4], [0.5, 0.5]])


# Calibration


@given(drawn=two_classes(), n_bins=st.integers(1, 12), strategy=st.sampled_from(["uniform", "quantile"]))
@settings(max_examples=150, deadline=None)
def test_calibration_curve(agree, drawn, n_bins, strategy):
    y_true, y_prob, _ = drawn
    agree(metrics.calibration_curve, calibration_curve, y_true, y_prob, n_bins=n_bins, strategy=strategy)


@given(
    seed=st.integers(0, 999),
    n=st.integers(1, 60),
    k=st.integers(2, 5),
    n_bins=st.integers(1, 20),
    half=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_calibration_error_against_a_loop_over_bins(seed, n, k, n_bins, half):
    rng = np.random.default_rng(seed)
    y_prob = rng.dirichlet(np.ones(k), n)
    y_true = rng.integers(0, k, n)
    given_prob = torch.tensor(y_prob).half() if half else torch.tensor(y_prob)
    seen = given_prob.double().numpy()
    confidence, right = seen.max(axis=1), seen.argmax(axis=1) == y_true
    error, rows = 0.0, []
    for m in range(n_bins):
        inside = (confidence > m / n_bins) & (confidence <= (m + 1) / n_bins)
        if inside.any():
            rows.append((right[inside].mean(), confidence[inside].mean(), inside.sum()))
            error += inside.mean() * abs(rows[-1][0] - rows[-1][1])
    assert metrics.expected_calibration_error(y_true, given_prob, n_bins=n_bins) == pytest.approx(
        error, abs=1e-12
    )
    found = metrics.reliability_curve(y_true, given_prob, n_bins=n_bins)
    assert isinstance(found.accuracy, torch.Tensor)
    np.testing.assert_allclose(np.stack(found, axis=1), rows, rtol=1e-12, err_msg="reliability_curve")


def test_calibration_of_two_classes_is_the_curves():
    rng = np.random.default_rng(0)
    y_prob = rng.random(500)
    y_true = (rng.random(500) < y_prob**2).astype(int)
    found = metrics.reliability_curve(y_true, y_prob, n_bins=10)
    true, predicted = calibration_curve(y_true, y_prob, n_bins=10)
    np.testing.assert_allclose(found.accuracy, true, rtol=1e-12)
    np.testing.assert_allclose(found.confidence, predicted, rtol=1e-12)
    assert found.count.sum() == 500
    expected = (found.count * np.abs(true - predicted)).sum() / 500
    assert metrics.expected_calibration_error(y_true, y_prob, n_bins=10) == pytest.approx(expected, rel=1e-12)


def test_an_honest_forecast_is_calibrated_and_a_confident_one_is_not():
    generator = torch.Generator().manual_seed(0)
    honest = torch.rand(200_000, generator=generator)
    y_true = (torch.rand(200_000, generator=generator) < honest).long()
    assert metrics.expected_calibration_error(y_true, honest) < 0.01
    assert metrics.expected_calibration_error(y_true, honest.round()) == pytest.approx(0.25, abs=0.01)
    assert metrics.expected_calibration_error([0, 1], [0.0, 1.0]) == 0.0


# Bootstrap


def test_bootstrap_of_a_mean_against_the_same_draws_in_numpy():
    x = np.random.default_rng(0).normal(size=40)
    found = metrics.confidence_interval(lambda y: float(np.mean(y)), x, resamples=300, seed=3, level=0.9)
    generator = torch.Generator().manual_seed(3)
    means = [x[torch.randint(40, (40,), generator=generator).numpy()].mean() for _ in range(300)]
    low, high = np.quantile(means, [0.05, 0.95])
    assert found == pytest.approx((x.mean(), low, high), rel=1e-12)


def test_bootstrap_keeps_rows_together_and_the_seed():
    generator = torch.Generator().manual_seed(0)
    y_true = torch.randint(2, (200,), generator=generator)
    y_pred = torch.where(torch.rand(200, generator=generator) < 0.8, y_true, 1 - y_true)
    interval = metrics.confidence_interval(metrics.accuracy_score, y_true, y_pred, resamples=200)
    assert interval.low < interval.estimate < interval.high
    assert interval == metrics.confidence_interval(metrics.accuracy_score, y_true, y_pred, resamples=200)
    assert interval == metrics.confidence_interval(
        metrics.accuracy_score, y_true.tolist(), y_pred.numpy(), resamples=200
    )
    assert interval != metrics.confidence_interval(
        metrics.accuracy_score, y_true, y_pred, resamples=200, seed=1
    )
    spread = math.sqrt(interval.estimate * (1 - interval.estimate) / 200)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * spread, rel=0.2)
    same = metrics.confidence_interval(metrics.f1_score, y_true, y_true, resamples=20, average="macro")
    assert same == (1.0, 1.0, 1.0)


def test_bootstrap_leaves_out_draws_of_one_class():
    interval = metrics.confidence_interval(metrics.roc_auc_score, [0, 1, 1], [0.1, 0.4, 0.3], resamples=50)
    assert interval == (1.0, 1.0, 1.0)


def test_bootstrap_covers_the_truth_as_often_as_it_says():
    generator = torch.Generator().manual_seed(0)
    hits = 0
    for seed in range(100):
        x = torch.randn(50, generator=generator)
        _, low, high = metrics.confidence_interval(
            lambda y: float(y.mean()), x, resamples=150, seed=seed, level=0.8
        )
        hits += low < 0 < high
    assert 68 <= hits <= 90
