"""Exercises of the section on adaptive methods."""

from course_lib.exercises.ch05_optimization.adaptive_methods import (
    adadelta,
    adagrad,
    adam,
    bugs,
    means,
    rmsprop,
)

EXERCISES = [
    adagrad.ADAGRAD,
    adadelta.ADADELTA,
    rmsprop.RMSPROP,
    means.CORRECTED,
    adam.ADAM_STEP,
    bugs.DIAGNOSE,
]
