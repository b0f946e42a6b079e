"""``course check``: grade a notebook in a process with limits."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from course_lib.cli.output import FAILED, MISUSED, fail, status, table

if TYPE_CHECKING:
    from course_lib.exercises.grading import Grade


def check(
    notebook: Annotated[Path, typer.Argument(help="The notebook with your answers (.ipynb).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")] = False,
    time: Annotated[float, typer.Option(min=0.1, help="Seconds each cell may take.")] = 60.0,
    total: Annotated[float, typer.Option(min=1.0, help="Seconds the whole notebook may take.")] = 600.0,
    memory: Annotated[int, typer.Option(min=256, help="MiB of memory it may use.")] = 2048,
    record: Annotated[bool, typer.Option(help="Keep the results in your progress.")] = True,
) -> None:
    """Run a notebook in a process of its own and check every exercise of its section.

    Errors in a cell do not stop the others. Cells that run for too long, crash, or use too much memory are
    left out. Answers are judged by the course itself, whatever `check` is in the notebook. The notebook is
    only read.

    Exit code: 0 if every exercise of the section is passed, 1 if not, 2 if the file can't be checked.

    This is no sandbox: the notebook's code can do to your files whatever you can. Look at a stranger's
    notebook before you check it.
    """
    from course_lib.exercises import progress
    from course_lib.exercises.grading import Limits, UnknownSection, grade

    watch = _show_cell if sys.stderr.isatty() else None
    try:
        result = grade(notebook, Limits(time, total, memory), watch)
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
