"""What each formula means: NumPy, forward and backward, short and slow on purpose, without PyTorch.

The layers of the course are tested against these functions, and the chapters derive them step by step.
"""

from course_lib.reference import (
    activations,
    attention,
    autograd,
    boxes,
    convolution,
    dense,
    dropout,
    embedding,
    gradient_check,
    graph,
    initialization,
    local_response_norm,
    losses,
    normalization,
    pooling,
    recurrent,
    regions,
    transformer,
    windows,
)

__all__ = [
    "activations",
    "attention",
    "autograd",
    "boxes",
    "convolution",
    "dense",
    "dropout",
    "embedding",
    "gradient_check",
    "graph",
    "initialization",
    "local_response_norm",
    "losses",
    "normalization",
    "pooling",
    "recurrent",
    "regions",
    "transformer",
    "windows",
]
