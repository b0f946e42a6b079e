"""Exercises on the relatives of max and average pooling: Lp and stochastic pooling."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/pooling"
CORNER = np.array([28.0, 184.0, 70.0, 38.0])

# Lp


def power_mean(window: np.ndarray, p: float) -> float:
    """Powers of the entries relative to the largest: none exceeds 1."""
    largest = window.max()
    if largest == 0 or np.isinf(p):
        return float(largest)
    return float(largest * np.mean((window / largest) ** p) ** (1 / p))


def _by_logarithms(window: np.ndarray, p: float) -> float:
    if np.isinf(p) or window.max() == 0:
        return float(window.max())
    with np.errstate(divide="ignore"):
        powers = p * np.log(window)
    top = powers.max()
    return float(np.exp((top + np.log(np.mean(np.exp(powers - top)))) / p))


def _naive(window: np.ndarray, p: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.mean(window**p) ** (1 / p))


def _scaled(reduce: Callable[[np.ndarray, float], Any]) -> Callable[..., float]:
    """A wrong mean: another reduction of the entries relative to the largest."""

    def answer(window: np.ndarray, p: float) -> float:
        largest = window.max()
        if largest == 0 or np.isinf(p):
            return float(largest)
        return float(largest * reduce(window / largest, p))

    return answer


def _without_root(window: np.ndarray, p: float) -> float:
    with np.errstate(over="ignore"):
        return float(window.max() if np.isinf(p) else np.mean(window**p))


def _without_zero(window: np.ndarray, p: float) -> float:
    with np.errstate(all="ignore"):
        largest = window.max()
        return float(largest * np.mean((window / largest) ** p) ** (1 / p))


POWER_MEAN = Exercise(
    id="pooling/power_mean",
    section=SECTION,
    title="From the mean to the maximum",
    reference=power_mean,
    cases=[
        case(CORNER, 1, label="p = 1"),
        case(CORNER, 2, label="p = 2"),
        case(CORNER, 5.5, label="p = 5.5"),
        case(CORNER, 64, label="p = 64, close to the limit and not there"),
        case(CORNER, float("inf"), label="p = infinity"),
        case(CORNER, 1000, label="p = 1000: 184 to this power is too large for a float"),
        case(np.array([1e-30, 3e-30, 2e-30]), 16, label="entries so small that their powers vanish"),
        case(np.array([0.0, 0.0, 0.0, 0.0]), 3, label="a window of zeros"),
        case(np.array([[0.5, 0.0, 2.0], [1.0, 0.25, 0.0], [0.0, 3.0, 1.0]]), 3, label="a 3 × 3 window"),
    ],
    alternatives=[_by_logarithms],
    mistakes=[
        Mistake(
            _naive,
            "The formula is right, but large powers overflow (or vanish). Divide by the largest entry first, and multiply by it "
            "at the end.",
        ),
        Mistake(
            _scaled(lambda r, p: np.sum(r**p) ** (1 / p)),
            "This is the root of the sum, as LPPool2d takes it. Here the mean of the powers is asked for: p = 1 must give the "
            "mean.",
        ),
        Mistake(
            _scaled(lambda r, p: np.sum(r**p) ** (1 / p) / r.size),
            "The sum is divided by the number of entries after the root. The mean stands inside it.",
        ),
        Mistake(
            _without_root,
            "The root is missing: after the mean of the p-th powers take the power 1/p.",
        ),
        Mistake(
            _scaled(lambda r, p: np.mean(r ** (1 / p)) ** p),
            "Power and root are exchanged: first the p-th powers, then the mean, then the p-th root.",
        ),
        Mistake(
            lambda window, p: float(window.max()) if p >= 50 else power_mean(window, p),
            "This takes the maximum for every large p. It is the limit for p = infinity only: at p = 64 a difference is left.",
        ),
        Mistake(
            lambda window, p: float(window.mean()) if np.isinf(p) else power_mean(window, p),
            "For p = infinity this is the mean. In the limit only the largest entry is left.",
        ),
        Mistake(
            _without_zero,
            "A window of zeros answers NaN: dividing by the largest entry fails there. Its answer is 0.",
        ),
    ],
    hint="With r = window / window.max() no power exceeds 1. Which two cases does that division not serve?",
)

# stochastic pooling

Drawn = tuple[np.ndarray, float]


def stochastic(window: np.ndarray) -> Drawn:
    """Probabilities in proportion to the positive part, and the expectation under them."""
    a = np.maximum(window, 0.0)
    total = a.sum()
    p = a / total if total > 0 else np.zeros_like(a)
    return p, float((p * a).sum())


def _compact(window: np.ndarray) -> Drawn:
    a = window * (window > 0)
    p = a / (a.sum() or 1.0)
    return p, float(np.dot(p.ravel(), window.ravel()))


def _with(
    activation: Callable[[np.ndarray], np.ndarray] = lambda x: np.maximum(x, 0.0),
    weight: Callable[[np.ndarray], np.ndarray] = lambda a: a,
    value: Callable[[np.ndarray, np.ndarray], Any] | None = None,
    when_empty: Callable[[np.ndarray], np.ndarray] = np.zeros_like,
) -> Callable[..., Drawn]:
    """A wrong answer: other activations, weights before normalizing, expectation, or answer for no positive entry."""

    def answer(window: np.ndarray) -> Drawn:
        a = activation(window)
        w = weight(a)
        with np.errstate(all="ignore"):
            p = w / w.sum() if w.sum() != 0 else when_empty(w)
            return p, float((p * a).sum() if value is None else value(p, a))

    return answer


def _guarded_by_one(window: np.ndarray) -> Drawn:
    a = np.maximum(window, 0.0)
    p = a / max(a.sum(), 1.0)
    return p, float((p * a).sum())


STOCHASTIC = Exercise(
    id="pooling/stochastic",
    section=SECTION,
    title="The chances of stochastic pooling",
    reference=stochastic,
    cases=[
        case(CORNER.reshape(2, 2), label="the window of the text"),
        case(np.array([[2.0, 0.0], [1.0, 1.0]]), label="a zero among the entries"),
        case(np.array([[0.5, 0.5], [0.5, 0.5]]), label="four equal entries"),
        case(np.array([[0.1, 0.2], [0.05, 0.0]]), label="small entries: their sum is below 1"),
        case(np.array([[3.0, -1.0], [-4.0, 1.0]]), label="negative entries are never drawn"),
        case(np.array([[0.0, -2.0], [-0.5, 0.0]]), label="no positive entry"),
        case(np.array([[0.1, 0.7, 0.0], [1.3, -0.2, 0.4], [0.9, 0.0, 2.2]]), label="a 3 × 3 window"),
    ],
    alternatives=[_compact],
    mistakes=[
        Mistake(
            lambda window: (
                np.exp(window - window.max()) / np.exp(window - window.max()).sum(),
                float(
                    (
                        np.exp(window - window.max())
                        / np.exp(window - window.max()).sum()
                        * np.maximum(window, 0)
                    ).sum()
                ),
            ),
            "These are softmax probabilities. Here they are the activations themselves, divided by their sum.",
        ),
        Mistake(
            _with(weight=np.ones_like),
            "Every entry has the same chance here, and the expectation is the average. The chances follow the activations.",
        ),
        Mistake(
            _with(weight=lambda a: a**2),
            "The chances follow the squares of the activations. They are proportional to the activations.",
        ),
        Mistake(
            _with(value=lambda p, a: a.mean()),
            "The chances are right, but the expectation weighs each entry by its chance: it is not the average.",
        ),
        Mistake(
            _with(value=lambda p, a: a.max()),
            "The chances are right, but the second value is the maximum. The expectation is the sum of chance times entry.",
        ),
        Mistake(
            _with(activation=np.abs),
            "Negative entries are made positive here. They are cut to 0 (as by a ReLU) and never drawn.",
        ),
        Mistake(
            _with(activation=lambda x: x),
            "Negative entries have negative chances here. Cut them to 0 first, as a ReLU does.",
        ),
        Mistake(
            _guarded_by_one,
            "Where the entries sum to less than 1 these chances do not sum to 1. Divide by the sum unless it is 0.",
        ),
        Mistake(
            _with(when_empty=lambda w: np.full_like(w, np.nan)),
            "A window without a positive entry divides 0 by 0. Its chances, and its answer, are 0.",
        ),
    ],
    hint="Start with a = np.maximum(window, 0). What do you divide by, and when can you not?",
)

EXERCISES = [POWER_MEAN, STOCHASTIC]
