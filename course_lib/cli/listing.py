"""``course list``: the sections, how long they take, how far you are."""

from typing import Annotated

import typer

from course_lib.cli import sections
from course_lib.cli.output import FAILED, fail, table


def list_sections(
    chapter: Annotated[
        str | None, typer.Argument(help="Only this chapter: its number (1) or folder (01_neural_networks).")
    ] = None,
) -> None:
    """List the sections: how long each runs, and how many of its exercises you have passed.

    Inside the project these are its chapters; elsewhere the student notebooks in this folder and below.
    """
    from course_lib.exercises.progress import summary

    found = sections.find_all()
    if not found:
        fail("no sections here: go to the course's folder, or to that of your notebooks", FAILED)
    if chapter is not None:
        found = sections.of_chapter(found, chapter)
    progress = {row.section: row for row in summary()}
    rows = [("section", "runs", "exercises", "title")]
    for section in found:
        done = progress.get(section.name)
        rows.append(
            (
                section.name,
                f"{section.seconds:g} s" if section.seconds is not None else "-",
                f"{done.passed}/{done.total}" if done else "-",
                section.title,
            )
        )
    for line in table(rows, right=(1, 2)):
        typer.echo(line)
