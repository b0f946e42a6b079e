"""Metrics, named and called as in ``sklearn.metrics``, on tensors of any device, arrays and lists.

``inputs`` says what comes in and goes out, ``streaming`` how to measure batch by batch.
"""

from typing import Any

from course_lib.metrics.areas import average_precision_score, roc_auc_score
from course_lib.metrics.calibration import (
    Reliability,
    calibration_curve,
    expected_calibration_error,
    reliability_curve,
)
from course_lib.metrics.classification import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    matthews_corrcoef,
)
from course_lib.metrics.curves import auc, precision_recall_curve, roc_curve
from course_lib.metrics.detection import mean_average_precision
from course_lib.metrics.images import peak_signal_noise_ratio, structural_similarity
from course_lib.metrics.intervals import Interval, confidence_interval
from course_lib.metrics.language import bits_per_byte, exact_match_score, perplexity, token_log_prob
from course_lib.metrics.precision_recall import (
    f1_score,
    fbeta_score,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
    specificity_score,
)
from course_lib.metrics.probabilities import brier_score_loss, log_loss, top_k_accuracy_score
from course_lib.metrics.regression import (
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    root_mean_squared_error,
)
from course_lib.metrics.report import classification_report
from course_lib.metrics.representation import frechet_distance, frechet_distance_of_samples, linear_cka
from course_lib.metrics.samples import (
    CopiesFound,
    SamplePrecisionRecall,
    copies_found,
    nearest_distances,
    sample_precision_recall,
)
from course_lib.metrics.segmentation import mean_iou
from course_lib.metrics.streaming import (
    StreamingAccuracy,
    StreamingConfusionMatrix,
    StreamingExamples,
    StreamingMean,
    StreamingScore,
)
from course_lib.metrics.voc import interpolated_average_precision, voc_mean_average_precision

__all__ = [
    "CopiesFound",
    "Interval",
    "Reliability",
    "SamplePrecisionRecall",
    "StreamingAccuracy",
    "StreamingConfusionMatrix",
    "StreamingExamples",
    "StreamingMean",
    "StreamingScore",
    "accuracy_score",
    "auc",
    "average_precision_score",
    "balanced_accuracy_score",
    "bits_per_byte",
    "brier_score_loss",
    "calibration_curve",
    "classification_report",
    "cohen_kappa_score",
    "confidence_interval",
    "confusion_matrix",
    "copies_found",
    "exact_match_score",
    "expected_calibration_error",
    "f1_score",
    "fbeta_score",
    "frechet_distance",
    "frechet_distance_of_samples",
    "interpolated_average_precision",
    "linear_cka",
    "log_loss",
    "matthews_corrcoef",
    "mean_absolute_error",
    "mean_average_precision",
    "mean_iou",
    "mean_squared_error",
    "nearest_distances",
    "peak_signal_noise_ratio",
    "perplexity",
    "precision_recall_curve",
    "precision_recall_fscore_support",
    "precision_score",
    "r2_score",
    "recall_score",
    "reliability_curve",
    "roc_auc_score",
    "roc_curve",
    "root_mean_squared_error",
    "sample_precision_recall",
    "specificity_score",
    "structural_similarity",
    "token_log_prob",
    "top_k_accuracy_score",
    "voc_mean_average_precision",
]


def __getattr__(name: str) -> Any:
    """Return scikit-learn's warning category, which takes a second to import, when it is asked for."""
    if name == "UndefinedMetricWarning":
        from sklearn.exceptions import UndefinedMetricWarning

        return UndefinedMetricWarning
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
