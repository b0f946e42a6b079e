"""Exercises of the section on what autoencoders are used for."""

from course_lib.exercises.ch08_autoencoders.applications import anomalies, pictures, repairs

EXERCISES = [
    pictures.PSNR,
    repairs.UNSTAMP,
    anomalies.SPLIT,
    anomalies.THRESHOLD,
]
