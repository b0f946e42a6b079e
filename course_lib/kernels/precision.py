"""What a kernel computes in, and what it counts in."""

from typing import Any

import torch
import triton.language as tl
from torch import Tensor

FEW = 2**30  # half of what int32 can number: the blocks that stick out at the end have room, too


def precision(x: Tensor) -> Any:
    """float64 for float64, and else float32: sums of half precision would stop growing early."""
    return tl.float64 if x.dtype == torch.float64 else tl.float32


def numbering(*counts: int) -> Any:
    """int32 where it can number so many things, and else int64, by which a GPU divides slowly."""
    return tl.int32 if max(counts) < FEW else tl.int64
