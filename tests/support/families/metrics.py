"""Metrics: calls that must fail, and results that must be the same on every device."""

import math

import numpy as np
import torch

from course_lib import metrics as m
from course_lib.metrics import segmentation, streaming, voc

Y = [0, 1, 1, 0]
S = [0.1, 0.9, 0.4, 0.4]
EYE = torch.eye(2)
PICTURE = torch.zeros(8, 8)
BOX = {"boxes": torch.tensor([[0.0, 0, 4, 4]]), "labels": torch.tensor([1]), "scores": torch.tensor([0.5])}


def without(key):
    return {name: value for name, value in BOX.items() if name != key}


def with_masks(side):
    return BOX | {"masks": torch.ones(1, side, 16 // side)}


def streamed(stream, *batches):
    for batch in batches:
        stream.update(*batch)
    return stream.compute()


BAD_CALLS = [
    # Labels
    (ValueError, lambda: m.accuracy_score([], []), "accuracy_score: y_true must have at least one example"),
    (ValueError, lambda: m.accuracy_score([0, 1], [0]), "y_pred must have as many examples, got 2 in y_true"),
    (
        ValueError,
        lambda: m.accuracy_score([0.5, 1], [0, 1]),
        "y_true must be whole numbers or strings, got 0.5",
    ),
    (ValueError, lambda: m.f1_score([0, 1], [0, math.nan]), "f1_score: y_pred must be finite, got nan"),
    (ValueError, lambda: m.f1_score([0, 1], [0, math.inf]), "f1_score: y_pred must be finite, got inf"),
    (ValueError, lambda: m.recall_score(["a"], [1]), "must both be strings or both numbers"),
    (TypeError, lambda: m.recall_score(["a", None], ["a", "b"]), "whole numbers or strings, got None"),
    (TypeError, lambda: m.confusion_matrix(3, [3]), "y_true must be a tensor, an array or a list, got int"),
    (TypeError, lambda: m.confusion_matrix("abc", "abc"), "must be a tensor, an array or a list, got str"),
    (TypeError, lambda: m.confusion_matrix(Y, np.array(Y) * 1j), "y_pred must hold real numbers, got"),
    (TypeError, lambda: m.confusion_matrix(Y, torch.tensor(Y) * 1j), "y_pred must hold real numbers, got"),
    (
        ValueError,
        lambda: m.precision_score(torch.eye(3), torch.eye(3)),
        "precision_score: y_true must have shape (n,), one label for each example "
        "(several labels an example are not supported), got (3, 3)",
    ),
    (ValueError, lambda: m.accuracy_score([[0], [0, 1]], Y), "y_true must have rows of one length"),
    (ValueError, lambda: m.accuracy_score(torch.tensor(1), torch.tensor(1)), "must have shape (n,)"),
    # Classes, averages, weights
    (
        ValueError,
        lambda: m.confusion_matrix(Y, Y, labels=[7]),
        "labels must have at least one that is in y_true",
    ),
    (
        ValueError,
        lambda: m.confusion_matrix(Y, Y, labels=[]),
        "labels must be one row of class labels, got []",
    ),
    (ValueError, lambda: m.confusion_matrix(Y, Y, labels=[[0, 1]]), "labels must be one row of class labels"),
    (ValueError, lambda: m.confusion_matrix(Y, Y, normalize="rows"), "normalize must be one of None, 'true'"),
    (ValueError, lambda: m.f1_score(Y, Y, average="samples"), "average='samples' is not supported"),
    (ValueError, lambda: m.f1_score(Y, Y, average="mean"), "f1_score: average must be one of 'binary', None"),
    (ValueError, lambda: m.f1_score([0, 1, 2], [0, 1, 2]), "or 'weighted' for 3 classes, got 'binary'"),
    (ValueError, lambda: m.precision_score(Y, Y, pos_label=5), "pos_label must be one of [0, 1], got 5"),
    (
        ValueError,
        lambda: m.recall_score(Y, Y, zero_division=2),
        "zero_division must be 'warn', 0, 1 or NaN, got 2",
    ),
    (ValueError, lambda: m.recall_score(Y, Y, zero_division="nan"), "0, 1 or NaN, got 'nan'"),
    (ValueError, lambda: m.fbeta_score(Y, Y, beta=-1), "fbeta_score: beta must be 0 or more, got -1"),
    (TypeError, lambda: m.fbeta_score(Y, Y, beta="1"), "fbeta_score: beta must be a number, got '1'"),
    (ValueError, lambda: m.accuracy_score(Y, Y, sample_weight=[1, 2]), "must have shape (4,), got (2,)"),
    (
        ValueError,
        lambda: m.accuracy_score(Y, Y, sample_weight=[0] * 4),
        "an entry that is not zero, got none",
    ),
    (
        ValueError,
        lambda: m.accuracy_score(Y, Y, sample_weight=[1, 1, 1, math.nan]),
        "sample_weight must be finite",
    ),
    (ZeroDivisionError, lambda: m.accuracy_score(Y, Y, sample_weight=[1, -1, 0, 0]), "must not sum to zero"),
    (ValueError, lambda: m.cohen_kappa_score(Y, Y, weights="cubic"), "weights must be one of None, 'linear'"),
    (
        ValueError,
        lambda: m.cohen_kappa_score(Y, Y, replace_undefined_by=2),
        "must be from -1 to 1, or NaN, got 2",
    ),
    (ValueError, lambda: m.classification_report(Y, Y, target_names=["a"]), "target_names must have 2 names"),
    (ValueError, lambda: m.classification_report(Y, Y, digits=-1), "digits must be 0 or more, got -1"),
    # Curves
    (ValueError, lambda: m.roc_curve(Y, [0.1, math.nan, 0, 0]), "roc_curve: y_score must be finite, got nan"),
    (ValueError, lambda: m.roc_curve(Y, [0.1, math.inf, 0, 0]), "roc_curve: y_score must be finite, got inf"),
    (
        ValueError,
        lambda: m.roc_curve([1, 2, 2], [0, 1, 1]),
        "pos_label must be given unless labels are 0 and 1",
    ),
    (
        ValueError,
        lambda: m.precision_recall_curve([0, 1, 2], [0, 1, 1]),
        "unless labels are 0 and 1 or -1 and 1",
    ),
    (ValueError, lambda: m.roc_curve(Y, S[:3]), "y_score must have as many examples, got 4 in y_true"),
    (ValueError, lambda: m.roc_auc_score(Y, np.ones((4, 2))), "y_score must have shape (n,)"),
    (ValueError, lambda: m.roc_auc_score([0, 1, 2], np.eye(3)), "multi_class must be 'ovr' or 'ovo'"),
    (
        ValueError,
        lambda: m.roc_auc_score(Y, S, multi_class="one"),
        "multi_class must be one of 'raise', 'ovr'",
    ),
    (ValueError, lambda: m.roc_auc_score(Y, S, max_fpr=0), "max_fpr must be above 0 and at most 1, got 0"),
    (
        ValueError,
        lambda: m.roc_auc_score([0, 1, 2], np.ones((3, 3)), multi_class="ovr"),
        "y_score must be probabilities that sum to 1 for each example, got 3.0",
    ),
    (
        ValueError,
        lambda: m.roc_auc_score([0, 1, 2], np.eye(3), multi_class="ovo", sample_weight=[1, 1, 1]),
        "sample_weight must be None with multi_class='ovo'",
    ),
    (
        ValueError,
        lambda: m.roc_auc_score([0, 1, 2], np.eye(3), multi_class="ovr", max_fpr=0.5),
        "max_fpr must be None with more than two classes",
    ),
    (
        ValueError,
        lambda: m.roc_auc_score([0, 1, 2], np.eye(3), multi_class="ovr", labels=[2, 1, 0]),
        "labels must be distinct and in order, got [2, 1, 0]",
    ),
    (
        ValueError,
        lambda: m.roc_auc_score([0, 1, 5], np.eye(3), multi_class="ovr", labels=[0, 1, 2]),
        "y_true must only have labels of [0, 1, 2], got 5",
    ),
    (ValueError, lambda: m.roc_auc_score(2 * np.eye(2), np.eye(2)), "or (n, k) of 0 and 1, got (2, 2)"),
    (
        ValueError,
        lambda: m.average_precision_score(Y, S, pos_label=3),
        "pos_label must be one of [0, 1], got 3",
    ),
    (ValueError, lambda: m.average_precision_score([0, 1, 2], np.eye(3), pos_label=2), "pos_label must be 1"),
    (
        ValueError,
        lambda: m.average_precision_score([0, 1, 2], S[:3]),
        "y_score must have shape (3, 3), got (3,)",
    ),
    (ValueError, lambda: m.auc([0], [1]), "auc: x must have two points or more, got 1"),
    (ValueError, lambda: m.auc([0, 2, 1], [1, 1, 1]), "auc: x must rise or fall all along"),
    # Probabilities
    (ValueError, lambda: m.log_loss(Y, [0.1, 0.2, 1.5, 0]), "log_loss: y_proba must be from 0 to 1, got 1.5"),
    (
        ValueError,
        lambda: m.log_loss([1, 1], [0.5, 0.5]),
        "labels must list all classes if only one occurs, got [1]",
    ),
    (
        ValueError,
        lambda: m.log_loss(Y, np.full((4, 4), 0.25)),
        "y_proba must have shape (n, 2), a column a class",
    ),
    (ValueError, lambda: m.log_loss(Y, S, y_pred=S), "y_pred must not be given beside y_proba"),
    (TypeError, lambda: m.log_loss(Y), "log_loss: y_proba must be a tensor, an array or a list, got None"),
    (ValueError, lambda: m.brier_score_loss([0, 1, 2], S[:3]), "y_true must have two classes"),
    (ValueError, lambda: m.brier_score_loss(["a", "b"], S[:2]), "brier_score_loss: pos_label must be given"),
    (
        ValueError,
        lambda: m.brier_score_loss(Y, S, scale_by_half=3),
        "scale_by_half must be one of True, False",
    ),
    (
        ValueError,
        lambda: m.top_k_accuracy_score(Y, S, k=0),
        "top_k_accuracy_score: k must be 1 or more, got 0",
    ),
    (ValueError, lambda: m.top_k_accuracy_score([0, 1, 2], np.eye(4)[:3]), "y_score must have shape (n, 3)"),
    (
        ValueError,
        lambda: m.calibration_curve([0, 1, 2], S[:3]),
        "calibration_curve: y_true must have two classes",
    ),
    (
        ValueError,
        lambda: m.calibration_curve(Y, S, n_bins=0),
        "calibration_curve: n_bins must be 1 or more, got 0",
    ),
    (
        ValueError,
        lambda: m.calibration_curve(Y, S, strategy="x"),
        "strategy must be one of 'uniform', 'quantile'",
    ),
    (
        ValueError,
        lambda: m.expected_calibration_error(Y, [-0.1, 0, 1, 1]),
        "y_prob must be from 0 to 1, got -0.1",
    ),
    (ValueError, lambda: m.expected_calibration_error([0, 3], EYE), "y_true must be in 0 ... 1, got 3"),
    (
        ValueError,
        lambda: m.expected_calibration_error([0], torch.ones(1, 1, 1)),
        "must have shape (n,) or (n, class",
    ),
    (
        ValueError,
        lambda: m.confidence_interval(m.accuracy_score, Y, Y[:2]),
        "arrays must have as many examples",
    ),
    (ValueError, lambda: m.confidence_interval(m.accuracy_score, [], []), "and at least one, got [0]"),
    (
        ValueError,
        lambda: m.confidence_interval(m.accuracy_score, Y, Y, level=1.0),
        "level must be below 1, got 1.0",
    ),
    (
        ValueError,
        lambda: m.confidence_interval(m.accuracy_score, Y, Y, resamples=0),
        "resamples must be 1 or more",
    ),
    (
        ValueError,
        lambda: m.confidence_interval(lambda x: math.nan, Y),
        "score must be a number for these examples",
    ),
    (TypeError, lambda: m.confidence_interval(m.accuracy_score), "arrays must be one or more, got none"),
    # Numbers
    (
        ValueError,
        lambda: m.mean_squared_error([[1.0], [2]], [[1.0, 2]]),
        "must have one shape, (n,) or (n, outputs)",
    ),
    (ValueError, lambda: m.mean_absolute_error([], []), "y_true must have at least one example, got none"),
    (
        ValueError,
        lambda: m.mean_squared_error([1.0], [math.nan]),
        "mean_squared_error: y_pred must be finite",
    ),
    (
        ValueError,
        lambda: m.r2_score(Y, Y, multioutput="all"),
        "multioutput must be one of 'raw_values', 'uniform",
    ),
    (
        ValueError,
        lambda: m.mean_squared_error(Y, Y, multioutput="variance_weighted"),
        "got 'variance_weighted'",
    ),
    (
        ValueError,
        lambda: m.mean_squared_error(Y, Y, multioutput=[1.0]),
        "a weight for each of several outputs",
    ),
    (ZeroDivisionError, lambda: m.r2_score([1, 2], [1, 2], sample_weight=[1, -1]), "must not sum to zero"),
    # Representations
    (
        ValueError,
        lambda: m.frechet_distance([0.0], [[1.0]], [0.0, 0], EYE),
        "mu1 and mu2 must have one shape (d,)",
    ),
    (
        ValueError,
        lambda: m.frechet_distance([0, 0], EYE, [0, 0], [[1.0]]),
        "sigma2 must have shape (2, 2), got (1, 1)",
    ),
    (
        ValueError,
        lambda: m.frechet_distance([0, 0], [[1, 2], [0, 1]], [0, 0], EYE),
        "sigma1 must be symmetric",
    ),
    (
        ValueError,
        lambda: m.frechet_distance([0, 0], EYE, [0, 0], -EYE),
        "sigma2 must have no negative eigenvalue",
    ),
    (
        ValueError,
        lambda: m.frechet_distance_of_samples(EYE[:1], EYE),
        "features1 must have shape (n, features), n 2",
    ),
    (
        ValueError,
        lambda: m.frechet_distance_of_samples(EYE, torch.ones(4, 3)),
        "must have as many columns, got 2 and 3",
    ),
    (
        ValueError,
        lambda: m.linear_cka(EYE, torch.ones(3, 2)),
        "x and y must have as many examples, got 2 in x, 3 in y",
    ),
    (
        ValueError,
        lambda: m.linear_cka(EYE, EYE, debiased=True),
        "x must have shape (n, features), n 4 or more",
    ),
    (ValueError, lambda: m.linear_cka(EYE * math.nan, EYE), "linear_cka: x must be finite, got nan"),
    # Pictures
    (ValueError, lambda: m.peak_signal_noise_ratio(PICTURE, PICTURE[:4]), "must have one shape, and a pixel"),
    (
        ValueError,
        lambda: m.peak_signal_noise_ratio(PICTURE + 5, PICTURE),
        "data_range must be given for values outside",
    ),
    (
        ValueError,
        lambda: m.peak_signal_noise_ratio(PICTURE, PICTURE, data_range=0),
        "data_range must be greater than 0",
    ),
    (
        ValueError,
        lambda: m.structural_similarity(PICTURE, PICTURE),
        "data_range must be given for pictures of floats",
    ),
    (
        ValueError,
        lambda: m.structural_similarity(PICTURE, PICTURE, data_range=1, win_size=4),
        "win_size must be odd",
    ),
    (
        ValueError,
        lambda: m.structural_similarity(PICTURE, PICTURE, data_range=1, win_size=9),
        "a window of 9 pixels",
    ),
    (
        ValueError,
        lambda: m.structural_similarity(PICTURE, PICTURE, data_range=1, win_size=1),
        "win_size must be 3 or",
    ),
    (
        ValueError,
        lambda: m.structural_similarity(PICTURE, PICTURE, data_range=1, K1=-1),
        "K1 must be 0 or more, got -1",
    ),
    (
        ValueError,
        lambda: m.structural_similarity(PICTURE, PICTURE, data_range=1, channel_axis=2),
        "must be an axis of",
    ),
    (
        TypeError,
        lambda: m.structural_similarity(PICTURE, PICTURE, data_range=1, K3=1),
        "keywords must be among K1, K2",
    ),
    (ValueError, lambda: segmentation.mean_iou([0, 1], [0, 1, 1]), "y_true and y_pred must have one shape"),
    (
        ValueError,
        lambda: m.mean_iou([0, 3], [0, 1], num_classes=2),
        "mean_iou: y_true must hold classes 0 to 1, got 3",
    ),
    (ValueError, lambda: m.mean_iou([0, 1], [0, -1]), "mean_iou: y_pred must hold classes 0 to 1, got -1"),
    (
        ValueError,
        lambda: m.mean_iou([9], [0], ignore_index=9),
        "y_true must have a pixel that counts, got none",
    ),
    # Detections
    (
        TypeError,
        lambda: m.mean_average_precision(BOX, [BOX]),
        "predictions must be a list of dictionaries, got dict",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX], []),
        "must have as many pictures, one or more, got 1 and 0",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([without("scores")], [BOX]),
        "predictions[0] must have the key 'scores'",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX], [without("boxes")]),
        "targets[0] must have the key 'boxes'",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX | {"scores": [math.nan]}], [BOX]),
        "['scores'] must be finite",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX | {"scores": [1, 2]}], [BOX]),
        "must have shape (1,), as labels",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX | {"labels": [0.5]}], [BOX]),
        "['labels'] must be whole numbers",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX | {"boxes": EYE}], [BOX]),
        "['boxes'] must have shape (1, 4)",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX], [BOX | {"boxes": torch.tensor([[4.0, 0, 0, 4]])}]),
        "targets[0]['boxes'] must have no negative side in xyxy, got [4.0, 0.0, 0.0, 4.0]",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX], [BOX], iou_type="keypoints"),
        "iou_type must be one of 'bbox'",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX], [BOX], box_format="yxyx"),
        "box_format must be one of 'xyxy'",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX], [BOX], iou_thresholds=[0]),
        "above 0 and at most 1, got [0]",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX], [BOX], max_detections=[5, 1]),
        "must be rising numbers",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([with_masks(8)], [with_masks(4)], iou_type="segm"),
        "masks of predictions[0] and targets[0] must have one size",
    ),
    (
        ValueError,
        lambda: m.mean_average_precision([BOX | {"masks": EYE}], [with_masks(4)], iou_type="segm"),
        "predictions[0]['masks'] must have shape (1, h, w), as labels, got (2, 2)",
    ),
    (
        ValueError,
        lambda: m.voc_mean_average_precision([BOX], [BOX], iou_threshold=0),
        "iou_threshold must be greater",
    ),
    (ValueError, lambda: voc.interpolated_average_precision([1, 0], [1, 1]), "recall must rise"),
    (
        ValueError,
        lambda: voc.interpolated_average_precision([1], [1], points=1),
        "points must be 2 or more, got 1",
    ),
    # Streams
    (
        ValueError,
        lambda: streamed(m.StreamingConfusionMatrix([0, 1])),
        "StreamingConfusionMatrix: update must come",
    ),
    (
        ValueError,
        lambda: streamed(m.StreamingConfusionMatrix([0]), (Y, Y)),
        "labels must be among classes=[0], got 1",
    ),
    (ValueError, lambda: m.StreamingConfusionMatrix([0, 0]), "classes must be distinct, got [0, 0]"),
    (
        ValueError,
        lambda: m.StreamingConfusionMatrix([0, 1]).merge(m.StreamingConfusionMatrix([1, 0])),
        "other must have classes=[0, 1], got [1, 0]",
    ),
    (ValueError, lambda: streamed(m.StreamingMean()), "StreamingMean: update must come before compute"),
    (
        ValueError,
        lambda: streamed(m.StreamingMean(), ([1, 2], [1.0])),
        "weight must be one number or have the shape",
    ),
    (
        ValueError,
        lambda: streamed(m.StreamingAccuracy(), ([1, 2], [1])),
        "y_true and y_pred must have one shape",
    ),
    (
        ValueError,
        lambda: streamed(m.StreamingExamples(m.auc), (Y, S), (Y,)),
        "as many in every batch, one or more",
    ),
    (
        ValueError,
        lambda: streamed(streaming.StreamingExamples(m.auc)),
        "StreamingExamples: update must come before",
    ),
]


def labels_and_scores(generator):
    y_true = torch.randint(0, 2, (50,), generator=generator)
    return y_true, torch.randint(0, 9, (50,), generator=generator) / 8 + y_true / 4


def two_labels(generator):
    y_true = torch.randint(0, 4, (60,), generator=generator)
    return y_true, torch.where(torch.rand(60, generator=generator) < 0.6, y_true, y_true.flip(0))


def two_sets_of_features(generator):
    return torch.randn(40, 5, generator=generator), torch.randn(40, 5, generator=generator) + 0.5


def two_pictures(generator):
    picture = torch.rand(3, 12, 12, generator=generator)
    return picture, (picture + 0.1 * torch.rand(3, 12, 12, generator=generator)).clamp(max=1)


def number(score, **options):
    """A score as a function that returns a tensor."""
    return lambda *arrays: torch.tensor(score(*arrays, **options), dtype=torch.float64)


ON_DEVICES = {
    "roc_curve": (lambda: m.roc_curve, labels_and_scores),
    "precision_recall_curve": (lambda: m.precision_recall_curve, labels_and_scores),
    "roc_auc_score": (lambda: number(m.roc_auc_score), labels_and_scores),
    "confusion_matrix": (lambda: m.confusion_matrix, two_labels),
    "precision, recall, F1": (lambda: m.precision_recall_fscore_support, two_labels),
    "frechet_distance": (lambda: number(m.frechet_distance_of_samples), two_sets_of_features),
    "linear_cka": (lambda: number(m.linear_cka), two_sets_of_features),
    "structural_similarity": (
        lambda: number(m.structural_similarity, data_range=1.0, channel_axis=0),
        two_pictures,
    ),
}
