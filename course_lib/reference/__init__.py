"""What each formula means: NumPy, forward and backward, short and slow on purpose, without PyTorch.

The layers of the course are tested against these functions, and the chapters derive them step by step.
"""

from course_lib.reference import (
    activations,
    autograd,
    convolution,
    dense,
    embedding,
    gradient_check,
    initialization,
    pooling,
    recurrent,
    windows,
)

__all__ = [
    "activations",
    "autograd",
    "convolution",
    "dense",
    "embedding",
    "gradient_check",
    "initialization",
    "pooling",
    "recurrent",
    "windows",
]
