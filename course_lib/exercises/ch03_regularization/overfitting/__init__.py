"""Exercises of the section on overfitting."""

from course_lib.exercises.ch03_regularization.overfitting import errors, reading, splits

EXERCISES = [*reading.EXERCISES, *splits.EXERCISES, *errors.EXERCISES]
