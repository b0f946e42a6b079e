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

from course_lib.benchmarks.clocks import Clock, clock_of
from course_lib.benchmarks.contest import Call, Row
from course_lib.benchmarks.limits import Roofs

LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Result:
    """What came of a row.

    Attributes:
        seconds: the median time of a call of each contestant.
        speed: how many times as fast ours was as each rival: the median, over the rounds, of the rival's time
            over ours.
        spread: the quartiles of the same.
        limit: the least seconds that ours could take on this machine; None where that is not known.
        met: whether ours was as fast as it should be, against the rival and the limit; None if nothing is
            demanded, or the rival was not there.
    """

    row: Row
    seconds: dict[str, float]
    speed: dict[str, float]
    spread: dict[str, tuple[float, float]]
    limit: float | None
    met: bool | None


def measure(
    row: Row,
    device: torch.device,
    threads: int,
    rounds: int = 15,
    least: float = 0.01,
    *,
    roofs: Roofs | None = None,
    seconds: float = math.inf,
) -> Result:
    """Time a row: ``rounds`` rounds, in each of which every contestant works for at least ``least`` seconds.

    Args:
        row, device, threads, rounds, least: see above.
        roofs: the rates of the machine, for the limit.
        seconds: after so many, from the beginning, no further round is begun, but for the first three.

    Raises:
        AssertionError: ours and the rival do not compute the same.
    """
    begun = time.perf_counter()
    contest = row.build(device, threads)
    outputs = {name: call() for name, call in contest.items()}  # the first call warms up
    if row.agree and row.against in contest:
        assert_agree(row, outputs["ours"], outputs[row.against])
    del outputs
    clock = clock_of(device, from_memory=row.work is not None)
    repeats = {name: max(1, math.ceil(least / _duration(clock, call))) for name, call in contest.items()}
    times: dict[str, list[float]] = {name: [] for name in contest}
    for turn in range(rounds):
        if turn >= LEAST_ROUNDS and time.perf_counter() - begun > seconds:
            break
        order = list(contest)
        for name in order if turn % 2 else reversed(order):
            times[name].append(clock(contest[name], repeats[name]))
    ratios = {
        name: [rival / ours for rival, ours in zip(times[name], times["ours"], strict=True)]
        for name in contest
        if name != "ours"
    }
    speed = {name: statistics.median(values) for name, values in ratios.items()}
    quartiles = {name: np.percentile(values, [25, 75]) for name, values in ratios.items()}
    medians = {name: statistics.median(values) for name, values in times.items()}
    limit = roofs.seconds(row.work, row.dtype) if roofs and row.work else None
    return Result(
        row=row,
        seconds=medians,
        speed=speed,
        spread={name: (float(low), float(high)) for name, (low, high) in quartiles.items()},
        limit=limit,
        met=_met(row, speed, limit, medians["ours"]),
    )


def _met(row: Row, speed: dict[str, float], limit: float | None, ours: float) -> bool | None:
    verdicts = []
    if row.bar is not None and row.against in speed:
        verdicts.append(speed[row.against] >= row.bar)
    if row.share is not None and limit is not None:
        verdicts.append(limit / ours >= row.share)
    return all(verdicts) if verdicts else None


def _duration(clock: Clock, call: Call) -> float:
    """How long the clock needs for one call, with all that is around it."""
    start = time.perf_counter()
    return max(clock(call, 1), time.perf_counter() - start)


def assert_agree(row: Row, ours: Any, theirs: Any) -> None:
    """Raise AssertionError unless two contestants computed the same numbers."""
    mine, other = _leaves(ours), _leaves(theirs)
    assert len(mine) == len(other), f"{row.name}: {len(mine)} results, and {row.against} has {len(other)}"
    for a, b in zip(mine, other, strict=True):
        if _close_on_a_gpu(row, a, b):
            continue  # a billion numbers are compared where they are
        a, b = _array(a), _array(b)
        largest = np.abs(b, where=np.isfinite(b), out=np.ones_like(b)).max(initial=1.0)
        message = f"{row.name}: ours against {row.against}"
        np.testing.assert_allclose(a, b, row.rtol, row.atol * largest, err_msg=message)


def _leaves(found: Any) -> list[Any]:
    """The results in what a call returns, in order, however nested."""
    if found is None:
        return []
    if isinstance(found, Sequence) and not isinstance(found, str):
        return [leaf for each in found for leaf in _leaves(each)]
    return [found]


def _close_on_a_gpu(row: Row, a: Any, b: Any) -> bool:
    if not (isinstance(a, Tensor) and isinstance(b, Tensor) and a.is_cuda and a.shape == b.shape):
        return False
    a, b = a.float(), b.float()
    largest = max(1.0, float(b.nan_to_num(posinf=0.0, neginf=0.0).abs().max())) if b.numel() else 1.0
    return torch.allclose(a, b, row.rtol, row.atol * largest, equal_nan=True)


def _array(found: Any) -> np.ndarray:
    return (
        found.detach().float().cpu().numpy() if isinstance(found, Tensor) else np.asarray(found, dtype=float)
    )
