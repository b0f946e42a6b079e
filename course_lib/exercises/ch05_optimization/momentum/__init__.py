"""Exercises of the section on momentum."""

from course_lib.exercises.ch05_optimization.momentum import bugs, damping, forms, nesterov, steps

EXERCISES = [
    steps.MOMENTUM_STEP,
    nesterov.NESTEROV_STEP,
    damping.CRITICAL,
    damping.RAVINE_STEPS,
    forms.TORCH_WALK,
    bugs.MENDED_WALK,
]
