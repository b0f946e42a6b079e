"""Exercises of the section on early stopping."""

from course_lib.exercises.ch03_regularization.early_stopping import logs, restoring, rules, shrinkage

EXERCISES = [*rules.EXERCISES, *restoring.EXERCISES, *logs.EXERCISES, *shrinkage.EXERCISES]
