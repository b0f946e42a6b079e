"""Two clocks: one for a loop of Python, and one for what a GPU does with data that come from its memory."""

import functools
import time
from collections.abc import Callable
from typing import Any

import torch

from course_lib.benchmarks.contest import Call

Clock = Callable[[Call, int], float]  # (call, repeats): seconds of one call, averaged over the repeats
FLUSHED = 2**29  # bytes: ten times the second-level cache of an H100, and long enough to queue a call behind


def clock_of(device: torch.device, from_memory: bool) -> Clock:
    """Return the clock for calls on ``device``; ``from_memory``: no input may be in a GPU's cache."""
    if device.type == "cuda" and from_memory:
        return functools.partial(_events, device)
    return functools.partial(_wall, device)


def finish(device: torch.device) -> None:
    """Wait for the work that was handed to a GPU: a launch returns before it is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _wall(device: torch.device, call: Call, repeats: int) -> float:
    """One call after the other, with all that Python and the launches need."""
    finish(device)
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    finish(device)
    return (time.perf_counter() - start) / repeats


def _events(device: torch.device, call: Call, repeats: int) -> float:
    """By the GPU's own clock, each call behind a flush of the cache, during which the call is launched."""
    memory = _memory(device)
    marks: list[tuple[Any, Any]] = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        memory.zero_()
        start.record()
        call()
        end.record()
        marks.append((start, end))
    finish(device)
    return sum(start.elapsed_time(end) for start, end in marks) / 1000 / repeats


@functools.cache
def _memory(device: torch.device) -> torch.Tensor:
    return torch.empty(FLUSHED, dtype=torch.uint8, device=device)
