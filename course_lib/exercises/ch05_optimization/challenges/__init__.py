"""Exercises of the section on what makes descent hard."""

from course_lib.exercises.ch05_optimization.challenges import curvatures, points, rates, reading, steps

EXERCISES = [*points.EXERCISES, *steps.EXERCISES, *rates.EXERCISES, *curvatures.EXERCISES, *reading.EXERCISES]
