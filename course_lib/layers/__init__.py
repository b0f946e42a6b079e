"""The layers of the course: PyTorch modules, named and called as in ``torch.nn``."""

from course_lib.layers.activations import (
    ELU,
    GELU,
    SELU,
    Hardtanh,
    LeakyReLU,
    PReLU,
    ReLU,
    RReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from course_lib.layers.dense import Linear
from course_lib.layers.neurons import McCullochPitts, Perceptron

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Hardtanh",
    "LeakyReLU",
    "Linear",
    "McCullochPitts",
    "PReLU",
    "Perceptron",
    "RReLU",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]
