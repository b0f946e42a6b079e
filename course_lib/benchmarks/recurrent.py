"""Recurrent layers and the embedding against PyTorch's, and against the loop over time (``unrolled``)."""

import torch
from torch import nn

from course_lib import layers
from course_lib.benchmarks.contest import layer_rows

ROWS = [
    *[
        row
        for kind in ("RNN", "LSTM", "GRU")
        for row in layer_rows(
            f"{kind} 64 to 64, 32 steps of 32",
            lambda kind=kind: getattr(layers, kind)(64, 64),  # type: ignore[misc]
            {
                "unrolled": lambda kind=kind: getattr(layers, kind)(64, 64, way="unrolled"),  # type: ignore[misc]
                "PyTorch": lambda kind=kind: getattr(nn, kind)(64, 64),  # type: ignore[misc]
            },
            lambda: [torch.randn(32, 32, 64)],
            bar=0.7,
        )
    ],
    *layer_rows(
        "LSTM 32 to 64, 2 layers, both directions, 32 steps of 16",
        lambda: layers.LSTM(32, 64, 2, bidirectional=True, batch_first=True),
        {
            "unrolled": lambda: layers.LSTM(32, 64, 2, bidirectional=True, batch_first=True, way="unrolled"),
            "PyTorch": lambda: nn.LSTM(32, 64, 2, bidirectional=True, batch_first=True),
        },
        lambda: [torch.randn(16, 32, 32)],
        bar=0.7,
    ),
    *[
        row
        for kind in ("RNNCell", "LSTMCell", "GRUCell")
        for row in layer_rows(
            f"{kind} 64 to 128, 64 rows",
            lambda kind=kind: getattr(layers, kind)(64, 128),  # type: ignore[misc]
            {"PyTorch": lambda kind=kind: getattr(nn, kind)(64, 128)},  # type: ignore[misc]
            lambda: [torch.randn(64, 64)],
            bar=0.7,
        )
    ],
    *[
        row
        for name, options in (("Embedding", {}), ("Embedding with padding_idx", {"padding_idx": 0}))
        for row in layer_rows(
            f"{name} 1000 of 128, 64x32 indices",
            lambda options=options: layers.Embedding(1000, 128, **options),  # type: ignore[misc]
            {"PyTorch": lambda options=options: nn.Embedding(1000, 128, **options)},  # type: ignore[misc]
            lambda: [torch.randint(1000, (64, 32))],
            bar=0.95,
        )
    ],
]
