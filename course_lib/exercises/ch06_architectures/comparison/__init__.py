"""Exercises of the section that sets the networks of the chapter side by side."""

from course_lib.exercises.ch06_architectures.comparison import averaging, counting, judging, memory

EXERCISES = [
    *counting.EXERCISES,
    *memory.EXERCISES,
    *averaging.EXERCISES,
    *judging.EXERCISES,
]
