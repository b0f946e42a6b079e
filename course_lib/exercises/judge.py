"""Judges an answer: runs it, compares it with the reference and, where it is wrong, finds out why."""

from __future__ import annotations

import inspect
from typing import Any

from course_lib.exercises import describe, patterns
from course_lib.exercises.compare import Difference, Tolerance, compare
from course_lib.exercises.model import Case, Exercise, Mistake
from course_lib.exercises.report import ERROR, FAILED, NOT_STARTED, PASSED, Detail, Report
from course_lib.exercises.run import Outcome, expected, mistaken, names_of, run
from course_lib.exercises.stub import is_untouched, left_open
from course_lib.exercises.values import count


def judge(exercise: Exercise, answer: Any, limit: float | None = None) -> Report:
    """Return the report on an answer. Nothing is recorded. ``limit``: seconds for all cases together."""
    early = _before_running(exercise, answer)
    if early:
        return early
    # The reference goes first: what is imported or compiled at the first use is not on the answer's time.
    targets = expected(exercise)
    outcomes = run(exercise, answer, limit)
    for outcome, target in zip(outcomes, targets, strict=False):
        if left_open(outcome, target):
            return _report(exercise, NOT_STARTED, describe.unfinished(exercise))
    if outcomes[-1].stopped:
        return _stopped(exercise, outcomes, limit)
    faults = {
        index: fault
        for index, (outcome, target) in enumerate(zip(outcomes, targets, strict=True))
        if (fault := fault_of(exercise, outcome, target))
    }
    mutated = any(outcome.mutated for outcome in outcomes)
    if not faults and not mutated:
        return _report(exercise, PASSED, describe.passed(exercise), *_besides(outcomes, targets))
    mistake = named(exercise, outcomes)
    if mistake:
        return _report(exercise, FAILED, mistake.hint, *_evidence(exercise, outcomes, faults))
    if not faults:
        return _report(exercise, FAILED, describe.mutated(outcomes), *_besides(outcomes, targets))
    worst = smallest(exercise, faults)
    status = ERROR if isinstance(faults[worst], Outcome) and targets[worst].error is None else FAILED
    message = _misshapen(exercise, answer, outcomes[worst])
    message = message or describe.fault(exercise, faults[worst], outcomes[worst], targets[worst])
    hunch = patterns.find(
        [outcome.value for outcome in outcomes], [target.value for target in targets], faults
    )
    aside = describe.mutated(outcomes, right=False) if mutated else None
    message = " ".join(filter(None, [message, hunch, aside]))
    return _report(exercise, status, message, *_evidence(exercise, outcomes, faults))


def tolerance_of(exercise: Exercise) -> Tolerance:
    """Return how exactly an exercise compares."""
    return Tolerance(exercise.rtol, exercise.atol, exercise.strict)


def fault_of(exercise: Exercise, outcome: Outcome, target: Outcome) -> Difference | Outcome | None:
    """Return what is wrong with a case: a difference in value, or the outcome if it is about an exception."""
    if target.error is not None or outcome.error is not None:
        right = target.error is not None and isinstance(outcome.error, type(target.error))
        return None if right else outcome
    return compare(outcome.value, target.value, tolerance_of(exercise))


def named(exercise: Exercise, outcomes: list[Outcome]) -> Mistake | None:
    """Return the mistake that does exactly what the answer did, in every case; None where there is none."""
    for mistake, theirs in zip(exercise.mistakes, mistaken(exercise), strict=True):
        if len(theirs) == len(outcomes) and all(map(_same, [exercise] * len(outcomes), outcomes, theirs)):
            return mistake
    return None


def smallest(exercise: Exercise, faults: dict[int, Any]) -> int:
    """Return the failing case with the fewest numbers in its arguments; of equals, the first.

    A case with an empty argument comes last: what an answer does with nothing hides its real fault.
    """

    def size(index: int) -> tuple[bool, int, int]:
        tried = exercise.all_cases[index]
        arguments = [*tried.args, *dict(tried.kwargs).values()]
        return any(count(argument) == 0 for argument in arguments), count(arguments), index

    return min(faults, key=size)


def _same(exercise: Exercise, outcome: Outcome, theirs: Outcome) -> bool:
    if outcome.error is not None or theirs.error is not None:
        return type(outcome.error) is type(theirs.error) and describe.text_of(outcome) == describe.text_of(
            theirs
        )
    if not set(theirs.mutated) <= set(outcome.mutated):
        return False
    return compare(outcome.value, theirs.value, tolerance_of(exercise)) is None


def _before_running(exercise: Exercise, answer: Any) -> Report | None:
    """Return the report on an answer that can't even be run."""
    if is_untouched(answer):
        return _report(exercise, NOT_STARTED, describe.untouched(exercise, answer))
    if exercise.wants_function and (not callable(answer) or isinstance(answer, type)):
        return _report(exercise, ERROR, describe.not_a_function(exercise, answer))
    if not exercise.wants_function and callable(answer):
        return _report(exercise, ERROR, describe.not_a_value(answer))
    if exercise.wants_function:
        message = _signature(exercise, answer)
        return _report(exercise, ERROR, message) if message else None
    return None


def _signature(exercise: Exercise, answer: Any) -> str:
    """Return what is wrong with a function's parameters, or ``""``."""
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):
        return ""
    for case in exercise.all_cases:
        try:
            signature.bind(*case.args, **case.kwargs)
        except TypeError:
            return describe.signature(list(signature.parameters.values()), _given(exercise, case))
    return ""


def _given(exercise: Exercise, case: Case) -> list[str]:
    names = names_of(exercise)
    positional = [names[i] if i < len(names) else f"argument {i + 1}" for i in range(len(case.args))]
    return positional + [f"{key}=..." for key in case.kwargs]


def _misshapen(exercise: Exercise, answer: Any, outcome: Outcome) -> str:
    """Return how a value differs in form from the reference, if that may be why it can't be used."""
    if exercise.apply is None or outcome.error is None:
        return ""
    found = compare(answer, exercise.reference, tolerance_of(exercise))
    if found is None or found.kind in ("value", "nan"):
        return ""
    return describe.fault(exercise, found, outcome, Outcome(exercise.reference))


def _stopped(exercise: Exercise, outcomes: list[Outcome], limit: float | None) -> Report:
    index = len(outcomes) - 1
    message = describe.stopped(outcomes[index], exercise.time_limit if limit is None else limit)
    return _report(exercise, ERROR, message, *describe.case_details(exercise, index))


def _evidence(exercise: Exercise, outcomes: list[Outcome], faults: dict[int, Any]) -> list[Detail]:
    """Return the details of the smallest failing case, and how many cases agree."""
    targets = expected(exercise)
    details: list[Detail] = []
    if faults:
        worst = smallest(exercise, faults)
        details += describe.case_details(exercise, worst)
        details += describe.difference_details(exercise, faults[worst], outcomes[worst], targets[worst])
        if len(outcomes) > 1:
            details.append(Detail("Cases", f"{len(outcomes) - len(faults)} of {len(outcomes)} agree."))
    return details + _besides(outcomes, targets)


def _besides(outcomes: list[Outcome], targets: tuple[Outcome, ...]) -> list[Detail]:
    """Return the details on what an answer printed and what it was warned of."""
    details = []
    printed = next((outcome.printed for outcome in outcomes if outcome.printed.strip()), "")
    if printed:
        details.append(Detail("Printed", describe.printed(printed), code=True))
    known = {warning for target in targets for warning in target.warned}
    warned = dict.fromkeys(w for outcome in outcomes for w in outcome.warned if w not in known)
    if warned:
        details.append(Detail("Warnings", "\n".join(list(warned)[:3]), code=True))
    return details


def _report(exercise: Exercise, status: str, message: str, *details: Detail) -> Report:
    return Report(exercise.id, status, message, tuple(details), exercise.title)
