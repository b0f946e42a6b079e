"""Exercises of the section on gradient descent."""

from course_lib.exercises.ch01_neural_networks.gradient_descent import batches, slopes

EXERCISES = [*slopes.EXERCISES, *batches.EXERCISES]
