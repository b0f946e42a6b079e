"""Exercises of the section on pooling."""

from course_lib.exercises.ch02_convolutional_networks.pooling import family, maps, maximum, windows

EXERCISES = [*windows.EXERCISES, *maximum.EXERCISES, *family.EXERCISES, *maps.EXERCISES]
