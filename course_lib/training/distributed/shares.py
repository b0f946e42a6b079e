"""Which examples are in the batch of a step, which of them are whose, and seeds for the chance in a step."""

import functools

import numpy as np
import torch
from torch import Tensor

from course_lib.layers import checks


def mixed(*numbers: int) -> int:
    """Return one seed made of several numbers, such as (seed, step, rank).

    Sums would coincide: (1, 2) and (2, 1) are to be as different as any other two.
    """
    for number in numbers:
        checks.non_negative_integer("mixed", "numbers", number)
    high, low = np.random.SeedSequence(numbers).generate_state(2)
    return (int(high) << 31) ^ int(low)


class SharedBatches:
    """The order of the examples of a training run, computed alike by every process, whatever its rank.

    Each epoch has an order of its own, cut into batches of ``batch_size``, of which the last may be short.
    All follows from ``seed`` and the number of the step, so there is no position that could be lost.

    Raises:
        ValueError, TypeError: no example, a batch size below 1, a seed that is negative or no integer.
    """

    def __init__(self, examples: int, batch_size: int, seed: int = 0) -> None:
        for name, value in (("examples", examples), ("batch_size", batch_size)):
            checks.positive_integer("SharedBatches", name, value)
        checks.non_negative_integer("SharedBatches", "seed", seed)
        self.examples, self.batch_size, self.seed = examples, batch_size, seed

    def __len__(self) -> int:
        """Steps an epoch."""
        return -(-self.examples // self.batch_size)

    def rows(self, step: int) -> Tensor:
        """Return the numbers of the examples in the batch of a step (m,), the first step being 0."""
        checks.non_negative_integer("SharedBatches.rows", "step", step)
        epoch, index = divmod(step, len(self))
        order = _order(self.examples, self.seed, epoch)
        return order[index * self.batch_size : (index + 1) * self.batch_size].clone()


def share(rows: Tensor, rank: int, world: int) -> Tensor:
    """Return the part of a batch ``rows`` (m, ...) that one of ``world`` processes computes.

    The parts differ by one row at most, and together they are the batch, each row once. With fewer rows than
    processes the last parts are empty.

    Raises:
        ValueError: no rank below ``world``, a world below 1.
    """
    checks.positive_integer("share", "world", world)
    checks.non_negative_integer("share", "rank", rank)
    if rank >= world:
        raise ValueError(f"share: rank must be below world={world}, got {rank}")
    return rows.tensor_split(world)[rank]


@functools.lru_cache(maxsize=2)
def _order(examples: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(examples, generator=torch.Generator().manual_seed(mixed(seed, epoch)))
