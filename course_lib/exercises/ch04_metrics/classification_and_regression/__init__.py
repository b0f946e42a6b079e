"""Exercises of the section on classification and regression."""

from course_lib.exercises.ch04_metrics.classification_and_regression import (
    baselines,
    determination,
    forecasts,
    ordered,
    tasks,
)

EXERCISES = [
    baselines.SCORES,
    determination.R2,
    forecasts.BEST_ANSWERS,
    ordered.TARGETS,
    ordered.RPS,
    tasks.SIX_TASKS,
]
