"""Activations inside other kernels: applied to numbers that are in registers, they cost no memory traffic."""

from collections.abc import Callable
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional as F

BY_NAME: dict[str | None, Callable[[Tensor], Tensor]] = {
    None: lambda x: x,
    "relu": torch.relu,
    "gelu": F.gelu,
    "silu": F.silu,
}


def check(owner: str, activation: str | None) -> None:
    """Raise ValueError unless ``activation`` is a name in BY_NAME."""
    if activation not in BY_NAME:
        names = ", ".join(map(repr, BY_NAME))
        raise ValueError(f"{owner}: activation must be one of {names}, got {activation!r}")


@triton.jit
def activate(u: tl.tensor, NAME: tl.constexpr) -> Any:
    """a(u): relu, gelu (with the error function) or silu; u itself for None."""
    if NAME == "relu":
        u = tl.where(u <= 0, 0.0, u)  # NaN stays
    elif NAME == "gelu":
        u = 0.5 * u * (1 + tl.erf(u * 0.7071067811865476))
    elif NAME == "silu":
        u = u / (1 + tl.exp(-u))
    return u


@triton.jit
def through(grad: tl.tensor, u: tl.tensor, NAME: tl.constexpr) -> Any:
    """dE/du from ``grad`` = dE/da(u)."""
    if NAME == "relu":
        grad = tl.where(u <= 0, 0.0, grad)
    elif NAME == "gelu":
        below = 0.5 * (1 + tl.erf(u * 0.7071067811865476))
        grad = grad * (below + u * 0.3989422804014327 * tl.exp(-0.5 * u * u))
    elif NAME == "silu":
        sigmoid = 1 / (1 + tl.exp(-u))
        grad = grad * (sigmoid * (1 + u * (1 - sigmoid)))
    return grad
