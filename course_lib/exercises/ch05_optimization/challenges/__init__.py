"""Exercises of the section on what makes descent hard."""

from course_lib.exercises.ch05_optimization.challenges import curvatures, points, rates, reading

EXERCISES = [*points.EXERCISES, *rates.EXERCISES, *curvatures.EXERCISES, *reading.EXERCISES]
