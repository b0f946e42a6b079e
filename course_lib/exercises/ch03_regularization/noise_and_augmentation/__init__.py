"""Exercises of the section on noise and augmentation."""

from course_lib.exercises.ch03_regularization.noise_and_augmentation import boxes, images, labels, penalty

EXERCISES = [
    images.CROP,
    boxes.FLIP,
    boxes.CROP,
    penalty.DECAY,
    images.MIXUP,
    labels.KEEPS,
]
