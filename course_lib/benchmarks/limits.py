"""The least time of some work on a machine: its bytes and its multiply-adds at the rates measured there."""

from dataclasses import dataclass

import torch

from course_lib.benchmarks.clocks import clock_of

COPIED = 2**28  # bytes of the copy: beyond the caches of any GPU
SIDE = 8192  # of the matrices whose product is timed on a GPU
SIDE_ON_CPU = 512
TRIES = 5


@dataclass(frozen=True)
class Work:
    """What a call has to move and to compute.

    Attributes:
        numbers: how many numbers of the row's dtype ours reads from memory or writes there.
        multiply_adds: how many it computes.
        others: bytes that do not depend on the dtype, such as those of indices.
    """

    numbers: float = 0.0
    multiply_adds: float = 0.0
    others: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        """Return what both take, one after the other."""
        return Work(
            self.numbers + other.numbers,
            self.multiply_adds + other.multiply_adds,
            self.others + other.others,
        )

    def moved(self, dtype: torch.dtype) -> float:
        """Return the bytes that are moved where a number is of this dtype."""
        return self.numbers * dtype.itemsize + self.others


@dataclass(frozen=True)
class Roofs:
    """The two rates of a machine.

    Attributes:
        bandwidth: bytes read and written in a second, by a large copy.
        multiply_adds: {dtype: how many in a second}, by a large product of matrices.
    """

    bandwidth: float
    multiply_adds: dict[str, float]

    def seconds(self, work: Work, dtype: torch.dtype) -> float:
        """Return the least time: of the bytes or of the multiply-adds, whichever takes longer.

        Source: Williams, Waterman & Patterson (2009), Roofline, "The roofline model".
        """
        arithmetic = self.multiply_adds[name_of(dtype)]
        return max(work.moved(dtype) / self.bandwidth, work.multiply_adds / arithmetic)


def name_of(dtype: torch.dtype) -> str:
    """Return the dtype's name without its package."""
    return str(dtype).removeprefix("torch.")


def measure_roofs(device: torch.device) -> Roofs:
    """Time a copy and products of matrices on this machine, the best of some tries."""
    source = torch.zeros(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    clock = clock_of(device, from_memory=True)
    copied = min(clock(lambda: target.copy_(source), 1) for _ in range(TRIES))
    side = SIDE if device.type == "cuda" else SIDE_ON_CPU
    rates = {}
    for dtype in (torch.float32, torch.bfloat16):
        square = torch.rand(side, side, device=device).to(dtype)
        seconds = min(clock(lambda square=square: square @ square, 1) for _ in range(TRIES))  # type: ignore[misc]
        rates[name_of(dtype)] = side**3 / seconds
    return Roofs(bandwidth=2 * COPIED / copied, multiply_adds=rates)
