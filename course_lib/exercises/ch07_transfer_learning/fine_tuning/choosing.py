"""Exercises on choosing by measurement: a strategy, and what was forgotten."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.exercises import Exercise, Mistake, case

SECTION = "07_transfer_learning/fine_tuning"
Array = NDArray[Any]

# a strategy


def choose(accuracies: Array) -> tuple[int, float]:
    """The first row whose mean is at least that of the best less its standard error."""
    means = accuracies.mean(axis=1)
    best = int(means.argmax())
    error = accuracies[best].std(ddof=1) / np.sqrt(accuracies.shape[1])
    bar = float(means[best] - error)
    return int(np.argmax(means >= bar)), bar


def _choose_by_loop(accuracies: Array) -> tuple[int, float]:
    rows = [list(map(float, row)) for row in np.asarray(accuracies)]
    n = len(rows[0])
    means = [sum(row) / n for row in rows]
    top = max(range(len(rows)), key=lambda i: means[i])
    variance = sum((v - means[top]) ** 2 for v in rows[top]) / (n - 1)
    bar = means[top] - (variance / n) ** 0.5
    return next(i for i in range(len(rows)) if means[i] >= bar), bar


def _chosen(bar: Callable[[Array], float]) -> Callable[[Array], tuple[int, float]]:
    """A wrong bar; the first row with a mean of at least that."""

    def answer(accuracies: Array) -> tuple[int, float]:
        level = float(bar(accuracies))
        return int(np.argmax(accuracies.mean(axis=1) >= level)), level

    return answer


def _best(a: Array) -> Array:
    return np.asarray(a[a.mean(axis=1).argmax()])


def _last(accuracies: Array) -> tuple[int, float]:
    bar = choose(accuracies)[1]
    return int(np.nonzero(accuracies.mean(axis=1) >= bar)[0][-1]), bar


CHOOSE = Exercise(
    id="fine_tuning/choose",
    section=SECTION,
    title="Pick the strategy",
    reference=choose,
    cases=[
        case(np.array([[0.7, 0.72, 0.71], [0.9, 0.92, 0.91]]), label="a clear winner"),
        case(
            np.array([[0.70, 0.72, 0.74], [0.84, 0.90, 0.87], [0.80, 0.95, 0.89], [0.87, 0.87, 0.88]]),
            label="three that are close",
        ),
        case(np.array([[0.80, 0.90], [0.84, 0.88], [0.60, 0.70]]), label="equal means"),
        case(
            np.array([[0.80, 0.82, 0.81, 0.83], [0.5, 0.6, 0.9, 0.7], [0.70, 0.98, 0.85, 0.91]]),
            label="the best mean is a noisy one",
        ),
        case(
            np.array([[0.95, 0.60, 0.60, 0.60, 0.60], [0.80, 0.84, 0.82, 0.83, 0.81]]),
            label="one lucky draw",
        ),
        case(
            np.array([[0.5, 0.75, 0.625], [0.875, 0.875, 0.875], [0.75, 0.875, 0.8125]]),
            label="the best has no spread",
        ),
    ],
    alternatives=[_choose_by_loop],
    mistakes=[
        Mistake(
            lambda a: (int(a.mean(axis=1).argmax()), choose(a)[1]),
            "The bar is right, but the row is that of the highest mean. Take the first, that is the cheapest, that reaches the bar.",
        ),
        Mistake(
            _chosen(lambda a: _best(a).mean() - _best(a).std(ddof=1)),
            "The bar lies a standard deviation below the best mean. Divide by the root of the number of draws for the standard error.",
        ),
        Mistake(
            _chosen(lambda a: _best(a).mean() - _best(a).std() / np.sqrt(a.shape[1])),
            "The deviation is divided by n in place of n - 1. With so few draws that matters.",
        ),
        Mistake(
            _chosen(lambda a: a.mean(axis=1).max()),
            "The bar is the best mean itself. It lies a standard error of the best row lower.",
        ),
        Mistake(
            _chosen(lambda a: _best(a).mean() - a.std(ddof=1) / np.sqrt(a.shape[1])),
            "The spread is that of the whole table. Take that of the best row.",
        ),
        Mistake(
            _chosen(lambda a: _best(a).mean() - _best(a).std(ddof=1) / np.sqrt(a.shape[0])),
            "The deviation is divided by the root of the number of strategies. Divide by that of the draws.",
        ),
        Mistake(
            _last,
            "The bar is right, but this is the last row that reaches it, the dearest. Take the first.",
        ),
        Mistake(
            lambda a: (int(np.argmax(a.mean(axis=1) > choose(a)[1])), choose(a)[1]),
            "The bar is right, but a mean that lies exactly on it is turned away. Without spread the best lies on its own bar: use >=.",
        ),
        Mistake(
            lambda a: (int(np.argmax(a.max(axis=1) >= choose(a)[1])), choose(a)[1]),
            "The bar is right, but a row is taken for its best draw. Its mean must reach the bar.",
        ),
    ],
    hint="argmax of a row of booleans is the place of its first True.",
)

# forgetting


def forgotten(before: Array, after: Array, y: Array) -> tuple[float, float]:
    """Of what was right before, the share that is wrong now; and the fall of the accuracy."""
    was, now = np.asarray(before) == y, np.asarray(after) == y
    return float((was & ~now).sum() / was.sum()), float(was.mean() - now.mean())


def _forgotten_by_loop(before: Array, after: Array, y: Array) -> tuple[float, float]:
    known = lost = kept = 0
    for b, a, target in zip(before, after, y, strict=True):
        known += int(b == target)
        lost += int(b == target and a != target)
        kept += int(a == target)
    return lost / known, (known - kept) / len(y)


def _lost(
    share: Callable[[Array, Array], float], fall: Callable[[Array, Array], float] | None = None
) -> Callable[[Array, Array, Array], tuple[float, float]]:
    """Wrong measures, from what was right and what is right (n,)."""

    def answer(before: Array, after: Array, y: Array) -> tuple[float, float]:
        was, now = np.asarray(before) == y, np.asarray(after) == y
        return float(share(was, now)), float((fall or (lambda w, n: w.mean() - n.mean()))(was, now))

    return answer


def _share(was: Array, now: Array) -> float:
    return float((was & ~now).sum() / was.sum())


def _disagree(before: Array, after: Array, y: Array) -> tuple[float, float]:
    b, a = np.asarray(before), np.asarray(after)
    return float((b != a).mean()), float((b == y).mean() - (a == y).mean())


def _answers(seed: int, n: int, classes: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    before = np.where(rng.random(n) < 0.8, y, rng.integers(0, classes, n))
    after = np.where(rng.random(n) < 0.4, y, rng.integers(0, classes, n))
    return before, after, y


FORGOTTEN = Exercise(
    id="fine_tuning/forgotten",
    section=SECTION,
    title="Measure what was forgotten",
    reference=forgotten,
    cases=[
        case(np.array([0, 1, 2, 2]), np.array([0, 2, 1, 3]), np.array([0, 1, 2, 3]), label="four glyphs"),
        case(*_answers(0, 50, 5), label="fifty glyphs, five classes"),
        case(*_answers(1, 200, 55), label="two hundred glyphs, all classes"),
        case(
            np.array([1, 0, 2, 1]), np.array([0, 1, 2, 0]), np.array([0, 1, 2, 1]), label="better than before"
        ),
    ],
    alternatives=[_forgotten_by_loop],
    mistakes=[
        Mistake(
            _lost(lambda was, now: (was & ~now).mean()),
            "What was lost is divided by all pictures. Only what was right before can be forgotten: divide by that.",
        ),
        Mistake(
            _lost(lambda was, now: (~now).mean()),
            "This is the error after the fine-tuning. What was wrong before has not been forgotten.",
        ),
        Mistake(
            _lost(lambda was, now: (was.mean() - now.mean()) / was.mean()),
            "The fall is set against the accuracy before, so what was gained pays for what was lost. Count the pictures that were right and are wrong.",
        ),
        Mistake(
            _disagree,
            "These are all pictures whose answer changed. A change from wrong to wrong, or from wrong to right, is no forgetting.",
        ),
        Mistake(
            _lost(lambda was, now: (was & now).sum() / was.sum()),
            "This is the share that was kept. What was forgotten is the rest.",
        ),
        Mistake(
            _lost(_share, lambda was, now: now.mean() - was.mean()),
            "The fall of the accuracy has turned its sign: before minus after.",
        ),
        Mistake(
            _lost(_share, lambda was, now: _share(was, now)),
            "The second number repeats the first. It is the accuracy before, less the accuracy after.",
        ),
        Mistake(
            _lost(_share, lambda was, now: abs(was.mean() - now.mean())),
            "The fall has lost its sign. Where the accuracy rose, it is negative.",
        ),
        Mistake(
            _lost(_share, lambda was, now: (was.mean() - now.mean()) / was.mean()),
            "The fall is divided by the accuracy before. Give the plain difference of the two accuracies.",
        ),
    ],
    hint="was = before == y and now = after == y; was & ~now marks what was forgotten.",
)

EXERCISES = [CHOOSE, FORGOTTEN]
