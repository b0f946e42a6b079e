"""The sentences of a report. Warm, plain and exact; in the second person."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from course_lib.exercises import show
from course_lib.exercises.compare import Difference
from course_lib.exercises.model import Exercise
from course_lib.exercises.report import Detail
from course_lib.exercises.run import Outcome, names_of
from course_lib.exercises.values import as_array, count

_STOPPED = {
    "exit": "Your function tried to end Python: take out `exit`, `quit` or `sys.exit`, and return a value.",
    "input": "Your function waits for someone to type: take out `input` or `breakpoint`, use the arguments.",
    "interrupt": "The check was interrupted.",
}
_ADVICE = {
    NameError: "Check the spelling, and that the cell which defines the name has been run.",
    RecursionError: "It calls itself without end: does every path come to a `return` that doesn't?",
    ModuleNotFoundError: "It is not installed here; the exercise can be solved without it.",
}


def passed(exercise: Exercise) -> str:
    """Return the message for a right answer."""
    if exercise.is_plain_value:
        return "Your answer is right."
    return f"All {len(exercise.all_cases)} cases agree."


def untouched(exercise: Exercise, answer: Any) -> str:
    """Return the message for a stub or a ``...``."""
    if exercise.wants_function and callable(answer):
        return "Write the body of the function, run its cell, then run this check again."
    return "Put your answer in the place of the `...`, run its cell, then run this check again."


def unfinished(exercise: Exercise) -> str:
    """Return the message for a function with a blank left in it."""
    what = "function" if exercise.wants_function else "answer"
    return f"There is still a `...` or a `NotImplementedError` in your {what}. Replace it, then check again."


def not_a_function(exercise: Exercise, answer: Any) -> str:
    """Return the message for a class or a value in the place of a function."""
    if isinstance(answer, type):
        return f"This exercise asks for a function, and you passed the class `{answer.__name__}`."
    return (
        f"This exercise asks for a function, and you passed {article(show.kind(answer))}. Pass the function "
        f'itself, without parentheses: `check("{exercise.id}", your_function)`.'
    )


def not_a_value(answer: Any) -> str:
    """Return the message for a function in the place of a value."""
    name = getattr(answer, "__name__", type(answer).__name__)
    return (
        f"This exercise asks for a value, and you passed `{name}` itself. Call it and pass what it returns."
    )


def signature(parameters: Sequence[inspect.Parameter], given: Sequence[str]) -> str:
    """Return the message for a function with the wrong parameters."""
    taken = ", ".join(str(parameter).split(":")[0].split("=")[0].strip() for parameter in parameters)
    takes = f"takes {plural(len(parameters), 'argument')} ({taken})" if parameters else "takes no arguments"
    called = (
        f"called with {plural(len(given), 'argument')} ({', '.join(given)})"
        if given
        else "called without any"
    )
    return f"Your function {takes}, but it is {called}. Keep the first line of the stub as it was."


def stopped(outcome: Outcome, limit: float) -> str:
    """Return the message for a call that was ended from outside."""
    if outcome.stopped == "time":
        return (
            f"Your function did not come to an end within {limit:g} seconds, and was stopped. "
            "Is there a loop whose condition never turns false?"
        )
    return _STOPPED[outcome.stopped]


def mutated(outcomes: Sequence[Outcome], right: bool = True) -> str:
    """Return the message for an answer that changes what it is given; ``right``: what it returns is."""
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.mutated)
    listed = " and ".join(f"`{name}`" for name in names)
    advice = "Work on a copy, or build a new value: `x = x + 1` instead of `x += 1`."
    if right:
        return (
            f"What you return is right, but your function changes its input {listed} in place, and so "
            f"the caller's data. {advice}"
        )
    return (
        f"Your function also changes its input {listed} in place: whatever it computes after that sees "
        f"the changed value. {advice}"
    )


def printed(text: str) -> str:
    """Return the first lines of what an answer printed."""
    lines = text.strip().splitlines()
    return "\n".join([line[:200] for line in lines[:5]] + ["..."] * (len(lines) > 5))


def text_of(outcome: Outcome) -> str:
    """Return an exception as ``"Type: message"``, on one line, whatever its own ``str`` does."""
    try:
        text = " ".join(str(outcome.error).split())
    except Exception:
        text = ""
    name = type(outcome.error).__name__
    return f"{name}: {text[:300]}" if text else name


def fault(exercise: Exercise, found: Difference | Outcome, outcome: Outcome, target: Outcome) -> str:
    """Return the message for the smallest case that went wrong."""
    who = "Your answer" if not exercise.wants_function else "Your function"
    if isinstance(found, Outcome):
        return _exception(who, outcome, target)
    place = f"In {', '.join(found.where)}: " if found.where else ""
    return place + _difference(exercise, found, outcome)


def _exception(who: str, outcome: Outcome, target: Outcome) -> str:
    if target.error is not None:
        should = f"{who} should raise a {type(target.error).__name__} here"
        if outcome.error is None:
            return f"{should}, and it returned {show.value(outcome.value)}."
        return f"{should}, and it raised {text_of(outcome)}"
    advice = next((text for cls, text in _ADVICE.items() if isinstance(outcome.error, cls)), "")
    verb = "raised" if who == "Your function" else "can't be used as it is:"
    raised = f"{who} {verb} {text_of(outcome)}".rstrip(".")
    return f"{raised}. {advice}".rstrip()


def _difference(exercise: Exercise, found: Difference, outcome: Outcome) -> str:
    function = exercise.wants_function
    who, has = (
        ("Your function returned", "your function returned") if function else ("Your answer is", "you gave")
    )
    if found.kind == "none":
        if outcome.printed.strip():
            return f"{who} None, though it printed something: did you print instead of return?"
        return f"{who} None: does every path through it end in a `return`?" if function else f"{who} None."
    if found.kind == "generator":
        how = "it uses `yield`" if inspect.isgenerator(found.got) else "wrap it in `list(...)`"
        return f"{who} a {type(found.got).__name__}, which holds no values yet: {how}. Return the values."
    if found.kind == "count":
        wanted = len(found.expected) if isinstance(found.expected, list | tuple) else 1
        verb = "value is" if wanted == 1 else "values are"
        return f"{number_word(wanted)} {verb} expected, and {has} {_number_of_values(found.got)}."
    if found.kind == "complex":
        return "The result holds complex numbers, where real ones are expected."
    if found.kind == "type":
        return f"{who} {article(show.kind(found.got))}, where {article(_wanted(found.expected))} is expected."
    if found.kind == "shape":
        has = f"has shape {found.got.shape}" if found.got.ndim else "is a single number"
        should = f"shape {found.expected.shape}" if found.expected.ndim else "a single number"
        text = f"The result {has}, where {should} is expected."
        return f"{text} {found.note}".rstrip()
    if found.kind == "dtype":
        return f"The result holds {_elements(found.got)}, where {_elements(found.expected)} are expected."
    if found.kind == "keys":
        return _keys(found.got, found.expected)
    if found.kind == "nan":
        odd = "NaN (not a number)" if np.isnan(found.got) else "infinity"
        number = "a number" if exercise.is_plain_value else show.number(found.expected)
        return f"The result holds {odd}, where {number} is expected."
    return " ".join(["The result is not right yet.", found.note]).rstrip()


def case_details(exercise: Exercise, index: int) -> list[Detail]:
    """Return which case it is, and its arguments."""
    if exercise.is_plain_value:
        return []
    case = exercise.all_cases[index]
    names = names_of(exercise)
    lines = [
        f"{names[i] if i < len(names) else f'argument {i + 1}'} = {show.value(arg)}"
        for i, arg in enumerate(case.args)
    ]
    lines += [f"{key} = {show.value(arg)}" for key, arg in case.kwargs.items()]
    label = f" ({case.label})" if case.label else ""
    details = [Detail("Case", f"{index + 1} of {len(exercise.all_cases)}{label}")]
    return details + ([Detail("Called with", "\n".join(lines), code=True)] if lines else [])


def difference_details(exercise: Exercise, found: Any, outcome: Outcome, target: Outcome) -> list[Detail]:
    """Return what came beside what was expected, or the line that raised.

    Of an exercise that asks for a value, what is expected is the key, and not shown.
    """
    if isinstance(found, Outcome):
        if outcome.error is None or not outcome.line:
            return []
        where = f"line {outcome.line} of your cell" + (f": {outcome.source}" if outcome.source else "")
        return [Detail("Raised in", where, code=True)]
    secret = exercise.is_plain_value
    verb = "You returned" if exercise.wants_function else "You gave" if secret else "It gives"
    got, wanted = _side_by_side(found, outcome.value, target.value)
    details = [Detail(verb, show.value(outcome.value) if secret else got, code=True)]
    if not secret:
        details.append(Detail("Expected", wanted, code=True))
    if found.index and found.total > 1:
        one, two = show.pair(found.got, found.expected)
        place = f"at index {list(found.index)}" + (f" of {found.where[-1]}" if found.where else "")
        instead = show.number(found.got) if secret else f"{one} instead of {two}"
        text = f"{place}: {instead}. {found.wrong} of {found.total} entries differ"
        known = found.kind == "value" and found.largest and not secret
        largest = f", by {show.number(found.largest)} at most" if known else ""
        details.append(Detail("First difference", f"{text}{largest}."))
    return details


def _side_by_side(found: Difference, got: Any, wanted: Any) -> tuple[str, str]:
    """Show two values with as many digits as it takes to see that they differ."""
    if found.kind == "value" and count(wanted) == 1 and isinstance(found.got, float | np.floating):
        return show.pair(found.got, found.expected)
    for digits in range(5, 18):
        shown = show.value(got, digits), show.value(wanted, digits)
        if shown[0] != shown[1] or found.kind != "value" or count(wanted) > show.WHOLE:
            break
    return shown


def number_word(n: int) -> str:
    """Return a small number as a word, for the beginning of a sentence."""
    return ["No", "One", "Two", "Three", "Four", "Five", "Six"][n] if n <= 6 else str(n)


def _number_of_values(got: Any) -> str:
    if isinstance(got, list | tuple) and len(got) != 1:
        return str(len(got))
    return f"one, {article(show.kind(got))}"


def _wanted(expected: Any) -> str:
    array = as_array(expected)
    if array is None or not array.ndim:
        return show.kind(expected)
    return f"array of shape {array.shape}"


def _elements(array: np.ndarray) -> str:
    return {
        "b": "True and False",
        "i": "whole numbers",
        "u": "whole numbers",
        "f": "floats",
        "c": "complex numbers",
    }[array.dtype.kind]


def _keys(got: Mapping[Any, Any], expected: Mapping[Any, Any]) -> str:
    missing = ", ".join(repr(key) for key in expected if key not in got)
    extra = ", ".join(show.value(key) for key in got if key not in expected)
    parts = [f"lacks the keys {missing}"] * bool(missing) + [
        f"has keys that are not asked for: {extra}"
    ] * bool(extra)
    return f"The dictionary {' and '.join(parts)}."


def article(noun: str) -> str:
    """Return a noun with its article; None and plurals stay alone."""
    if noun == "None":
        return noun
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def plural(n: int, noun: str) -> str:
    """Return ``"1 argument"``, ``"2 arguments"``."""
    return f"{n} {noun}{'' if n == 1 else 's'}"
