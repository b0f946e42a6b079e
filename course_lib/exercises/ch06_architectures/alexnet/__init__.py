"""Exercises of the section on AlexNet."""

from course_lib.exercises.ch06_architectures.alexnet import learning, normalization, shapes

EXERCISES = [
    shapes.TOP_K,
    shapes.SIDES,
    shapes.TOWERS,
    normalization.RESPONSE,
    learning.UPDATE,
]
