"""Exercises of the section on adaptive methods."""

from course_lib.exercises.ch05_optimization.adaptive_methods import adagrad, adam, averages, bugs, means

EXERCISES = [
    adagrad.ADAGRAD,
    averages.ADADELTA,
    averages.RMSPROP,
    means.CORRECTED,
    adam.ADAM_STEP,
    bugs.DIAGNOSE,
]
