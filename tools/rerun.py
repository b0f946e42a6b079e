"""Prepare the sections to be run a second time, as a student runs them: ``python tools/rerun.py``.

Each student edition goes into a folder of its own below ``_build/editions``, with what the book's run printed
in the cells tagged ``nbval-check-output``, so that nbval can run it from nothing and compare. Nobody has
touched an exercise yet: after each check stands a cell that asserts that it said so.
"""

import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell
from run_section import code_cells
from sections import Section, all_sections

ROOT = Path(__file__).resolve().parent.parent
TAG = "nbval-check-output"
UNTOUCHED = 'said = repr({check})\nassert said.startswith("NOT STARTED"), said'


class NotComparable(Exception):
    """An output is to be compared that is not among the student's cells."""


def to_rerun(edition: nbformat.NotebookNode, executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The student edition with the outputs that its run is to repeat.

    Raises:
        NotComparable: a tagged cell of the executed section is not in the edition, or no cell is tagged.
    """
    cells = []
    tagged = [cell for cell in code_cells(executed) if TAG in cell.metadata.get("tags", [])]
    expected = iter(tagged)
    due = next(expected, None)
    if due is None:
        raise NotComparable(f"no cell is tagged {TAG}")
    for number, cell in enumerate(nbformat.from_dict(edition).cells):
        cells.append(cell)
        if cell.cell_type != "code":
            continue
        if number == 1:  # it installs course_lib, or does and says nothing where that is there
            cell.metadata["tags"] = [TAG]
        elif due is not None and cell.source == due.source:
            cell.metadata["tags"] = [TAG]
            cell.outputs, cell.execution_count = due.outputs, due.execution_count
            due = next(expected, None)
        elif cell.source.startswith("check("):
            cells.append(new_code_cell(UNTOUCHED.format(check=cell.source)))
    if due is not None:
        raise NotComparable(f"tagged {TAG}, but not in the student edition at its place:\n{due.source}")
    return nbformat.from_dict({**edition, "cells": cells})


def prepared(section: Section) -> Path:
    """Where the edition of a section is put, alone in its folder."""
    return section.root / "_build/editions" / section.name / f"{Path(section.name).name}.ipynb"


def prepare(root: Path) -> list[Path]:
    """Write the notebook to be run again of each section, and remove those of sections that are no more.

    Raises:
        NotComparable: see ``to_rerun``; names the section.
    """
    paths = []
    for section in all_sections(root):
        edition = nbformat.read(root / "notebooks" / f"{section.name}.ipynb", as_version=4)
        try:
            notebook = to_rerun(edition, nbformat.read(section.executed, as_version=4))
        except NotComparable as error:
            raise NotComparable(f"{section.name}: {error}") from error
        path = prepared(section)
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        paths.append(path)
    for path in (root / "_build/editions").rglob("*.ipynb"):
        if path not in paths:
            path.unlink()
    return paths


def main(root: Path = ROOT) -> int:
    """Entry point; returns the exit code."""
    try:
        count = len(prepare(root))
    except NotComparable as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{count} student editions are ready to be run and compared")
    return 0


if __name__ == "__main__":
    sys.exit(main())
