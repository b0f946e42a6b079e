"""notebooks/ says what chapters/ says, and --check notices when it does not."""

import shutil
from pathlib import Path

import pytest
import student
from student_editions.book import Book

ROOT = student.ROOT
FIXTURE = Path(__file__).parent / "fixtures/book"


@pytest.fixture
def book(fixture_book, tmp_path):
    """A book of one's own to spoil, with student editions up to date."""
    return shutil.copytree(fixture_book, tmp_path / "book")


def test_student_editions_are_up_to_date(capsys):
    assert student.main(["--check"], ROOT) == 0, (
        f"{capsys.readouterr().err}(tests/notebooks: the sources in chapters/ have changed)"
    )


def test_every_section_has_a_student_edition():
    sections = [page.section for page in Book(ROOT).sections]
    assert sections
    editions = (path.relative_to(ROOT / "notebooks") for path in (ROOT / "notebooks").glob("*/*.ipynb"))
    assert sorted(path.with_suffix("").as_posix() for path in editions) == sorted(sections)


def test_up_to_date_passes_and_writes_nothing(book, capsys):
    before = {path: path.stat().st_mtime_ns for path in book.rglob("*.ipynb")}
    assert student.main(["--check"], book) == 0
    assert student.main([], book) == 0
    assert {path: path.stat().st_mtime_ns for path in book.rglob("*.ipynb")} == before
    assert "3 student editions are up to date" in capsys.readouterr().out


def test_changed_section_is_named(book, capsys):
    section = book / "chapters/01_things/second.md"
    section.write_text(section.read_text().replace("Back to", "Forth to"))
    old = (book / "notebooks/01_things/second.ipynb").read_text()
    assert student.main(["--check"], book) == 1
    message = capsys.readouterr().err
    assert "stale: notebooks/01_things/second.ipynb" in message
    assert "first.ipynb" not in message
    assert (book / "notebooks/01_things/second.ipynb").read_text() == old, "--check must write nothing"
    assert student.main([], book) == 0
    assert "Forth to" in (book / "notebooks/01_things/second.ipynb").read_text()
    assert student.main(["--check"], book) == 0


def test_edited_student_edition_is_named(book, capsys):
    path = book / "notebooks/01_things/first.ipynb"
    path.write_text(path.read_text().replace("dots", "spots"))
    assert student.main(["--check"], book) == 1
    assert "stale: notebooks/01_things/first.ipynb" in capsys.readouterr().err


def test_missing_student_edition_is_named(book, capsys):
    (book / "notebooks/02_more/third.ipynb").unlink()
    assert student.main(["--check"], book) == 1
    assert "missing: notebooks/02_more/third.ipynb" in capsys.readouterr().err


def test_edition_of_a_section_that_is_no_more_is_named_and_removed(book, capsys):
    left = book / "notebooks/01_things/gone.ipynb"
    left.write_text("{}")
    assert student.main(["--check"], book) == 1
    assert "left over: notebooks/01_things/gone.ipynb" in capsys.readouterr().err
    assert student.main([], book) == 0
    assert not left.exists()


def test_same_sources_give_the_same_bytes_anywhere(book, fixture_book):
    for path in (fixture_book / "notebooks").rglob("*.ipynb"):
        (book / path.relative_to(fixture_book)).unlink()
    assert student.main([], book) == 0
    for path in (fixture_book / "notebooks").rglob("*.ipynb"):
        assert (book / path.relative_to(fixture_book)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{ref}`first-boxes`", "{ref}`nowhere`", "no label 'nowhere'"),
        ("{cite:t}`solo1958`", "{cite:t}`nobody`", "citation 'nobody' is not in references.bib"),
        ("{math}`m^2`", "{term}`m`", "the role {term} has no plain form"),
        ("```{note}", "```{glossary}", "the directive {glossary} has no plain form"),
        ("{doc}`second`", "{doc}`nowhere`", "no page of _toc.yml"),
        ("](dot.svg)", "](lost.svg)", "the picture 'lost.svg' is not there"),
        (":label: first/value", ":label: first/add", "the label 'first/add' is used twice"),
        ("```{solution-end}", "```{solution-start} x", "inside a solution"),
        ("% a comment", "{{ substitution }}", "substitutions"),
        ("% a comment", ":::{note}\n\n```{code-cell}\n1\n```\n\n:::", "a ::: that opens nothing"),
        ("    name: figure-first-last\n", "", "has no name"),
        ("# First *things*", "## First *things*", "begins with its title"),
    ],
)  # fmt: skip
def test_what_has_no_plain_form_is_refused_by_name(tmp_path, capsys, old, new, message):
    root = shutil.copytree(FIXTURE, tmp_path / "book")
    section = root / "chapters/01_things/first.md"
    text = section.read_text()
    assert old in text
    section.write_text(text.replace(old, new, 1))
    assert student.main([], root) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "first.md" in error, "the message names the section"
    assert not (root / "notebooks").exists(), "nothing is written when anything is wrong"


def test_solution_without_an_end_is_refused(tmp_path, capsys):
    root = shutil.copytree(FIXTURE, tmp_path / "book")
    section = root / "chapters/01_things/first.md"
    head, _, tail = section.read_text().rpartition("```{solution-end}\n```\n")
    section.write_text(head + tail)
    assert student.main([], root) == 1
    assert "a solution has no {solution-end}" in capsys.readouterr().err
