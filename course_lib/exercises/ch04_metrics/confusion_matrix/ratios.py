"""The exercise on precision and recall of each class, and on what to do with 0/0."""

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "04_metrics/confusion_matrix"
Pair = tuple[np.ndarray, np.ndarray]


def _ratio(above: np.ndarray, below: np.ndarray, zero_division: float) -> np.ndarray:
    return np.where(below == 0, zero_division, above / np.maximum(below, 1))


def precision_recall(matrix: np.ndarray, zero_division: float = 0.0) -> Pair:
    """Divide the diagonal by the columns' sums, and by the rows'."""
    hits = np.diagonal(matrix)
    return _ratio(hits, matrix.sum(axis=0), zero_division), _ratio(hits, matrix.sum(axis=1), zero_division)


def _by_loop(matrix: np.ndarray, zero_division: float = 0.0) -> tuple[list[float], list[float]]:
    precision, recall = [], []
    for k in range(len(matrix)):
        hits = matrix[k, k]
        false_alarms, misses = matrix[:, k].sum() - hits, matrix[k].sum() - hits
        precision.append(hits / (hits + false_alarms) if hits + false_alarms else zero_division)
        recall.append(hits / (hits + misses) if hits + misses else zero_division)
    return precision, recall


def _wherever_no_hit(matrix: np.ndarray, zero_division: float = 0.0) -> Pair:
    precision, recall = precision_recall(matrix, zero_division)
    no_hit = np.diagonal(matrix) == 0
    return np.where(no_hit, zero_division, precision), np.where(no_hit, zero_division, recall)


def _either(matrix: np.ndarray, zero_division: float = 0.0) -> Pair:
    empty = (matrix.sum(axis=0) == 0) | (matrix.sum(axis=1) == 0)
    precision, recall = precision_recall(matrix, zero_division)
    return np.where(empty, zero_division, precision), np.where(empty, zero_division, recall)


def _by_all(matrix: np.ndarray, zero_division: float = 0.0) -> Pair:
    share = np.diagonal(matrix) / matrix.sum()
    return share, share


def _only_precision(matrix: np.ndarray, zero_division: float = 0.0) -> Pair:
    return precision_recall(matrix, zero_division)[0], precision_recall(matrix)[1]


def _one_added(matrix: np.ndarray, zero_division: float = 0.0) -> Pair:
    hits = np.diagonal(matrix)
    return hits / (matrix.sum(axis=0) + 1e-3), hits / (matrix.sum(axis=1) + 1e-3)


def _specificity(matrix: np.ndarray, zero_division: float = 0.0) -> Pair:
    hits, rows, columns = np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    others = matrix.sum() - rows
    rejected = others - (columns - hits)
    return _ratio(hits, columns, zero_division), _ratio(rejected, others, zero_division)


def _without_hits(matrix: np.ndarray, zero_division: float = 0.0) -> Pair:
    hits = np.diagonal(matrix)
    false_alarms, misses = matrix.sum(axis=0) - hits, matrix.sum(axis=1) - hits
    return _ratio(hits, false_alarms, zero_division), _ratio(hits, misses, zero_division)


def _f1(matrix: np.ndarray, zero_division: float = 0.0) -> np.ndarray:
    both = matrix.sum(axis=0) + matrix.sum(axis=1)
    return _ratio(2 * np.diagonal(matrix), both, zero_division)


def _matrices(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([[8, 2], [1, 9]]), label="two classes"),
        case(np.array([[50, 3, 2], [4, 20, 1], [6, 0, 4]]), label="three classes"),
        case(np.array([[7, 3, 0], [2, 5, 0], [1, 1, 0]]), label="a class that is never predicted"),
        case(np.array([[7, 3, 0], [2, 5, 0], [1, 1, 0]]), 1.0, label="the same with zero_division=1"),
        case(np.array([[6, 2, 1], [0, 0, 0], [1, 3, 5]]), label="a class of which there is no example"),
        case(np.array([[6, 2, 1], [0, 0, 0], [1, 3, 5]]), 1.0, label="the same with zero_division=1"),
        case(np.array([[4, 0, 1], [0, 0, 0], [2, 0, 3]]), np.nan, label="0/0 twice, zero_division=NaN"),
        case(np.array([[0, 5, 1], [3, 0, 2], [0, 2, 4]]), 1.0, label="two classes without a hit"),
        case(rng.integers(0, 30, (5, 5)), label="five classes"),
    ]


PRECISION_RECALL = Exercise(
    id="confusion_matrix/precision_recall",
    section=SECTION,
    title="Precision and recall of each class",
    reference=precision_recall,
    cases=_matrices,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            lambda matrix, zero_division=0.0: precision_recall(matrix.T, zero_division),
            "Precision and recall are exchanged. Precision divides by all that were called a class: the sum of its "
            "column, axis 0. Recall divides by the row.",
        ),
        Mistake(
            lambda matrix, zero_division=0.0: precision_recall(matrix),
            "0/0 is always 0 here. Put the argument zero_division there.",
        ),
        Mistake(
            _wherever_no_hit,
            "zero_division stands wherever a class has no hit. But 0/5 is 0: only 0/0 is undefined.",
        ),
        Mistake(
            _either,
            "Where one of the two is 0/0, both are replaced. A class that is never predicted still has a recall, "
            "namely 0.",
        ),
        Mistake(
            _by_all,
            "The diagonal is divided by the number of all examples. Precision divides by a column, recall by a row.",
        ),
        Mistake(
            _without_hits,
            "The hits are divided by the errors alone. Below the line stand all that were called the class, and "
            "all that are of it: the hits, too.",
        ),
        Mistake(
            _only_precision,
            "zero_division is used for precision alone. The recall of a class without examples is 0/0, too.",
        ),
        Mistake(
            lambda matrix, zero_division=0.0: tuple(
                np.asarray(value).mean() for value in precision_recall(matrix, zero_division)
            ),
            "These are the means over the classes. Return precision and recall of every class, two arrays (K,).",
        ),
        Mistake(
            _specificity,
            "The second array is the specificity: it divides by the examples that are not of the class. Recall "
            "divides by those that are.",
        ),
        Mistake(
            lambda matrix, zero_division=0.0: (
                1 - precision_recall(matrix, 1 - zero_division)[0],
                1 - precision_recall(matrix, 1 - zero_division)[1],
            ),
            "These are the shares of the errors: false alarms and misses stand above the line. Put the hits there.",
        ),
        Mistake(
            lambda matrix, zero_division=0.0: (precision_recall(matrix, zero_division)[1],) * 2,
            "Both arrays are the recall: both divide by rows, axis 1. Precision divides by the columns, axis 0.",
        ),
        Mistake(
            lambda matrix, zero_division=0.0: (precision_recall(matrix, zero_division)[0],) * 2,
            "Both arrays are the precision: both divide by columns, axis 0. Recall divides by the rows, axis 1.",
        ),
        Mistake(
            lambda matrix, zero_division=0.0: (
                precision_recall(matrix, zero_division)[0],
                _f1(matrix, zero_division),
            ),
            "The second array is F1. Return the recall itself: the hits over the sum of the row.",
        ),
        Mistake(
            _one_added,
            "Something small is added below the line against 0/0. That changes every ratio and ignores "
            "zero_division: treat 0/0 by itself.",
        ),
    ],
    hint="np.diag gives the hits. np.where evaluates both of its branches, so divide by np.maximum(sums, 1).",
)
