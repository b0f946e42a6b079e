"""What an exercise is: data, and nothing else. The rest of the package judges answers by it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

FEWEST_MISTAKES = 3
_ID = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*")
_SECTION = re.compile(r"\d\d_[a-z0-9_]+/[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Case:
    """Arguments an answer is called with. Make one with :func:`case`."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""


def case(*args: Any, label: str = "", **kwargs: Any) -> Case:
    """Return the case that calls an answer as ``answer(*args, **kwargs)``; ``label`` says what is special."""
    return Case(args, kwargs, label)


@dataclass(frozen=True)
class Mistake:
    """A plausible wrong answer and the sentence a student reads who gave it.

    ``answer`` is of the kind the exercise asks for: a function, or a value. It should differ from the
    reference in at least one case, and from every other mistake in at least one.
    """

    answer: Any
    hint: str


@dataclass(frozen=True, eq=False)
class Exercise:
    """A question with a checkable answer.

    Args:
        id: ``"stem/name"``, where ``stem`` is the stem of the section's file.
        section: ``"NN_chapter/stem"``, the section's file below ``chapters/`` without its suffix.
        title: a few words.
        reference: the right answer: a function, or a plain value.
        cases: what a function is called with, from easy to nasty; or a function that makes them from a
            ``numpy.random.Generator``, seeded by the exercise's id. Empty for a plain value.
        mistakes: at least three.
        alternatives: further right answers, written another way; tests prove that they pass.
        rtol, atol: tolerances on floating-point numbers. Whole numbers are compared exactly, float32 and
            narrower types within what they can hold.
        hint: shown after two failed tries.
        strict: the element type counts too: ``1`` is not ``True``, ``2`` is not ``2.0``.
        time_limit: seconds that all cases together may take.
        apply: for a value with many right forms, such as the weights of a gate: the answers compared are
            ``apply(value, *args)`` over the cases, so every value that behaves rightly passes.

    Raises:
        ValueError: where the exercise is not well formed; the message names the exercise and the fault.
    """

    id: str
    section: str
    title: str
    reference: Any
    cases: Sequence[Case] | Callable[[np.random.Generator], Sequence[Case]]
    mistakes: Sequence[Mistake]
    alternatives: Sequence[Any] = ()
    rtol: float = 1e-5
    atol: float = 1e-7
    hint: str = ""
    strict: bool = False
    time_limit: float = 5.0
    apply: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        for fault in _faults(self):
            raise ValueError(f"exercise {self.id!r}: {fault}")

    def __repr__(self) -> str:
        return f"Exercise({self.id!r})"

    @property
    def wants_function(self) -> bool:
        """Whether the answer is a function rather than a value."""
        return callable(self.reference)

    @property
    def is_plain_value(self) -> bool:
        """Whether the reference is the very thing asked for, compared as it is and without cases."""
        return not (self.wants_function or self.apply)

    @cached_property
    def all_cases(self) -> tuple[Case, ...]:
        """The cases, made if need be. A plain value has one, without arguments."""
        cases = self.cases
        if callable(cases):
            cases = cases(np.random.default_rng(zlib.crc32(self.id.encode())))
        if self.is_plain_value:
            return (Case(()),)
        if len(cases) < 2:
            raise ValueError(f"exercise {self.id!r}: one case can be answered by heart; give more")
        return tuple(cases)

    def callable_for(self, answer: Any) -> Callable[..., Any]:
        """Return what is called with each case's arguments when ``answer`` is judged."""
        if self.apply is not None:
            apply = self.apply
            return lambda *args, **kwargs: apply(answer, *args, **kwargs)
        return answer if self.wants_function else lambda: answer


def _faults(exercise: Exercise) -> list[str]:
    """Return everything wrong with an exercise's form, worst first."""
    faults = []
    if not _ID.fullmatch(exercise.id):
        faults.append("the id should read 'stem/name', in lower case with underscores")
    if not _SECTION.fullmatch(exercise.section):
        faults.append(f"the section {exercise.section!r} should read 'NN_chapter/stem'")
    elif exercise.id.split("/")[0] != exercise.section.split("/")[1]:
        faults.append(f"the id should start with the section's stem, {exercise.section.split('/')[1]!r}")
    if not exercise.title.strip():
        faults.append("it has no title")
    if len(exercise.mistakes) < FEWEST_MISTAKES:
        faults.append(f"it has {len(exercise.mistakes)} mistakes, and needs at least {FEWEST_MISTAKES}")
    if exercise.hint and not exercise.hint.endswith((".", "?")):
        faults.append(f"the hint {exercise.hint!r} should be a sentence")
    hints = [mistake.hint for mistake in exercise.mistakes]
    for hint in hints:
        if not hint.strip(" .") or not hint.endswith("."):
            faults.append(f"the hint {hint!r} should be a sentence that ends with a full stop")
    for hint in sorted({hint for hint in hints if hints.count(hint) > 1}):
        faults.append(f"two mistakes share the hint {hint!r}")
    for answer in [*(mistake.answer for mistake in exercise.mistakes), *exercise.alternatives]:
        if callable(answer) != exercise.wants_function:
            faults.append("reference, mistakes and alternatives should all be functions, or all be values")
            break
    if exercise.wants_function and exercise.apply is not None:
        faults.append("'apply' is for values: a function is called with the cases as it is")
    if exercise.is_plain_value and exercise.cases:
        faults.append("a plain value has no cases; give 'apply' to say how a value is used on them")
    if not callable(exercise.cases) and not exercise.is_plain_value and len(exercise.cases) < 2:
        faults.append("one case can be answered by heart; give more")
    return faults
