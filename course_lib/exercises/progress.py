"""Keeps on disk what has been tried and passed: one small JSON file an exercise.

A file is written beside its final place and moved there in one step, so that it is whole at every moment,
also when the process is killed; a lock keeps two notebooks from losing each other's tries. Nothing in here
raises for want of space or rights: it warns, and the check goes on.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from platformdirs import user_data_path

from course_lib.exercises import registry
from course_lib.exercises.report import NOT_STARTED, PASSED, Report

_LOCK_SECONDS = 5.0
_FIELDS = {"exercise": str, "status": str, "attempts": int, "failures": int, "passed": bool}


@dataclass(frozen=True)
class SectionProgress:
    """How far a reader is in one section: exercises passed, tried at all, and there in total."""

    section: str
    passed: int
    tried: int
    total: int


def folder() -> Path:
    """Return where progress is kept: ``$COURSE_HOME/progress``, else the user's data folder. Not created."""
    home = os.environ.get("COURSE_HOME")
    return (Path(home) if home else user_data_path("course", appauthor=False)) / "progress"


def record(report: Report) -> dict[str, Any] | None:
    """Count a try and keep its status; return the exercise's entry, or None where nothing was kept.

    An entry has ``exercise``, ``status`` (of the last try), ``attempts``, ``failures``, ``passed`` (ever),
    ``first_passed`` and ``last`` (times in UTC, ISO 8601; ``first_passed`` may be None). An untouched stub is
    no try. While the static book is made, nothing is recorded. Warns (``UserWarning``) where it can't write.
    """
    from course_lib.environment import in_book  # imports torch, which reading progress can do without

    if in_book() or report.status == NOT_STARTED:
        return None
    path = _path(report.exercise)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _lock(path):
            entry = _updated(_read(path), report)
            _write(path, entry)
    except Timeout:
        _warn("Your progress was not saved: another notebook holds its file.")
    except OSError as error:
        _warn(f"Your progress was not saved: {error.strerror or error}.")
    else:
        return entry
    return None


def read() -> dict[str, dict[str, Any]]:
    """Return ``{exercise id: entry}`` of all that has been tried; see :func:`record` for an entry's fields.

    A file that can't be understood is moved aside, with a warning.
    """
    entries = {}
    try:
        paths = sorted(folder().glob("*.json"))
    except OSError as error:
        _warn(f"Your progress can't be read: {error.strerror or error}.")
        return {}
    for path in paths:
        try:
            with _lock(path):
                entry = _read(path)
        except (Timeout, OSError) as error:
            _warn(f"{path.name} can't be read: {error}.")
            continue
        if entry:
            entries[entry["exercise"]] = entry
    return entries


def summary() -> list[SectionProgress]:
    """Return the progress in every section that has exercises, in the book's order."""
    entries = read()
    rows = []
    for section in registry.sections():
        ids = [exercise.id for exercise in registry.of_section(section)]
        tried = [entries[exercise_id] for exercise_id in ids if exercise_id in entries]
        rows.append(SectionProgress(section, sum(entry["passed"] for entry in tried), len(tried), len(ids)))
    return rows


def _path(exercise_id: str) -> Path:
    return folder() / f"{exercise_id.replace('/', '.')}.json"


def _lock(path: Path) -> FileLock:
    """Return the lock of a file; it is the system's, and so is free again when its holder is killed."""
    return FileLock(path.with_suffix(".lock"), timeout=_LOCK_SECONDS, poll_interval=0.01)


def _updated(old: dict[str, Any] | None, report: Report) -> dict[str, Any]:
    """Return an entry with one try more. What was passed once stays passed."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    old = old or {"attempts": 0, "failures": 0, "passed": False, "first_passed": None}
    return {
        "exercise": report.exercise,
        "status": report.status,
        "attempts": old["attempts"] + 1,
        "failures": old["failures"] + (report.status != PASSED),
        "passed": old["passed"] or report.passed,
        "first_passed": old.get("first_passed") or (now if report.passed else None),
        "last": now,
    }


def _read(path: Path) -> dict[str, Any] | None:
    """Return a file's entry, or None where there is no file or nothing sensible in it."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        if any(type(entry[name]) is not cls for name, cls in _FIELDS.items()):
            raise ValueError("a field has the wrong type")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):  # ValueError: not JSON, or not UTF-8
        aside = path.with_suffix(".damaged")
        os.replace(path, aside)
        _warn(
            f"The file {path.name} was damaged and has been set aside as {aside.name}; counting starts anew."
        )
        return None
    return dict(entry)


def _write(path: Path, entry: dict[str, Any]) -> None:
    """Write all or nothing. Under the lock, the leftovers of a killed process are ours to remove."""
    for left in path.parent.glob(f"{path.stem}.*.new"):
        left.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(entry, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=3)
