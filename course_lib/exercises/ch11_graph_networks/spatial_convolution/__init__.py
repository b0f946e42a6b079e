"""Exercises of the section on spatial graph convolution."""

from course_lib.exercises.ch11_graph_networks.spatial_convolution import (
    attention,
    gap,
    layer,
    matrix,
    scatter,
)

EXERCISES = [
    matrix.ADJACENCY,
    scatter.MEAN,
    layer.LAYER,
    gap.GAP,
    attention.COEFFICIENTS,
]
