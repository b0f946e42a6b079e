"""Every section's own solutions, handed in as a notebook, pass `course check`; so exercises can be graded."""

import ast
import re
from pathlib import Path

import jupytext
import pytest

from course_lib.cli.sections import find_all
from course_lib.exercises.grading import grade
from course_lib.exercises.grading.nursery import Nursery


def solved_cells(path):
    """A section's imports, solutions and checks, without its experiments."""
    cells, inside = [], False
    for cell in jupytext.read(path, fmt="md:myst").cells:
        if cell.cell_type == "markdown":
            marks = re.findall(r"\{solution-(start|end)\}", cell.source)
            inside = marks[-1] == "start" if marks else inside
        elif inside or cell.source.startswith("check(") or imports_only(cell.source):
            cells.append(cell.source)
    return cells


def imports_only(source):
    try:
        return all(isinstance(each, ast.Import | ast.ImportFrom) for each in ast.parse(source).body)
    except SyntaxError:
        return False


@pytest.fixture(scope="module")
def nursery():
    """One Python that has imported what all need: each notebook is graded in a copy of it."""
    with Nursery() as nursery:
        yield nursery


@pytest.mark.parametrize("section", find_all(Path(__file__).parent), ids=lambda section: section.name)
def test_solutions_of_the_section_pass(section, make_notebook, nursery):
    notebook = make_notebook(*solved_cells(section.path), section=section.name)
    result = grade(notebook, start=nursery.start)
    assert len(result.results) >= 3
    assert [(each.id, each.status, each.message) for each in result.results if not each.passed] == []
