"""Exercises of the section on denoising autoencoders."""

from course_lib.exercises.ch08_autoencoders.denoising import filters, noise, repair

EXERCISES = [
    noise.CORRUPT,
    noise.LOSS,
    repair.GUESS,
    repair.LINEAR,
    filters.AGREE,
]
