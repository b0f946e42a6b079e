"""Scores of predicted labels against scikit-learn: every argument, every kind of label, every empty class."""

import math
import operator
import time

import numpy as np
import pytest
import sklearn.metrics as original
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning

from course_lib import metrics

ALPHABETS = [
    [0, 1],
    [-1, 1],
    [0, 1, 2, 3, 4],
    [2, 7, 10**9],
    [0.0, 1.0, 2.0],
    [False, True],
    ["cat", "dog", "owl"],
    [5],
]


@st.composite
def labelled(draw):
    """Labels, predictions, weights, and a choice of classes: some perhaps repeated in neither, or in one."""
    alphabet = draw(st.sampled_from(ALPHABETS))
    n = draw(st.integers(1, 25))
    row = st.lists(st.sampled_from(alphabet), min_size=n, max_size=n)
    y_true, y_pred = draw(row), draw(row)
    weights = draw(
        st.one_of(
            st.none(),
            st.lists(st.integers(0, 3), min_size=n, max_size=n).filter(any),
            st.lists(st.sampled_from([0.0, 0.25, 1.5]), min_size=n, max_size=n).filter(any),
        )
    )
    absent = "zebra" if isinstance(alphabet[0], str) else 77
    chosen = st.lists(st.sampled_from([*alphabet, absent]), min_size=1, unique=True)
    return y_true, y_pred, weights, draw(st.one_of(st.none(), chosen))


@given(drawn=labelled(), normalize=st.sampled_from([None, "true", "pred", "all"]))
@settings(max_examples=80, deadline=None)
def test_confusion_matrix(agree, drawn, normalize):
    y_true, y_pred, weights, labels = drawn
    agree(
        metrics.confusion_matrix,
        original.confusion_matrix,
        y_true,
        y_pred,
        labels=labels,
        sample_weight=weights,
        normalize=normalize,
    )


def test_confusion_matrix_counts_in_integers():
    y = torch.tensor([0, 1, 1])
    assert metrics.confusion_matrix(y, y).dtype == torch.int64
    assert metrics.confusion_matrix(y, y, sample_weight=[1, 2, 3]).dtype == torch.int64
    assert metrics.confusion_matrix(y, y, sample_weight=[1.0, 2, 3]).dtype == torch.float64
    assert metrics.confusion_matrix(y.numpy(), y.numpy()).dtype == np.int64
    with pytest.warns(UserWarning, match="single label"):
        metrics.confusion_matrix([1, 1], [1, 1])


@given(drawn=labelled(), normalize=st.booleans())
@settings(max_examples=60, deadline=None)
def test_accuracy(agree, drawn, normalize):
    y_true, y_pred, weights, _ = drawn
    agree(
        metrics.accuracy_score,
        original.accuracy_score,
        y_true,
        y_pred,
        normalize=normalize,
        sample_weight=weights,
    )


@given(drawn=labelled(), adjusted=st.booleans())
@settings(max_examples=60, deadline=None)
def test_balanced_accuracy(agree, drawn, adjusted):
    y_true, y_pred, weights, _ = drawn
    with np.errstate(all="ignore"):
        agree(
            metrics.balanced_accuracy_score,
            original.balanced_accuracy_score,
            y_true,
            y_pred,
            adjusted=adjusted,
            sample_weight=weights,
        )


def test_balanced_accuracy_warns_of_classes_never_true():
    with pytest.warns(UserWarning, match="not in y_true"):
        assert metrics.balanced_accuracy_score([0, 0], [0, 1]) == 0.5


@given(drawn=labelled())
@settings(max_examples=60, deadline=None)
def test_matthews_corrcoef(agree, drawn):
    y_true, y_pred, weights, _ = drawn
    agree(metrics.matthews_corrcoef, original.matthews_corrcoef, y_true, y_pred, sample_weight=weights)


@given(
    drawn=labelled(),
    weights=st.sampled_from([None, "linear", "quadratic"]),
    otherwise=st.sampled_from([math.nan, 0.0, -1.0]),
)
@settings(max_examples=80, deadline=None)
def test_cohen_kappa(agree, drawn, weights, otherwise):
    y_true, y_pred, sample_weight, labels = drawn
    agree(
        metrics.cohen_kappa_score,
        original.cohen_kappa_score,
        y_true,
        y_pred,
        labels=labels,
        weights=weights,
        sample_weight=sample_weight,
        replace_undefined_by=otherwise,
    )


SCORES = ["precision_score", "recall_score", "f1_score"]
AVERAGES = st.sampled_from(["binary", "micro", "macro", "weighted", None])
ZERO_DIVISIONS = st.sampled_from(["warn", 0, 1, 0.0, 1.0, math.nan])


@pytest.mark.parametrize("name", SCORES)
@given(drawn=labelled(), average=AVERAGES, zero_division=ZERO_DIVISIONS, pick=st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_precision_recall_f1(agree, name, drawn, average, zero_division, pick):
    y_true, y_pred, weights, labels = drawn
    pos_label = y_true[pick % len(y_true)] if average == "binary" else 1
    agree(
        getattr(metrics, name),
        getattr(original, name),
        y_true,
        y_pred,
        labels=labels,
        pos_label=pos_label,
        average=average,
        sample_weight=weights,
        zero_division=zero_division,
    )


@given(
    drawn=labelled(),
    average=AVERAGES,
    zero_division=ZERO_DIVISIONS,
    beta=st.sampled_from([0, 0.5, 1, 2.0, math.inf]),
)
@settings(max_examples=100, deadline=None)
def test_fbeta(agree, drawn, average, zero_division, beta):
    y_true, y_pred, weights, labels = drawn
    agree(
        metrics.fbeta_score,
        original.fbeta_score,
        y_true,
        y_pred,
        beta=beta,
        labels=labels,
        average=average,
        sample_weight=weights,
        zero_division=zero_division,
    )


@given(
    drawn=labelled(),
    average=AVERAGES,
    zero_division=ZERO_DIVISIONS,
    warn_for=st.sampled_from([("precision", "recall", "f-score"), (), ("recall",), {"precision", "f-score"}]),
)
@settings(max_examples=100, deadline=None)
def test_precision_recall_fscore_support(agree, drawn, average, zero_division, warn_for):
    y_true, y_pred, weights, labels = drawn
    agree(
        metrics.precision_recall_fscore_support,
        original.precision_recall_fscore_support,
        y_true,
        y_pred,
        beta=0.7,
        labels=labels,
        average=average,
        warn_for=warn_for,
        sample_weight=weights,
        zero_division=zero_division,
    )


@given(drawn=labelled(), zero_division=ZERO_DIVISIONS)
@settings(max_examples=60, deadline=None)
def test_specificity_is_the_recall_of_everything_else(drawn, zero_division):
    y_true, y_pred, weights, _ = drawn
    classes = sorted({*y_true, *y_pred})
    options = {"sample_weight": weights, "zero_division": 0.0 if zero_division == "warn" else zero_division}
    each = metrics.specificity_score(y_true, y_pred, average=None, **options)
    others = [
        original.recall_score(np.array(y_true) != label, np.array(y_pred) != label, pos_label=True, **options)
        for label in classes
    ]
    np.testing.assert_allclose(each, others, rtol=1e-12, err_msg="specificity of each class")
    macro = metrics.specificity_score(y_true, y_pred, average="macro", **options)
    np.testing.assert_allclose(macro, np.nanmean(others) if not np.isnan(others).all() else math.nan)
    if len(classes) == 2:
        binary = metrics.specificity_score(y_true, y_pred, pos_label=classes[0], **options)
        np.testing.assert_allclose(binary, others[0])


def test_specificity_averages_by_hand():
    # class 0: 2 true negatives of 3 others; class 1: 3 of 3; class 2: 3 of 4
    y_true, y_pred = [0, 0, 1, 1, 2], [0, 2, 1, 0, 2]
    np.testing.assert_allclose(metrics.specificity_score(y_true, y_pred, average=None), [2 / 3, 1, 3 / 4])
    assert metrics.specificity_score(y_true, y_pred, average="micro") == pytest.approx(8 / 10)
    weighted = (2 * 2 / 3 + 2 * 1 + 3 / 4) / 5
    assert metrics.specificity_score(y_true, y_pred, average="weighted") == pytest.approx(weighted)
    with pytest.warns(metrics.UndefinedMetricWarning, match="no false examples"):
        assert metrics.specificity_score([1, 1], [1, 1]) == 0.0


@given(
    drawn=labelled(),
    digits=st.integers(0, 4),
    zero_division=ZERO_DIVISIONS,
    output_dict=st.booleans(),
    named=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_classification_report(agree, drawn, digits, zero_division, output_dict, named):
    y_true, y_pred, weights, labels = drawn
    if isinstance(y_true[0], float):
        labels = None if labels is None else [float(label) for label in labels]
    count = len(labels or {*y_true, *y_pred})
    names = [f"class number {i}" for i in range(count)] if named else None
    if weights is None and not any(map(operator.eq, y_true, y_pred)):
        output_dict = True  # scikit-learn's text has fractions of examples then
    agree(
        metrics.classification_report,
        original.classification_report,
        y_true,
        y_pred,
        labels=labels,
        target_names=names,
        sample_weight=weights,
        digits=digits,
        output_dict=output_dict,
        zero_division=zero_division,
    )


def test_report_warns_if_names_do_not_fit_the_labels():
    with pytest.warns(UserWarning, match="target_names must have 2 names"):
        metrics.classification_report([0, 1], [0, 1], labels=[0, 1], target_names=["a", "b", "c"])


@pytest.mark.parametrize("value", [0, 1])
def test_the_syllabus_confusion_matrix_by_hand(value):
    """3 TP, 1 FN, 2 FP, 4 TN; accuracy lies when 1 % are positive."""
    y_true = torch.tensor([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    y_pred = torch.tensor([1, 1, 1, 0, 1, 1, 0, 0, 0, 0])
    assert metrics.confusion_matrix(y_true, y_pred).tolist() == [[4, 2], [1, 3]]
    assert metrics.accuracy_score(y_true, y_pred) == 0.7
    assert metrics.precision_score(y_true, y_pred) == 3 / 5
    assert metrics.recall_score(y_true, y_pred) == 3 / 4
    assert metrics.specificity_score(y_true, y_pred) == 4 / 6
    assert metrics.f1_score(y_true, y_pred) == pytest.approx(2 * 0.6 * 0.75 / 1.35)
    rare = torch.zeros(100).long()
    rare[0] = 1
    never = torch.zeros_like(rare)
    assert metrics.accuracy_score(rare, never) == 0.99
    assert metrics.balanced_accuracy_score(rare, never) == 0.5
    assert metrics.precision_score(rare, never, zero_division=value) == value


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool]
)
@pytest.mark.parametrize("other", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_labels_of_any_dtype_and_device(devices, dtype, other):
    y_true, y_pred = torch.tensor([0, 1, 1, 0, 1]), torch.tensor([0, 1, 0, 1, 1])
    expected = metrics.confusion_matrix(y_true, y_pred)
    for device in devices:
        found = metrics.confusion_matrix(y_true.to(device, dtype), y_pred.to(device, other))
        assert (found.device.type, found.dtype) == (device, torch.int64)
        assert torch.equal(found.cpu(), expected), f"confusion_matrix of {dtype} and {other} on {device}"
        assert metrics.f1_score(y_true.to(device, dtype), y_pred) == metrics.f1_score(y_true, y_pred)


def test_columns_views_and_read_only_arrays_will_do():
    y = np.array([0, 1, 2, 1])
    y.flags.writeable = False
    column = torch.tensor([[0], [1], [2], [1]])
    strided = torch.tensor([0, 9, 1, 9, 2, 9, 1, 9])[::2]
    for form in (
        y,
        y.astype(">i4"),
        y.astype(np.uint16),
        y[:, None],
        column,
        strided,
        range(4),
        (0, 1, 2, 1),
    ):
        assert metrics.accuracy_score(form, form) == 1.0
    scalars = [torch.tensor(0), torch.tensor(1), torch.tensor(2), torch.tensor(1)]
    assert metrics.accuracy_score(scalars, y) == 1.0


def test_inputs_are_not_changed():
    y_true, y_pred, weights = torch.tensor([1.0, 0]), torch.tensor([0.0, 1]), torch.tensor([0.5, 2])
    before = [x.clone() for x in (y_true, y_pred, weights)]
    metrics.precision_recall_fscore_support(y_true, y_pred, sample_weight=weights, zero_division=0)
    metrics.confusion_matrix(y_true, y_pred, sample_weight=weights, normalize="true")
    for x, old in zip((y_true, y_pred, weights), before, strict=True):
        assert torch.equal(x, old)


def test_a_million_labels_and_many_classes():
    generator = torch.Generator().manual_seed(0)
    for classes in (2, 10, 20_000):
        y_true = torch.randint(classes, (1_000_000,), generator=generator)
        y_pred = torch.where(torch.rand(1_000_000, generator=generator) < 0.5, y_true, y_true.flip(0))
        start = time.perf_counter()
        found = metrics.f1_score(y_true, y_pred, average="macro")
        assert time.perf_counter() - start < 5, "f1_score is quadratic in something"
        hits = torch.bincount(y_true[y_true == y_pred], minlength=classes)
        both = torch.bincount(y_true, minlength=classes) + torch.bincount(y_pred, minlength=classes)
        assert found == pytest.approx(float((2 * hits / both).nanmean()), rel=1e-6)


def test_labels_far_apart_are_not_tabulated():
    y = [-(2**62), 2**62, 5]
    assert metrics.confusion_matrix(y, y).tolist() == np.eye(3).tolist()
    assert metrics.precision_score(torch.tensor(y), y, average="macro") == 1.0


def test_undefined_warning_is_scikit_learns_and_names_the_caller():
    with pytest.warns(UndefinedMetricWarning, match="precision_score: ill-defined") as caught:
        metrics.precision_score([0, 1], [0, 0])
    assert caught[0].filename == __file__
    assert metrics.UndefinedMetricWarning is UndefinedMetricWarning
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        metrics.nonsense  # noqa: B018
