"""Exercises of the section on normalization."""

from course_lib.exercises.ch03_regularization.normalization import (
    backward,
    folding,
    forward,
    groups,
    statistics,
)

EXERCISES = [
    forward.BATCH_NORM,
    statistics.RUNNING,
    groups.GROUP_NORM,
    backward.BATCH_NORM_BACKWARD,
    folding.FOLD,
    statistics.MERGE,
]
