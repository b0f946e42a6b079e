"""Exercises of the section on diffusion."""

from course_lib.exercises.ch09_generative_models.diffusion import endings, guides, noising, steps

EXERCISES = [
    noising.SAMPLE,
    noising.POSTERIOR,
    steps.REVERSE,
    endings.ENDING,
    steps.JUMP,
    guides.GUIDED,
]
