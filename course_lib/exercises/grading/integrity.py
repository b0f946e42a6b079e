"""Notices when a notebook has replaced a part of the engine that is about to judge it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from course_lib.exercises.model import Exercise

_ENGINE = "course_lib.exercises"
_FIELDS = ("reference", "cases", "all_cases", "mistakes", "alternatives", "rtol", "atol", "strict", "apply")


class Seal:
    """Remembers the engine's functions and the exercises as they are when it is made."""

    def __init__(self, exercises: Iterable[Exercise]):
        self._exercises = list(exercises)
        self._modules = {name: module for name, module in sys.modules.items() if name.startswith(_ENGINE)}
        self._parts = dict(self._look())

    def broken(self) -> str:
        """The name of a part that is no longer what it was; ``""`` while all are."""
        now = dict(self._look())
        return next((name for name, part in self._parts.items() if now.get(name) is not part), "")

    def _look(self) -> Iterator[tuple[str, Any]]:
        for name, module in self._modules.items():
            yield name, sys.modules.get(name)
            yield from _parts_of(name, module)
        for exercise in self._exercises:
            for field in _FIELDS:
                yield f"{exercise.id}: {field}", getattr(exercise, field)


def _parts_of(prefix: str, owner: ModuleType | type) -> Iterator[tuple[str, Any]]:
    """Everything a module or class of the engine names, and the code of its functions."""
    for name, part in vars(owner).items():
        if name.startswith("__") and name.endswith("__") and not callable(part):
            continue
        where = f"{prefix}.{name}"
        yield where, part
        if isinstance(part, FunctionType):
            yield f"{where} (code)", part.__code__
        elif isinstance(part, type) and part.__module__.startswith(_ENGINE) and not isinstance(owner, type):
            yield from _parts_of(where, part)
