"""What a diffusion net is told beside the noisy picture: the time, and perhaps a class."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.layers import checks

LONGEST = 10_000.0  # the slowest wave turns once in 2 pi * 10,000 steps


def sinusoids(t: Tensor, size: int) -> Tensor:
    """sin(w_k t) and cos(w_k t) for size / 2 frequencies from 1 down to 1 / 10,000: t (n,) -> (n, size).

    Source: Vaswani et al. (2017), Attention is all you need, section 3.5; for diffusion times Ho, Jain &
    Abbeel (2020), appendix B.

    Raises:
        ValueError: t that is no vector, a size that is odd or below 2.
        TypeError: t no tensor, a size that is no integer.
    """
    checks.tensor("sinusoids", t, "t")
    checks.rank("sinusoids", t, "(n)", name="t")
    checks.positive_integer("sinusoids", "size", size)
    if size % 2:
        raise ValueError(f"sinusoids: size must be even, got {size}")
    half = size // 2
    dtype = t.dtype if t.is_floating_point() else torch.get_default_dtype()
    exponents = torch.arange(half, device=t.device, dtype=dtype) / max(half - 1, 1)
    angles = t[:, None].to(dtype) * torch.exp(-math.log(LONGEST) * exponents)  # (n, half)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class TimeEmbedding(nn.Module):
    """t (n,), and y (n,) if there are classes -> (n, features): sinusoids, two dense layers, plus the class.

    With ``num_classes`` there is one class more, ``num_classes`` itself, for "not told": classifier-free
    guidance needs it, and it stands for y = None.

    Raises:
        ValueError: a size below 1, odd ``features``; classes for a net without, or outside 0 ... num_classes.
        TypeError: an argument of the wrong type.
    """

    def __init__(self, features: int, num_classes: int | None = None, **where: Any) -> None:
        super().__init__()
        checks.positive_integer("TimeEmbedding", "features", features)
        if features % 2:
            raise ValueError(f"TimeEmbedding: features must be even, got {features}")
        self.features, self.num_classes = features, num_classes
        self.read = layers.Linear(features, features, **where)
        self.write = layers.Linear(features, features, **where)
        if num_classes is not None:
            checks.positive_integer("TimeEmbedding", "num_classes", num_classes)
            self.classes = layers.Embedding(num_classes + 1, features, **where)

    def forward(self, t: Tensor, y: Tensor | None = None) -> Tensor:
        """Embed the times, and the classes."""
        waves = sinusoids(t, self.features).to(self.read.weight)
        told = self.write(F.silu(self.read(waves)))  # (n, features)
        if self.num_classes is None:
            if y is not None:
                raise ValueError("TimeEmbedding: y must be None for a net without classes, got a tensor")
            return told
        if y is None:
            y = torch.full_like(t, self.num_classes, dtype=torch.int64)
        if y.shape != t.shape:
            raise ValueError(
                f"TimeEmbedding: y must have the shape of t, {tuple(t.shape)}, got {tuple(y.shape)}"
            )
        return told + self.classes(y)
