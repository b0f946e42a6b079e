"""Exercises of the section on DenseNet."""

from course_lib.exercises.ch06_architectures.densenet import counting, flow

EXERCISES = [
    counting.DEPTH,
    counting.CHANNELS,
    counting.PAYS,
    flow.GRADIENT,
    flow.DEEPEST,
]
