"""Exercises of the section on curves and calibration."""

from course_lib.exercises.ch04_metrics.curves_and_calibration import (
    calibration,
    intervals,
    precision,
    ranks,
    roc,
    temperature,
)

EXERCISES = [
    roc.ROC_POINTS,
    ranks.AUC_BY_RANKS,
    precision.AVERAGE_PRECISION,
    calibration.ECE,
    temperature.TEMPERATURE,
    intervals.PAIRED,
]
