"""Exercises of the section on recurrent networks."""

from course_lib.exercises.ch10_transformers.recurrent_networks import batches, gradients, steps

EXERCISES = [
    steps.STEP,
    steps.THREE_STEPS,
    gradients.REACH,
    gradients.CLIP,
    batches.REVERSE,
]
