"""Exercises of the section on heads and losses."""

from course_lib.exercises.ch02_convolutional_networks.heads_and_losses import gradients, heads, stable

EXERCISES = [*heads.EXERCISES[:1], *stable.EXERCISES, *gradients.EXERCISES, *heads.EXERCISES[1:]]
