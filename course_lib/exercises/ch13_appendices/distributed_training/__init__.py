"""Exercises of the section on distributed training."""

from course_lib.exercises.ch13_appendices.distributed_training import costs, shares, sums

EXERCISES = [
    shares.MY_SHARE,
    sums.WHOLE_GRADIENT,
    sums.POOLED_STATISTICS,
    shares.NEXT_BATCH,
    costs.RING_SECONDS,
]
