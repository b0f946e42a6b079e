"""Exercises of the section on language models."""

from course_lib.exercises.ch10_transformers.language_models import counts, losses, masking, pairs, sampling

EXERCISES = [
    pairs.ENCODE,
    losses.CAUSAL,
    sampling.SAMPLE,
    masking.MASK,
    counts.KNESER_NEY,
]
