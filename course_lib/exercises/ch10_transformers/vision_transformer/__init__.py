"""Exercises of the section on vision transformers."""

from course_lib.exercises.ch10_transformers.vision_transformer import counts, looking, patches, positions

EXERCISES = [
    patches.EMBED,
    counts.WORK,
    counts.PARAMETERS,
    positions.RESIZE,
    looking.MEAN,
    looking.ROLLOUT,
]
