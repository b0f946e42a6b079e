"""Toy exercises, and a progress folder of each test's own."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from course_lib.exercises import Case, Exercise, Mistake, case


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Progress goes to a folder of the test's own, and nothing is the static book."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COURSE_BOOK", raising=False)
    return tmp_path / "home"


def _scale(w, x, factor=2.0):
    return factor * (x @ w)


SCALE_CASES = (
    case(np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]]), label="two points"),
    case(np.ones(3), np.arange(12.0).reshape(4, 3)),
    case(np.ones(3), np.arange(300.0).reshape(100, 3), factor=3.0),
)


@pytest.fixture(scope="session")
def scale() -> Exercise:
    """Asks for a function: ``factor * (x @ w)``."""
    return Exercise(
        id="toy/scale",
        section="00_toys/toy",
        title="Scale <it>",
        reference=_scale,
        cases=SCALE_CASES,
        mistakes=[
            Mistake(lambda w, x, factor=2.0: x @ w, "This is what you get without the factor."),
            Mistake(lambda w, x, factor=2.0: factor * x.sum(axis=1), "Here the weights are ignored."),
            Mistake(lambda w, x, factor=2.0: 2.0 * (x @ w), "The factor is an argument, and not always 2."),
        ],
        hint="A matrix product is one weighted sum a row.",
    )


@pytest.fixture(scope="session")
def make() -> Callable[..., Exercise]:
    """Make an exercise of which only some things matter."""

    def build(reference: Any, cases: Sequence[Case] = (), mistakes: Sequence[Any] | None = None, **more: Any):
        if mistakes is None:
            mistakes = [_other(reference, n) for n in range(3)]
        hints = [f"This is mistake number {n}." for n in range(len(mistakes))]
        return Exercise(
            id="toy/made",
            section="00_toys/toy",
            title="Made",
            reference=reference,
            cases=cases,
            mistakes=[Mistake(answer, hint) for answer, hint in zip(mistakes, hints, strict=True)],
            **more,
        )

    return build


def _other(reference: Any, n: int) -> Any:
    """Something of the reference's kind that no test's answer gives."""
    return (lambda *args, **kwargs: f"unlikely {n}") if callable(reference) else f"unlikely {n}"
