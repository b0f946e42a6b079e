"""Exercises of the section on masks and RoIAlign."""

from course_lib.exercises.ch12_detection.mask_rcnn import losses, masks, overlaps, regions, sampling

EXERCISES = [
    sampling.BILINEAR,
    regions.ALIGN,
    losses.LOSS,
    masks.PASTE,
    overlaps.MASK_IOU,
]
