"""Tells an answer that nobody has begun from one that is wrong, without needing its source."""

from __future__ import annotations

import dis
from collections.abc import Mapping
from typing import Any

from course_lib.exercises.run import Outcome, code_of

_SILENT = {
    "RESUME",
    "NOP",
    "CACHE",
    "MAKE_CELL",
    "COPY_FREE_VARS",
    "RETURN_GENERATOR",
    "POP_TOP",
    "SETUP_ANNOTATIONS",
}
_RETURNS = {"LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}


def is_untouched(answer: Any) -> bool:
    """Return whether ``answer`` is ``...``, holds a ``...``, or is a function with nothing in it.

    Nothing means a docstring and ``...``, ``pass``, ``return``, ``return ...`` or ``raise
    NotImplementedError``.
    """
    if holds_ellipsis(answer) or answer is NotImplemented:
        return True
    code = code_of(answer) if callable(answer) and not isinstance(answer, type) else None
    if code is None:
        return False
    steps = [step for step in dis.get_instructions(code) if step.opname not in _SILENT]
    names = {step.opname for step in steps}
    if names <= _RETURNS:
        return all(step.argval in (None, ...) for step in steps if step.opname != "RETURN_VALUE")
    first = next((step for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")), None)
    return first is not None and first.argval == "NotImplementedError" and steps[-1].opname == "RAISE_VARARGS"


def holds_ellipsis(value: Any) -> bool:
    """Return whether ``value`` is ``...`` or a container with a ``...`` left in it."""
    if isinstance(value, Mapping):
        return any(holds_ellipsis(entry) for entry in value.values())
    if isinstance(value, list | tuple):
        return any(holds_ellipsis(entry) for entry in value)
    return value is ...


def left_open(outcome: Outcome, target: Outcome) -> bool:
    """Return whether a call shows that a blank is still to be filled in, though the function is not empty."""
    if holds_ellipsis(outcome.value):
        return True
    if isinstance(outcome.error, NotImplementedError) and not isinstance(target.error, NotImplementedError):
        # Libraries raise it too, for what they can't do; then the line it came from doesn't.
        return "NotImplementedError" in (outcome.source or "NotImplementedError")
    return isinstance(outcome.error, TypeError) and "ellipsis" in str(outcome.error)
