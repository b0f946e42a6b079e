"""The functions that scikit-learn has too are called as there; importing ours does not import it."""

import inspect
import subprocess
import sys

import pytest
import sklearn.calibration
import sklearn.metrics

from course_lib import metrics

THEIRS = [name for name in metrics.__all__ if hasattr(sklearn.metrics, name)]
OURS = {
    "CopiesFound",
    "Interval",
    "Reliability",
    "SamplePrecisionRecall",
    "bits_per_byte",
    "calibration_curve",  # of sklearn.calibration
    "confidence_interval",
    "copies_found",
    "exact_match_score",
    "expected_calibration_error",
    "frechet_distance",
    "frechet_distance_of_samples",
    "interpolated_average_precision",
    "linear_cka",
    "mean_average_precision",
    "mean_iou",
    "nearest_distances",
    "peak_signal_noise_ratio",  # of skimage.metrics
    "perplexity",
    "reliability_curve",
    "sample_precision_recall",
    "specificity_score",
    "structural_similarity",  # of skimage.metrics
    "token_log_prob",
    "voc_mean_average_precision",
    *(name for name in metrics.__all__ if name.startswith("Streaming")),
}


def shape(function):
    return [(p.name, p.kind, repr(p.default)) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", THEIRS)
def test_arguments_are_scikit_learns(name):
    assert shape(getattr(metrics, name)) == shape(getattr(sklearn.metrics, name))


def test_arguments_of_relatives():
    assert shape(metrics.calibration_curve) == shape(sklearn.calibration.calibration_curve)
    assert shape(metrics.specificity_score) == shape(sklearn.metrics.recall_score)


def test_every_public_name_is_accounted_for():
    assert {*THEIRS} | OURS == {*metrics.__all__}
    assert len(THEIRS) == 23
    for name in metrics.__all__:
        assert getattr(metrics, name).__doc__, f"{name} has no docstring"


def test_import_is_light():
    code = (
        "import sys, course_lib.metrics\n"
        "print([name for name in ('sklearn', 'scipy', 'skimage') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
