"""Exercises of the section on MobileNet."""

from course_lib.exercises.ch06_architectures.mobilenet import blocks, codes, costs, grouped, widths

EXERCISES = [
    costs.COST,
    grouped.GROUPED,
    widths.MULTIPLIERS,
    codes.LOST,
    blocks.INVERTED,
]
