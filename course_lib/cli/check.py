"""``course check``: grade notebooks, each in a process with limits."""

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from course_lib.cli.output import FAILED, MISUSED, fail, status, table

if TYPE_CHECKING:
    from course_lib.exercises.grading import Grade, Limits
    from course_lib.exercises.grading.batch import Submission


def check(
    notebooks: Annotated[
        list[Path],
        typer.Argument(help="A notebook with your answers (.ipynb); or several, or folders of them."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")] = False,
    time: Annotated[float, typer.Option(min=0.1, help="Seconds each cell may take.")] = 60.0,
    total: Annotated[float, typer.Option(min=1.0, help="Seconds the whole notebook may take.")] = 600.0,
    memory: Annotated[int, typer.Option(min=256, help="MiB of memory it may use.")] = 2048,
    record: Annotated[bool, typer.Option(help="Keep the results of your notebook in your progress.")] = True,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="A table of several notebooks: .csv or .json.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Grade several on a Dask cluster: tcp://host:8786.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many of several run at a time [default: one a core].")
    ] = None,
) -> None:
    """Run notebooks in processes of their own and check every exercise of their sections.

    Errors in a cell do not stop the others. Cells that run for too long, crash, or use too much memory are
    left out. Answers are judged by the course itself, whatever `check` is in the notebook. Notebooks are only
    read.

    One notebook runs in its folder, and its code can do to your files whatever you can. Several, or a folder,
    are locked in (Linux): each has an empty folder of its own, reads no other notebook, and has no network.

    Exit code: 0 if every exercise is passed, 1 if not, 2 if a file can't be checked.
    """
    from course_lib.exercises.grading import Limits

    limits = Limits(time, total, memory)
    if len(notebooks) == 1 and not notebooks[0].is_dir() and out is None:
        _check_one(notebooks[0], limits, as_json, record)
    else:
        _check_many(notebooks, limits, workers, scheduler, out, as_json)


def _check_one(notebook: Path, limits: "Limits", as_json: bool, record: bool) -> None:
    """Grade a reader's own notebook, and tell what came of each exercise."""
    from course_lib.exercises import progress
    from course_lib.exercises.grading import UnknownSection, grade

    watch = _show_cell if sys.stderr.isatty() else None
    try:
        result = grade(notebook, limits, watch)
    except UnknownSection as error:
        fail(f"{notebook}: {error}", MISUSED)
    except OSError as error:
        fail(f"{notebook} can't be read: {error.strerror or error}", MISUSED)
    except ValueError as error:
        fail(str(error), MISUSED)
    if record:
        for each in result.results:
            if each.status in ("passed", "failed", "error"):
                progress.record(each.report)
    if as_json:
        summary = {"notebook": str(notebook), "passed": result.passed, "total": len(result.results)}
        typer.echo(json.dumps({**summary, **asdict(result)}, indent=2))
    else:
        _print(result)
    raise typer.Exit(0 if result.complete else FAILED)


def _check_many(
    paths: list[Path],
    limits: "Limits",
    workers: int | None,
    scheduler: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Grade other people's notebooks; a line each as they come, and a table of all at the end."""
    from course_lib.exercises.grading import batch, isolation

    write = batch.write_json if as_json or (out and out.suffix == ".json") else batch.write_csv
    if out and out.suffix not in (".csv", ".json"):
        fail(f"{out}: a table is a .csv or a .json file", MISUSED)
    notebooks = batch.notebooks_in(paths)
    if not notebooks:
        fail(f"no notebook in {', '.join(map(str, paths))}", MISUSED)
    done = []
    try:
        for each in _graded(notebooks, limits, workers, scheduler):
            done.append(each)
            typer.echo(f"{len(done)}/{len(notebooks)}  {each.verdict}  {each.notebook}", err=True)
    except (isolation.NotIsolated, ValueError, OSError) as error:
        fail(str(error), MISUSED)
    done.sort(key=lambda each: each.notebook)
    with out.open("w", encoding="utf-8", newline="") if out else nullcontext(sys.stdout) as file:
        write(done, file)
    if not all(each.grade for each in done):
        raise typer.Exit(MISUSED)
    raise typer.Exit(0 if all(each.grade and each.grade.complete for each in done) else FAILED)


def _graded(
    notebooks: list[Path], limits: "Limits", workers: int | None, scheduler: str | None
) -> Iterator["Submission"]:
    """What came of each notebook, graded here or on a cluster, as they are done."""
    if scheduler is None:
        from course_lib.exercises.grading import batch, isolation

        typer.echo(f"{len(notebooks)} notebooks, {isolation.means()}", err=True)
        yield from batch.grade_all(notebooks, limits, workers)
        return
    try:
        from distributed import Client

        from course_lib.exercises.grading.cluster import grade_on
    except ModuleNotFoundError:
        fail("a cluster needs Dask: pip install 'course_lib[cluster]'", MISUSED)
    with Client(scheduler, timeout=30) as client:
        yield from grade_on(client, notebooks, limits)


def _show_cell(cell: int, cells: int) -> None:
    end = "\r" if cell < cells else "\r\033[K"
    print(f"\033[Kcell {cell} of {cells}", end=end, file=sys.stderr, flush=True)


def _print(grade: "Grade") -> None:
    typer.secho(f"{grade.section}  {grade.passed}/{len(grade.results)}  ({grade.seconds:g} s)", bold=True)
    lines = table([(each.id, each.message.split("\n")[0]) for each in grade.results])
    for each, line in zip(grade.results, lines, strict=True):
        typer.echo(f"  {status(each.status, 11)}  {line}")
    if grade.troubles:
        typer.echo("\nCells that failed:")
        for trouble in grade.troubles:
            typer.echo(f"  code cell {trouble.cell} ({trouble.line[:50]}): {trouble.text}")
    if grade.stopped:
        typer.secho(f"\nStopped early: {grade.stopped}.", fg="red")
