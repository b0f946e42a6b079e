"""Exercises of the section on VGG."""

from course_lib.exercises.ch06_architectures.vgg import boxes, counting, dense, start, trade

EXERCISES = [
    *counting.EXERCISES,
    *trade.EXERCISES,
    *start.EXERCISES,
    *dense.EXERCISES,
    *boxes.EXERCISES,
]
