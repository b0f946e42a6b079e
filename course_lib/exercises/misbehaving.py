"""Answers that misbehave in every way a student's may, with what their reports must say."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from course_lib.exercises.forms import convert_inside, converted
from course_lib.exercises.model import Exercise
from course_lib.exercises.report import ERROR, FAILED, PASSED
from course_lib.exercises.run import expected
from course_lib.exercises.values import as_array, clone, is_tensor

SHORT = 0.2  # seconds for an answer that never ends


@dataclass(frozen=True)
class Misfit:
    """An answer, the status of its report, and a word that the report's message must contain."""

    name: str
    answer: Any
    status: str
    word: str
    limit: float | None = None


def _stub_dots(*args: Any, **kwargs: Any) -> Any:
    """Return what is asked for."""
    ...


def _stub_pass(*args: Any, **kwargs: Any) -> Any:
    pass


def _stub_raise(*args: Any, **kwargs: Any) -> Any:
    """Return what is asked for."""
    raise NotImplementedError("write this")


STUBS = {
    "'...'": _stub_dots,
    "'pass'": _stub_pass,
    "'raise'": _stub_raise,
    "'lambda: ...'": lambda *a, **k: ...,
}


def _raises(*args: Any, **kwargs: Any) -> Any:
    raise ZeroDivisionError("division by zero in a test")


def _returns_none(*args: Any, **kwargs: Any) -> Any:
    len(args)


def _loops(*args: Any, **kwargs: Any) -> Any:
    while True:
        pass


def _loops_and_catches(*args: Any, **kwargs: Any) -> Any:
    while True:
        try:
            len(args)
        except:  # noqa: E722 (that is what a student may write)
            continue


def _exits(*args: Any, **kwargs: Any) -> Any:
    sys.exit("enough")


def _exits_hard(*args: Any, **kwargs: Any) -> Any:
    os._exit(3)


def _asks(*args: Any, **kwargs: Any) -> Any:
    return input("x? ")


def _calls_itself(*args: Any, **kwargs: Any) -> Any:
    return _calls_itself(*args, **kwargs)


def _takes_too_many(_1: Any, _2: Any, _3: Any, _4: Any, _5: Any, _6: Any, _7: Any, *, _8: Any) -> Any:
    return _8


class _Class:
    """A class in the place of a function."""


def misfits(exercise: Exercise) -> list[Misfit]:
    """Return every misbehaving answer that makes sense for an exercise."""
    if not exercise.wants_function:
        return list(_values(exercise))
    return [*_troublemakers(), *_mistaken_for_functions(exercise), *_odd_results(exercise)]


def _troublemakers() -> Iterator[Misfit]:
    """Functions that don't return at all."""
    yield Misfit("a function that raises", _raises, ERROR, "ZeroDivisionError")
    yield Misfit("a function that never ends", _loops, ERROR, "0.2 seconds", SHORT)
    yield Misfit(
        "one that catches everything and never ends", _loops_and_catches, ERROR, "0.2 seconds", SHORT
    )
    yield Misfit("a function that exits", _exits, ERROR, "end Python")
    yield Misfit("a function that exits hard", _exits_hard, ERROR, "end Python")
    yield Misfit("a function that asks for input", _asks, ERROR, "input")
    yield Misfit("a function that calls itself", _calls_itself, ERROR, "calls itself")


def _mistaken_for_functions(exercise: Exercise) -> Iterator[Misfit]:
    """Things passed in the place of the function, or with the wrong parameters."""
    yield Misfit("a function with other parameters", _takes_too_many, ERROR, "takes")
    yield Misfit("a class", _Class, ERROR, "asks for a function")
    result = next((target.value for target in expected(exercise) if target.error is None), None)
    if not callable(result):
        yield Misfit("a result instead of the function", result, ERROR, "without parentheses")


def _odd_results(exercise: Exercise) -> Iterator[Misfit]:
    """Functions that return, but not quite what they should, or do something else besides."""
    reference, targets = exercise.reference, expected(exercise)

    @wraps(reference)
    def prints(*args: Any, **kwargs: Any) -> Any:
        print("a word in between")
        return reference(*args, **kwargs)

    yield Misfit("a function that prints", prints, PASSED, "agree")
    yield Misfit("a function that returns None", _returns_none, FAILED, "None")
    yield Misfit("a function that returns an odd object", always(_Class()), FAILED, "_Class")
    if any(_changed(clone(arg)) for case in exercise.all_cases for arg in case.args):
        yield Misfit("a function that changes its input", _mutating(reference), FAILED, "changes its input")
    if any(target.error is not None for target in targets):
        return
    yield Misfit("a function that returns a value too many", _with_one_more(reference), FAILED, "expected")
    if not all(isinstance(target.value, str) for target in targets):
        yield Misfit("a function that returns a string", always("wrong"), FAILED, "string")
    if all(_finite(target.value) for target in targets) and not exercise.strict:
        yield Misfit("a function that returns NaN", converted(exercise, _nan), FAILED, "NaN")


def _values(exercise: Exercise) -> Iterator[Misfit]:
    """Values that are not what is asked for."""
    reference = exercise.reference
    yield Misfit("a function", _raises, ERROR, "asks for a value")
    if exercise.apply is not None:
        return  # what its function makes of these is its own affair
    yield Misfit("None", None, FAILED, "None")
    yield Misfit("an odd object", _Class(), FAILED, "expected")
    more = (*reference, 0) if isinstance(reference, tuple) else (reference, 0)
    yield Misfit("a value too many", more, FAILED, "expected")
    if not isinstance(reference, str):
        yield Misfit("a string", "wrong", FAILED, "expected")
    if _finite(reference) and not exercise.strict:
        yield Misfit("NaN", convert_inside(reference, _nan), FAILED, "NaN")


def always(value: Any) -> Callable[..., Any]:
    """Return a function that returns a copy of ``value``, whatever it is given."""
    return lambda *args, **kwargs: clone(value)


def _with_one_more(reference: Callable[..., Any]) -> Callable[..., Any]:
    def answer(*args: Any, **kwargs: Any) -> Any:
        value = reference(*args, **kwargs)
        return (*value, 0) if isinstance(value, tuple) else (value, value)

    return answer


def _mutating(reference: Callable[..., Any]) -> Callable[..., Any]:
    def answer(*args: Any, **kwargs: Any) -> Any:
        value = reference(*clone(args), **clone(kwargs))
        for arg in args:
            _changed(arg)
        return value

    return answer


def _changed(arg: Any) -> bool:
    """Change an array, tensor or list in place; return whether there was something to change."""
    if isinstance(arg, list):
        arg.append(0)
        return True
    if is_tensor(arg) and arg.numel():
        arg.data = arg.data.clone()
        arg.data.view(-1)[0] = arg.data.view(-1)[0] == 0
        return True
    if isinstance(arg, np.ndarray) and arg.size and arg.dtype.kind in "biuf":
        arg.flat[0] = arg.flat[0] == 0
        return True
    return False


def _nan(value: Any) -> Any:
    return np.full_like(as_array(value), np.nan, dtype=np.float64)


def _finite(value: Any) -> bool:
    """Return whether ``value``, or the first of several, is made of finite numbers."""
    array = as_array(value[0] if isinstance(value, tuple) and value else value)
    return array is not None and bool(array.size) and bool(np.isfinite(array).all())
