"""Exercises of the section on cross-validation."""

from course_lib.exercises.ch03_regularization.cross_validation import folds, leaks, scores

EXERCISES = [*folds.EXERCISES, *scores.EXERCISES[:1], *leaks.EXERCISES, *scores.EXERCISES[1:]]
