"""Exercises of the section on detectors that look once."""

from course_lib.exercises.ch12_detection.one_shot_detectors import cells, focal, matching, targets, work

EXERCISES = [
    targets.GRID,
    cells.CELLS,
    focal.FOCAL,
    matching.MATCH,
    work.WORK,
]
