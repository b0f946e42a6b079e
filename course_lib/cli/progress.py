"""``course progress``: the exercises you have passed and tried."""

import json
from typing import Annotated

import typer

from course_lib.cli.output import status, table


def progress(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")] = False,
) -> None:
    """Show which exercises you have passed, section by section, and where this is kept."""
    from course_lib.exercises import progress as kept
    from course_lib.exercises import registry

    entries = kept.read()
    sections = {
        section: [
            {
                "id": exercise.id,
                "title": exercise.title,
                "status": _status(entries.get(exercise.id)),
                "attempts": entries.get(exercise.id, {}).get("attempts", 0),
            }
            for exercise in registry.of_section(section)
        ]
        for section in registry.sections()
    }
    if as_json:
        typer.echo(json.dumps({"folder": str(kept.folder()), "sections": sections}, indent=2))
        return
    for section, rows in sections.items():
        passed = sum(row["status"] == "passed" for row in rows)
        typer.secho(f"{section}  {passed}/{len(rows)}", bold=True)
        lines = table([(row["id"], row["title"], _tries(row["attempts"])) for row in rows])
        for row, line in zip(rows, lines, strict=True):
            typer.echo(f"  {status(row['status'], 11)}  {line}")
    total = [row["status"] == "passed" for rows in sections.values() for row in rows]
    typer.echo(f"{sum(total)} of {len(total)} exercises passed. Kept in {kept.folder()}")


def _status(entry: dict | None) -> str:
    if entry is None:
        return "not started"
    return "passed" if entry["passed"] else str(entry["status"])


def _tries(attempts: int) -> str:
    return "" if not attempts else "1 try" if attempts == 1 else f"{attempts} tries"
