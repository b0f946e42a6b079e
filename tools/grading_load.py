"""Grade many copies of a notebook, as for a large class, and print how time and memory grow with them.

    python tools/grading_load.py [--copies 1000] [--notebook NOTEBOOK]

A fifth of the copies is graded by one worker, then all by a worker for each core. Memory is that of this
process and of the nurseries, which live as long as the grading does; the notebooks' own come and go.
"""

import argparse
import platform
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from execute import cores

from course_lib.exercises.grading.batch import Submission, grade_all

ROOT = Path(__file__).resolve().parent.parent
ROWS = 10  # looks at the memory during a run


@dataclass(frozen=True)
class Look:
    """How far a run is: copies done, seconds since its start, MiB in use."""

    done: int
    seconds: float
    memory: float


def memory() -> float:
    """MiB of this process and of its nurseries, the notebooks being graded left out."""
    here = psutil.Process()
    return sum(process.memory_info().rss for process in [here, *here.children()]) / 2**20


def grade_copies(notebooks: Sequence[Path], workers: int) -> tuple[list[Submission], list[Look]]:
    """Grade them, and look at the clock and the memory on the way."""
    found, looks, start = [], [], time.perf_counter()
    every = max(1, len(notebooks) // ROWS)
    for each in grade_all(notebooks, workers=workers):
        found.append(each)
        if len(found) % every == 0:
            looks.append(Look(len(found), time.perf_counter() - start, memory()))
    return found, looks


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the two runs; the exit status is 0 if every copy has the same grade."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--copies", type=int, default=1000)
    parser.add_argument("--notebook", type=Path, default=ROOT / "notebooks/01_neural_networks/neurons.ipynb")
    asked = parser.parse_args(arguments)
    grades, speeds = set(), []
    print(f"{platform.machine()}, {cores()} cores, Python {platform.python_version()}; {asked.notebook.name}")
    with tempfile.TemporaryDirectory() as folder:
        for workers, copies in ((1, max(1, asked.copies // 5)), (cores(), asked.copies)):
            notebooks = [Path(folder, f"{i:05}.ipynb") for i in range(copies)]
            for path in notebooks:
                shutil.copy(asked.notebook, path)
            found, looks = grade_copies(notebooks, workers)
            grades |= {str((each.problem, each.grade and each.grade.passed)) for each in found}
            speeds.append(looks[-1].done / looks[-1].seconds)
            print(f"\n{workers} at a time\n{'copies':>7} {'seconds':>8} {'MiB':>6}")
            for look in looks:
                print(f"{look.done:7} {look.seconds:8.1f} {look.memory:6.0f}", flush=True)
    ratio = speeds[1] / speeds[0]
    print(f"\n{speeds[0]:.2f} and {speeds[1]:.2f} a second: {ratio:.2f} times with {cores()} cores")
    print(f"grades: {', '.join(sorted(grades))}")
    return 0 if len(grades) == 1 else 1


if __name__ == "__main__":
    raise SystemExit(main())
