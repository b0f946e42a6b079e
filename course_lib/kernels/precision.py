"""What a kernel computes in."""

from typing import Any

import torch
import triton.language as tl
from torch import Tensor


def precision(x: Tensor) -> Any:
    """float64 for float64, and else float32: sums of half precision would stop growing early."""
    return tl.float64 if x.dtype == torch.float64 else tl.float32
