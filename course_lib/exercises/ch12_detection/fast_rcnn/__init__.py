"""Exercises of the section on Fast R-CNN."""

from course_lib.exercises.ch12_detection.fast_rcnn import answers, losses, projection

EXERCISES = [
    projection.PROJECT,
    projection.POOL,
    losses.SMOOTH_L1,
    losses.LOSS,
    answers.BOXES,
]
