"""What mybinder.org reads, held against pip and the pins; test_workflows.py beside this has what it runs."""

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]


def test_pip_takes_binders_files_and_they_are_the_tested_versions():
    """In this environment, which has the pins, nothing is left to install; the network is not asked."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-input"]
    files = ["--requirement", "binder/requirements.txt"]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Requirement already satisfied: torch" in done.stdout
    assert "Would install" not in done.stdout


def test_the_python_is_one_that_the_library_takes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = (ROOT / "binder/runtime.txt").read_text(encoding="utf-8").strip().split("-")
    assert name == "python"
    assert version in SpecifierSet(project["requires-python"])
