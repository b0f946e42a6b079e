"""A place to call `course` in: its own progress, a small project, notebooks made of cells."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

from course_lib.cli import app

FRONT = """---
jupytext:
  formats: md:myst
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
course:
  minutes: 5
  seconds: {seconds}
  profiles:
    full: {{epochs: 30, dataset: mnist}}
---

# {title}

"""

CELLS = """```{code-cell} ipython3
:tags: [parameters]

epochs = 2
dataset = "digits"
rate = 0.5
sizes = [1, 2]
shuffle = True
```

Words.

```{code-cell} ipython3
print("ran", epochs, dataset, rate, sizes, shuffle)
assert epochs < 1000, "far too many"
```
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Progress of its own, one core, not the book's."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("COURSE_BOOK", raising=False)
    return tmp_path / "home"


@pytest.fixture
def course():
    """Call `course` with arguments; the result has exit_code, stdout, stderr."""
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with two chapters and three sections, and we are in it."""
    root = tmp_path / "project"
    pages = {
        "01_neural_networks/neurons": ("Neurons", 6),
        "01_neural_networks/gradient_descent": ("Gradient descent", 8),
        "02_more/things": ("Things", 1.5),
    }
    for name, (title, seconds) in pages.items():
        path = root / "chapters" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FRONT.format(title=title, seconds=seconds) + CELLS)
    (root / "chapters/02_more/index.md").write_text("# More\n\nNo notebook.\n")
    files = "".join(f"- file: chapters/{name}\n" for name in ["02_more/index", *reversed(pages)])
    (root / "_toc.yml").write_text(f"format: jb-book\nroot: intro\nchapters:\n{files}")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def make_notebook(tmp_path):
    """Write a notebook of the neurons section made of code cells; its path."""

    def make(*cells, section="01_neural_networks/neurons", name="answers.ipynb"):
        notebook = new_notebook(cells=[new_markdown_cell("# Mine"), *map(new_code_cell, cells)])
        if section:
            notebook.metadata["course"] = {"section": section, "title": "Neurons", "seconds": 6}
        nbformat.write(notebook, tmp_path / name)
        return tmp_path / name

    return make
