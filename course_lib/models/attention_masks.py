"""Where tokens may look: not ahead, and not at padding."""

import torch
from torch import Tensor

from course_lib.layers import checks


def padding_mask(owner: str, attention_mask: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return as booleans (n, 1, 1, t) a mask (n, t) that is 1 or True for a token, 0 or False for padding.

    Raises:
        ValueError: a mask that is not of ``shape``.
        TypeError: a mask that is no tensor, or holds floating-point numbers.
    """
    checks.tensor(owner, attention_mask, "attention_mask")
    if attention_mask.is_floating_point() or attention_mask.is_complex():
        kinds = "booleans or integers, 1 for a token and 0 for padding"
        raise TypeError(f"{owner}: attention_mask must hold {kinds}, got {attention_mask.dtype}")
    if attention_mask.shape != shape:
        raise ValueError(
            f"{owner}: attention_mask must have tokens' shape {shape}, got {tuple(attention_mask.shape)}"
        )
    return attention_mask.bool()[:, None, None, :]


def look_back(owner: str, tokens: Tensor, past: int, attention_mask: Tensor | None) -> Tensor | None:
    """Return where the queries of tokens (n, t) behind ``past`` others may look; None means up to themselves.

    The mask, True where they may, is (t, past + t), or with an ``attention_mask`` (n, 1, t, past + t).
    """
    n, t = tokens.shape
    if attention_mask is None and not past:
        return None  # the kernel has a faster way than a mask
    square = torch.ones((t, past + t), dtype=torch.bool, device=tokens.device).tril(diagonal=past)
    if attention_mask is None:
        return square
    return square & padding_mask(owner, attention_mask, (n, past + t))
