"""Exercises of the section on autoencoders."""

from course_lib.exercises.ch08_autoencoders.autoencoders import network, normalization, subspaces

EXERCISES = [
    network.ENCODE_DECODE,
    normalization.LOSS,
    subspaces.PCA,
    subspaces.ANGLES,
    network.COPY,
]
