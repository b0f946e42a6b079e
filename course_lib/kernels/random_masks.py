"""Random numbers that are computed from where they are used, so that a mask is never stored.

Philox is a function of a seed and a counter (Salmon, Moraes, Dror & Shaw, 2011, Parallel random numbers: as
easy as 1, 2, 3, section 2.2): whoever asks for the number of entry i gets the same one, in whatever block and
in whatever pass. A counter gives four numbers, so entries 4c ... 4c + 3 share the counter c.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor


def draw_seed(like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A seed (1,) on the device of ``like``, from ``generator`` or PyTorch's: the CPU never reads it."""
    return torch.randint(2**62, (1,), generator=generator, device=like.device)


@triton.jit
def four_each(seed: tl.tensor, counter: tl.tensor, STREAM: tl.constexpr) -> Any:
    """Four numbers from [0, 1) for each int64 counter (...,): (..., 2, 2), in order.

    Streams are independent of each other.
    """
    low, high = counter.to(tl.uint32), (counter >> 32).to(tl.uint32)
    first, second, third, fourth = tl.philox(seed, low, high, low * 0 + STREAM, low * 0)
    words = tl.join(tl.join(first, third), tl.join(second, fourth))
    return tl.uint_to_uniform_float(words)


@triton.jit
def one_each(seed: tl.tensor, counter: tl.tensor, STREAM: tl.constexpr) -> Any:
    """One number from [0, 1) for each int64 counter, of its shape."""
    low, high = counter.to(tl.uint32), (counter >> 32).to(tl.uint32)
    first, _, _, _ = tl.philox(seed, low, high, low * 0 + STREAM, low * 0)
    return tl.uint_to_uniform_float(first)
