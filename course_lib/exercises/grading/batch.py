"""Grades many notebooks: several at a time, each locked in, and whatever one does, the others are graded."""

from __future__ import annotations

import csv
import json
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from course_lib.exercises.grading.grade import Grade, UnknownSection, grade
from course_lib.exercises.grading.isolation import exposed
from course_lib.exercises.grading.nursery import Nursery
from course_lib.exercises.grading.process import Limits

SUMMARY = ("notebook", "section", "passed", "total", "seconds", "problem")


@dataclass(frozen=True)
class Submission:
    """What came of one notebook: its grade, or the problem for which it has none."""

    notebook: str
    grade: Grade | None
    problem: str = ""

    @property
    def verdict(self) -> str:
        """In a few words: how many exercises are passed, or the problem."""
        return f"{self.grade.passed} of {len(self.grade.results)}" if self.grade else self.problem

    def row(self) -> dict[str, Any]:
        """A row of a table: the summary, and the status of each exercise under its id."""
        found = self.grade
        if found is None:
            return {"notebook": self.notebook, "problem": self.problem}
        counts = {"passed": found.passed, "total": len(found.results), "seconds": found.seconds}
        summary = {"notebook": self.notebook, "section": found.section, **counts, "problem": found.stopped}
        return {**summary, **{result.id: result.status for result in found.results}}


def notebooks_in(paths: Iterable[Path]) -> list[Path]:
    """The notebooks among some paths and in the folders among them, sorted; no checkpoints of Jupyter's."""
    found = set()
    for path in paths:
        inside = path.rglob("*.ipynb") if path.is_dir() else [path]
        found |= {each for each in inside if ".ipynb_checkpoints" not in each.parts}
    return sorted(found)


def grade_all(
    notebooks: Iterable[Path], limits: Limits | None = None, workers: int | None = None
) -> Iterator[Submission]:
    """Grade notebooks, ``workers`` at a time (a core each by default); yield what came of each, in order.

    Each runs in a home of its own, not in its folder, locked in as ``isolation`` says: it can neither read
    other notebooks nor change anything that stays.

    Raises:
        ValueError: a notebook stands where every other could read it.
        NotIsolated: the system can't lock them in.
    """
    notebooks = list(notebooks)
    if seen := exposed(notebooks):
        raise ValueError(
            f"{seen[0]} stands in a folder that every notebook may read, with the programs of the system or "
            "the course; put the notebooks elsewhere"
        )
    with ExitStack() as nurseries, ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        own = threading.local()

        def grade_one(path: Path) -> Submission:
            if not hasattr(own, "nursery"):
                own.nursery = nurseries.enter_context(Nursery(confined=True))
            return submission(path, limits, own.nursery)

        try:
            yield from pool.map(grade_one, notebooks)
        finally:
            pool.shutdown(cancel_futures=True)


def submission(path: Path, limits: Limits | None, nursery: Nursery) -> Submission:
    """Grade one notebook, and turn what is wrong with the file into a problem."""
    try:
        return Submission(str(path), grade(path, limits, start=nursery.start))
    except UnknownSection as error:
        return Submission(str(path), None, str(error))
    except OSError as error:
        return Submission(str(path), None, f"can't be read: {error.strerror or error}")
    except ValueError as error:
        return Submission(str(path), None, " ".join(str(error).split()))


def write_csv(submissions: Iterable[Submission], file: IO[str]) -> None:
    """Write a table with a row for each notebook, and a column for each exercise that any of them has."""
    rows = [each.row() for each in submissions]
    exercises = list(dict.fromkeys(name for row in rows for name in row if name not in SUMMARY))
    table = csv.DictWriter(file, [*SUMMARY, *exercises], restval="")
    table.writeheader()
    table.writerows(rows)


def write_json(submissions: Iterable[Submission], file: IO[str]) -> None:
    """Write all that is known of each notebook, as a list."""
    json.dump([asdict(each) for each in submissions], file, indent=1)
