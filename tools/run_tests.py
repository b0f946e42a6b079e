"""Run everything that `make test` promises, one stage after another, and end with what failed.

    python tools/run_tests.py [STAGE ...]

Stages that need the work of a failed one are left out; all others run, so that one run tells everything.
The last line is the closing line of the pytest suite.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from execute import cores
from run_section import ONE_CORE

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
WORKERS = str(max(2, cores()))

# Lines of a stage's output that say what failed: a section and its cell, a test, a place in a file.
TELLING = re.compile(r"^(FAILED|ERROR) .*|^.*(WARNING|error): .*|^Would reformat: .*")


@dataclass
class Stage:
    """One command of the test run."""

    name: str
    command: list[str]
    needs: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """How a stage went: its exit status (None: left out), its time in seconds, its output line by line."""

    stage: Stage
    status: int | None
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """One word for the summary."""
        return {None: "left out", 0: "passed"}.get(self.status, "FAILED")


def stages() -> list[Stage]:
    """The stages, in order."""
    python = sys.executable
    in_parallel = ["-n", WORKERS, "--dist"]  # a notebook's cells in one kernel; tests by tests/conftest.py
    nbval = ["--nbval-lax", "--nbval-cell-timeout", "600", "-p", "no:cacheprovider"]
    return [
        Stage("browser", [python, "tools/browser.py"]),
        Stage("ruff check", [f"{PROGRAMS}/ruff", "check", "."]),
        Stage("ruff format", [f"{PROGRAMS}/ruff", "format", "--check", "."]),
        Stage("mypy", [f"{PROGRAMS}/mypy"]),
        Stage("execute", [python, "tools/execute.py"]),
        Stage("book", [python, "tools/build.py"], needs=["execute"]),
        Stage("editions", [python, "tools/rerun.py"], needs=["execute"]),
        Stage(
            "nbval",
            [python, "-m", "pytest", *in_parallel, "loadfile", *nbval, "_build/editions"],
            needs=["editions"],
            environment=ONE_CORE | {"TQDM_DISABLE": "1"},  # bars are for people, and no output of a cell
        ),
        Stage(
            "pytest",
            [python, "-m", "pytest", *in_parallel, "loadgroup", "--durations", "25"],
            needs=["browser", "book"],
            environment=ONE_CORE,
        ),
    ]


def run(stage: Stage, environment: dict[str, str]) -> Outcome:
    """Run a stage, showing its output as it comes."""
    print(f"\n=== {stage.name}", flush=True)
    start = time.perf_counter()
    process = subprocess.Popen(
        stage.command,
        cwd=ROOT,
        env=os.environ | environment | stage.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in process.stdout or []:
        print(line, end="", flush=True)
        lines.append(line.rstrip("\n"))
    return Outcome(stage, process.wait(), time.perf_counter() - start, lines)


def run_all(chosen: list[Stage]) -> list[Outcome]:
    """Run the chosen stages, leaving out those whose needs have failed."""
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as home:
        for stage in chosen:
            if any(outcomes[name].status != 0 for name in stage.needs if name in outcomes):
                outcomes[stage.name] = Outcome(stage, None)
            else:
                # A reader's own progress in the exercises is not the tests' to change.
                outcomes[stage.name] = run(stage, {"COURSE_HOME": home})
    return list(outcomes.values())


def report(outcomes: list[Outcome]) -> None:
    """Print what each stage took and, once more, what failed; last the pytest suite's closing line."""
    print("\n=== summary")
    for outcome in outcomes:
        print(f"{outcome.stage.name:<12} {outcome.verdict:<9} {outcome.seconds:6.1f} s")
    for outcome in outcomes:
        if outcome.status:
            telling = [line for line in outcome.lines if TELLING.match(line)] or outcome.lines[-10:]
            print(f"\n{outcome.stage.name}:", *telling[:40], sep="\n  ")
    closing = [line for outcome in outcomes if outcome.stage.name == "pytest" for line in outcome.lines[-1:]]
    print(*closing, sep="\n", flush=True)


def main() -> int:
    """Run the stages named, or all; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = stages()
    parser.add_argument("stage", nargs="*", help=f"none: all; else of: {', '.join(s.name for s in every)}")
    names = parser.parse_args().stage
    if unknown := set(names) - {stage.name for stage in every}:
        parser.error(f"no such stage: {', '.join(sorted(unknown))}")
    outcomes = run_all([stage for stage in every if not names or stage.name in names])
    report(outcomes)
    return 0 if all(outcome.status == 0 for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
