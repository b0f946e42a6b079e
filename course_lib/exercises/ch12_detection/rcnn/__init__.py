"""Exercises of the section on R-CNN."""

from course_lib.exercises.ch12_detection.rcnn import costs, machines, regression, warping

EXERCISES = [
    warping.CONTEXT,
    regression.TARGETS,
    machines.LABELS,
    costs.REPEATED,
    costs.DISK,
]
