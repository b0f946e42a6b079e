"""Exercises of the section on LSTM and GRU."""

from course_lib.exercises.ch10_transformers.lstm_and_gru import bias, blocks, cell, counts, gradient, gru

EXERCISES = [
    cell.STEP,
    counts.COUNT,
    bias.OPEN,
    gru.RESET_FIRST,
    blocks.ORDER,
    gradient.CONVEYOR,
]
