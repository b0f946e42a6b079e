"""A student edition numbers equations, figures and exercises as the built book does."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

FIXTURE = Path(__file__).parent / "fixtures/book"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The small book, built: {page: HTML}."""
    root = shutil.copytree(FIXTURE, tmp_path_factory.mktemp("built") / "book")
    shutil.rmtree(root / "course_lib")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", str(root), "-q"]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-3000:]
    names = ["01_things/first", "01_things/second", "02_more/third"]
    return {name: (root / f"_build/html/chapters/{name}.html").read_text() for name in names}


@pytest.mark.parametrize("name", ["01_things/first", "01_things/second", "02_more/third"])
def test_numbers_are_those_of_the_built_book(fixture_book, pages, name):
    notebook = nbformat.read(fixture_book / f"notebooks/{name}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    page = html.unescape(pages[name])

    captions = re.findall(r'class="caption-number">Fig\. ([\d.]+) ?<', page)
    shown = re.findall(r"\*\*Fig\. ([\d.]+)\.\*\*", text)
    hidden = ["1.3"] if name == "01_things/first" else []  # in a solution
    assert captions == sorted([*shown, *hidden])

    exercises = re.findall(r'class="caption-number">Exercise ([\d.]+) ?<', page)
    assert exercises == re.findall(r"^### Exercise ([\d.]+):", text, re.MULTILINE)

    equations = re.findall(r'class="eqno">\(([\d.]+)\)', page)
    untagged = ["1.3"] if name == "01_things/first" else []  # a bare environment: notebooks do not number it
    assert equations == sorted([*re.findall(r"\\tag\{([\d.]+)\}", text), *untagged])
