"""Exercises of the section on stacked and convolutional autoencoders."""

from course_lib.exercises.ch08_autoencoders.stacked_and_convolutional import matrices, pairs, sizes, switches

EXERCISES = [
    pairs.PAIR_INPUTS,
    sizes.TRANSPOSED_SIZE,
    matrices.CONV_MATRIX,
    matrices.SMOOTH_KERNEL,
    switches.UNPOOL,
]
