"""A section that JupyterLab saves keeps its author's words and lines; only what was changed is changed."""

from pathlib import Path
from types import SimpleNamespace

import jupytext
import pytest
from traitlets.config.loader import PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[2]
MYST = "md:myst"
SECTION = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
course:
  minutes: 5
  profiles:
    full: {steps: 20}
---

# Waves

```{code-cell} ipython3
:tags: [parameters]

seed = 0
```

```{code-cell} ipython3
---
tags: [hide-input]
mystnb:
  figure:
    name: figure-waves
    caption: |
      A wave, drawn so long that nobody could put what is to be said of it into the columns of one line.
---
draw(seed)
```
"""


@pytest.fixture(scope="module")
def hook():
    """What JupyterLab calls before it saves, as `make lab` sets it."""
    config = PyFileConfigLoader("jupyter_server_config.py", path=str(ROOT / "tools/jupyter")).load_config()
    return config.ContentsManager.pre_save_hook


@pytest.fixture
def saved(hook, tmp_path):
    """What a text becomes on its way into the section's file."""
    for file in ("waves.md", "waves.ipynb"):
        (tmp_path / file).write_text(SECTION)

    def save(text: str, name: str = "waves.md", kind: str = "file") -> str:
        model = {"type": kind, "format": "text", "content": text}
        hook(model=model, path=f"/{name}", contents_manager=SimpleNamespace(root_dir=str(tmp_path)))
        return model["content"]

    return save


def by_jupytext(change=lambda notebook: None) -> str:
    notebook = jupytext.reads(SECTION, MYST)
    change(notebook)
    return jupytext.writes(notebook, MYST)


def test_jupytext_alone_would_rewrite_it():
    assert "course:" not in by_jupytext()
    assert "jupytext_version" in by_jupytext()


def test_what_only_ran_stays_as_it_was(saved):
    def run(notebook):
        notebook.metadata.kernelspec.display_name = "Python 3 (ipykernel)"

    assert saved(by_jupytext(run)) == SECTION


def test_an_edited_cell_is_all_that_changes(saved):
    def edit(notebook):
        notebook.cells[1].source = "seed = 1"
        notebook.cells[0].source += "\n\nAnd more waves."

    wanted = SECTION.replace("seed = 0", "seed = 1").replace("# Waves\n", "# Waves\n\nAnd more waves.\n")
    assert saved(by_jupytext(edit)) == wanted


def test_new_options_are_saved(saved):
    def tag(notebook):
        notebook.cells[1].metadata["tags"] = ["parameters", "hide-input"]

    assert saved(by_jupytext(tag)) == SECTION.replace("[parameters]", "[parameters, hide-input]")


def test_front_matter_can_be_edited_as_text(saved):
    text = SECTION.replace("minutes: 5", "minutes: 6")
    assert saved(text) == text


@pytest.mark.parametrize(
    ("name", "kind"), [("new.md", "file"), ("waves.ipynb", "file"), ("waves.md", "notebook")]
)
def test_other_files_are_saved_as_they_come(saved, name, kind):
    assert saved(by_jupytext(), name, kind) == by_jupytext()
