"""Exercises that check themselves: ``check("neurons/perceptron_update", perceptron_update)``."""

from course_lib.exercises.checking import check
from course_lib.exercises.model import Case, Exercise, Mistake, case
from course_lib.exercises.quizzes import quiz
from course_lib.exercises.report import Report

__all__ = ["Case", "Exercise", "Mistake", "Report", "case", "check", "quiz"]
