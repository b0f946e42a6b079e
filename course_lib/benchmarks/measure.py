"""Timing a contest: the contestants take turns, so that a busy moment of the machine meets them all."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.benchmarks.contest import Call, Row


@dataclass(frozen=True)
class Result:
    """What came of a row.

    Attributes:
        seconds: the median time of a call of each contestant.
        speed: how many times as fast ours was as each rival: the median, over the rounds, of the rival's time
            over ours.
        spread: the quartiles of the same.
        met: whether the bar was met; None if there is none, or the rival was not there.
    """

    row: Row
    seconds: dict[str, float]
    speed: dict[str, float]
    spread: dict[str, tuple[float, float]]
    met: bool | None


def measure(row: Row, device: torch.device, threads: int, rounds: int = 15, least: float = 0.01) -> Result:
    """Time a row: ``rounds`` rounds, in each of which every contestant works for at least ``least`` seconds.

    Raises:
        AssertionError: ours and the rival do not compute the same.
    """
    contest = row.build(device, threads)
    outputs = {name: call() for name, call in contest.items()}  # the first call warms up
    if row.agree and row.against in contest:
        assert_agree(row, outputs["ours"], outputs[row.against])
    del outputs
    repeats = {name: max(1, math.ceil(least / _time(call, 1, device))) for name, call in contest.items()}
    times: dict[str, list[float]] = {name: [] for name in contest}
    for turn in range(rounds):
        order = list(contest)
        for name in order if turn % 2 else reversed(order):
            times[name].append(_time(contest[name], repeats[name], device))
    ratios = {
        name: [rival / ours for rival, ours in zip(times[name], times["ours"], strict=True)]
        for name in contest
        if name != "ours"
    }
    speed = {name: statistics.median(values) for name, values in ratios.items()}
    quartiles = {name: np.percentile(values, [25, 75]) for name, values in ratios.items()}
    return Result(
        row=row,
        seconds={name: statistics.median(values) for name, values in times.items()},
        speed=speed,
        spread={name: (float(low), float(high)) for name, (low, high) in quartiles.items()},
        met=speed[row.against] >= row.bar if row.bar is not None and row.against in speed else None,
    )


def assert_agree(row: Row, ours: Any, theirs: Any) -> None:
    """Raise AssertionError unless two contestants computed the same numbers."""
    mine, other = _arrays(ours), _arrays(theirs)
    assert len(mine) == len(other), f"{row.name}: {len(mine)} results, and {row.against} has {len(other)}"
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(
            a, b, row.rtol, row.atol, err_msg=f"{row.name}: ours against {row.against}"
        )


def _time(call: Call, repeats: int, device: torch.device) -> float:
    """Seconds of one call, averaged over ``repeats``."""
    _finish(device)
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    _finish(device)
    return (time.perf_counter() - start) / repeats


def _finish(device: torch.device) -> None:
    """Wait for the work that was handed to a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _arrays(found: Any) -> list[np.ndarray]:
    if found is None:
        return []
    if isinstance(found, Tensor):
        return [found.detach().float().cpu().numpy()]
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [array for each in found for array in _arrays(each)]
    return [np.asarray(found)]
