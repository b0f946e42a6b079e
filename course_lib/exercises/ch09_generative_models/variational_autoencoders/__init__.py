"""Exercises of the section on variational autoencoders."""

from course_lib.exercises.ch09_generative_models.variational_autoencoders import bounds, codes, collapse

EXERCISES = [
    codes.KL,
    codes.REPARAMETERIZE,
    bounds.LOSS,
    bounds.IMPORTANCE,
    collapse.FREE,
    collapse.RATES,
]
