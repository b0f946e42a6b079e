"""Exercises of the section on weight penalties."""

from course_lib.exercises.ch03_regularization.weight_penalties import decay, penalties, sparsity

EXERCISES = [*penalties.EXERCISES, *sparsity.EXERCISES, *decay.EXERCISES]
