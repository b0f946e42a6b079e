"""`make lab`: in JupyterLab, a section opens as a notebook with a double click."""

import json
import urllib.parse
import urllib.request

import pytest
from jupyter_lab import jupyter_lab

PLUGIN = "@jupyterlab/docmanager-extension:plugin"


@pytest.fixture
def lab(project, tmp_path):
    """JupyterLab as `make lab` starts it, without a window and on a small project: a function to ask it."""
    with jupyter_lab(project.root, tmp_path / "state") as address:

        def ask(path: str) -> dict:
            with urllib.request.urlopen(f"{address}{path}?token=secret", timeout=60) as answer:
                return json.load(answer)

        yield ask


def test_a_section_opens_as_a_notebook(lab):
    settings = lab(f"lab/api/settings/{urllib.parse.quote(PLUGIN)}")
    viewers = settings["schema"]["properties"]["defaultViewers"]["default"]
    assert viewers["markdown"] == "Jupytext Notebook", "what a double click opens a .md with"
    section = lab("api/contents/01_first/one.md")
    assert section["type"] == "notebook"
    assert [cell["cell_type"] for cell in section["content"]["cells"]].count("code") == 2
    names = {extension["name"] for extension in lab("lab/api/extensions")}
    assert "jupyterlab-myst" in names or "jupyterlab_myst" in names, names
