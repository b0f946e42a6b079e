"""No line of a solution is in a student edition."""

import re

import nbformat
import pytest
import student
from student_editions.book import Book

ROOT = student.ROOT

SOLUTION = re.compile(r"^```\{solution-start\}.*?^```\{solution-end\}\n```$", re.MULTILINE | re.DOTALL)
DIRECTIVE_SOLUTION = re.compile(r"^```\{solution\}.*?^```$", re.MULTILINE | re.DOTALL)


def secret_lines(source: str) -> set[str]:
    """The lines of a section which only its solutions have, without short ones that say nothing."""
    solutions = "\n".join([*SOLUTION.findall(source), *DIRECTIVE_SOLUTION.findall(source)])
    rest = DIRECTIVE_SOLUTION.sub("", SOLUTION.sub("", source))
    lines = {line.strip() for line in solutions.splitlines()} - {line.strip() for line in rest.splitlines()}
    return {
        line for line in lines if len(line) > 5 and "{solution" not in line and not line.startswith(":class:")
    }


def leaks(root, page):
    notebook = nbformat.read(root / f"notebooks/{page.section}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    return [line for line in secret_lines(page.source.read_text()) if line in text]


def test_solutions_of_the_small_book_are_gone(fixture_book):
    pages = Book(fixture_book).sections
    secrets = set().union(*(secret_lines(page.source.read_text()) for page in pages))
    assert {"secret_sum = a + b", "answer = 42", "The secret thought."} <= secrets, (
        "the test can see solutions"
    )
    for page in pages:
        assert leaks(fixture_book, page) == []


def test_stubs_and_checks_are_kept(first):
    code = [cell.source for cell in first.cells if cell.cell_type == "code"]
    assert 'def add(a, b):\n    """The sum."""\n    ...' in code
    assert 'check("first/add", add)' in code
    assert "answer = ..." in code
    assert sum("def add" in source for source in code) == 1


@pytest.mark.parametrize("page", Book(ROOT).sections, ids=lambda page: page.section)
def test_solutions_of_the_course_are_gone(page):
    source = page.source.read_text()
    assert secret_lines(source), f"{page.section} has solutions to look for"
    assert leaks(ROOT, page) == [], f"notebooks/{page.section}.ipynb tells solutions"


@pytest.mark.parametrize("page", Book(ROOT).sections, ids=lambda page: page.section)
def test_every_exercise_of_a_section_is_in_its_student_edition(page):
    notebook = nbformat.read(ROOT / f"notebooks/{page.section}.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    ids = re.findall(r"^```\{exercise-start\}.*\n:label: (.+)$", page.source.read_text(), re.MULTILINE)
    assert len(ids) >= 3, f"{page.section}: a section has at least three exercises"
    assert all(f'check("{exercise_id}"' in code for exercise_id in ids)
    assert len(re.findall(r"^### Exercise \d+\.\d+: ", text, re.MULTILINE)) == len(ids)
