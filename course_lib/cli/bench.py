"""``course bench``: ours against the best alternative, timed side by side on this machine."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from course_lib.cli.output import FAILED, MISUSED, fail, table

if TYPE_CHECKING:
    from course_lib.benchmarks import Result

HEADER = ("row", "speed", "quartiles", "to reach", "ours", "theirs", "against", "speed against others")


def bench(
    words: Annotated[
        list[str] | None, typer.Argument(help="Only rows whose family or name has a word.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto: the best there is.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Threads, the same for all.")] = 1,
    rounds: Annotated[int, typer.Option(min=3, help="Times that every contestant is timed.")] = 15,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers here.")] = None,
    plot_file: Annotated[
        Path | None, typer.Option("--plot", help="Draw the figure here: .png, .svg.")
    ] = None,
) -> None:
    """Time the layers of the course against the best alternative: one run, one machine, ratios.

    The speed is the rival's time over ours, the median over the rounds with its quartiles: above 1, ours is
    faster. Ends with 1 if a row misses the speed it should reach, or computes something else than its rival.
    """
    import torch

    from course_lib import environment
    from course_lib.benchmarks import machine, measure, rows

    try:
        where = environment.device(device)
    except ValueError as error:
        fail(str(error), MISUSED)
    torch.set_num_threads(threads)
    chosen = {
        family: [row for row in each if _wanted(words, family, row.name)] for family, each in rows().items()
    }
    if not any(chosen.values()):
        fail(f"no row of the benchmark has a word of {words}", MISUSED)
    described = machine.describe(where, threads)
    for name, value in described.items():
        typer.echo(f"{name}: {value}")
    results: dict[str, list[Result]] = {}
    wrong: list[str] = []
    for family, each in chosen.items():
        results[family] = []
        for row in each:
            typer.secho(f"{row.name} ...", err=True)
            try:
                results[family].append(measure(row, where, threads, rounds))
            except AssertionError as error:
                wrong.append(str(error))
        if results[family]:
            typer.echo(f"\n{family}")
            for line in table([HEADER, *map(_line, results[family])], right=(1, 4, 5), cut=False):
                typer.echo(line)
    if json_file:
        _write_json(json_file, described, results)
    if plot_file:
        from course_lib.benchmarks.plot import plot

        plot(results, described).savefig(plot_file, dpi=150)
    _end(results, wrong)


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
    bar = "" if row.bar is None else f"{row.bar:g}{' MISSED' if result.met is False else ''}"
    ours = _time(result.seconds["ours"])
    return row.name, speed, quartiles, bar, ours, theirs, row.against, ", ".join(others)


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _write_json(file: Path, machine: dict[str, str], results: "dict[str, list[Result]]") -> None:
    found = [
        {
            "family": family,
            "row": result.row.name,
            "against": result.row.against,
            "to_reach": result.row.bar,
            "met": result.met,
            "seconds": result.seconds,
            "speed": result.speed,
            "quartiles": result.spread,
        }
        for family, each in results.items()
        for result in each
    ]
    file.write_text(json.dumps({"machine": machine, "rows": found}, indent=1), encoding="utf-8")


def _end(results: "dict[str, list[Result]]", wrong: list[str]) -> None:
    every = [result for each in results.values() for result in each]
    missed = [result.row.name for result in every if result.met is False]
    typer.echo(f"\n{len(every)} rows, {sum(result.met is True for result in every)} reach their speed")
    for error in wrong:
        typer.secho(f"does not agree: {error}", fg="red", err=True)
    if missed:
        typer.secho(f"missed: {'; '.join(missed)}", fg="yellow", err=True)
    if missed or wrong:
        raise typer.Exit(FAILED)
