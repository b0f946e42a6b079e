"""A small project to try the tools on: two sections, a library, no torch."""

import re
import shutil
from pathlib import Path

import execute
import pytest

ROOT = Path(__file__).resolve().parents[2]

FRONT = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""


# What the real library has to say about its data sets, in small.
SHEETS = """
import dataclasses


@dataclasses.dataclass
class Sheet:
    name: str
    kind: str
    what: str
    licence: str
    splits: dict
    classes: list
    pitfalls: tuple
    empty: str = ""


def sheets():
    splits, pitfalls = {"train": 1197, "test": 300}, ("Few writers.", "Small pictures.")
    return [Sheet("digits", "embedded", "Digits.", "BSD", splits, ["0", "1"], pitfalls)]
"""

# And how it draws them.
VISUALIZE = """
from matplotlib.figure import Figure


def contact_sheet(name):
    figure = Figure((1, 1))
    figure.text(0, 0, name)
    return figure
"""


class Project:
    """A project in a temporary folder, with sections ``01_first/one`` and ``01_first/two``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def fill(self) -> "Project":
        """Write its files."""
        self.write("_toc.yml", "format: jb-book\nroot: intro\nchapters:\n")
        self.write("intro.md", "# A small book\n\nWords.\n")
        self.write("references.bib", "")
        self.write("requirements.txt", "numpy==2.4.6\n")
        self.write("course_lib/__init__.py", "answer = 42\n")
        self.write("course_lib/data/__init__.py", SHEETS)
        self.write("course_lib/visualize/__init__.py", VISUALIZE)
        self.write("course_lib/exercises/__init__.py", "")
        self.write("course_lib/exercises/ch01_first/__init__.py", "")
        self.write("course_lib/exercises/ch01_first/one.py", "EXERCISES = []\n")
        self.write("course_lib/exercises/ch01_first/two/__init__.py", "EXERCISES = []\n")
        self.add("one", "first = 1", "import course_lib\nprint(course_lib.answer)")
        self.add("two", "print('two')")
        return self

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def add(self, name: str, *cells: str) -> None:
        """Add a section of code cells, or write it anew; a cell may begin with its options."""
        body = "\n\n".join(f"Some prose.\n\n```{{code-cell}} ipython3\n{cell}\n```" for cell in cells)
        file = self.write(f"chapters/01_first/{name}.md", f"{FRONT}\n# Section {name}\n\n{body}\n")
        page = f"- file: {file.relative_to(self.root).with_suffix('').as_posix()}\n"
        toc = self.root / "_toc.yml"
        if page not in toc.read_text():
            toc.write_text(toc.read_text() + page)

    def dress(self, repository: str = "") -> None:
        """Give it the real book's configuration, so that it can be built."""
        shutil.copytree(ROOT / "_ext", self.root / "_ext", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "_static", self.root / "_static")
        config = (ROOT / "_config.yml").read_text()
        self.write("_config.yml", re.sub(r'url: ".*"', f'url: "{repository}"', config))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).fill()


@pytest.fixture(scope="session")
def executed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("executed")
    execute.execute(Project(root).fill().root)
    return root


@pytest.fixture
def executed_project(executed_once: Path, tmp_path: Path) -> Project:
    """The project with both sections executed (once for all tests: nothing in it depends on its place)."""
    return Project(Path(shutil.copytree(executed_once, tmp_path, dirs_exist_ok=True)))
