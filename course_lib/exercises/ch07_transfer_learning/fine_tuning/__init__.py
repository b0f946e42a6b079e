"""Exercises of the section on fine-tuning."""

from course_lib.exercises.ch07_transfer_learning.fine_tuning import choosing, rates

EXERCISES = [*rates.EXERCISES, *choosing.EXERCISES]
