"""Exercises of the section on the confusion matrix."""

from course_lib.exercises.ch04_metrics.confusion_matrix import averages, counting, f_beta, ratios, threshold

EXERCISES = [
    counting.COUNT,
    counting.READ,
    ratios.PRECISION_RECALL,
    f_beta.F_BETA,
    averages.MACRO_MICRO,
    threshold.CHEAPEST,
]
