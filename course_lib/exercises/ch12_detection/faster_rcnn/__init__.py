"""Exercises of the section on region proposal networks."""

from course_lib.exercises.ch12_detection.faster_rcnn import anchors, assignment, losses, proposals, sampling

EXERCISES = [
    anchors.ANCHORS,
    assignment.ASSIGN,
    sampling.SAMPLE,
    proposals.PROPOSALS,
    losses.LOSS,
]
