"""The driver of `make test`: what it leaves out, what it repeats at the end, and how it exits."""

import os
import subprocess
import sys

import pytest
import run_tests
from run_tests import Outcome, Stage


def python(name: str, program: str, **options) -> Stage:
    return Stage(name, [sys.executable, "-c", program], **options)


def test_stages_run_in_order_and_only_what_needs_a_failure_is_left_out():
    outcomes = run_tests.run_all(
        [
            python("execute", "print('FAILED 01_first/two, code cell 2 of 3'); raise SystemExit(1)"),
            python("mypy", "print('fine')"),
            python("book", "print('never')", needs=["execute"]),
            python("pytest", "print('never')", needs=["browser", "book"]),
        ]
    )
    verdicts = {outcome.stage.name: outcome.verdict for outcome in outcomes}
    assert verdicts == {"execute": "FAILED", "mypy": "passed", "book": "left out", "pytest": "left out"}


def test_the_end_repeats_what_failed_and_closes_with_pytests_line(capsys):
    run_tests.report(
        [
            Outcome(Stage("ruff check", []), 0, 0.1, ["All checks passed!"]),
            Outcome(
                Stage("execute", []),
                1,
                2.5,
                ["2 sections, 1 to execute", "FAILED 01_first/two, code cell 2 of 3 (chapters/..., line 7)"],
            ),
            Outcome(
                Stage("pytest", []),
                1,
                9.0,
                ["....F", "FAILED tests/x.py::test_y - assert 1 == 2", "1 failed, 4 passed in 0.1s"],
            ),
        ]
    )
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    summary = lines[lines.index("=== summary") :]
    assert "execute      FAILED       2.5 s" in summary
    assert "ruff check   passed       0.1 s" in summary
    assert "FAILED 01_first/two, code cell 2 of 3 (chapters/..., line 7)" in summary
    assert "FAILED tests/x.py::test_y - assert 1 == 2" in summary
    assert "2 sections, 1 to execute" not in summary, "only what says what failed"
    assert summary[-1] == "1 failed, 4 passed in 0.1s"


def test_a_failure_without_telling_lines_shows_its_last_words(capsys):
    run_tests.report([Outcome(Stage("browser", []), 1, 0.1, ["no Chromium here"])])
    assert "no Chromium here" in capsys.readouterr().out


@pytest.mark.parametrize(("program", "status"), [("print('fine')", 0), ("raise SystemExit(3)", 1)])
def test_the_exit_status_tells_of_any_failure(monkeypatch, program, status):
    monkeypatch.setattr(run_tests, "stages", lambda: [python("one", program), python("two", "pass")])
    monkeypatch.setattr(sys, "argv", ["run_tests.py"])
    assert run_tests.main() == status


def test_a_readers_progress_is_out_of_reach(monkeypatch, capfd):
    monkeypatch.setenv("COURSE_HOME", "/home/reader")
    run_tests.run_all([python("home", "import os; print('at', os.environ['COURSE_HOME'])")])
    out = capfd.readouterr().out
    assert "at /" in out
    assert "at /home/reader" not in out


def test_every_promised_check_is_a_stage():
    stages = {stage.name: stage for stage in run_tests.stages()}
    assert list(stages) == [
        "browser",
        "ruff check",
        "ruff format",
        "mypy",
        "execute",
        "book",
        "editions",
        "nbval",
        "pytest",
    ]
    assert "--nbval-lax" in stages["nbval"].command
    assert stages["nbval"].environment["TQDM_DISABLE"] == "1"
    assert "COURSE_BOOK" not in stages["nbval"].environment, "sections run as on a student's machine"


def test_ci_is_make_test():
    script = (run_tests.ROOT / ".ci/run").read_text()
    assert "set -euo pipefail" in script
    assert script.splitlines()[-1] == "exec make test"
    assert os.access(run_tests.ROOT / ".ci/run", os.X_OK)
    made = subprocess.run(
        ["make", "--dry-run", "test"], cwd=run_tests.ROOT, capture_output=True, text=True, check=True
    )
    assert "tools/run_tests.py" in made.stdout
