"""Exercises of the section on the transformer."""

from course_lib.exercises.ch10_transformers.transformer import counts, forcing, layer, positions

EXERCISES = [
    positions.SHIFT,
    layer.LAYER,
    forcing.LEAKS,
    forcing.SCHEDULE,
    counts.PARAMETERS,
    counts.WORK,
]
