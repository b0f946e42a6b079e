"""Exercises of the section on Inception."""

from course_lib.exercises.ch06_architectures.inception import costs, halving, kernels, modules

EXERCISES = [
    modules.CHANNELS,
    costs.MODULE,
    costs.SAVED,
    modules.TOTAL_LOSS,
    halving.HALVING,
    kernels.ONE_KERNEL,
]
