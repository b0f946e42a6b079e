"""Exercises of the section on autoencoders."""

from course_lib.exercises.ch08_autoencoders.autoencoders import network, subspaces

EXERCISES = [
    network.ENCODE_DECODE,
    subspaces.PCA,
    subspaces.ANGLES,
    network.COPY,
]
