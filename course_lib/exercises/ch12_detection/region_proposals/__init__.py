"""Exercises of the section on region proposals."""

from course_lib.exercises.ch12_detection.region_proposals import counts, grouping, likeness

EXERCISES = [
    counts.WINDOWS,
    likeness.SIMILARITIES,
    likeness.MERGE,
    grouping.ORDER,
    counts.RECALL,
]
