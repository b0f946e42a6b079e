"""Exercises of the section on backpropagation."""

from course_lib.exercises.ch01_neural_networks.backpropagation import checking, deltas, engine

EXERCISES = [*deltas.EXERCISES, *checking.EXERCISES, *engine.EXERCISES]
