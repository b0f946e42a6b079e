"""Exercises of the section on adversarial networks."""

from course_lib.exercises.ch09_generative_models.adversarial_networks import (
    judges,
    losses,
    modes,
    penalty,
    players,
)

EXERCISES = [
    losses.LOSSES,
    judges.BEST,
    judges.VALUE,
    modes.COVERED,
    players.STEPS,
    penalty.PENALTY,
]
