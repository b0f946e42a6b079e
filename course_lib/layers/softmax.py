"""Softmax, called as in ``torch.nn``: an activation that mixes entries.

In NumPy, with its Jacobian and its backward pass: ``course_lib.reference.activations``.
"""

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.layers.activations import Activation


class Softmax(Activation):
    """y_i = exp(x_i) / sum_j exp(x_j) along dimension ``dim``: positive, with sum 1.

    The largest x_j is subtracted first, so nothing overflows. ``dim`` must be given (torch.nn guesses it).
    Source: Bridle (1990).
    """

    shown = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        if isinstance(dim, bool) or not isinstance(dim, int):
            raise TypeError(f"Softmax: dim must be given as an integer, got {dim!r}")
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape that has dimension ``dim``."""
        checks.float_tensor("Softmax", x)
        rank = max(x.ndim, 1)
        if not -rank <= self.dim < rank:
            raise ValueError(
                f"Softmax: dim must be {-rank} ... {rank - 1} for {x.ndim}-d input, got {self.dim}"
            )
        return torch.softmax(x, self.dim)
