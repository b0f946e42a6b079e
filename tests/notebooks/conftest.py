"""The project's own student editions, and a small book that uses every construct."""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import student  # noqa: E402 (found through the line above)
from student_editions.book import Book  # noqa: E402

FIXTURE = Path(__file__).parent / "fixtures" / "book"


def pytest_collection_modifyitems(items):
    """What takes minutes starts first, so that it does not run alone at the end."""
    items.sort(key=lambda item: "test_colab" not in item.nodeid)


@pytest.fixture(scope="session")
def fixture_book(tmp_path_factory):
    """A copy of the small book, with its student editions written."""
    root = tmp_path_factory.mktemp("book") / "book"
    shutil.copytree(FIXTURE, root)
    assert student.main([], root) == 0
    return root


@pytest.fixture(scope="session")
def first(fixture_book):
    """The student edition of the small book's main section."""
    return nbformat.read(fixture_book / "notebooks/01_things/first.ipynb", as_version=4)


def _by_itself(section):
    """A section's student edition, whose tests share nothing with those of another and go to any worker."""
    path = ROOT / f"notebooks/{section}.ipynb"
    return pytest.param(path, marks=pytest.mark.xdist_group(f"edition {section}"), id=path.stem)


@pytest.fixture(params=[_by_itself(page.section) for page in Book(ROOT).sections])
def edition_path(request):
    """Each of the project's student editions in turn."""
    return request.param


@pytest.fixture
def edition(edition_path):
    """Each of the project's student editions in turn, read."""
    return nbformat.read(edition_path, as_version=4)
