"""Exercises of the section on neurons."""

from course_lib.exercises.ch01_neural_networks.neurons import gates, perceptron

EXERCISES = [*gates.EXERCISES, *perceptron.EXERCISES]
