"""Exercises of the section on the choice between spectral and spatial graph convolution."""

from course_lib.exercises.ch11_graph_networks.spectral_or_spatial import (
    growth,
    leak,
    reach,
    sampling,
    transfer,
)

EXERCISES = [
    growth.GROWTH,
    reach.REACH,
    sampling.SAMPLED,
    transfer.TRANSFER,
    leak.LEAK,
]
