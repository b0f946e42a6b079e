"""Exercises of the section on sparse and contractive autoencoders."""

from course_lib.exercises.ch08_autoencoders.sparse_and_contractive import contraction, sparsity

EXERCISES = [
    sparsity.PRICE,
    sparsity.KL,
    sparsity.TOP_K,
    contraction.TANH,
    contraction.ALONG,
]
