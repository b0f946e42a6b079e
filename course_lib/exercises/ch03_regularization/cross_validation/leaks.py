"""Exercises on leaks: which plans leak, and a selection that stays inside its folds."""

import itertools
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "03_regularization/cross_validation"

# which plan leaks

ANSWERS = ("leak", "fine", "leak", "fine", "leak", "leak")
_WHY = {
    "A": "the labels of all examples, the held-out ones too, told which 20 numbers to keep",
    "B": "a pipeline is fitted anew in each fold, with all its steps",
    "C": "a turned copy of a held-out image can be in the training folds",
    "D": "the division by 255 is the same whatever the data are, and nothing is learned by it",
    "E": "the number that is reported is the best of many on the folds that chose it",
    "F": "stratifying keeps the classes in proportion, and not the slices of a patient together",
}


def _explained(answer: tuple[str, ...]) -> str:
    """A reason for every plan that was judged wrongly."""
    wrong = [letter for letter, one, right in zip(_WHY, answer, ANSWERS, strict=True) if one != right]
    if len(wrong) == len(ANSWERS):
        return "All six are the wrong way round: write leak where the reported score is too good."
    if set(answer) == {"leak"}:
        return "Not everything leaks. Find the two plans that learn nothing from the examples that judge."
    if set(answer) == {"fine"}:
        return "Not everything is in order. Find the four plans in which examples that judge have had a say."
    return f"Look again. {'; '.join(f'{letter}: {_WHY[letter]}' for letter in wrong)}."


SPOT_THE_LEAK = Exercise(
    id="cross_validation/spot_the_leak",
    section=SECTION,
    title="Spot the leak",
    reference=ANSWERS,
    cases=[],
    mistakes=[
        Mistake(answer, _explained(answer))
        for answer in itertools.product(("leak", "fine"), repeat=6)
        if answer != ANSWERS
    ],
    hint="Ask of each step: does it learn something from examples that will be held out?",
)

# selection inside the folds

Rows = np.ndarray


def selected_score(x: Rows, y: Rows, fold: Rows, m: int) -> float:
    """Accuracy over all examples of nearest class means on m columns that the training folds select."""
    return _cross_validated(x, y, fold, m)


def _gaps(x: Rows, y: Rows) -> Rows:
    return np.abs(x[y == 1].mean(axis=0) - x[y == 0].mean(axis=0))


def _cross_validated(
    x: Rows,
    y: Rows,
    fold: Rows,
    m: int,
    select: Callable[[Rows, Rows, Rows], Rows] = lambda x, y, train: _gaps(x[train], y[train]),
    fit_on: Callable[[Rows], Rows] = lambda train: train,
    judge_on: Callable[[Rows], Rows] = lambda train: ~train,
    lowest: bool = False,
    power: float = 2,
    only: int | None = None,
) -> float:
    hits = []
    for i in np.unique(fold) if only is None else [only]:
        train = fold != i
        order = np.argsort(select(x, y, train), kind="stable")
        kept = order[:m] if lowest else order[-m:]
        rows = fit_on(train)
        means = [x[rows & (y == label)][:, kept].mean(axis=0) for label in (0, 1)]
        held = x[judge_on(train)][:, kept]
        far = [(np.abs(held - mean) ** power).sum(axis=1) for mean in means]
        hits.append((far[1] < far[0]) == (y[judge_on(train)] == 1))
    return float(np.concatenate(hits).mean())


def _wrong(**change: object) -> Callable[[Rows, Rows, Rows, int], float]:
    return lambda x, y, fold, m: _cross_validated(x, y, fold, m, **change)  # type: ignore[arg-type]


def _over_spread(x: Rows, y: Rows, train: Rows) -> Rows:
    """The size of the difference of the means, divided by the spread within the classes."""
    zero, one = x[train & (y == 0)], x[train & (y == 1)]
    return _gaps(x[train], y[train]) / np.sqrt(zero.var(axis=0) + one.var(axis=0))


def _t_statistic(x: Rows, y: Rows, train: Rows) -> Rows:
    zero, one = x[train & (y == 0)], x[train & (y == 1)]
    errors = zero.var(axis=0, ddof=1) / len(zero) + one.var(axis=0, ddof=1) / len(one)
    return _gaps(x[train], y[train]) / np.sqrt(errors)


def _mean_of_folds(x: Rows, y: Rows, fold: Rows, m: int) -> float:
    """Each fold judged alone, then the mean."""
    scores = [_cross_validated(x, y, fold, m, only=i) for i in np.unique(fold)]
    return float(np.mean(scores))


def _without_selection(x: Rows, y: Rows, fold: Rows, m: int) -> float:
    return _cross_validated(x, y, fold, x.shape[1])


def _with_loops(x: Rows, y: Rows, fold: Rows, m: int) -> float:
    right = 0
    for i in range(int(fold.max()) + 1):
        a, b = x[fold != i], y[fold != i]
        zero, one = a[b == 0].mean(axis=0), a[b == 1].mean(axis=0)
        kept = sorted(range(x.shape[1]), key=lambda j: -abs(one[j] - zero[j]))[:m]
        for row, label in zip(x[fold == i], y[fold == i], strict=True):
            nearer = np.linalg.norm(row[kept] - one[kept]) < np.linalg.norm(row[kept] - zero[kept])
            right += int(nearer) == label
    return right / len(y)


def _selection_cases(rng: np.random.Generator) -> list[Case]:
    def study(n: int, d: int, k: int, shift: float) -> tuple[Rows, Rows, Rows]:
        y = rng.permutation(np.arange(n) % 2)
        x = rng.normal(size=(n, d))
        x[:, :2] += shift * y[:, None]
        return x, y, rng.permutation(np.arange(n) % k)

    return [
        case(*study(20, 6, 5, 2.0), 2, label="two useful columns of six"),
        case(*study(24, 40, 4, 0.0), 3, label="noise, 40 columns"),
        case(*study(30, 200, 5, 0.0), 5, label="noise, 200 columns"),
        case(*study(30, 50, 3, 1.0), 4, label="two useful columns of fifty"),
        case(*study(23, 30, 6, 0.5), 1, label="folds of unequal size, one column"),
        case(*study(40, 100, 2, 0.3), 10, label="two folds"),
    ]


SELECTED_SCORE = Exercise(
    id="cross_validation/selected_score",
    section=SECTION,
    title="Select inside the folds",
    reference=selected_score,
    cases=_selection_cases,
    alternatives=[_with_loops],
    mistakes=[
        Mistake(
            _wrong(select=lambda x, y, train: _gaps(x, y)),
            "This is the leak: the columns are selected with all labels, those of the held-out fold too. Select anew in "
            "each fold, from the training rows only.",
        ),
        Mistake(
            _wrong(select=lambda x, y, train: _gaps(x[~train], y[~train])),
            "The held-out fold selects the columns. Use the training rows.",
        ),
        Mistake(
            _wrong(fit_on=lambda train: np.ones_like(train)),
            "The class means are those of all rows, held-out ones too. Take them over the training rows.",
        ),
        Mistake(
            _wrong(judge_on=lambda train: train),
            "This is the score on the training rows. Judge on the fold that was held out.",
        ),
        Mistake(_without_selection, "All columns are used. Keep only the m with the largest difference."),
        Mistake(
            _wrong(lowest=True),
            "The columns with the smallest differences are kept. Keep the m largest.",
        ),
        Mistake(
            _wrong(
                select=lambda x, y, train: x[train & (y == 1)].mean(axis=0) - x[train & (y == 0)].mean(axis=0)
            ),
            "The sign of the difference counts here, so columns that are lower in class 1 are never kept. Take its size.",
        ),
        Mistake(
            _wrong(select=_over_spread),
            "The columns are chosen by the difference divided by a spread. Here the plain difference of the means counts.",
        ),
        Mistake(
            _wrong(select=_t_statistic),
            "The columns are chosen by a t statistic. Here the difference of the means counts, without any spread.",
        ),
        Mistake(
            _wrong(power=1),
            "The distance is a sum of absolute differences. The Euclidean one is the root of the sum of their squares.",
        ),
        Mistake(
            _mean_of_folds,
            "This is the mean of the folds' scores. With folds of unequal size it is not the share of all rows.",
        ),
        Mistake(
            lambda x, y, fold, m: 1 - selected_score(x, y, fold, m), "This is the share of wrong answers."
        ),
    ],
    hint="Everything inside the loop over the folds: means of the training rows, their difference, columns, distances.",
)

EXERCISES = [SPOT_THE_LEAK, SELECTED_SCORE]
