"""Tensors and arrays alike, as arrays."""

from typing import Any

import numpy as np
import torch


def to_numpy(value: Any) -> np.ndarray:
    """Return a tensor (of any device, with or without gradients), sequence or array as an array."""
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
