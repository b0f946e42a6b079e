"""Exercises of the section on alignment and prompting."""

from course_lib.exercises.ch10_transformers.alignment import distance, preferences, updates

EXERCISES = [
    preferences.PAIRS,
    preferences.LOSS,
    updates.ADVANTAGES,
    updates.CLIP,
    distance.LEASH,
    distance.BEST,
]
