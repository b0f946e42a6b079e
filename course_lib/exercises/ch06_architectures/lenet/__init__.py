"""Exercises of the section on LeNet-5."""

from course_lib.exercises.ch06_architectures.lenet import counting, outputs, sliding

EXERCISES = [*counting.EXERCISES, *outputs.EXERCISES, *sliding.EXERCISES]
