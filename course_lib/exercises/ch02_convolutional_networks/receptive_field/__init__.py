"""Exercises of the section on the receptive field."""

from course_lib.exercises.ch02_convolutional_networks.receptive_field import design, recursion, units

EXERCISES = [*recursion.EXERCISES, *design.EXERCISES, *units.EXERCISES]
