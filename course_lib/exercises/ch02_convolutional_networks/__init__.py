"""Exercises of the chapter on convolutional networks, a package a section."""

SECTIONS = (
    "images_and_invariance",
    "convolution",
    "pooling",
    "receptive_field",
    "heads_and_losses",
    "initialization",
    "training_a_cnn",
)
