"""Exercises of the section on training a CNN."""

from course_lib.exercises.ch02_convolutional_networks.training_a_cnn import bugs, choices, loops, measuring

EXERCISES = [
    measuring.STANDARDIZE,
    loops.TRAIN_ONE_EPOCH,
    measuring.ACCURACY,
    choices.BEST_EPOCH,
    choices.CHECKPOINT,
    bugs.THREE_BUGS,
]
