"""Exercises of the section on hyperparameter search."""

from course_lib.exercises.ch05_optimization.hyperparameter_search import (
    best_of_many,
    one_batch,
    plans,
    schedule,
    study,
)

EXERCISES = [
    *plans.EXERCISES,
    *schedule.EXERCISES,
    *one_batch.EXERCISES,
    *best_of_many.EXERCISES,
    *study.EXERCISES,
]
