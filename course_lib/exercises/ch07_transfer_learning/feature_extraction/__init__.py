"""Exercises of the section on feature extraction."""

from course_lib.exercises.ch07_transfer_learning.feature_extraction import heads, hooks, scaling

EXERCISES = [
    hooks.PENULTIMATE,
    hooks.EXTRACT,
    scaling.STANDARDIZE,
    heads.PROTOTYPE_HEAD,
    heads.RIDGE_HEAD,
]
