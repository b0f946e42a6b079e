"""Exercises of the section on residual networks."""

from course_lib.exercises.ch06_architectures.resnet import counting, gradients, shortcuts, variants

EXERCISES = [
    counting.DEPTH,
    shortcuts.PROJECTION,
    counting.BOTTLENECK,
    gradients.GRADIENTS,
    variants.VARIANTS,
]
