"""Exercises of the section on adversarial networks."""

from course_lib.exercises.ch09_generative_models.adversarial_networks import judges, losses, penalty, players

EXERCISES = [
    losses.LOSSES,
    judges.BEST,
    judges.VALUE,
    players.COVERED,
    players.STEPS,
    penalty.PENALTY,
]
