"""What the project's documents tell people to type is typed here, and what they name is there.

Every line of their console blocks is of a kind below, and each kind has its test; a line of no kind fails. A
command that would take minutes or the network is run on less where that shows the same; its test says why.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from importlib.metadata import distribution, entry_points
from pathlib import Path

import jupytext
import nbformat
import oldest
import pytest
import run_tests
import torch
import yaml
from documents import ROOT, blocks, commands
from nbformat.v4 import new_code_cell, new_notebook
from packaging.requirements import Requirement
from typer.testing import CliRunner

from course_lib import benchmarks
from course_lib.cli import app
from course_lib.exercises import Exercise, Mistake, case, check
from course_lib.exercises.ch01_neural_networks.neurons import gates

KINDS = {
    "make": r"make \w+",
    "told": r"course (list|progress|data list)",
    "one notebook": r"course check notebooks/\S+\.ipynb",
    "run": r"course run .+",
    "bench": r"course bench .+",
    "folder": r"course check submissions/ (?!.*--scheduler).*",
    "cluster": r"dask (scheduler|worker .+)|course check submissions/ --scheduler .+",
    "extra": r"pip install '\.\[\w+\]'",
    "stages": r"\.venv/bin/python tools/run_tests\.py .+",
    "tests": r"\.venv/bin/python -m pytest .+",
    "oldest": r"python3 tools/oldest\.py .+",
}

RIGHT = """def threshold_unit(x, w, threshold):
    return (x @ w > threshold).astype(int)
from course_lib.exercises import check
check('neurons/unit', threshold_unit)"""


COMMANDS = commands()


def each(kind: str):
    return pytest.mark.parametrize("command", [c for c in COMMANDS if re.fullmatch(KINDS[kind], c)])


def course(command: str):
    """Call `course`, whose command in the environment is this same function."""
    return CliRunner().invoke(app, shlex.split(command)[1:])


@pytest.fixture(autouse=True)
def in_the_project(tmp_path, monkeypatch):
    """We stand in the project, with a progress of our own."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("COURSE_BOOK", raising=False)


@pytest.fixture
def submissions(tmp_path, monkeypatch):
    """We stand in a folder with two answers handed in, one of them right."""
    for name, answer in {"ada": RIGHT, "group/ben": RIGHT.replace(">", "<")}.items():
        path = tmp_path / f"submissions/{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        notebook = new_notebook(cells=[new_code_cell(answer)])
        notebook.metadata["course"] = {"section": "01_neural_networks/neurons", "title": "Neurons"}
        nbformat.write(notebook, path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def units(table: Path) -> list[str]:
    rows = [row.split(",") for row in table.read_text(encoding="utf-8").splitlines()]
    return [row[rows[0].index("neurons/unit")] for row in rows[1:]]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_of_one_kind_that_is_tested(command):
    kinds = [kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, command)]
    assert len(kinds) == 1, f"{command}: of the kinds {kinds}; say in tests/tools how it is run"


@each("make")
def test_make_has_a_plan(command):
    """A plan, not a run: this runs in `make test` itself, and the others are its stages and minutes long."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    words = shlex.split(command)
    planned = ["make", "--dry-run", *words[1:]] if words[1:] != ["help"] else words
    done = subprocess.run(planned, capture_output=True, text=True, env=plain, check=False)
    assert done.returncode == 0, done.stderr
    for tool in re.findall(r"tools/\w+\.py", done.stdout):
        assert Path(tool).exists(), f"{command} runs {tool}"
    assert done.stdout.strip(), f"{command} does nothing"


@each("told")
def test_course_tells(command):
    told = course(command)
    assert told.exit_code == 0, told.output
    assert len(told.stdout.splitlines()) > 3, told.stdout


@each("one notebook")
def test_a_student_edition_is_checked(command):
    """Only its checks and their stubs: that whole editions run is shown elsewhere, and takes longer."""
    told = course(command)
    exercises = {exercise.id for exercise in neurons()}
    assert told.exit_code == 1, f"no stub passes\n{told.output}"
    assert f"0/{len(exercises)}" in told.stdout
    assert exercises <= set(told.stdout.split())
    assert told.stdout.count("not started") == len(exercises), told.stdout


def neurons() -> list[Exercise]:
    from course_lib.exercises.ch01_neural_networks.neurons import EXERCISES

    return EXERCISES


SHOW = """
```{code-cell} ipython3
print({name: value for name, value in globals().items() if name in %r})
```
"""


@pytest.fixture
def beginnings(tmp_path, monkeypatch):
    """The book, of each section no more than its front matter and its parameters, which it prints."""
    root = tmp_path / "book"
    for source in sorted((ROOT / "chapters").glob("*/*.md")):
        text = source.read_text(encoding="utf-8")
        if cell := re.search(r"^```{code-cell}.*\n:tags: \[parameters\]\n(.*?)^```$", text, re.M | re.S):
            title = text[: text.index("```{code-cell}")]
            path = root / source.relative_to(ROOT)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(title + cell[0] + SHOW % re.findall(r"^(\w+) =", cell[1], re.M), encoding="utf-8")
    shutil.copy(ROOT / "_toc.yml", root)
    monkeypatch.chdir(root)


@each("run")
def test_a_section_runs_with_other_parameters(command, beginnings, tmp_path):
    """Without its experiments, which run with the book; a larger profile fetches data, and takes long."""
    told = course(f"{command} --output {tmp_path}/done.ipynb")
    assert told.exit_code == 0, told.output
    (output,) = nbformat.read(tmp_path / "done.ipynb", as_version=4).cells[-1].outputs
    values = yaml.safe_load(output.text)
    words = shlex.split(command)
    for at, word in enumerate(words):
        if word == "-p":
            name, value = words[at + 1].split("=")
            assert str(values[name]) == value
        if word == "--profile":
            (path,) = ROOT.glob(f"chapters/*/{words[2].split('/')[-1]}.md")
            profiles = jupytext.read(path, fmt="md:myst").metadata["course"]["profiles"]
            assert profiles[words[at + 1]].items() <= values.items()


@each("bench")
def test_the_benchmark_has_such_rows(command, monkeypatch):
    """Its own rows, with a sum in place of layers: tests/benchmarks runs the rows, and timing takes long."""
    contest = {"ours": lambda: sum(range(9)), "theirs": lambda: sum(range(9))}
    real, threads = benchmarks.rows(), torch.get_num_threads()
    quick = {
        family: [benchmarks.Row(row.name, lambda device, threads: contest, against="theirs") for row in rows]
        for family, rows in real.items()
    }
    monkeypatch.setattr(benchmarks, "rows", lambda: quick)
    told = course(f"{command} --rounds 3")
    torch.set_num_threads(threads)
    assert told.exit_code == 0, told.output
    words = [word for word in shlex.split(command)[2:] if word.isalpha()]
    named = [f"{family} {row.name}".lower() for family, rows in real.items() for row in rows]
    counts = [sum(word in name for name in named) for word in words]
    assert min(counts) > 0, f"rows of {words}: {counts}"
    assert f"{sum(any(word in name for word in words) for name in named)} rows" in told.stdout


@each("folder")
def test_a_folder_is_graded(command, submissions):
    told = course(command)
    assert told.exit_code == 1, f"one answer is wrong\n{told.output}"
    assert units(submissions / "grades.csv") == ["passed", "failed"]


def address_in(file: Path) -> str:
    """The address that a scheduler writes once it is ready."""
    for _ in range(300):
        if file.exists() and (text := file.read_text(encoding="utf-8")):
            return json.loads(text)["address"]
        time.sleep(0.1)
    raise TimeoutError("the scheduler has not come up")


def test_a_cluster_grades_as_the_guide_says(submissions):
    """The guide's three lines, on one machine, at a port that is free."""
    scheduler, worker, grade = (c for c in COMMANDS if re.fullmatch(KINDS["cluster"], c))
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    here = f"--host 127.0.0.1 --port 0 --no-dashboard --scheduler-file {submissions}/address.json"
    processes = []

    def start(command: str) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        processes.append(subprocess.Popen(shlex.split(command), env=environment, cwd=submissions, **quiet))

    try:
        start(f"{scheduler} {here}")
        start(worker.replace("tcp://SCHEDULER:8786", f"--scheduler-file {submissions}/address.json"))
        told = course(grade.replace("tcp://SCHEDULER:8786", address_in(submissions / "address.json")))
    finally:
        for process in reversed(processes):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    assert told.exit_code == 1, f"one answer is wrong\n{told.output}"
    assert units(submissions / "grades.csv") == ["passed", "failed"]


@each("extra")
def test_an_extra_is_there_and_these_tests_run_with_it(command):
    extra = re.search(r"\[(\w+)\]", command)[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for needed in map(Requirement, project["optional-dependencies"][extra]):
        assert needed.specifier.contains(distribution(needed.name).version), needed


@each("stages")
def test_the_stages_of_the_tests_have_these_names(command):
    """Not run: they are what runs this test."""
    assert set(shlex.split(command)[2:]) <= {stage.name for stage in run_tests.stages()}


@each("tests")
def test_these_tests_are_there(command):
    """Not run: they are run beside this one."""
    assert all(Path(path).is_file() and path.startswith("tests/") for path in shlex.split(command)[3:])


@each("oldest")
def test_editions_are_given_to_the_oldest_versions(command, monkeypatch):
    """Without the versions, which are gigabytes away: tests/tools/test_oldest.py has the program itself."""
    asked = []
    monkeypatch.setattr(oldest, "make_environment", lambda root, folder: Path(sys.executable))
    monkeypatch.setattr(oldest, "run_alone", lambda python, edition: asked.append(edition.is_file()) or "")
    assert oldest.main(shlex.split(command)[2:]) == 0
    assert asked
    assert all(asked)


def test_the_programs_that_are_typed_are_installed():
    (script,) = entry_points(group="console_scripts", name="course")
    assert script.load() is app
    for program in {shlex.split(c)[0] for c in COMMANDS} & {"course", "dask", "pip"}:
        assert (Path(sys.executable).parent / program).exists(), program


@pytest.mark.parametrize("code", blocks("python", "README.md"))
def test_python_in_the_readme_runs(code):
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["model"](names["digits"].x[:2].flatten(1)).shape == (2, 10)


def test_the_exercise_of_the_anatomy_is_the_real_one():
    (code,) = blocks("python", "CONTRIBUTING.md")
    names = vars(gates) | {"Exercise": lambda **fields: fields, "case": case, "Mistake": Mistake}
    names |= dict.fromkeys(["x", "w", "wrong"])
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    shown = names["UNIT"]
    for field in ("id", "section", "title", "reference"):
        assert shown[field] == getattr(gates.UNIT, field), field
    assert shown["cases"][0].label == gates.UNIT.cases[0].label
    assert shown["cases"][0].args[2] == gates.UNIT.cases[0].args[2]
    assert shown["mistakes"][0].hint.rstrip(" .") in gates.UNIT.mistakes[0].hint
    assert set(shown) <= set(vars(gates.UNIT))


def test_the_report_in_the_readme_is_what_a_reader_gets():
    (shown,) = blocks("text", "README.md")
    told = check("neurons/unit", lambda x, w, threshold: (x @ w + threshold > 0).astype(int))
    assert str(told) == shown.rstrip("\n")
