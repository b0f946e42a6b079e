"""Exercises of the section on momentum."""

from course_lib.exercises.ch05_optimization.momentum import damping, forms, steps

EXERCISES = [
    steps.MOMENTUM_STEP,
    steps.NESTEROV_STEP,
    damping.CRITICAL,
    damping.RAVINE_STEPS,
    forms.TORCH_WALK,
    forms.MENDED_WALK,
]
