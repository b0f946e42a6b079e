"""Batch by batch gives what all examples at once give; merged parts too; and so does a pickle."""

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import metrics

SCORES = {
    "accuracy": (metrics.accuracy_score, {}),
    "balanced accuracy": (metrics.balanced_accuracy_score, {}),
    "macro precision": (metrics.precision_score, {"average": "macro", "zero_division": 0}),
    "recalls": (metrics.recall_score, {"average": None, "zero_division": 0}),
    "weighted F1": (metrics.f1_score, {"average": "weighted", "zero_division": 0}),
    "micro F2 of some": (
        metrics.fbeta_score,
        {"average": "micro", "beta": 2, "labels": [0, 2], "zero_division": 0},
    ),
    "specificity": (metrics.specificity_score, {"average": "macro", "zero_division": 0}),
    "correlation": (metrics.matthews_corrcoef, {}),
    "kappa": (metrics.cohen_kappa_score, {"weights": "linear"}),
    "report": (metrics.classification_report, {"digits": 4, "zero_division": 0, "output_dict": True}),
}


@st.composite
def batches(draw):
    """Labels and predictions of 4 classes, in batches, some of them empty."""
    sizes = draw(st.lists(st.integers(0, 6), min_size=1, max_size=5).filter(any))
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    y_true = torch.from_numpy(rng.integers(0, draw(st.integers(1, 4)), sum(sizes)))
    y_pred = torch.from_numpy(rng.integers(0, 4, sum(sizes)))
    return y_true, y_pred, torch.from_numpy(rng.integers(1, 5, sum(sizes)) / 2), sizes


def assert_same(got, expected, what):
    if isinstance(expected, dict):
        assert got.keys() == expected.keys(), what
        for key in expected:
            assert_same(got[key], expected[key], f"{what} {key}")
    else:
        np.testing.assert_allclose(got, expected, rtol=1e-12, err_msg=what)


@pytest.mark.parametrize("name", SCORES)
@given(drawn=batches(), weighted=st.booleans(), split=st.integers(0, 4))
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_scores_of_labels(name, drawn, weighted, split):
    score, options = SCORES[name]
    y_true, y_pred, weights, sizes = drawn
    one, other = (metrics.StreamingScore(score, range(4), **options) for _ in range(2))
    parts = zip(y_true.split(sizes), y_pred.split(sizes), weights.split(sizes), strict=True)
    for i, (true, predicted, weight) in enumerate(parts):
        (one if i < split else other).update(true, predicted, weight if weighted else None)
    one.merge(other)
    expected = score(y_true, y_pred, sample_weight=weights if weighted else None, **options)
    assert_same(one.compute(), expected, name)
    for again in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert_same(again.compute(), expected, f"{name}, copied")


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
@given(drawn=batches())
@settings(max_examples=40, deadline=None)
def test_confusion_matrix(normalize, drawn):
    y_true, y_pred, weights, sizes = drawn
    stream = metrics.StreamingConfusionMatrix(range(4), normalize=normalize)
    for true, predicted in zip(y_true.split(sizes), y_pred.split(sizes), strict=True):
        stream.update(true, predicted)
    expected = metrics.confusion_matrix(y_true, y_pred, labels=range(4), normalize=normalize)
    assert torch.equal(stream.compute(), expected)
    stream.reset()
    stream.update(y_true, y_pred, weights)
    expected = metrics.confusion_matrix(
        y_true, y_pred, labels=range(4), normalize=normalize, sample_weight=weights
    )
    assert torch.equal(stream.compute(), expected)


def test_classes_may_be_strings_in_any_order():
    stream = metrics.StreamingConfusionMatrix(["owl", "cat"])
    stream.update(["cat", "owl"], ["cat", "cat"])
    stream.update(np.array(["owl"]), np.array(["owl"]))
    assert stream.compute().tolist() == [[1, 1], [0, 1]]
    score = metrics.StreamingScore(metrics.recall_score, ["owl", "cat"], pos_label="owl")
    score.update(["cat", "owl", "owl"], ["cat", "cat", "owl"])
    assert score.compute() == 0.5


@given(drawn=batches(), weighted=st.booleans())
@settings(max_examples=40, deadline=None)
def test_accuracy(drawn, weighted):
    y_true, y_pred, weights, sizes = drawn
    one, other = metrics.StreamingAccuracy(), metrics.StreamingAccuracy()
    for i, (true, predicted, weight) in enumerate(
        zip(y_true.split(sizes), y_pred.split(sizes), weights.split(sizes), strict=True)
    ):
        (one, other)[i % 2].update(true, predicted, weight if weighted else 1.0)
    one.merge(pickle.loads(pickle.dumps(other)))
    expected = metrics.accuracy_score(y_true, y_pred, sample_weight=weights if weighted else None)
    assert one.compute() == pytest.approx(expected, rel=1e-12)


def test_mean():
    mean = metrics.StreamingMean()
    mean.update(1.0, weight=32)
    mean.update(torch.tensor(0.1, dtype=torch.float64), weight=8)
    assert mean.compute() == pytest.approx((32 + 0.8) / 40)
    other = metrics.StreamingMean()
    other.update([1.0, 2.0, 3.0])
    other.update(np.array([4.0, 8.0]), weight=[0.5, 0.25])
    assert other.compute() == pytest.approx((1 + 2 + 3 + 2 + 2) / 3.75)
    mean.merge(other)
    assert mean.compute() == pytest.approx((32.8 + 10) / 43.75)
    mean.reset()
    mean.update(0.1)
    assert mean.compute() == 0.1


@pytest.mark.parametrize("score", ["roc_auc_score", "average_precision_score", "log_loss"])
@given(drawn=batches(), seed=st.integers(0, 99), split=st.integers(0, 4))
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_scores_of_all_thresholds(score, drawn, seed, split):
    y_true, _, _, sizes = drawn
    y_true = (y_true > 0).long()
    y_score = torch.rand(len(y_true), generator=torch.Generator().manual_seed(seed)).double()
    y_score = y_score.mul(4).round() / 4
    options = {"labels": [0, 1]} if score == "log_loss" else {}
    expected = getattr(metrics, score)(y_true, y_score, **options)
    for kind in (lambda x: x, lambda x: x.numpy(), lambda x: x.tolist()):
        one, other = (metrics.StreamingExamples(getattr(metrics, score), **options) for _ in range(2))
        for i, (true, scores) in enumerate(zip(y_true.split(sizes), y_score.split(sizes), strict=True)):
            (one if i < split else other).update(kind(true), kind(scores))
        one.merge(other)
        np.testing.assert_allclose(one.compute(), expected, rtol=1e-12, err_msg=score)
        one.reset()
        with pytest.raises(ValueError, match="got no example yet"):
            one.compute()


def test_streamed_curves_are_exact_and_batches_are_kept_by_value():
    y_true, y_score = torch.tensor([0, 1, 1, 0]), torch.tensor([0.2, 0.9, 0.4, 0.4])
    stream = metrics.StreamingExamples(metrics.roc_curve, drop_intermediate=False)
    buffer = y_score[:2].clone()
    stream.update(y_true[:2], buffer)
    buffer.zero_()
    stream.update(y_true[2:], y_score[2:])
    expected = metrics.roc_curve(y_true, y_score, drop_intermediate=False)
    for got, wanted in zip(stream.compute(), expected, strict=True):
        assert torch.equal(got, wanted)


def test_detections_stream_too():
    box = torch.tensor([[0.0, 0, 10, 10]])
    found = {"boxes": box, "scores": torch.tensor([0.9]), "labels": torch.tensor([1])}
    true = {"boxes": box, "labels": torch.tensor([1])}
    nothing = {"boxes": torch.zeros(0, 4), "scores": torch.zeros(0), "labels": torch.zeros(0)}
    stream = metrics.StreamingExamples(metrics.mean_average_precision)
    stream.update([found], [true])
    assert stream.compute()["map"] == pytest.approx(1.0)
    stream.update([nothing, nothing], [true, true])
    one_shot = metrics.mean_average_precision([found, nothing, nothing], [true] * 3)
    assert stream.compute()["map"] == one_shot["map"] == pytest.approx(34 / 101)


def test_streams_on_every_device(devices):
    for device in devices:
        stream = metrics.StreamingScore(metrics.f1_score, range(3), average="macro")
        y = torch.tensor([0, 1, 2, 2], device=device)
        stream.update(y, y.flip(0))
        assert stream.counts.device.type == device
        accuracy = metrics.StreamingAccuracy()
        accuracy.update(y, y.flip(0))
        assert accuracy.compute() == 0.0
        elsewhere = metrics.StreamingScore(metrics.f1_score, range(3), average="macro")
        elsewhere.update(y.cpu(), y.cpu())
        stream.merge(elsewhere)
        assert 0 < stream.compute() < 1
