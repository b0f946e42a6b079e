"""Exercises of the section on attention."""

from course_lib.exercises.ch10_transformers.attention import averages, cost, heads, masks

EXERCISES = [
    averages.ATTEND,
    averages.SCALE,
    masks.CAUSAL,
    heads.SPLIT,
    heads.COUNT,
    cost.MERGE,
]
