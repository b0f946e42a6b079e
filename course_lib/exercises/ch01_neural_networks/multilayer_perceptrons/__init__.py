"""Exercises of the section on multilayer perceptrons."""

from course_lib.exercises.ch01_neural_networks.multilayer_perceptrons import activations, networks, softmax

EXERCISES = [
    activations.LEAKY_RELU,
    activations.TANH_DERIVATIVE,
    networks.COLLAPSE,
    softmax.SOFTMAX,
    networks.BUMP,
    networks.DEAD_UNITS,
]
