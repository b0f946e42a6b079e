"""Exercises of the chapter on regularization, a package a section."""

SECTIONS = (
    "overfitting",
    "weight_penalties",
    "early_stopping",
    "dropout",
    "noise_and_augmentation",
    "normalization",
    "cross_validation",
)
