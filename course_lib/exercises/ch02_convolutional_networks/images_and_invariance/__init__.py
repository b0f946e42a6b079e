"""Exercises of the section on images and invariance."""

from course_lib.exercises.ch02_convolutional_networks.images_and_invariance import pictures, weights

EXERCISES = [
    weights.PARAMETERS,
    pictures.WHICH,
    pictures.SHIFT,
    pictures.CORRELATION,
    weights.REORDERED,
    weights.SHARED,
]
