"""The Makefile: its set-up, from a machine with nothing to one on which all is done."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path) -> Path:
    for name in ("Makefile", "requirements.txt", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=checkout, capture_output=True, text=True, env=inherited, check=False
    )


def test_help_is_the_default_and_names_every_target(checkout):
    told = make(checkout)
    assert told.returncode == 0
    for target in ("book", "pdf", "test", "nightly", "lab", "notebooks", "clean", "install", "help"):
        assert f"make {target}" in told.stdout, target


def test_torch_is_installed_first_by_itself_and_all_is_pinned(checkout):
    plan = make(checkout, "--dry-run", "book").stdout
    installs = [line for line in plan.splitlines() if "install -qq" in line]
    assert [line.partition("-qq ")[2] for line in installs] == [
        '"torch==2.13.0" -c constraints.txt',
        "-r requirements.txt -c constraints.txt",
        "--no-deps -e .",
    ]
    assert plan.index("-m venv") < plan.index("torch=="), "the environment comes first"
    assert plan.rstrip().splitlines()[-1].endswith("tools/build.py"), "the book comes last"


def test_an_old_python_is_refused_before_anything_is_made(checkout):
    old = checkout / "old-python"
    old.write_text(
        "#!/usr/bin/env bash\n"
        'exec python3 -c "import sys; sys.version_info = (3, 10, 13); exec(sys.argv[1])" "$2"\n'
    )
    old.chmod(0o755)
    told = make(checkout, "book", "PYTHON=./old-python")
    assert told.returncode != 0
    assert "The book needs Python 3.11 or newer; ./old-python is 3.10." in told.stderr
    assert not (checkout / ".venv").exists()


def test_the_environment_is_made_again_only_when_its_pins_change(checkout):
    plan = make(checkout, "--dry-run", "book").stdout
    stamp = next(word for word in plan.split() if "/installed-" in word and not word.endswith("*"))
    (checkout / ".venv").mkdir()
    (checkout / stamp).touch()
    assert "install" not in make(checkout, "--dry-run", "book").stdout
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        text = (checkout / name).read_text()
        (checkout / name).write_text(text + "\n# a change\n")
        assert "install -qq" in make(checkout, "--dry-run", "book").stdout, name
        (checkout / name).write_text(text)
    (checkout / "requirements.txt").touch()
    assert "install" not in make(checkout, "--dry-run", "book").stdout, "the content counts, not the date"


def test_clean_leaves_the_environment(checkout):
    (checkout / "_build/html").mkdir(parents=True)
    (checkout / ".venv").mkdir()
    assert make(checkout, "clean").returncode == 0
    assert not (checkout / "_build").exists()
    assert (checkout / ".venv").exists()
