"""Exercises of the section on boxes, their overlap, and average precision."""

from course_lib.exercises.ch12_detection.boxes_and_metrics import (
    average_precision,
    boxes,
    suppression,
    verdicts,
)

EXERCISES = [
    boxes.IOU,
    boxes.DECODE,
    suppression.NMS,
    verdicts.OUTCOMES,
    average_precision.AP,
]
