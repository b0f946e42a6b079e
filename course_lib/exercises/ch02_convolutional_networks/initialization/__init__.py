"""Exercises of the section on initialization."""

from course_lib.exercises.ch02_convolutional_networks.initialization import (
    diagnosis,
    fans,
    signals,
    spreads,
)

EXERCISES = [*fans.EXERCISES, *spreads.EXERCISES, *signals.EXERCISES, *diagnosis.EXERCISES]
