"""Which of several processes this one is, on which device it computes, and how it speaks with the others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import torch
from torch import distributed

from course_lib.environment import device as choose_device
from course_lib.layers import checks


@dataclass(frozen=True)
class Processes:
    """One process among those that train together.

    Attributes:
        rank: its number, from 0 to ``world`` - 1.
        world: how many there are, on all machines.
        device: where it computes.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        checks.positive_integer("Processes", "world", self.world)
        checks.non_negative_integer("Processes", "rank", self.rank)
        if self.rank >= self.world:
            raise ValueError(f"Processes: rank must be below world={self.world}, got {self.rank}")


@contextmanager
def joined(device: str | torch.device | None = None, timeout: float = 300.0) -> Iterator[Processes]:
    """Join the processes that torchrun has started, for as long as the block runs.

    A process that torchrun did not start is alone: rank 0 of 1, and speaks with nobody. Where torchrun may
    start processes anew, set TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1, as ``launch.torchrun`` does: else they may
    find the addresses of those that have died.

    Args:
        device: default a GPU of its own where this machine has enough of them, else the CPU. ``"cuda"`` also
            where processes must share a GPU, ``"cuda:1"`` where all of them share that one. NCCL refuses to
            carry messages within a GPU: then gloo does.
        timeout: seconds after which a process that does not answer is taken for dead.

    Raises:
        ValueError: there is no such device, or the timeout is not positive.
    """
    checks.finite_number("joined", "timeout", timeout, above=0)
    gpus, here = torch.cuda.device_count(), int(os.environ.get("LOCAL_WORLD_SIZE", 1))  # of this machine
    where = choose_device(device or ("cuda" if torch.cuda.is_available() and gpus >= here else "cpu"))
    own_gpu = where.type == "cuda" and where.index is None and gpus >= here
    if where.type == "cuda":
        if where.index is None:
            where = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)) % gpus)
        torch.cuda.set_device(where)
    if "RANK" not in os.environ:
        yield Processes(device=where)
        return
    # GPUs speak with each other by themselves, through NCCL; everything else goes through gloo.
    distributed.init_process_group(
        "nccl" if own_gpu else "gloo",
        timeout=timedelta(seconds=timeout),
        device_id=where if own_gpu else None,
    )
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size(), where)
    finally:
        distributed.destroy_process_group()
