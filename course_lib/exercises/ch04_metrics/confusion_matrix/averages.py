"""The exercise on two averages of F1."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "04_metrics/confusion_matrix"
Two = tuple[float, float]


def _each(matrix: np.ndarray) -> np.ndarray:
    """F1 of every class; 0 where it neither occurs nor is predicted."""
    both = matrix.sum(axis=0) + matrix.sum(axis=1)
    return 2 * np.diagonal(matrix) / np.maximum(both, 1)


def macro_micro_f1(matrix: np.ndarray) -> Two:
    """The mean of the classes' F1, and the share of right answers."""
    return float(_each(matrix).mean()), float(np.trace(matrix) / matrix.sum())


def _by_counts(matrix: np.ndarray) -> Two:
    f, sums = [], np.zeros(3)
    for k in range(len(matrix)):
        tp = matrix[k, k]
        fn, fp = matrix[k].sum() - tp, matrix[:, k].sum() - tp
        f.append(2 * tp / (2 * tp + fn + fp) if tp + fn + fp else 0.0)
        sums += tp, fn, fp
    tp, fn, fp = sums
    return float(np.mean(f)), float(2 * tp / (2 * tp + fn + fp))


def _macro(macro: Callable[[np.ndarray], float]) -> Callable[[np.ndarray], Two]:
    """The right micro F1 with another macro F1."""
    return lambda matrix: (float(macro(matrix)), macro_micro_f1(matrix)[1])


def _micro(micro: Callable[[np.ndarray], float]) -> Callable[[np.ndarray], Two]:
    """The right macro F1 with another micro F1."""
    return lambda matrix: (macro_micro_f1(matrix)[0], float(micro(matrix)))


def _precisions(matrix: np.ndarray) -> np.ndarray:
    return np.diagonal(matrix) / np.maximum(matrix.sum(axis=0), 1)


def _recalls(matrix: np.ndarray) -> np.ndarray:
    return np.diagonal(matrix) / np.maximum(matrix.sum(axis=1), 1)


def _of_means(matrix: np.ndarray) -> float:
    p, r = _precisions(matrix).mean(), _recalls(matrix).mean()
    return 2 * p * r / (p + r) if p + r else 0.0


def _of_defined_means(matrix: np.ndarray) -> float:
    called, there = matrix.sum(axis=0) > 0, matrix.sum(axis=1) > 0
    p, r = _precisions(matrix)[called].mean(), _recalls(matrix)[there].mean()
    return 2 * p * r / (p + r) if p + r else 0.0


def _weighted(matrix: np.ndarray) -> float:
    return float(_each(matrix) @ matrix.sum(axis=1) / matrix.sum())


def _defined(matrix: np.ndarray) -> float:
    there = matrix.sum(axis=0) + matrix.sum(axis=1) > 0
    return float(_each(matrix)[there].mean())


def _with_hits(matrix: np.ndarray) -> float:
    return float(_each(matrix)[np.diagonal(matrix) > 0].mean())


def _harmonic(matrix: np.ndarray) -> float:
    each = _each(matrix)
    return 0.0 if (each == 0).any() else float(len(each) / (1 / each).sum())


def _jaccard(matrix: np.ndarray) -> float:
    each = _each(matrix)
    return float((each / (2 - each)).mean())


def _errors_once(matrix: np.ndarray) -> float:
    hits = np.trace(matrix)
    return 2 * hits / (hits + matrix.sum())


def _first_class(matrix: np.ndarray) -> Two:
    return float(_each(matrix)[0]), macro_micro_f1(matrix)[1]


def _matrices(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([[8, 2], [1, 9]]), label="two classes, as common"),
        case(np.array([[95, 1], [3, 1]]), label="a rare class"),
        case(np.array([[50, 3, 2], [4, 20, 1], [6, 0, 4]]), label="three classes"),
        case(np.array([[90, 0, 0], [6, 0, 0], [3, 1, 0]]), label="classes without a hit"),
        case(
            np.array([[6, 0, 1], [0, 0, 0], [1, 0, 5]]), label="a class that neither occurs nor is predicted"
        ),
        case(np.diag([5, 3, 2]), label="no error"),
        case(rng.integers(0, 30, (5, 5)) + np.diag([60, 5, 40, 0, 20]), label="five classes"),
    ]


MACRO_MICRO = Exercise(
    id="confusion_matrix/macro_micro",
    section=SECTION,
    title="Macro against micro",
    reference=macro_micro_f1,
    cases=_matrices,
    alternatives=[_by_counts],
    mistakes=[
        Mistake(
            lambda matrix: macro_micro_f1(matrix)[::-1],
            "The two are exchanged: return macro F1 first.",
        ),
        Mistake(
            _macro(_of_means),
            "The first number is the F1 of mean precision and mean recall. Macro F1 here is the mean of the classes' "
            "own F1.",
        ),
        Mistake(
            _macro(_of_defined_means),
            "The first number is the F1 of mean precision and mean recall, without those that are 0/0. Macro F1 here "
            "is the mean of the classes' own F1.",
        ),
        Mistake(
            _macro(lambda matrix: _each(matrix).sum()),
            "The first number is the sum of the classes' F1. Divide it by the number of classes.",
        ),
        Mistake(
            _macro(_weighted),
            "The first number is weighted by how often the classes occur. In macro F1 every class counts the same.",
        ),
        Mistake(
            _macro(lambda matrix: _recalls(matrix).mean()),
            "The first number is macro recall, the balanced accuracy. F1 also divides by what was predicted.",
        ),
        Mistake(
            _macro(lambda matrix: _precisions(matrix).mean()),
            "The first number is macro precision. F1 also divides by what is of the class.",
        ),
        Mistake(
            _macro(lambda matrix: ((_precisions(matrix) + _recalls(matrix)) / 2).mean()),
            "The F1 of each class is taken for the arithmetic mean of precision and recall. It is the harmonic mean.",
        ),
        Mistake(
            _macro(_defined),
            "A class that neither occurs nor is predicted is left out of the mean. Here its F1 is 0, and it counts.",
        ),
        Mistake(
            _macro(_with_hits),
            "Classes without a hit are left out of the mean. Their F1 is 0, and that is just what macro F1 should "
            "show.",
        ),
        Mistake(
            _macro(_harmonic),
            "The first number is the harmonic mean of the classes' F1. F1 is a harmonic mean of precision and recall; "
            "over the classes it is averaged arithmetically.",
        ),
        Mistake(
            _micro(_weighted),
            "The second number is weighted F1. Micro F1 adds up the counts of all classes first and divides once.",
        ),
        Mistake(
            _micro(_errors_once),
            "Each error counts once in the second number. It is a miss for one class and a false alarm for another, "
            "so it stands twice below the line.",
        ),
        Mistake(
            lambda matrix: (macro_micro_f1(matrix)[0],) * 2,
            "Both numbers are macro F1. For micro F1 add up the counts of all classes first, then divide once.",
        ),
        Mistake(
            lambda matrix: (macro_micro_f1(matrix)[1],) * 2,
            "Both numbers are micro F1, the accuracy. For macro F1 compute the F1 of each class first, then take the "
            "mean.",
        ),
        Mistake(
            _macro(_jaccard),
            "The hits count once in each class's F1. In 2 TP / (2 TP + FP + FN) they count twice, above and below the "
            "line; with once it is the Jaccard index.",
        ),
        Mistake(
            lambda matrix: (_jaccard(matrix), np.trace(matrix) / (2 * matrix.sum() - np.trace(matrix))),
            "The hits count once in both numbers. In 2 TP / (2 TP + FP + FN) they count twice, above and below the "
            "line; with once it is the Jaccard index.",
        ),
        Mistake(
            _macro(lambda matrix: _each(matrix) @ matrix.sum(axis=0) / matrix.sum()),
            "The first number is weighted by how often the classes are predicted. In macro F1 every class counts the "
            "same.",
        ),
        Mistake(
            _first_class,
            "The first number is the F1 of the first class alone. Macro F1 is the mean over all classes.",
        ),
    ],
    hint="2 TP + FP + FN of a class is the sum of its row plus the sum of its column.",
)
