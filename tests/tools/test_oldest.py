"""Student editions with the oldest versions: which these are, and what is said of an edition that fails."""

import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import oldest
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def test_the_oldest_versions_are_the_lower_bounds():
    found = {each.name: each for each in map(Requirement, oldest.floors(ROOT))}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {each.name: each for each in map(Requirement, project["dependencies"])}
    assert {"numpy", "torch"} <= set(found)
    assert set(found) == set(asked)
    for name, pin in found.items():
        (exact,), (bound,) = pin.specifier, asked[name].specifier
        assert (exact.operator, exact.version) == ("==", bound.version), name
        assert str(pin.marker) == str(asked[name].marker), name


@pytest.mark.parametrize("requirement", ["numpy", "numpy>1", "numpy>=1,<2", "numpy==1.26"])
def test_a_requirement_without_a_lower_bound_is_named(tmp_path, requirement):
    (tmp_path / "pyproject.toml").write_text(f'[project]\ndependencies = ["{requirement}"]\n')
    with pytest.raises(ValueError, match=r"pyproject.toml: expected NAME>=VERSION, got 'numpy"):
        oldest.floors(tmp_path)


def test_the_environment_is_made_with_the_oldest_versions(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy>=1.26", "torch>=2.3"]\n')
    calls, made = [], []
    monkeypatch.setattr(oldest.venv, "create", lambda folder, **how: made.append(how) or folder.mkdir())
    monkeypatch.setattr(subprocess, "run", lambda command, check: calls.append([*map(str, command)]))
    environment = tmp_path / "old"
    assert oldest.make_environment(tmp_path, environment) == environment / "bin/python"
    assert made == [{"clear": True, "with_pip": True}]
    ((python, *_, constraint, constraints, root, runner),) = calls
    assert (python, root) == (f"{environment}/bin/python", str(tmp_path))
    assert (constraint, runner) == ("--constraint", "nbclient")
    assert Path(constraints).read_text() == "numpy==1.26\ntorch==2.3\n"


@pytest.fixture
def editions(tmp_path):
    """Two notebooks beside a file that must not be seen; the second one fails."""
    (tmp_path / "neighbour.txt").write_text("not for you")
    seen = "import os\nassert os.listdir() == [NAME], os.listdir()\nassert 'COURSE_BOOK' not in os.environ"
    for name, last in {"good": "1 + 1", "bad": "1 / 0"}.items():
        cells = [new_code_cell(seen.replace("NAME", repr(f"{name}.ipynb"))), new_code_cell(last)]
        nbformat.write(new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    return [tmp_path / "good.ipynb", tmp_path / "bad.ipynb"]


def test_an_edition_runs_alone_and_a_failure_is_told(editions, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_BOOK", "1")
    monkeypatch.setattr(oldest, "make_environment", lambda root, folder: Path(sys.executable))
    assert oldest.main([str(path) for path in editions]) == 1
    told = capsys.readouterr().out
    assert told.startswith("runs: good")
    assert "FAILED: bad" in told
    assert "ZeroDivisionError" in told


def test_without_a_name_all_editions_are_run(monkeypatch, tmp_path, capsys):
    for name in ("02_b/two", "01_a/one"):
        path = tmp_path / f"notebooks/{name}.ipynb"
        path.parent.mkdir(parents=True)
        path.touch()
    calls: list = []
    monkeypatch.setattr(oldest, "make_environment", lambda root, folder: folder / "bin/python")
    monkeypatch.setattr(oldest, "run_alone", lambda python, edition: "")
    monkeypatch.setattr(subprocess, "run", lambda command, check: calls.append([*map(str, command), check]))
    assert oldest.main([], tmp_path) == 0
    assert capsys.readouterr().out.split() == ["runs:", "one", "runs:", "two"]
    assert calls == [[f"{tmp_path}/.venv-oldest/bin/course", "data", "list", True]], "the command too"
