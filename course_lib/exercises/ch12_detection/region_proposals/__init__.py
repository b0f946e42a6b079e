"""Exercises of the section on region proposals."""

from course_lib.exercises.ch12_detection.region_proposals import counts, grouping, likeness, merging

EXERCISES = [
    counts.WINDOWS,
    likeness.SIMILARITIES,
    merging.MERGE,
    grouping.ORDER,
    counts.RECALL,
]
