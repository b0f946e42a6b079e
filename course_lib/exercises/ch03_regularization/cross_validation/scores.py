"""Exercises on scores: mean and spread over folds, and the nested loop."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "03_regularization/cross_validation"

# from folds to a mean and its claimed error


def aggregate(right: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """Share of right answers of all examples, and the standard error that the folds' scores claim."""
    scores = right / sizes
    return float(right.sum() / sizes.sum()), float(scores.std(ddof=1) / np.sqrt(len(scores)))


def _part(
    mean: Callable[[np.ndarray, np.ndarray], float] = lambda right, sizes: aggregate(right, sizes)[0],
    error: Callable[[np.ndarray, np.ndarray], float] = lambda right, sizes: aggregate(right, sizes)[1],
) -> Callable[[np.ndarray, np.ndarray], tuple[float, float]]:
    return lambda right, sizes: (float(mean(right, sizes)), float(error(right, sizes)))


def _binomial(right: np.ndarray, sizes: np.ndarray) -> float:
    share = right.sum() / sizes.sum()
    return float(np.sqrt(share * (1 - share) / sizes.sum()))


def _around_the_share(right: np.ndarray, sizes: np.ndarray) -> float:
    k = len(sizes)
    return float(np.sqrt(((right / sizes - right.sum() / sizes.sum()) ** 2).sum() / (k - 1) / k))


AGGREGATE = Exercise(
    id="cross_validation/aggregate",
    section=SECTION,
    title="Mean and claimed error",
    reference=aggregate,
    cases=[
        case(np.array([9, 7]), np.array([10, 10]), label="two folds"),
        case(np.array([18, 17, 20, 16, 19]), np.array([20, 20, 20, 20, 20]), label="five folds of 20"),
        case(np.array([3, 2, 1]), np.array([4, 4, 3]), label="folds of unequal size"),
        case(np.array([5, 1, 0, 2]), np.array([10, 2, 1, 2]), label="very unequal folds"),
        case(np.array([8, 8, 8, 8]), np.array([10, 10, 10, 10]), label="four equal scores"),
    ],
    mistakes=[
        Mistake(
            _part(mean=lambda right, sizes: np.mean(right / sizes)),
            "This is the mean of the folds' scores. With folds of unequal size it is not the share of all examples "
            "that are right.",
        ),
        Mistake(
            _part(error=lambda right, sizes: np.std(right / sizes) / np.sqrt(len(sizes))),
            "The standard deviation is divided by k. The formula divides by k - 1: ddof=1.",
        ),
        Mistake(
            _part(error=lambda right, sizes: np.std(right / sizes, ddof=1)),
            "This is the spread of single folds. The error of their mean is smaller, by the root of k.",
        ),
        Mistake(
            _part(error=lambda right, sizes: np.std(right / sizes, ddof=1) / len(sizes)),
            "The spread is divided by k. Divide by the root of k.",
        ),
        Mistake(
            _part(error=lambda right, sizes: np.var(right / sizes, ddof=1) / np.sqrt(len(sizes))),
            "The variance stands where the standard deviation belongs: take its root.",
        ),
        Mistake(
            _part(error=lambda right, sizes: np.std(right, ddof=1) / np.sqrt(len(sizes))),
            "This is the error of the counts. Divide each by the size of its fold first.",
        ),
        Mistake(
            _part(error=_around_the_share),
            "The distances are taken from the share of all examples. In the formula they are taken from the plain mean "
            "of the folds' scores.",
        ),
        Mistake(
            _part(error=_binomial),
            "This is the error of a share on one test set of all examples. Here the spread of the folds' scores is asked for.",
        ),
    ],
    hint="Two different averages: the answers of all examples together, and the scores of the folds.",
)

# nested cross-validation, from its scores

Scores = np.ndarray


def nested_score(inner: Scores, outer: Scores) -> float:
    """Mean over the outer folds of the score of the candidate that won their inner folds."""
    winners = inner.mean(axis=1).argmax(axis=1)
    return float(outer[np.arange(len(outer)), winners].mean())


def _in_loops(inner: Scores, outer: Scores) -> float:
    found = []
    for inner_scores, outer_scores in zip(inner, outer, strict=True):
        means = [sum(column) / len(column) for column in zip(*inner_scores, strict=True)]
        found.append(outer_scores[means.index(max(means))])
    return float(sum(found) / len(found))


def _nested_cases(rng: np.random.Generator) -> list[Case]:
    easy = (
        np.array([[[0.5, 0.75], [0.5, 1.0]], [[0.75, 0.5], [1.0, 0.5]]]),
        np.array([[0.5, 0.75], [0.25, 1.0]]),
    )

    def drawn(o: int, i: int, c: int) -> tuple[Scores, Scores]:
        return rng.integers(8, 21, (o, i, c)) / 20 + np.arange(c) * 1e-3, rng.integers(8, 21, (o, c)) / 20

    return [
        case(*easy, label="two outer folds that choose differently"),
        case(
            np.array([[[0.9, 0.6]], [[0.8, 0.7]]]), np.array([[0.7, 0.8], [0.6, 0.9]]), label="one inner fold"
        ),
        case(*drawn(5, 4, 3), label="five outer, four inner folds, three candidates"),
        case(*drawn(3, 3, 3), label="three of each"),
        case(*drawn(4, 5, 10), label="ten candidates"),
        case(*drawn(10, 2, 6), label="ten outer folds"),
    ]


NESTED_SCORE = Exercise(
    id="cross_validation/nested_score",
    section=SECTION,
    title="The nested loop",
    reference=nested_score,
    cases=_nested_cases,
    alternatives=[_in_loops],
    mistakes=[
        Mistake(
            lambda inner, outer: float(outer.max(axis=1).mean()),
            "In each outer fold the candidate with the best outer score is taken: the judging fold chooses. Let the "
            "inner scores choose.",
        ),
        Mistake(
            lambda inner, outer: float(outer.mean(axis=0).max()),
            "This is the best mean of the outer scores, the cross-validation without nesting. The winner must be "
            "chosen by the inner folds.",
        ),
        Mistake(
            lambda inner, outer: float(inner.mean(axis=1).max(axis=1).mean()),
            "This is the inner score of the winners, which they were chosen for. Report their outer scores.",
        ),
        Mistake(
            lambda inner, outer: float(outer[:, inner.mean(axis=(0, 1)).argmax()].mean()),
            "One candidate is chosen for all outer folds. Inner scores of one outer fold come from examples that "
            "another one judges on: each must choose for itself.",
        ),
        Mistake(
            lambda inner, outer: float(
                outer[np.arange(len(outer)), inner.mean(axis=1).argmin(axis=1)].mean()
            ),
            "The candidate with the lowest inner score is chosen. These are scores: higher is better.",
        ),
        Mistake(
            lambda inner, outer: float(outer[np.arange(len(outer)), inner.max(axis=1).argmax(axis=1)].mean()),
            "The candidate with the best single inner fold is chosen. Take the mean over the inner folds.",
        ),
        Mistake(
            lambda inner, outer: float(outer.mean()),
            "This is the mean of all candidates. Take in each outer fold the one that won the inner folds.",
        ),
    ],
    hint="For each outer fold: the mean over the inner folds, the place of the largest, then the outer score there.",
)

EXERCISES = [AGGREGATE, NESTED_SCORE]
