"""``check``: the one call a reader makes."""

from __future__ import annotations

import difflib
import warnings
from typing import Any

from course_lib.exercises import progress, registry
from course_lib.exercises.judge import judge
from course_lib.exercises.model import Exercise
from course_lib.exercises.report import ERROR, FAILED, Detail, Report

_TRIES_BEFORE_HINT = 2


def check(exercise: str | Exercise, answer: Any) -> Report:
    """Check an answer and say what is right or wrong with it.

    Args:
        exercise: its id, such as ``"neurons/perceptron_update"``.
        answer: your function (itself, without parentheses), or your value.

    Returns:
        A report, which shows itself at the end of a cell. It has ``passed`` and ``status``. Nothing that an
        answer does makes this function raise.
    """
    if not isinstance(exercise, str | Exercise):
        return Report(
            "check", ERROR, 'The first argument is the exercise\'s id: `check("section/name", answer)`.'
        )
    try:
        found = exercise if isinstance(exercise, Exercise) else registry.find(exercise)
    except KeyError:
        return _unknown(str(exercise))
    except Exception as error:
        return Report(
            str(exercise), ERROR, f"The exercises of this section can't be loaded: {_short(error)}."
        )
    try:
        report = judge(found, answer)
    except Exception as error:
        message = f"The check itself failed, which is not your fault: {_short(error)}. Please report it."
        return Report(found.id, ERROR, message, title=found.title)
    return _record(found, report)


def _record(exercise: Exercise, report: Report) -> Report:
    """Keep the report, and give the exercise's hint where it has been tried in vain."""
    with warnings.catch_warnings(record=True) as troubles:
        warnings.simplefilter("always")
        entry = progress.record(report)
    tries = entry["failures"] if entry else 0
    if exercise.hint and report.status in (FAILED, ERROR) and tries >= _TRIES_BEFORE_HINT:
        report = report.adding(Detail("Hint", exercise.hint))
    return report.adding(*(Detail("Progress", str(trouble.message)) for trouble in troubles or []))


def _unknown(exercise_id: str) -> Report:
    message = f"There is no exercise with the id `{exercise_id}`."
    try:
        known = [exercise.id for exercise in registry.all_exercises()]
    except Exception as error:
        return Report(exercise_id, ERROR, f"{message} Some exercises can't be loaded: {_short(error)}.")
    near = difflib.get_close_matches(exercise_id, known, n=3, cutoff=0.5)
    if not near:
        return Report(exercise_id, ERROR, f"{message} The exercise's own text names its id.")
    return Report(exercise_id, ERROR, message, (Detail("Did you mean", "\n".join(near), code=True),))


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")
