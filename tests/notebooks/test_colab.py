"""What a reader on Colab does: one notebook, a folder with nothing else in it, no course_lib.

The environment holds only what Colab has from the beginning. The notebook's first cell installs course_lib,
and what it needs besides, from the repository's address, which here is a local one.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
import student
from student_editions.book import Book

ROOT = student.ROOT
COLAB = ROOT / ".venv-colab"
PREINSTALLED = ["numpy", "matplotlib", "scikit-learn", "scikit-image", "networkx", "ipywidgets", "tqdm"]
TO_RUN = ["ipykernel", "nbclient"]

# Runs in the reader's environment: executes the notebook, writes it with its outputs.
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def call(*command, **options):
    """Run a command; what it prints, or an error with it."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def outer_environment():
    """The environment without what points a Python at this project."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "PYTHON"))}


def torch_pin():
    pins = (ROOT / "requirements.txt").read_text().split()
    return next(pin for pin in pins if pin.startswith("torch=="))


@pytest.fixture(scope="session")
def colab():
    """The Python of an environment as Colab has it, made once and kept while its pins stay the same."""
    pins = [torch_pin(), *PREINSTALLED, *TO_RUN, (ROOT / "constraints.txt").read_text(), sys.version]
    stamp = COLAB / f"made-{hashlib.sha256(json.dumps(pins).encode()).hexdigest()[:16]}"
    python = COLAB / "bin" / "python"
    if not stamp.exists():
        shutil.rmtree(COLAB, ignore_errors=True)
        call(sys.executable, "-m", "venv", COLAB)
        install = [python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt"]
        call(*install, torch_pin())  # by itself, so that nothing pulls in another build
        call(*install, *PREINSTALLED, *TO_RUN)
        stamp.touch()
    return python


@pytest.fixture
def reader(colab, tmp_path):
    """A fresh environment on top of Colab's, so that what a notebook installs is gone with it."""
    folder = tmp_path / "environment"
    call(colab, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    (packages,) = folder.glob("lib/python*/site-packages")
    below = call(colab, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    (packages / "colab.pth").write_text(below)
    return python, packages


@pytest.fixture
def repository(tmp_path):
    """The working tree as a repository, with what is not committed yet."""
    folder = tmp_path / "repository"
    listed = call("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    call("git", "init", "--quiet", folder)
    call("git", "-C", folder, "add", "--all")
    author = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org", "-c", "commit.gpgsign=false"]
    call("git", *author, "-C", folder, "commit", "--quiet", "--message", "All of it")
    return f"git+file://{folder}"


@pytest.mark.timeout(1500)  # making the environment for the first time downloads torch
def test_student_edition_runs_where_only_colabs_packages_are(reader, repository, tmp_path):
    python, packages = reader
    section = Book(ROOT).sections[0]
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(ROOT / f"notebooks/{section.section}.ipynb", folder / "notebook.ipynb")
    environment = outer_environment()
    environment |= {
        "COURSE_LIB_SOURCE": repository,
        "COURSE_HOME": str(tmp_path / "home"),
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),  # no kernels but the environment's own
        "JUPYTER_PATH": "",
        "OMP_NUM_THREADS": "1",
    }
    missing = "import importlib.util, sys; sys.exit(importlib.util.find_spec('course_lib') is not None)"
    call(python, "-c", missing, cwd=folder, env=environment)

    call(python, "-c", RUN, "notebook.ipynb", "executed.ipynb", cwd=folder, env=environment)

    executed = nbformat.read(folder / "executed.ipynb", as_version=4)
    install = next(cell for cell in executed.cells if cell.cell_type == "code")
    printed = "".join(output.get("text", "") for output in install.outputs)
    assert f"Installing course_lib from {repository}" in printed
    assert (packages / "course_lib").is_dir(), "course_lib was installed from the repository"
    assert (packages / "jupyterquiz").is_dir(), "and with it what Colab lacks"
    assert not (packages / "torch").exists(), "what Colab has is left alone"
    checks = [cell for cell in executed.cells if cell.source.startswith("check(")]
    assert checks
    for cell in checks:
        shown = "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)
        assert shown.startswith("NOT STARTED"), f"{cell.source}: {cell.outputs}"


def install_cell():
    path = ROOT / f"notebooks/{Book(ROOT).sections[0].section}.ipynb"
    return next(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code")


def run_install_cell(source, tmp_path):
    """Run the first code cell in a Python that has no course_lib; what it printed and its exit status."""
    environment = outer_environment()
    if source is not None:
        environment["COURSE_LIB_SOURCE"] = source
    bare = tmp_path / "bare"
    call(sys.executable, "-m", "venv", "--without-pip", bare)
    command = [bare / "bin" / "python", "-c", install_cell()]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)


def test_without_any_address_the_first_cell_says_what_to_do(tmp_path):
    done = run_install_cell("" if Book(ROOT).repository else None, tmp_path)
    assert done.returncode != 0
    assert "COURSE_LIB_SOURCE" in done.stderr
    assert "pip install" in done.stderr


def test_a_failed_installation_shows_what_pip_said(tmp_path):
    done = run_install_cell("git+file:///nowhere", tmp_path)
    assert done.returncode != 0
    assert "pip could not install course_lib from git+file:///nowhere" in done.stderr
    assert "No module named pip" in done.stderr


def test_address_of_the_repository_is_in_the_first_cell(fixture_book):
    notebook = nbformat.read(fixture_book / "notebooks/01_things/first.ipynb", as_version=4)
    source = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert '"COURSE_LIB_SOURCE", "git+https://github.com/someone/course"' in source
