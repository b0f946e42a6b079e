"""ROC and precision-recall curves and their areas against scikit-learn, ties and lonely classes included."""

import math
import time

import numpy as np
import pytest
import sklearn.metrics as original
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import metrics

LEVELS = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, -3.0, 1e-9, 1e6])


@st.composite
def scored(draw, alphabets=((0, 1), (-1, 1), (1, 2), (1,), (0,), (False, True), ("a", "b"))):
    """Labels of two classes (or one), scores with ties, weights."""
    alphabet = draw(st.sampled_from(alphabets))
    n = draw(st.integers(1, 25))
    y_true = draw(st.lists(st.sampled_from(alphabet), min_size=n, max_size=n))
    levels = draw(st.sampled_from([LEVELS, st.floats(-1, 1)]))
    y_score = draw(st.lists(levels, min_size=n, max_size=n))
    weights = draw(
        st.one_of(
            st.none(), st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=n, max_size=n).filter(any)
        )
    )
    return y_true, y_score, weights


CURVES = ["roc_curve", "precision_recall_curve"]


@pytest.mark.parametrize("name", CURVES)
@given(drawn=scored(), drop=st.booleans(), given_label=st.booleans(), pick=st.integers(0, 30))
@settings(max_examples=150, deadline=None)
def test_curves(agree, name, drawn, drop, given_label, pick):
    y_true, y_score, weights = drawn
    pos_label = y_true[pick % len(y_true)] if given_label else None
    agree(
        getattr(metrics, name),
        getattr(original, name),
        y_true,
        y_score,
        pos_label=pos_label,
        sample_weight=weights,
        drop_intermediate=drop,
    )


@given(drawn=scored(), max_fpr=st.sampled_from([None, 1.0, 0.5, 0.1, 0.03]))
@settings(max_examples=150, deadline=None)
def test_roc_auc(agree, drawn, max_fpr):
    y_true, y_score, weights = drawn
    heavy = {y for y, weight in zip(y_true, weights or [1] * len(y_true), strict=True) if weight}
    if max_fpr is not None and len(heavy) < 2:
        return  # NaN; scikit-learn has no partial area of a curve without points
    agree(
        metrics.roc_auc_score,
        original.roc_auc_score,
        y_true,
        y_score,
        sample_weight=weights,
        max_fpr=max_fpr,
        rtol=1e-11,
    )


@given(drawn=scored(), pos_label=st.sampled_from([1, 0, 2, "b"]))
@settings(max_examples=150, deadline=None)
def test_average_precision(agree, drawn, pos_label):
    y_true, y_score, weights = drawn
    if isinstance(y_true[0], str) != isinstance(pos_label, str):
        return
    agree(
        metrics.average_precision_score,
        original.average_precision_score,
        y_true,
        y_score,
        pos_label=pos_label,
        sample_weight=weights,
    )


@st.composite
def many_classes(draw):
    """Labels of several classes and probabilities on a coarse grid."""
    k, n = draw(st.integers(2, 5)), draw(st.integers(2, 20))
    y_true = draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n))
    rows = st.lists(st.integers(0, 3), min_size=k, max_size=k).filter(any)
    table = np.array(draw(st.lists(rows, min_size=n, max_size=n)), dtype=float)
    weights = draw(st.one_of(st.none(), st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=n, max_size=n)))
    return y_true, (table / table.sum(axis=1, keepdims=True)).tolist(), weights, k


@given(
    drawn=many_classes(),
    average=st.sampled_from(["macro", "weighted", "micro", None, "samples"]),
    multi_class=st.sampled_from(["ovr", "ovo", "raise"]),
    listed=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_roc_auc_of_many_classes(agree, drawn, average, multi_class, listed):
    y_true, y_score, weights, k = drawn
    if k == 2 and len({*y_true}) == 1:
        return  # two columns for two classes are refused; scikit-learn says NaN where only one class occurs
    agree(
        metrics.roc_auc_score,
        original.roc_auc_score,
        y_true,
        y_score,
        average=average,
        multi_class=multi_class,
        sample_weight=None if multi_class == "ovo" else weights,
        labels=list(range(k)) if listed else None,
        kinds=("array", "tensor"),
        rtol=1e-11,
    )


@given(drawn=many_classes(), average=st.sampled_from(["macro", "weighted", "micro", None, "samples"]))
@settings(max_examples=100, deadline=None)
def test_average_precision_of_many_classes(agree, drawn, average):
    y_true, y_score, weights, _ = drawn
    agree(
        metrics.average_precision_score,
        original.average_precision_score,
        y_true,
        y_score,
        average=average,
        sample_weight=weights,
        kinds=("array", "tensor"),
        rtol=1e-11,
    )


@pytest.mark.parametrize("name", ["roc_auc_score", "average_precision_score"])
@given(
    seed=st.integers(0, 999),
    n=st.integers(2, 12),
    k=st.integers(2, 4),
    average=st.sampled_from(["macro", "weighted", "micro", None, "samples"]),
    weighted=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_several_labels_an_example(agree, name, seed, n, k, average, weighted):
    rng = np.random.default_rng(seed)
    y_true, y_score = rng.integers(0, 2, (n, k)), rng.integers(0, 5, (n, k)) / 4
    agree(
        getattr(metrics, name),
        getattr(original, name),
        y_true.tolist(),
        y_score.tolist(),
        average=average,
        sample_weight=rng.integers(1, 4, n).astype(float) if weighted else None,
        kinds=("array", "tensor"),
        rtol=1e-11,
    )


@given(x=st.lists(st.integers(-5, 5), min_size=1, max_size=9), seed=st.integers(0, 99), falling=st.booleans())
@settings(max_examples=60, deadline=None)
def test_auc(agree, x, seed, falling):
    y = np.random.default_rng(seed).normal(size=len(x)).tolist()
    agree(metrics.auc, original.auc, sorted(x, reverse=falling), y, rtol=1e-10)


def test_auc_refuses_an_x_that_turns_back():
    with pytest.raises(ValueError, match="auc: x must rise or fall all along"):
        metrics.auc([0, 2, 1], [0, 1, 2])


def test_the_area_is_the_probability_of_the_right_order():
    generator = torch.Generator().manual_seed(1)
    y_true = torch.rand(60, generator=generator) < 0.3
    y_score = torch.randint(0, 6, (60,), generator=generator) + 2 * y_true
    above, below = y_score[y_true].double()[:, None], y_score[~y_true].double()
    pairs = (above > below).double() + 0.5 * (above == below)
    assert metrics.roc_auc_score(y_true, y_score) == pytest.approx(float(pairs.mean()), rel=1e-12)


def test_three_points_by_hand():
    # scores 0.9 (+), 0.8 (-), 0.7 (+): precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1
    y_true, y_score = torch.tensor([1, 0, 1]), torch.tensor([0.9, 0.8, 0.7])
    fpr, tpr, thresholds = metrics.roc_curve(y_true, y_score)
    assert fpr.tolist() == [0, 0, 1, 1]
    assert tpr.tolist() == [0, 0.5, 0.5, 1]
    assert thresholds[0] == math.inf
    precision, recall, at = metrics.precision_recall_curve(y_true, y_score)
    np.testing.assert_allclose(precision, [2 / 3, 1 / 2, 1, 1])
    assert recall.tolist() == [1, 0.5, 0.5, 0]
    assert torch.equal(at, torch.tensor([0.7, 0.8, 0.9]))
    assert metrics.roc_auc_score(y_true, y_score) == 0.5
    assert metrics.average_precision_score(y_true, y_score) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64])
def test_scores_of_any_dtype_and_device(devices, dtype):
    generator = torch.Generator().manual_seed(0)
    y_true = torch.rand(200, generator=generator) < 0.4
    y_score = (100 * torch.rand(200, generator=generator)).to(dtype)
    exact = [
        np.asarray(each) for each in original.precision_recall_curve(y_true.numpy(), y_score.double().numpy())
    ]
    for device in devices:
        found = metrics.precision_recall_curve(y_true.to(device), y_score.to(device))
        assert found[2].dtype == dtype, f"thresholds of {dtype} on {device}"
        for got, expected in zip(found, exact, strict=True):
            assert got.device.type == device
            np.testing.assert_allclose(got.cpu().double().numpy(), expected, rtol=1e-12)
        area = metrics.roc_auc_score(y_true.to(device), y_score.to(device))
        assert area == pytest.approx(original.roc_auc_score(y_true, y_score.double()), rel=1e-12)


def test_scores_with_gradients_are_read_and_not_changed():
    y_score = torch.tensor([0.3, 0.1, 0.7], requires_grad=True)
    y_true, before = torch.tensor([0, 0, 1]), y_score.detach().clone()
    assert metrics.roc_auc_score(y_true, y_score) == 1.0
    assert not any(each.requires_grad for each in metrics.roc_curve(y_true, y_score))
    assert torch.equal(y_score, before)


def test_a_million_scores():
    generator = torch.Generator().manual_seed(0)
    y_true = torch.randint(2, (1_000_000,), generator=generator)
    y_score = torch.randn(1_000_000, generator=generator) + y_true
    start = time.perf_counter()
    area = metrics.roc_auc_score(y_true, y_score)
    assert time.perf_counter() - start < 5, "roc_auc_score compares all pairs"
    assert area == pytest.approx(0.7602, abs=0.002)  # Phi(1 / sqrt 2)
