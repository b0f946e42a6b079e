"""Exercises of the section on segmentation decoders."""

from course_lib.exercises.ch08_autoencoders.segmentation_decoders import scores, shapes, sides

EXERCISES = [
    scores.SCORES,
    shapes.MIRROR,
    shapes.JOIN,
    sides.SIDE,
    scores.THRESHOLD,
]
