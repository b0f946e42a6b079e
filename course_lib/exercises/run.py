"""Runs an answer on an exercise's cases and notes what it returned, raised or did besides."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any

from course_lib.exercises.clock import TimeUp, call_within
from course_lib.exercises.guard import AskedInput, Watched, guarded
from course_lib.exercises.model import Case, Exercise
from course_lib.exercises.values import clone, snapshot, unchanged

_OURS = 60.0  # seconds for all cases of a reference or a mistake: they are trusted to end


@dataclass(frozen=True)
class Outcome:
    """What one call did. ``stopped`` is ``""``, ``"time"``, ``"exit"``, ``"input"`` or ``"interrupt"``."""

    value: Any = None
    error: BaseException | None = None
    stopped: str = ""
    mutated: tuple[str, ...] = ()
    printed: str = ""
    warned: tuple[str, ...] = ()
    line: int = 0
    source: str = ""


def run(exercise: Exercise, answer: Any, limit: float | None = None) -> list[Outcome]:
    """Return the outcome of each case, until one is stopped. ``limit`` is in seconds, for all together."""
    function = exercise.callable_for(answer)
    end = monotonic() + (exercise.time_limit if limit is None else limit)
    outcomes: list[Outcome] = []
    for seed, case in enumerate(exercise.all_cases):
        outcomes.append(
            run_case(function, case, end - monotonic(), names_of(exercise), code_of(answer), seed)
        )
        if outcomes[-1].stopped:
            break
    return outcomes


@cache
def expected(exercise: Exercise) -> tuple[Outcome, ...]:
    """Return the reference's outcomes, once computed."""
    return tuple(run(exercise, exercise.reference, _OURS))


@cache
def mistaken(exercise: Exercise) -> tuple[tuple[Outcome, ...], ...]:
    """Return each mistake's outcomes, once computed."""
    return tuple(tuple(run(exercise, mistake.answer, _OURS)) for mistake in exercise.mistakes)


def names_of(exercise: Exercise) -> tuple[str, ...]:
    """Return the names of the reference's parameters, to speak of arguments by name."""
    function = exercise.apply or exercise.reference
    if not callable(function):
        return ()
    try:
        names = tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()
    return names[1:] if exercise.apply else names


def code_of(answer: Any) -> Any:
    """Return the code object of a function, through wrappers, partials and methods; None if there is none."""
    try:
        answer = inspect.unwrap(answer)
    except ValueError:
        return None
    for _ in range(20):
        if hasattr(answer, "__code__"):
            return answer.__code__
        answer = getattr(answer, "func", None) or getattr(answer, "__func__", None)
    return None


def run_case(
    function: Callable[..., Any], case: Case, seconds: float, names: tuple[str, ...], code: Any, seed: int
) -> Outcome:
    """Call ``function`` on copies of the case's arguments, guarded and for ``seconds`` at most."""
    args, kwargs = clone(tuple(case.args)), clone(dict(case.kwargs))
    value, error, stopped = None, None, ""
    watched = Watched()
    try:
        with guarded(function, seed) as watched:
            value = snapshot(call_within(seconds, function, args, kwargs))
    except TimeUp:
        stopped = "time"
    except SystemExit:
        stopped = "exit"
    except AskedInput:
        stopped = "input"
    except KeyboardInterrupt:
        stopped = "interrupt"
    except BaseException as raised:
        error = raised
    line, source = _place(error, code)
    return Outcome(
        value=value,
        error=error.with_traceback(None) if error else None,
        stopped=stopped,
        mutated=_mutated(case, args, kwargs, names),
        printed=watched.output.getvalue(),
        warned=tuple(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in watched.warned)),
        line=line,
        source=source,
    )


def _mutated(
    case: Case, args: tuple[Any, ...], kwargs: dict[str, Any], names: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the names of the arguments that are no longer what they were."""
    changed = []
    for position, (before, after) in enumerate(zip(case.args, args, strict=True)):
        if not unchanged(before, after):
            changed.append(names[position] if position < len(names) else f"argument {position + 1}")
    return (*changed, *(key for key in kwargs if not unchanged(case.kwargs[key], kwargs[key])))


def _place(error: BaseException | None, code: Any) -> tuple[int, str]:
    """Return line number and text of the deepest line in the answer's own file that led to ``error``."""
    trace = error.__traceback__ if error else None
    line, source = 0, ""
    while trace is not None and code is not None:
        if trace.tb_frame.f_code.co_filename == code.co_filename:
            line = trace.tb_lineno
            source = linecache.getline(code.co_filename, line).strip()
        trace = trace.tb_next
    return line, source
