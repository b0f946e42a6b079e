"""Exercises of the section on convolution."""

from course_lib.exercises.ch02_convolutional_networks.convolution import columns, gradients, sizes, windows

EXERCISES = [
    windows.CROSS_CORRELATE,
    sizes.OUTPUT_SIZE,
    windows.STRIDED_DILATED,
    columns.IM2COL,
    sizes.LAYER_COST,
    gradients.KERNEL_GRADIENT,
]
