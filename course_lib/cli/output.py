"""What all commands print alike: errors, tables, statuses."""

import shutil
from collections.abc import Sequence
from typing import NoReturn

import typer

FAILED, MISUSED = 1, 2
COLOURS = {"passed": "green", "failed": "yellow", "error": "red"}


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Print an error and end the command."""
    typer.secho(f"error: {message}", fg="red", err=True)
    raise typer.Exit(code)


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = (), cut: bool = True) -> list[str]:
    """Lines of aligned columns, cut at the terminal's width unless told not to; ``right`` ones end flush."""
    width = max(shutil.get_terminal_size((100, 24)).columns, 60)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    lines = []
    for row in rows:
        cells = enumerate(zip(row, widths, strict=True))
        line = "  ".join(cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in cells).rstrip()
        lines.append(line if len(line) <= width or not cut else f"{line[: width - 3]}...")
    return lines


def status(text: str, width: int = 0) -> str:
    """A status in its colour, padded."""
    return typer.style(text.ljust(width), fg=COLOURS.get(text))
