"""Finds the exercises of the book: every module of every package ``course_lib.exercises.chNN_*``."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import course_lib.exercises
from course_lib.exercises.model import Exercise

_CHAPTER = re.compile(r"ch(\d\d_[a-z0-9_]+)")


@cache
def modules() -> dict[str, str]:
    """Return ``{section: module name}`` of every section that has exercises, in the book's order.

    Nothing is imported but the chapters' packages, whose ``SECTIONS`` give the order of their sections.
    """
    found = {}
    for chapter in sorted(entry.name for entry in pkgutil.iter_modules(course_lib.exercises.__path__)):
        match = _CHAPTER.fullmatch(chapter)
        if match:
            package = importlib.import_module(f"course_lib.exercises.{chapter}")
            stems = sorted(entry.name for entry in pkgutil.iter_modules(package.__path__))
            order = list(getattr(package, "SECTIONS", ()))
            for stem in sorted(stems, key=lambda stem: order.index(stem) if stem in order else len(order)):
                found[f"{match[1]}/{stem}"] = f"{package.__name__}.{stem}"
    return found


def sections() -> list[str]:
    """Return the sections that have exercises, such as ``"01_neural_networks/neurons"``."""
    return list(modules())


def of_section(section: str) -> list[Exercise]:
    """Return a section's exercises, in order.

    Raises:
        KeyError: where the section has no exercises.
        ValueError: where an exercise says it belongs to another section, or an id is used twice.
    """
    exercises: list[Exercise] = list(_module(section).EXERCISES)
    ids = [exercise.id for exercise in exercises]
    for exercise in exercises:
        if exercise.section != section:
            raise ValueError(f"{exercise.id!r} says {exercise.section!r}, but is in the file of {section!r}")
        if ids.count(exercise.id) > 1:
            raise ValueError(f"the id {exercise.id!r} is used twice in {section!r}")
    return exercises


def quiz_of(section: str) -> list[dict[str, Any]]:
    """Return a section's quiz, as jupyterquiz takes it; empty where it has none. Raises ``KeyError``.

    It is the module's ``QUIZ``, or the file ``quiz.json`` beside a section's package.
    """
    module = _module(section)
    file = Path(str(module.__file__)).with_name("quiz.json")
    if hasattr(module, "QUIZ") or not hasattr(module, "__path__") or not file.exists():
        return list(getattr(module, "QUIZ", []))
    return list(json.loads(file.read_text(encoding="utf-8")))


def all_exercises() -> list[Exercise]:
    """Return every exercise of the book, in order.

    Raises:
        ValueError: where two sections share a stem, so that an id would not tell which is meant.
    """
    stems = [section.split("/")[1] for section in modules()]
    for stem in stems:
        if stems.count(stem) > 1:
            raise ValueError(f"two sections are called {stem!r}; ids need a stem of their own")
    return [exercise for section in modules() for exercise in of_section(section)]


def find(exercise_id: str) -> Exercise:
    """Return the exercise of that id, importing its section alone. Raises ``KeyError`` if there is none."""
    stem = exercise_id.partition("/")[0]
    for section in modules():
        if section.split("/")[1] == stem:
            for exercise in of_section(section):
                if exercise.id == exercise_id:
                    return exercise
    raise KeyError(exercise_id)


def _module(section: str) -> ModuleType:
    return importlib.import_module(modules()[section])
