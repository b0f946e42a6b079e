"""Exercises on leaks: which plans leak, and a selection that stays inside its folds."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "03_regularization/cross_validation"

# which plan leaks

ANSWERS = ("leak", "fine", "leak", "fine", "leak", "leak")

SPOT_THE_LEAK = Exercise(
    id="cross_validation/spot_the_leak",
    section=SECTION,
    title="Spot the leak",
    reference=ANSWERS,
    cases=[],
    mistakes=[
        Mistake(
            ("fine", "fine", "leak", "fine", "leak", "leak"),
            "Look at A again: the labels of all examples, the held-out ones too, told which 20 numbers to keep.",
        ),
        Mistake(
            ("leak", "leak", "leak", "fine", "leak", "leak"),
            "Look at B again: a pipeline is fitted anew in each fold, with all its steps.",
        ),
        Mistake(
            ("leak", "fine", "fine", "fine", "leak", "leak"),
            "Look at C again: a turned copy of a held-out image can be in the training folds.",
        ),
        Mistake(
            ("leak", "fine", "leak", "leak", "leak", "leak"),
            "Look at D again: the division by 255 is the same whatever the data are, and nothing is learned by it.",
        ),
        Mistake(
            ("leak", "fine", "leak", "fine", "fine", "leak"),
            "Look at E again: the number that is reported is the best of many on the folds that chose it.",
        ),
        Mistake(
            ("leak", "fine", "leak", "fine", "leak", "fine"),
            "Look at F again: stratifying keeps the classes in proportion. It does not keep the slices of a patient together.",
        ),
        Mistake(
            tuple({"leak": "fine", "fine": "leak"}[answer] for answer in ANSWERS),
            "All six are the wrong way round: write leak where the reported score is too good.",
        ),
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
) -> float:
    hits = []
    for i in np.unique(fold):
        train = fold != i
        order = np.argsort(select(x, y, train), kind="stable")
        kept = order[:m] if lowest else order[-m:]
        rows = fit_on(train)
        means = [x[rows & (y == label)][:, kept].mean(axis=0) for label in (0, 1)]
        held = x[judge_on(train)][:, kept]
        far = [((held - mean) ** 2).sum(axis=1) for mean in means]
        hits.append((far[1] < far[0]) == (y[judge_on(train)] == 1))
    return float(np.concatenate(hits).mean())


def _wrong(**change: object) -> Callable[[Rows, Rows, Rows, int], float]:
    return lambda x, y, fold, m: _cross_validated(x, y, fold, m, **change)  # type: ignore[arg-type]


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
            lambda x, y, fold, m: 1 - selected_score(x, y, fold, m), "This is the share of wrong answers."
        ),
    ],
    hint="Everything inside the loop over the folds: means of the training rows, their difference, columns, distances.",
)

EXERCISES = [SPOT_THE_LEAK, SELECTED_SCORE]
