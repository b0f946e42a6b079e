"""Exercises of the section on what transfers."""

from course_lib.exercises.ch07_transfer_learning.what_transfers import debiased, similarity, transplants

EXERCISES = [
    transplants.TRANSPLANT,
    transplants.READ,
    similarity.CKA,
    similarity.CONTROL,
    debiased.DEBIASED,
]
