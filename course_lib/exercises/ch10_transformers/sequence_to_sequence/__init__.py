"""Exercises of the section on sequence to sequence."""

from course_lib.exercises.ch10_transformers.sequence_to_sequence import (
    batch,
    beams,
    look,
    loss,
    match,
    scores,
)

EXERCISES = [
    batch.BATCH,
    match.EXACT,
    look.LOOK,
    loss.FORCED,
    scores.PENALIZED,
    beams.STEP,
]
