"""What runs on GitHub and on mybinder.org, held against what they ask for and what this project has."""

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = {path.stem: path for path in (ROOT / ".github/workflows").iterdir()}
BINDER = sorted((ROOT / "binder").iterdir())
MADE = ("_build/", ".venv/", ".venv-newest/")  # folders that a run makes for itself
TRIGGERS = {
    "test": {"pull_request": None, "push": {"branches": ["main"]}},
    "pages": {"push": {"branches": ["main"]}, "workflow_dispatch": None},
    "nightly": {"schedule": [{"cron": "41 1 * * *"}], "workflow_dispatch": None},
    "weekly": {"schedule": [{"cron": "23 4 * * 1"}], "workflow_dispatch": None},
}
TITLE = "The newest dependencies"
WEIGHTS = {"none": 0, "read": 1, "write": 2}
# The rights that a job has beyond reading the repository's files.
RIGHTS = {("pages", "publish"): {"pages", "id-token"}, ("weekly", "issue"): {"issues"}}

every_workflow = pytest.mark.parametrize("name", sorted(WORKFLOWS))


def read(name: str) -> dict:
    workflow = yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))
    workflow["on"] = workflow.pop(True)  # YAML 1.1 reads the word `on` as a truth value
    return workflow


def steps(name: str) -> list[dict]:
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


def scripts(name: str) -> list[str]:
    """The shell scripts of a workflow, with a word in place of what GitHub fills in."""
    return [re.sub(r"\$\{\{.*?\}\}", "filled-in", step["run"]) for step in steps(name) if "run" in step]


def requirements(path: Path) -> dict[str, str]:
    """Names and version bounds in a file of requirements."""
    lines = [re.split(r"\s*[#;]", line)[0] for line in path.read_text(encoding="utf-8").splitlines()]
    found = [re.fullmatch(r"([\w.-]+)(.*)", line.strip()) for line in lines if line and line[0] != "-"]
    return {plain(match[1]): match[2] for match in found if match}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed_by_the_library() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {plain(re.match(r"[\w.-]+", each)[0]) for each in project["dependencies"]}


def test_the_workflows_start_when_they_should():
    assert {name: read(name)["on"] for name in WORKFLOWS} == TRIGGERS
    assert {path.suffix for path in WORKFLOWS.values()} == {".yml"}


@every_workflow
def test_a_workflow_has_what_github_requires(name):
    workflow = read(name)
    assert set(workflow) <= {"name", "on", "permissions", "concurrency", "defaults", "env", "jobs"}
    assert workflow["name"] == name
    assert workflow["defaults"] == {"run": {"shell": "bash"}}, "with pipefail, unlike GitHub's default"
    for job_name, job in workflow["jobs"].items():
        assert re.fullmatch(r"[a-z_][\w-]*", job_name)
        assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"]), "a runner that changes only when we say so"
        assert 0 < job["timeout-minutes"] <= 360
        assert job.get("needs", job_name) in workflow["jobs"]
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step), step
            assert set(step) <= {"name", "id", "if", "uses", "with", "run", "env", "continue-on-error"}, step
            assert "name" in step or "uses" in step, step


@every_workflow
def test_what_an_expression_names_is_there(name):
    text = WORKFLOWS[name].read_text(encoding="utf-8")
    ids = {step["id"] for step in steps(name) if "id" in step}
    assert set(re.findall(r"\bsteps\.(\w+)\.", text)) == ids
    jobs = read(name)["jobs"]
    for job in jobs.values():
        own = yaml.safe_dump(job)
        assert set(re.findall(r"\bmatrix\.(\w+)", own)) == set(job.get("strategy", {}).get("matrix", {}))
        assert set(re.findall(r"\bneeds\.(\w+)\.", own)) <= {job.get("needs")}


@every_workflow
def test_actions_are_githubs_own_and_pinned(name):
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@(v\d+|[0-9a-f]{40})", action), action


@every_workflow
def test_rights_are_stated_and_no_more_than_needed(name):
    workflow = read(name)
    assert workflow["permissions"] == {"contents": "read"}
    for job_name, job in workflow["jobs"].items():
        granted = job.get("permissions", workflow["permissions"])
        beyond = {right for right, what in granted.items() if WEIGHTS[what] > (right == "contents")}
        assert beyond == RIGHTS.get((name, job_name), set()), job_name
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False, "no later step may push"
        if beyond:
            assert not any("checkout" in step.get("uses", "") for step in job["steps"]), (
                "runs none of our code"
            )
    assert "secrets." not in WORKFLOWS[name].read_text(encoding="utf-8")


@every_workflow
def test_what_strangers_write_reaches_no_shell(name):
    for step in steps(name):
        assert "${{" not in step.get("run", ""), "by the environment, where the shell reads no commands in it"


def test_a_newer_run_of_a_pull_request_stops_the_older_one():
    concurrency = read("test")["concurrency"]
    assert "github.event.pull_request.number || github.sha" in concurrency["group"]
    assert concurrency["cancel-in-progress"] is True
    assert read("pages")["concurrency"] == {"group": "pages", "cancel-in-progress": False}


@every_workflow
def test_scripts_are_bash(name):
    for script in scripts(name):
        told = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert told.returncode == 0, f"{script}\n{told.stderr}"


def test_what_make_is_called_with_is_a_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)", makefile, re.M)[1].split())
    called = {name: re.findall(r"^make (\S+)$", "\n".join(scripts(name)), re.M) for name in WORKFLOWS}
    assert called == {"test": ["test"], "pages": ["book"], "nightly": ["install"], "weekly": ["install"]}
    assert {target for each in called.values() for target in each} <= targets


@every_workflow
def test_files_and_tools_that_are_named_exist(name):
    given = [value for step in steps(name) for value in step.get("with", {}).values()]
    text = "\n".join([*scripts(name), *filter(lambda value: isinstance(value, str), given)])
    files = set(re.findall(r"(?<![\w/.$}-])(?:(?:[a-z_.][\w.-]*/)+[\w.-]+|[\w-]+\.(?:txt|toml|py)\b)", text))
    assert "requirements.txt" in files, "this test sees what is named"
    missing = [file for file in files if not file.startswith(MADE) and not (ROOT / file).exists()]
    assert missing == []


@every_workflow
def test_paths_that_a_run_makes_are_those_that_the_tools_write(name):
    words = WORKFLOWS[name].read_text(encoding="utf-8")
    made = set(re.findall(r"(?<![\w/])(?:_build|\.venv[\w-]*)/[\w./-]+", words))
    python = {".venv/bin/python", ".venv-newest/bin/python"}
    assert made <= python | {"_build/html", "_build/newest.md", "_build/nightly.md", "_build/tests.txt"}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {"_build/", ".venv/", ".venv-*/"} <= set(ignored)


def installs(name: str) -> list[str]:
    """What pip is told to install, with the answers of the commands inside."""
    (script,) = [script for script in scripts(name) if "pip install" in script]
    line = re.search(r"-m pip (install .*)", script.replace("\\\n", " "))[1]
    echoed = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {line}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return echoed.stdout.split("\n")[:-1]


@pytest.mark.parametrize("name", ["test", "weekly"])
def test_the_newest_versions_are_installed_without_a_pin(name):
    words = installs(name)
    assert words[0] == "install"
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f".[{','.join(extras['optional-dependencies'])}]" == words[words.index("-e") + 1]
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    tests = re.findall(r"^([\w.-]+)==", text.partition("\n# The tests")[2], re.M)
    assert {"pytest", "hypothesis", "torchvision", "onnx"} <= set(tests)
    assert words[-len(tests) :] == tests
    pinned = [word for word in words if "==" in word]
    builder = [line.split()[0] for line in text.splitlines() if line.startswith("jupyter-book==")]
    assert pinned == (builder if name == "weekly" else [])
    assert not {"-c", "-r"} & set(words)
    assert ("--upgrade" in words) is (name == "weekly")


def test_the_library_is_tested_without_the_book():
    commands = [script for name in ("test", "weekly") for script in scripts(name) if "-m pytest" in script]
    assert len(commands) == 2
    for command in commands:
        words = shlex.split(re.search(r"-m pytest (.*?)(\||$)", command.replace("\\\n", " "), re.S)[1])
        left_out = [word.removeprefix("--ignore=") for word in words if word.startswith("--ignore=")]
        assert left_out == ["tests/book", "tests/notebooks", "tests/tools"]
        assert "tests" in words
    matrix = read("test")["jobs"]["library"]["strategy"]["matrix"]
    assert matrix == {"python": ["3.12", "3.13"]}, "text: the number 3.10 is 3.1"


GH = """#!/usr/bin/env bash
if [ "$2" = list ]; then
  case "$*" in *'select(.title == env.TITLE)'*) printf '%s' "$OPEN_ISSUE" ;; esac
else
  echo "$@" >> calls
fi
"""


@pytest.mark.parametrize(
    ("result", "opened", "calls"),
    [
        ("failure", "", [f"issue create --title {TITLE} --body-file body.md"]),
        ("failure", "7", ["issue edit 7 --body-file body.md"]),
        ("success", "7", ["issue comment 7 --body-file body.md", "issue close 7 --reason completed"]),
        ("success", "", []),
    ],
    ids=["opens", "updates", "closes", "says nothing"],
)
@pytest.mark.parametrize(
    "told", ["All 69 sections hold.\n", "é" * 99 + "\n", None], ids=["short", "long", "none"]
)
def test_the_weekly_issue(tmp_path, result, opened, calls, told):
    step = read("weekly")["jobs"]["issue"]["steps"][-1]
    assert step["env"]["TITLE"] == TITLE
    program = tmp_path / "bin/gh"
    program.parent.mkdir()
    program.write_text(GH)
    program.chmod(0o755)
    if told is not None:
        (tmp_path / "newest.md").write_text(told * (2000 if len(told) > 50 else 1), encoding="utf-8")
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}", "OPEN_ISSUE": opened}
    environment |= {"TITLE": TITLE, "RESULT": result, "RUN": "the-run"}
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)
    made = tmp_path / "calls"
    assert (made.read_text().splitlines() if made.exists() else []) == calls
    body = (tmp_path / "body.md").read_text(encoding="utf-8")
    assert "(the-run)" in body
    assert (told or "It came to no report")[:20] in body
    assert len(body) < 65536, "GitHub takes no more"


def test_binder_installs_the_librarys_needs_and_the_lab_at_the_projects_pins():
    path = ROOT / "binder/requirements.txt"
    asked = requirements(path)
    assert set(asked) == needed_by_the_library() | {"jupyterlab", "jupyterlab-myst"}
    assert set(asked.values()) == {""}, "the versions stand in one place"
    lines = path.read_text(encoding="utf-8").splitlines()
    constraints = [line.split()[1] for line in lines if line.startswith("-c")]
    assert [(path.parent / each).resolve() for each in constraints] == [
        ROOT / "requirements.txt",
        ROOT / "constraints.txt",
    ]
    pins, frozen = requirements(ROOT / "requirements.txt"), requirements(ROOT / "constraints.txt")
    assert all(re.fullmatch(r"==[\w.]+", pins[name]) for name in asked)
    assert {name: frozen.get(name, pin) for name, pin in pins.items()} == pins, "the two files agree"


def test_binder_and_the_workflows_use_the_python_of_the_pins():
    python = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"][
        "python_version"
    ]
    assert (ROOT / "binder/runtime.txt").read_text() == f"python-{python}\n"
    for name in WORKFLOWS:
        for job in read(name)["jobs"].values():
            given = [s["with"]["python-version"] for s in job["steps"] if "setup-python" in s.get("uses", "")]
            assert given in ([], [python], ["${{ matrix.python }}"])


def test_binder_opens_a_section_as_a_notebook(tmp_path):
    """Its script is run with a Python that says where it stands, and writes down what else it is asked."""
    prefix = tmp_path / "environment"
    program = tmp_path / "bin/python"
    program.parent.mkdir()
    program.write_text(
        f'#!/usr/bin/env bash\n[ "$1" = -c ] && echo "{prefix}" || echo "$@" >> "{tmp_path}/calls"\n'
    )
    program.chmod(0o755)
    script = ROOT / "binder/postBuild"
    assert os.access(script, os.X_OK)
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    subprocess.run([script], cwd=ROOT, env=environment, check=True)
    assert (tmp_path / "calls").read_text() == "-m pip install --no-cache-dir --no-deps -e .\n"
    settings = "jupyter/labconfig/default_setting_overrides.json"
    assert (prefix / "etc" / settings).read_text() == (ROOT / "tools" / settings).read_text()


@pytest.mark.parametrize("path", [*WORKFLOWS.values(), *BINDER], ids=lambda path: path.name)
def test_no_host_is_named_but_the_one_that_runs_it(path):
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"://([\w.-]+)", text)) <= {"mybinder.org"}
    assert not re.search(r"--(extra-)?index-url|--find-links", text)


def test_the_oldest_versions_are_run_on_pythons_that_have_them():
    job = read("weekly")["jobs"]["oldest"]
    assert job["strategy"]["matrix"] == {"python": ["3.11", "3.12"]}
    assert [step["run"] for step in job["steps"] if "run" in step] == ["python tools/oldest.py"]
