"""Exercises of the section on what a density is good for."""

from course_lib.exercises.ch09_generative_models.why_generate import drawing, mixtures, scores

EXERCISES = [
    mixtures.LOG_MIXTURE,
    scores.THRESHOLD,
    drawing.ANCESTRAL,
    drawing.CONDITIONAL,
    scores.LEAVE_ONE_OUT,
    mixtures.LABELS,
]
