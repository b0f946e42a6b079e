"""From a notebook to a grade: which section it is, which cells to run, what came of each exercise."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from course_lib.exercises import registry
from course_lib.exercises.grading.process import Clock, Ended, Limits, Start, run_worker, start_alone
from course_lib.exercises.report import ERROR, PASSED, Detail, Report

NOT_CHECKED = "not checked"


class UnknownSection(ValueError):
    """The notebook does not say which section of the course it belongs to."""


@dataclass(frozen=True)
class Result:
    """What came of one exercise. ``status`` is a report's, or ``"not checked"``: no cell has checked it."""

    id: str
    title: str
    status: str
    message: str
    details: tuple[tuple[str, str], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == PASSED

    @property
    def report(self) -> Report:
        """The same as the engine says it."""
        details = tuple(Detail(label, text) for label, text in self.details)
        return Report(self.id, self.status, self.message, details, self.title)


@dataclass(frozen=True)
class Trouble:
    """A code cell that did not run to its end: its number among these, its first line, what happened."""

    cell: int
    line: str
    text: str


@dataclass(frozen=True)
class Grade:
    """The results of a section's exercises, in the section's order, and the cells that failed."""

    section: str
    results: tuple[Result, ...]
    troubles: tuple[Trouble, ...]
    stopped: str
    seconds: float

    @property
    def passed(self) -> int:
        """How many exercises are right."""
        return sum(result.passed for result in self.results)

    @property
    def complete(self) -> bool:
        """Whether all exercises are right."""
        return self.passed == len(self.results)


Watch = Callable[[int, int], None]


def grade(
    path: Path, limits: Limits | None = None, watch: Watch | None = None, start: Start = start_alone
) -> Grade:
    """Run a notebook's cells and judge the answers they check. The notebook stays as it is.

    Args:
        path: the notebook.
        limits: what it may use.
        watch: called with the number of the cell that begins and the number of cells.
        start: makes a worker. A ``Nursery``'s ``start`` makes one after the other at little cost.

    Raises:
        OSError, ValueError: it can't be read, or is no notebook.
        UnknownSection: it belongs to no section that has exercises.
    """
    notebook = _read(path)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    section = _section_of(notebook, sources)
    folder = path.resolve().parent
    watch = watch or (lambda cell, cells: None)
    return _Run(section, sources, folder, limits or Limits(), watch, start).grade()


def _read(path: Path) -> Any:
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except OSError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} is no notebook that can be read: {type(error).__name__}: {error}"
        ) from error


def _section_of(notebook: Any, sources: list[str]) -> str:
    """The section a notebook says it is of, or else the one with most exercises named in its cells."""
    named = notebook.metadata.get("course", {}).get("section")
    if named in registry.sections():
        return str(named)
    text = "\n".join(sources)
    counts = {
        section: sum(_names(exercise.id, text) for exercise in registry.of_section(section))
        for section in registry.sections()
    }
    best = max(counts, key=lambda section: counts[section], default="")
    if not counts.get(best):
        what = f"section {named!r} has no exercises" if named else "the notebook does not say its section"
        raise UnknownSection(f"{what}, and it checks no exercise of this course")
    return best


def _names(exercise_id: str, source: str) -> bool:
    """Whether code has the id of an exercise in it as a string."""
    return f'"{exercise_id}"' in source or f"'{exercise_id}'" in source


@dataclass
class _Run:
    """The state of grading one notebook, over as many workers as it takes."""

    section: str
    sources: list[str]
    folder: Path
    limits: Limits
    watch: Callable[[int, int], None]
    start: Start
    results: dict[str, Result] = field(default_factory=dict)
    troubles: dict[int, str] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)
    stopped: str = ""

    def grade(self) -> Grade:
        start = time.monotonic()
        clock = Clock(self.limits.total_seconds)
        while not self._attempt(clock):
            pass
        exercises = registry.of_section(self.section)
        results = tuple(self._result(exercise.id, exercise.title) for exercise in exercises)
        troubles = tuple(Trouble(i, self._line(i), text) for i, text in sorted(self.troubles.items()))
        return Grade(self.section, results, troubles, self.stopped, round(time.monotonic() - start, 1))

    def _attempt(self, clock: Clock) -> bool:
        """Run all cells but those left out. Return whether that is that; if not, one more is left out."""
        titles = {exercise.id: exercise.title for exercise in registry.of_section(self.section)}
        cells = [(i, source) for i, source in enumerate(self.sources, 1) if i not in self.left_out]
        self.troubles = {cell: text for cell, text in self.troubles.items() if cell in self.left_out}
        for event in run_worker(self.section, cells, self.folder, self.limits, clock, self.start):
            if isinstance(event, Ended):
                return self._ended(event)
            if event["event"] == "cell":
                self.watch(event["cell"], len(self.sources))
            elif event["event"] == "trouble":
                self.troubles[event["cell"]] = event["text"]
            elif event["event"] == "result":
                details = tuple((label, text) for label, text in event["details"])
                self.results[event["id"]] = Result(
                    event["id"], titles[event["id"]], event["status"], event["message"], details
                )
        return True

    def _ended(self, ended: Ended) -> bool:
        if not ended.reason:
            return True
        if ended.cell is not None:
            self.troubles[ended.cell] = ended.reason
            self.left_out.add(ended.cell)
        if ended.out_of_time or ended.cell is None:
            self.stopped = ended.reason
            return True
        return False

    def _result(self, exercise_id: str, title: str) -> Result:
        """The exercise's result; where there is none, the trouble of the cell that should have checked it."""
        if exercise_id in self.results:
            return self.results[exercise_id]
        cells = [i for i, source in enumerate(self.sources, 1) if _names(exercise_id, source)]
        trouble = next((self.troubles[cell] for cell in reversed(cells) if cell in self.troubles), "")
        if trouble:
            return Result(exercise_id, title, ERROR, f"The cell that checks this failed: {trouble}.")
        if cells and self.stopped:
            return Result(exercise_id, title, NOT_CHECKED, f"Not reached: {self.stopped}.")
        return Result(exercise_id, title, NOT_CHECKED, "No cell of the notebook checks this exercise.")

    def _line(self, cell: int) -> str:
        return next((line.strip() for line in self.sources[cell - 1].splitlines() if line.strip()), "")
