"""Positional encoding: attention does not see an order, so positions are added to the vectors."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype

OWNER = "SinusoidalPositionalEncoding"


class SinusoidalPositionalEncoding(nn.Module):
    """x plus waves of the position t: sin(t w_j) in feature 2j and cos(t w_j) in feature 2j + 1.

    The frequencies are w_j = 10000^(-2j / d_model), from 1 down to nearly 1 / 10000. A shift by k positions
    turns each pair (sin, cos) by the angle k w_j: the same linear map at every position. The waves are
    computed when called, for any length, in float64 and rounded to x's dtype: nothing is stored, and
    ``state_dict`` is empty. The same in NumPy: ``course_lib.reference.transformer.positional_encoding``.

    Shapes: x (length, n, d_model), with ``batch_first`` (n, length, d_model), or (length, d_model) -> x's.

    Args:
        d_model: features; if odd, the last is a sine without its cosine.
        max_len: longest sequence allowed; None for any.
        dropout: probability that an entry of the sum is zeroed in training.
        batch_first: whether the batch is the first dimension, as in torch.nn's transformers.

    Raises:
        ValueError: d_model or max_len below 1, dropout outside 0 ... 1, x of another shape or too long.
        TypeError: x is no float tensor.

    Source: Vaswani et al. (2017), section 3.5.
    """

    def __init__(
        self, d_model: int, max_len: int | None = None, dropout: float = 0.0, batch_first: bool = False
    ) -> None:
        super().__init__()
        checks.positive_integer(OWNER, "d_model", d_model)
        if max_len is not None:
            checks.positive_integer(OWNER, "max_len", max_len)
        checks.probability(OWNER, "dropout", dropout)
        self.d_model, self.max_len, self.dropout, self.batch_first = d_model, max_len, dropout, batch_first

    def forward(self, x: Tensor) -> Tensor:
        """Add the encoding of positions 0 ... length - 1, then drop entries in training."""
        checks.float_tensor(OWNER, x)
        if x.ndim not in (2, 3) or x.shape[-1] != self.d_model:
            batched = "n, length" if self.batch_first else "length, n"
            raise ValueError(
                f"{OWNER}: input must have shape (length, {self.d_model}) or ({batched}, {self.d_model}), "
                f"got {tuple(x.shape)}"
            )
        length_dim = 1 if x.ndim == 3 and self.batch_first else 0
        waves = self.encoding(x.shape[length_dim], device=x.device, dtype=x.dtype)
        x = x + (waves.unsqueeze(1) if x.ndim == 3 and not self.batch_first else waves)
        return F.dropout(x, self.dropout, self.training)

    def encoding(self, length: int, device: Device = None, dtype: Dtype = None) -> Tensor:
        """Return what is added to the first ``length`` positions, (length, d_model).

        Raises:
            ValueError: length is negative or more than max_len.
        """
        checks.non_negative_integer(OWNER, "length", length)
        if self.max_len is not None and length > self.max_len:
            raise ValueError(f"{OWNER}: length must be at most max_len={self.max_len}, got {length}")
        # In float32, an angle of 10,000 would be off by 0.0005. Apple's GPUs have nothing better.
        exact = torch.float32 if torch.device(device or "cpu").type == "mps" else torch.float64
        positions = torch.arange(length, device=device, dtype=exact)
        powers = torch.arange(0, self.d_model, 2, device=device, dtype=exact) / self.d_model
        angles = torch.outer(positions, 10000.0**-powers)
        pairs = torch.stack([angles.sin(), angles.cos()], dim=-1)  # (length, ceil(d_model / 2), 2)
        return pairs.flatten(1)[:, : self.d_model].to(dtype or torch.get_default_dtype())

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return (
            f"{self.d_model}, max_len={self.max_len}, dropout={self.dropout}, batch_first={self.batch_first}"
        )
