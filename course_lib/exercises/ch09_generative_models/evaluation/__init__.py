"""Exercises of the section on judging samples."""

from course_lib.exercises.ch09_generative_models.evaluation import (
    copying,
    distance,
    inception,
    sample_size,
    support,
    trade,
)

EXERCISES = [
    distance.FRECHET,
    support.DENSITY,
    copying.NEARER,
    sample_size.LIMIT,
    inception.SCORE,
    trade.FRONT,
]
