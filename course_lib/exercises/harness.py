"""Proves that an exercise works: right answers pass, wrong ones are named, bad ones do no harm.

:data:`PROOFS` holds the proofs by name; each takes an exercise and raises ``AssertionError``, naming the
exercise, the answer and the report it got. The tests run all of them on every exercise of the book.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises.forms import FORMS, converted, numeric
from course_lib.exercises.judge import judge
from course_lib.exercises.misbehaving import STUBS, always, misfits
from course_lib.exercises.model import FEWEST_MISTAKES, Exercise
from course_lib.exercises.report import ERROR, FAILED, NOT_STARTED, PASSED, Report
from course_lib.exercises.run import expected
from course_lib.exercises.values import as_array


def reference_passes(exercise: Exercise) -> None:
    """The reference passes, twice, and does not change its input."""
    for _ in range(2):
        _require(exercise, exercise.reference, "the reference", PASSED)


def alternatives_pass(exercise: Exercise) -> None:
    """Every alternative passes."""
    for position, answer in enumerate(exercise.alternatives, start=1):
        _require(exercise, answer, f"alternative {position}", PASSED)


def forms_pass(exercise: Exercise) -> None:
    """The right values pass in other forms: float32 and float64, lists, tuples, tensors, arrays, views."""
    for name, convert in FORMS.items():
        if exercise.apply is None or name != "tensors":
            _require(exercise, converted(exercise, convert), f"the reference as {name}", PASSED)


def stub_is_not_started(exercise: Exercise) -> None:
    """Untouched stubs of every kind are "not started"."""
    stubs = STUBS if exercise.wants_function else {"...": ..., "(..., ...)": (..., ...)}
    for name, stub in stubs.items():
        _require(exercise, stub, f"the stub {name}", NOT_STARTED)


def mistakes_are_named(exercise: Exercise) -> None:
    """There are enough mistakes; each is rejected, with its own hint and no other's."""
    assert len(exercise.mistakes) >= FEWEST_MISTAKES, f"{exercise.id}: fewer than {FEWEST_MISTAKES} mistakes"
    for mistake in exercise.mistakes:
        report = _require(exercise, mistake.answer, f"the mistake {mistake.hint!r}", FAILED)
        assert report.message == mistake.hint, (
            f"{exercise.id}: the mistake {mistake.hint!r} was not named, but got:\n{report}"
        )


def answers_by_heart_fail(exercise: Exercise) -> None:
    """The right result of any one case, given back in all, is rejected; so are zeros and empty lists."""
    if not exercise.wants_function:
        _reject(exercise, [], "an empty list")
        return
    for position, target in enumerate(expected(exercise), start=1):
        _reject(exercise, always(target.value), f"the result of case {position}, always")
    if any(numeric(target.value) for target in expected(exercise)):
        _reject(exercise, converted(exercise, lambda value: np.zeros_like(as_array(value))), "zeros")
    _reject(exercise, always([]), "an empty list, always")


def misbehaviour_is_reported(exercise: Exercise) -> None:
    """Every way of misbehaving gets a report of its own kind, and the process lives to read it."""
    hints = {mistake.hint for mistake in exercise.mistakes}
    for misfit in misfits(exercise):
        report = _require(exercise, misfit.answer, misfit.name, misfit.status, misfit.limit)
        assert misfit.word in report.message or report.message in hints, (
            f"{exercise.id}: {misfit.word!r} is missing from the report on {misfit.name}:\n{report}"
        )


def reports_can_be_shown(exercise: Exercise) -> None:
    """Reports are narrow as text, escaped as HTML, and the same each time."""
    for answer in [exercise.reference, *(mistake.answer for mistake in exercise.mistakes)]:
        report = judge(exercise, answer)
        assert max(map(len, str(report).splitlines())) <= 80, f"{exercise.id}: too wide:\n{report}"
        assert "role='status'" in report._repr_html_()
        assert str(judge(exercise, answer)) == str(report), f"{exercise.id}: two reports differ:\n{report}"


PROOFS: dict[str, Callable[[Exercise], None]] = {
    proof.__name__: proof
    for proof in (
        reference_passes,
        alternatives_pass,
        forms_pass,
        stub_is_not_started,
        mistakes_are_named,
        answers_by_heart_fail,
        misbehaviour_is_reported,
        reports_can_be_shown,
    )
}


def _require(exercise: Exercise, answer: Any, name: str, status: str, limit: float | None = None) -> Report:
    report = judge(exercise, answer, limit)
    assert report.status == status, f"{exercise.id}: {name} should be {status!r}, but got:\n{report}"
    return report


def _reject(exercise: Exercise, answer: Any, name: str) -> None:
    report = judge(exercise, answer)
    assert report.status in (FAILED, ERROR), f"{exercise.id}: {name} should be rejected, but got:\n{report}"
