"""``course bench``: ours against the best alternative, timed side by side on this machine."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from course_lib.cli.output import FAILED, MISUSED, fail, table

if TYPE_CHECKING:
    import torch

    from course_lib.benchmarks import Result, Roofs, Row

HEADER = ("row", "speed", "quartiles", "to reach", "ours", "theirs", "against", "speed against others")
LIMITS = ("limit", "limit/ours", "to reach")  # further columns, where the least time of a row is known
CUDA_SECONDS = 240


def bench(
    words: Annotated[
        list[str] | None, typer.Argument(help="Only rows whose family or name has a word.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto: the best there is.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Threads, the same for all.")] = 1,
    rounds: Annotated[int, typer.Option(min=3, help="Times that every contestant is timed.")] = 15,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=1, help=f"Time rows less often, so that all take about this long [on cuda: {CUDA_SECONDS}]."
        ),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers here.")] = None,
    plot_file: Annotated[
        Path | None, typer.Option("--plot", help="Draw the figure here: .png, .svg.")
    ] = None,
) -> None:
    """Time the layers of the course against the best alternative: one run, one machine, ratios.

    The speed is the rival's time over ours, the median over the rounds with its quartiles: above 1, ours is
    faster. On a GPU there are rows of large sizes, too, whose limit is the least time that their bytes and
    multiply-adds take at the rates of a large copy and a large product, measured in the same run. Ends with 1
    if a row misses the speed it should reach, computes something else than its rival, or fails.
    """
    import torch

    from course_lib import environment
    from course_lib.benchmarks import machine, records, rows

    try:
        where = environment.device(device)
    except ValueError as error:
        fail(str(error), MISUSED)
    torch.set_num_threads(threads)
    chosen = {
        family: [
            row for row in each if _wanted(words, family, row.name) and row.only_on in (None, where.type)
        ]
        for family, each in rows().items()
    }
    if not any(chosen.values()):
        fail(f"no row of the benchmark on {where.type} has a word of {words}", MISUSED)
    described = machine.describe(where, threads)
    for name, value in described.items():
        typer.echo(f"{name}: {value}")
    roofs = _rates(where) if any(row.work for each in chosen.values() for row in each) else None
    budget = seconds or (CUDA_SECONDS if where.type == "cuda" else math.inf)
    results, failed = _measure(chosen, where, threads, rounds, roofs, budget)
    if json_file:
        records.write(json_file, records.record(described, results, roofs))
    if plot_file:
        from course_lib.benchmarks.plot import plot

        plot(results, described).savefig(plot_file, dpi=150)
    _end(results, failed)


def _rates(device: "torch.device") -> "Roofs":
    """Measure what the limits are made of; both sides compute float32 in float32, not in TF32."""
    import torch

    from course_lib.benchmarks import measure_roofs

    torch.backends.cudnn.allow_tf32 = False
    roofs = measure_roofs(device)
    typer.echo(f"copy: {roofs.bandwidth / 1e9:.0f} GB a second")
    for dtype, rate in roofs.multiply_adds.items():
        typer.echo(f"product in {dtype}: {rate / 1e9:.0f} billion multiply-adds a second")
    return roofs


def _measure(
    chosen: "Mapping[str, Sequence[Row]]",
    device: "torch.device",
    threads: int,
    rounds: int,
    roofs: "Roofs | None",
    budget: float,
) -> "tuple[dict[str, list[Result]], list[str]]":
    """Time row after row, each with its share of the time left; one that fails does not stop the others."""
    from course_lib.benchmarks import measure

    results: dict[str, list[Result]] = {}
    failed: list[str] = []
    left, end = sum(map(len, chosen.values())), time.perf_counter() + budget
    for family, each in chosen.items():
        results[family] = []
        for row in each:
            typer.secho(f"{row.name} ...", err=True)
            share = (end - time.perf_counter()) / left
            left -= 1
            try:
                results[family].append(measure(row, device, threads, rounds, roofs=roofs, seconds=share))
            except AssertionError as error:
                failed.append(f"does not agree: {error}")
            except Exception as error:  # a GPU too small for it, a kernel that does not compile there
                failed.append(f"{row.name} failed: {type(error).__name__}: {error}")
        if results[family]:
            _show(family, results[family])
    return results, failed


def _show(family: str, results: "Sequence[Result]") -> None:
    """Print the table of a family."""
    limits = LIMITS if any(result.limit for result in results) else ()
    lines = [_line(result) + (_limits(result) if limits else ()) for result in results]
    typer.echo(f"\n{family}")
    for line in table([HEADER + limits, *lines], right=(1, 4, 5, 8, 9), cut=False):
        typer.echo(line)


def _wanted(words: Sequence[str] | None, family: str, name: str) -> bool:
    return not words or any(word.lower() in f"{family} {name}".lower() for word in words)


def _line(result: "Result") -> tuple[str, ...]:
    row = result.row
    others = [f"{name} {speed:.2f}" for name, speed in result.speed.items() if name != row.against]
    theirs = speed = quartiles = "not there"
    if row.against in result.speed:
        low, high = result.spread[row.against]
        theirs, speed = _time(result.seconds[row.against]), f"{result.speed[row.against]:.2f}"
        quartiles = f"{low:.2f} to {high:.2f}"
    bar = (
        ""
        if row.bar is None
        else f"{row.bar:g}{' MISSED' if result.speed.get(row.against, row.bar) < row.bar else ''}"
    )
    ours = _time(result.seconds["ours"])
    return row.name, speed, quartiles, bar, ours, theirs, row.against, ", ".join(others)


def _limits(result: "Result") -> tuple[str, ...]:
    if result.limit is None:
        return "", "", ""
    share = result.limit / result.seconds["ours"]
    least = result.row.share
    reach = "" if least is None else f"{least:g}{' MISSED' if share < least else ''}"
    return _time(result.limit), f"{share:.2f}", reach


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _end(results: "dict[str, list[Result]]", failed: list[str]) -> None:
    every = [result for each in results.values() for result in each]
    missed = [result.row.name for result in every if result.met is False]
    typer.echo(f"\n{len(every)} rows, {sum(result.met is True for result in every)} reach their speed")
    for error in failed:
        typer.secho(error, fg="red", err=True)
    if missed:
        typer.secho(f"missed: {'; '.join(missed)}", fg="yellow", err=True)
    if missed or failed:
        raise typer.Exit(FAILED)
