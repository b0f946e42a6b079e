"""The exercise on the area under the ROC curve, from ranks."""

from collections.abc import Callable

import numpy as np

from course_lib import metrics
from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "04_metrics/curves_and_calibration"


def middle_ranks(score: np.ndarray) -> np.ndarray:
    """Ranks from 1 (lowest) on; equal scores share the mean of theirs."""
    _, group, count = np.unique(score, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[group]


def _statistic(ranks: np.ndarray, y: np.ndarray) -> float:
    pos, neg = int((y == 1).sum()), int((y == 0).sum())
    return float((ranks[y == 1].sum() - pos * (pos + 1) / 2) / (pos * neg))


def auc_by_ranks(y: np.ndarray, score: np.ndarray) -> float:
    """Sum of the positives' ranks, less what it is if they come last, over the number of pairs."""
    return _statistic(middle_ranks(score), y)


def _by_pairs(y: np.ndarray, score: np.ndarray) -> float:
    difference = score[y == 1][:, None] - score[y == 0]
    return float((np.sign(difference) / 2 + 0.5).mean())


def _library(y: np.ndarray, score: np.ndarray) -> float:
    return float(metrics.roc_auc_score(y, score))


def _with_ranks(ranks: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda y, score: _statistic(ranks(score), y)


def _ranks_in(order: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    return ranks


def _as_they_come(score: np.ndarray) -> np.ndarray:
    return _ranks_in(np.argsort(score, kind="stable"))


def _as_sorted(score: np.ndarray) -> np.ndarray:
    return _ranks_in(np.argsort(score))  # not stable: the order of equal scores is the machine's


def _least(score: np.ndarray) -> np.ndarray:
    return 1 + (score[:, None] > score).sum(axis=1).astype(float)


def _greatest(score: np.ndarray) -> np.ndarray:
    return (score[:, None] >= score).sum(axis=1).astype(float)


def _dense(score: np.ndarray) -> np.ndarray:
    return np.unique(score, return_inverse=True)[1] + 1.0


def _pairs(weight: float) -> Callable[[np.ndarray, np.ndarray], float]:
    def answer(y: np.ndarray, score: np.ndarray) -> float:
        positive, negative = score[y == 1][:, None], score[y == 0]
        return float((positive > negative).mean() + weight * (positive == negative).mean())

    return answer


def _from_formula(
    formula: Callable[[float, int, int], float],
) -> Callable[[np.ndarray, np.ndarray], float]:
    """An answer made of (rank sum of the positives, positives, negatives)."""

    def answer(y: np.ndarray, score: np.ndarray) -> float:
        return float(formula(middle_ranks(score)[y == 1].sum(), int((y == 1).sum()), int((y == 0).sum())))

    return answer


def _decisions(y: np.ndarray, score: np.ndarray) -> float:
    hard = score >= 0.5
    return float((hard[y == 1].mean() + 1 - hard[y == 0].mean()) / 2)


def _lists(rng: np.random.Generator) -> list[Case]:
    def drawn(n: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.concatenate([[0, 0, 1], rng.integers(0, 2, n - 3) * rng.integers(0, 2, n - 3)])
        return y, (rng.integers(0, levels, n) + 2 * y) / 16

    return [
        case(np.array([1, 0, 1, 0, 0]), np.array([0.9, 0.8, 0.7, 0.1, 0.2]), label="five scores"),
        case(
            np.array([0, 0, 1, 1, 0]),
            np.array([0.1, 0.3, 0.3, 0.8, 0.2]),
            label="a positive and a negative tied",
        ),
        case(
            np.array([1, 1, 0, 0, 1]),
            np.array([0.6, 0.6, 0.6, 0.6, 0.2]),
            label="four tied, two of each class",
        ),
        case(np.array([1, 1, 0, 0, 0]), np.array([0.7, 0.7, 0.1, 0.9, 0.1]), label="ties within the classes"),
        case(np.array([1, 0, 1, 0, 0]), np.array([0.1, 0.8, 0.3, 0.9, 0.2]), label="worse than dice"),
        case(np.array([0, 1, 0]), np.array([0.5, 0.5, 0.5]), label="all scores equal"),
        case(np.array([0, 1, 0, 0, 1]), np.array([-7.0, 3.5, 4.0, -2.0, 12.0]), label="logits"),
        case(*drawn(30, 40), label="thirty drawn ones"),
        case(*drawn(200, 6), label="two hundred with many ties"),
    ]


AUC_BY_RANKS = Exercise(
    id="curves_and_calibration/auc_by_ranks",
    section=SECTION,
    title="The area from ranks",
    reference=auc_by_ranks,
    cases=_lists,
    alternatives=[_by_pairs, _library],
    mistakes=[
        Mistake(
            _with_ranks(_as_they_come),
            "Equal scores get different ranks here, in the order of the list. Give all of them the mean of their ranks.",
        ),
        Mistake(
            _with_ranks(_as_sorted),
            "Equal scores get different ranks here, in whatever order the sort leaves them. Give all of them the mean of their "
            "ranks.",
        ),
        Mistake(
            _with_ranks(lambda score: np.argsort(score) + 1.0),
            "One argsort tells which example stands at each place, not the place of each example. Write 1 ... n into those "
            "places, and mind the ties.",
        ),
        Mistake(
            _with_ranks(lambda score: np.argsort(np.argsort(score)) + 0.0),
            "Two argsorts give ranks from 0 on, and different ones to equal scores. Begin at 1, and give ties the mean rank.",
        ),
        Mistake(
            _with_ranks(_least),
            "Equal scores all get the lowest of their ranks. Give them the mean: 2.5 for the places 2 and 3.",
        ),
        Mistake(
            _with_ranks(_greatest),
            "Equal scores all get the highest of their ranks. Give them the mean: 2.5 for the places 2 and 3.",
        ),
        Mistake(
            _with_ranks(_dense),
            "These ranks number the distinct scores. Tied examples must use up places: after two on places 2 and 3 comes place 4.",
        ),
        Mistake(
            _pairs(0.0),
            "Tied pairs count nothing here. Each should count one half.",
        ),
        Mistake(
            _pairs(1.0),
            "Tied pairs count as won here. Each should count one half.",
        ),
        Mistake(
            _from_formula(lambda ranks, pos, neg: 1 - (ranks - pos * (pos + 1) / 2) / (pos * neg)),
            "This is one less the area: the ranks count from the highest score down, or the labels are exchanged. The lowest "
            "score has rank 1.",
        ),
        Mistake(
            _from_formula(lambda ranks, pos, neg: (ranks - pos - pos * (pos + 1) / 2) / (pos * neg)),
            "The ranks begin at 0. They should begin at 1, or the number to subtract is another.",
        ),
        Mistake(
            _from_formula(lambda ranks, pos, neg: ranks / (pos * neg)),
            "Nothing is subtracted from the sum of ranks, so positives are counted against each other. Subtract "
            "n_pos (n_pos + 1) / 2.",
        ),
        Mistake(
            _from_formula(lambda ranks, pos, neg: (ranks - pos * (pos - 1) / 2) / (pos * neg)),
            "n_pos (n_pos - 1) / 2 is subtracted. The ranks 1 ... n_pos sum to n_pos (n_pos + 1) / 2.",
        ),
        Mistake(
            _from_formula(lambda ranks, pos, neg: (ranks - pos * (pos + 1) / 2) / pos**2),
            "This divides by the number of positives squared. The pairs are positives times negatives.",
        ),
        Mistake(
            _from_formula(lambda ranks, pos, neg: (ranks - pos * (pos + 1) / 2) / (pos + neg) ** 2),
            "This divides by the number of examples squared. The pairs are positives times negatives.",
        ),
        Mistake(
            lambda y, score: max(auc_by_ranks(y, score), 1 - auc_by_ranks(y, score)),
            "An area below one half is turned around here. Leave it: the detector orders the wrong way round.",
        ),
        Mistake(
            _decisions,
            "This cuts the scores at 0.5 first and has one corner only. Use the order of all scores.",
        ),
    ],
    hint="np.unique with return_inverse and return_counts tells the size of each group of equal scores.",
)
