"""Exercises of the appendix on kernels for a GPU."""

from course_lib.exercises.ch13_appendices.gpu_kernels import blocks, costs, memory, neighbours, programs

EXERCISES = [
    memory.PIECES,
    costs.LEAST,
    memory.TRAFFIC,
    blocks.BORDER,
    costs.TILE,
    blocks.MERGE,
    programs.SHIFT,
    programs.CAUSAL,
    neighbours.LARGEST,
]
