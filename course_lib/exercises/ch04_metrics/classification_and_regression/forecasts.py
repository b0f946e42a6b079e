"""The exercise on what to answer when the distribution of the label is known."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "04_metrics/classification_and_regression"

Answers = tuple[float, float, float, bool]


def best_answers(t: np.ndarray, p: np.ndarray, limit: float) -> Answers:
    """Mean, median, probability beyond the limit, and the more probable class."""
    beyond = p[t > limit].sum()
    median = t[np.searchsorted(p.cumsum(), 0.5)]
    return float(p @ t), float(median), float(beyond), bool(beyond > 0.5)


def _loop(t: np.ndarray, p: np.ndarray, limit: float) -> tuple[float, float, float, int]:
    """The same, by adding up one value after another."""
    total, median = 0.0, None
    for value, probability in zip(t, p, strict=True):
        total += probability
        if median is None and total >= 0.5:
            median = value
    beyond = np.where(t > limit, p, 0.0).sum()
    return np.average(t, weights=p), median, beyond, int(1 - beyond < beyond)  # type: ignore[return-value]


def _but(
    mean: Callable[..., float] | None = None,
    median: Callable[..., float] | None = None,
    beyond: Callable[..., float] | None = None,
    yes: Callable[..., bool | float] | None = None,
) -> Callable[..., Answers]:
    """The right answers but for those computed from (t, p, limit) by the given functions."""

    def answer(t: np.ndarray, p: np.ndarray, limit: float) -> Answers:
        right = best_answers(t, p, limit)
        wrong = (mean, median, beyond, yes)
        return tuple(  # type: ignore[return-value]
            value if replaced is None else replaced(t, p, limit)
            for value, replaced in zip(right, wrong, strict=True)
        )

    return answer


def _at_least(t: np.ndarray, p: np.ndarray, limit: float) -> Answers:
    mean, median, _, _ = best_answers(t, p, limit)
    beyond = float(p[t >= limit].sum())
    return mean, median, beyond, beyond > 0.5


BEST_ANSWERS = Exercise(
    id="classification_and_regression/best_answers",
    section=SECTION,
    title="One distribution, four answers",
    reference=best_answers,
    cases=[
        case(np.array([10.0, 15.0, 60.0]), np.array([0.55, 0.25, 0.2]), 20.0, label="a long tail"),
        case(
            np.array([0.0, 22.0, 24.0]),
            np.array([0.4, 0.35, 0.25]),
            20.0,
            label="the most probable value is below the limit, most values are beyond",
        ),
        case(
            np.array([5.0, 20.0, 30.0]),
            np.array([0.15, 0.5, 0.35]),
            20.0,
            label="much of it exactly at the limit",
        ),
        case(
            np.array([1.0, 2.0, 3.0, 4.0, 100.0]),
            np.array([0.05, 0.1, 0.15, 0.6, 0.1]),
            3.5,
            label="the probable value is not the middle one",
        ),
        case(np.array([-30.0, -10.0, 5.0]), np.array([0.2, 0.2, 0.6]), 0.0, label="negative numbers"),
        case(np.array([7.0]), np.array([1.0]), 8.0, label="a certain label"),
        case(
            np.array([0.0, 10.0, 30.0]),
            np.array([0.25, 0.25, 0.5]),
            20.0,
            label="exactly one half on each side",
        ),
    ],
    alternatives=[_loop],
    mistakes=[
        Mistake(
            _but(mean=lambda t, p, limit: float(t.mean())),
            "Your first answer is the mean of the values without their probabilities. Weight each value with p.",
        ),
        Mistake(
            _but(median=lambda t, p, limit: float(np.median(t))),
            "Your second answer is the middle one of the listed values, however improbable. The median is the first value at which the "
            "probabilities add up to one half or more.",
        ),
        Mistake(
            _but(median=lambda t, p, limit: float(t[p.argmax()])),
            "Your second answer is the most probable value. Absolute error asks for the median: add up p until you reach one half.",
        ),
        Mistake(
            _but(median=lambda t, p, limit: float(p @ t)),
            "Your second answer is the mean. It is best for squared error; for absolute error it is the median.",
        ),
        Mistake(
            lambda t, p, limit: (lambda a: (a[1], a[0], a[2], a[3]))(best_answers(t, p, limit)),
            "Mean and median are exchanged. Squared error wants the mean, absolute error the median.",
        ),
        Mistake(
            _at_least,
            "The value equal to the limit counts as beyond it here. The class is yes only where t exceeds the limit.",
        ),
        Mistake(
            _but(beyond=lambda t, p, limit: float(np.mean(t > limit))),
            "Your probability counts the values beyond the limit as if all were equally probable. Add up their p.",
        ),
        Mistake(
            _but(beyond=lambda t, p, limit: float(p[t <= limit].sum())),
            "Your probability is that of no. Add up p where t is beyond the limit.",
        ),
        Mistake(
            _but(yes=lambda t, p, limit: bool(p @ t > limit)),
            "Your class is whether the mean is beyond the limit. A long tail can carry it there although most labels are not: compare the probability "
            "with one half.",
        ),
        Mistake(
            _but(yes=lambda t, p, limit: bool(t[p.argmax()] > limit)),
            "Your class is that of the most probable single value. Several values beyond the limit can be more probable together.",
        ),
        Mistake(
            _but(yes=lambda t, p, limit: bool(p[t > limit].sum() > 0)),
            "Your class is yes as soon as any value beyond the limit is possible. The more probable class was asked for.",
        ),
        Mistake(
            _but(median=lambda t, p, limit: float(t[np.argmax(p.cumsum() > 0.5)])),
            "At the first value where the probabilities add up to exactly one half you may stop: one half or more was asked for.",
        ),
        Mistake(
            _but(median=lambda t, p, limit: float(np.interp(0.5, p.cumsum(), t))),
            "Your second answer lies between two values. Do not interpolate: return the first value at which the probabilities add up to "
            "one half or more.",
        ),
        Mistake(
            _but(yes=lambda t, p, limit: bool(p[t > limit].sum() >= 0.5)),
            "If both are equally probable, say no: use > 0.5 and not >=.",
        ),
        Mistake(
            _but(yes=lambda t, p, limit: bool(np.median(t) > limit)),
            "Your class is that of the middle one of the listed values, however improbable. Compare the probability beyond the limit with one half.",
        ),
        Mistake(
            _but(yes=lambda t, p, limit: float(p[t > limit].sum())),
            "Your fourth answer is the probability once more. Say whether it exceeds one half: True or False.",
        ),
    ],
    hint="Mean: a weighted sum. Median: where the running sum of p reaches one half. Probability: the sum of p where t > limit.",
)
