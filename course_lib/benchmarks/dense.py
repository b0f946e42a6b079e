"""Dense layers and activations against PyTorch's."""

import torch
from torch import nn

from course_lib import layers
from course_lib.benchmarks.contest import layer_rows

ACTIVATIONS = (
    *("Sigmoid", "Tanh", "Hardtanh", "ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "SELU", "GELU", "SiLU"),
    *("Softplus", "Softsign"),
)

ROWS = [
    *layer_rows(
        "Linear 256 to 256, 64 rows",
        lambda: layers.Linear(256, 256),
        {"PyTorch": lambda: nn.Linear(256, 256)},
        lambda: [torch.randn(64, 256)],
        bar=0.95,
    ),
    *[
        row
        for name in ACTIVATIONS
        for row in layer_rows(
            f"{name} 16x32x16x16",
            getattr(layers, name),
            {"PyTorch": getattr(nn, name)},
            lambda: [torch.randn(16, 32, 16, 16)],
            bar=0.95,
        )
    ],
    *layer_rows(
        "Softmax 256x100",
        lambda: layers.Softmax(dim=1),
        {"PyTorch": lambda: nn.Softmax(dim=1)},
        lambda: [torch.randn(256, 100)],
        bar=0.95,
    ),
]
