"""Exercises of the section on network in network."""

from course_lib.exercises.ch06_architectures.network_in_network import averages, bottleneck, counts, pixels

EXERCISES = [*counts.EXERCISES, *pixels.EXERCISES, *bottleneck.EXERCISES, *averages.EXERCISES]
