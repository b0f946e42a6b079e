"""Exercises of the section on learning rates."""

from course_lib.exercises.ch05_optimization.learning_rates import (
    batches,
    clipping,
    cycle,
    range_test,
    resuming,
    warmup,
)

EXERCISES = [
    warmup.WARMUP_COSINE,
    clipping.CLIP_BY_NORM,
    range_test.READ_RANGE_TEST,
    batches.LARGE_BATCH_RATE,
    cycle.ONE_CYCLE,
    resuming.RATES_TO_COME,
]
