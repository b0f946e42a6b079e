"""Run student editions with the oldest versions that pyproject.toml allows.

    python tools/oldest.py [EDITION ...]

The Python that runs this program makes an environment, .venv-oldest, in which every package that
pyproject.toml names has its lower bound for a version. Each edition, or every one of notebooks/, is copied
alone into an empty folder and run there; its assertions judge it. The exit status is 0 if all run through.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOUND = re.compile(r"([\w.-]+)>=([\w.]+)(\s*;.*)?")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
NOT_THE_READERS = ("COURSE_", "PYTHON", "JUPYTER_")  # variables that lead out of the environment

RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
"""


def floors(root: Path) -> list[str]:
    """The lower bounds of pyproject.toml as requirements: ``numpy>=1.26`` becomes ``numpy==1.26``.

    Raises:
        ValueError: a requirement has no lower bound, or more than that.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = []
    for requirement in project["dependencies"]:
        match = BOUND.fullmatch(requirement)
        if match is None:
            raise ValueError(f"pyproject.toml: expected NAME>=VERSION, got {requirement!r}")
        found.append(f"{match[1]}=={match[2]}{match[3] or ''}")
    return found


def make_environment(root: Path, folder: Path) -> Path:
    """An environment with the library of a project, at its oldest versions; its Python."""
    venv.create(folder, clear=True, with_pip=True)
    python = folder / "bin" / "python"
    constraints = folder / "floors.txt"
    constraints.write_text("\n".join(floors(root)) + "\n", encoding="utf-8")
    install = [python, "-m", "pip", "install", "--quiet", "--constraint", constraints]
    subprocess.run([*install, root, "nbclient"], check=True)
    return python


def run_alone(python: Path, edition: Path) -> str:
    """Run a student edition in an empty folder; what went wrong, or nothing."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(NOT_THE_READERS)}
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty, "folder")
        folder.mkdir()
        shutil.copy(edition, folder)
        own = {"COURSE_HOME": f"{empty}/home", "JUPYTER_DATA_DIR": f"{empty}/jupyter"}
        command = [python, "-c", RUN, edition.name]
        done = subprocess.run(
            command, cwd=folder, env=outer | own, capture_output=True, text=True, check=False
        )
    return COLOUR.sub("", done.stderr) if done.returncode else ""


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Say of each edition whether it runs; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("editions", nargs="*", type=Path, help="notebooks [default: all of notebooks/]")
    asked = parser.parse_args(arguments).editions
    python = make_environment(root, root / ".venv-oldest")
    subprocess.run([python.with_name("course"), "data", "list"], check=True)  # which no edition calls
    failed = 0
    for edition in asked or sorted((root / "notebooks").glob("*/*.ipynb")):
        problem = run_alone(python, edition)
        print(f"{'FAILED' if problem else 'runs'}: {edition.stem}", problem[-3000:], flush=True)
        failed += bool(problem)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
