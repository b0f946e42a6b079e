"""Exercises of the section on spectral convolution."""

from course_lib.exercises.ch11_graph_networks.spectral_convolution import (
    coefficients,
    filters,
    locality,
    polynomials,
)

EXERCISES = [
    filters.LOW_PASS,
    filters.FILL,
    polynomials.LAYER,
    coefficients.COEFFICIENTS,
    locality.REACH,
]
