"""Grades a student's notebook in a process of its own, with limits on time and memory.

``grade(Path("neurons.ipynb"))`` runs the notebook's cells one after the other, past every error, and gives
the answers they check to the engine of this course: what the notebook makes of ``check`` does not matter. The
file is only read. Cells that loop, crash, leave, or want too much memory are stopped and left out, and the
rest is run again without them.

What it does not do: keep code from reading and writing the user's files or using the network, and keep
somebody who sets out to cheat from doing so. The answers run in the process that judges them, so code which
looks for the judge will find it; that it replaces parts of the engine is noticed, that it replaces parts of
NumPy is not.
"""

from course_lib.exercises.grading.grade import Grade, Result, Trouble, UnknownSection, grade
from course_lib.exercises.grading.process import Limits

__all__ = ["Grade", "Limits", "Result", "Trouble", "UnknownSection", "grade"]
