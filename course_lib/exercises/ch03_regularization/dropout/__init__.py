"""Exercises of the section on dropout."""

from course_lib.exercises.ch03_regularization.dropout import averages, masks, sequences, shapes

EXERCISES = [
    masks.INVERTED,
    masks.TRAIN_AND_TEST,
    shapes.MASK_SHAPE,
    averages.SUBNETS,
    averages.RIDGE,
    sequences.SAME_MASK,
]
