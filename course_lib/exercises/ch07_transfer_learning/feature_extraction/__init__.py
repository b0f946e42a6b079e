"""Exercises of the section on feature extraction."""

from course_lib.exercises.ch07_transfer_learning.feature_extraction import drawing, heads, hooks, scaling

EXERCISES = [
    drawing.DRAW_LABELS,
    hooks.PENULTIMATE,
    hooks.EXTRACT,
    scaling.STANDARDIZE,
    heads.NEAREST_MEAN,
    heads.RIDGE_HEAD,
]
