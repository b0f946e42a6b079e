"""The exercise on average precision at another prevalence."""

from collections.abc import Callable

import numpy as np

from course_lib import metrics
from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "04_metrics/curves_and_calibration"
Rates = tuple[np.ndarray, np.ndarray]


def _rates(y: np.ndarray, score: np.ndarray) -> Rates:
    """False positive rate and recall at each distinct score, from the highest down."""
    alarm = score >= np.unique(score)[::-1, None]
    return alarm[:, y == 0].mean(axis=1), alarm[:, y == 1].mean(axis=1)


def average_precision_at(y: np.ndarray, score: np.ndarray, prevalence: float) -> float:
    """Staircase area, with the precision that each point of the ROC curve has at this prevalence."""
    fpr, tpr = _rates(y, score)
    precision = prevalence * tpr / (prevalence * tpr + (1 - prevalence) * fpr)
    return float(np.diff(tpr, prepend=0) @ precision)


def _by_weights(y: np.ndarray, score: np.ndarray, prevalence: float) -> float:
    weight = np.where(y == 1, prevalence / y.mean(), (1 - prevalence) / (1 - y.mean()))
    return float(metrics.average_precision_score(y, score, sample_weight=weight))


def _group_by_group(y: np.ndarray, score: np.ndarray, prevalence: float) -> float:
    total, tp, fp = 0.0, 0, 0
    pos, neg = int((y == 1).sum()), int((y == 0).sum())
    for value in sorted(set(score.tolist()), reverse=True):
        new = int(((score == value) & (y == 1)).sum())
        tp, fp = tp + new, fp + int(((score == value) & (y == 0)).sum())
        hit, false = prevalence * tp / pos, (1 - prevalence) * fp / neg
        total += new / pos * hit / (hit + false)
    return total


def _with(
    precision: Callable[[np.ndarray, np.ndarray, float], np.ndarray] = lambda fpr, tpr, pi: (
        pi * tpr / (pi * tpr + (1 - pi) * fpr)
    ),
    area: Callable[[np.ndarray, np.ndarray], float] = lambda recall, precision: float(
        np.diff(recall, prepend=0) @ precision
    ),
) -> Callable[[np.ndarray, np.ndarray, float], float]:
    """Average precision with another precision of (FPR, TPR, prevalence), or another area."""

    def answer(y: np.ndarray, score: np.ndarray, prevalence: float) -> float:
        fpr, tpr = _rates(y, score)
        return float(area(tpr, precision(fpr, tpr, prevalence)))

    return answer


def _trapezoids(recall: np.ndarray, precision: np.ndarray) -> float:
    x, z = np.append(0.0, recall), np.append(1.0, precision)
    return float(np.sum(np.diff(x) * (z[1:] + z[:-1]) / 2))


def _before(recall: np.ndarray, precision: np.ndarray) -> float:
    return float(np.diff(recall, prepend=0) @ np.append(1.0, precision[:-1]))


def _envelope(recall: np.ndarray, precision: np.ndarray) -> float:
    return float(np.diff(recall, prepend=0) @ np.maximum.accumulate(precision[::-1])[::-1])


def _torn(y: np.ndarray, score: np.ndarray, prevalence: float) -> float:
    order = np.argsort(-score, kind="stable")
    hit = prevalence * np.cumsum(y[order]) / y.sum()
    false = (1 - prevalence) * np.cumsum(1 - y[order]) / (1 - y).sum()
    return float((hit / (hit + false))[y[order] == 1].mean())


def _of_the_sample(y: np.ndarray, score: np.ndarray, prevalence: float) -> float:
    return average_precision_at(y, score, float(y.mean()))


def _rescaled(y: np.ndarray, score: np.ndarray, prevalence: float) -> float:
    return average_precision_at(y, score, float(y.mean())) * prevalence / float(y.mean())


def _on_counts(y: np.ndarray, score: np.ndarray, prevalence: float) -> float:
    fpr, tpr = _rates(y, score)
    hit, false = prevalence * tpr * (y == 1).sum(), (1 - prevalence) * fpr * (y == 0).sum()
    return float(np.diff(tpr, prepend=0) @ (hit / (hit + false)))


def _area_of_roc(y: np.ndarray, score: np.ndarray, prevalence: float) -> float:
    return float(metrics.roc_auc_score(y, score))


def _lists(rng: np.random.Generator) -> list[Case]:
    def drawn(n: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.concatenate([[0, 0, 1], rng.integers(0, 2, n - 3)])
        return y, (rng.integers(0, levels, n) + 3 * y) / 16

    four = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])
    return [
        case(*four, 0.5, label="four examples, at the prevalence they have"),
        case(*four, 0.2, label="the same, with rarer positives"),
        case(
            np.array([0, 1, 0, 0, 1]), np.array([0.9, 0.6, 0.5, 0.2, 0.4]), 0.4, label="a false alarm on top"
        ),
        case(
            np.array([1, 0, 0, 1, 0]), np.array([0.5, 0.5, 0.25, 0.75, 0.5]), 0.1, label="three equal scores"
        ),
        case(np.array([0, 1, 0]), np.array([0.5, 0.5, 0.5]), 0.25, label="all scores equal"),
        case(
            np.array([1, 0, 1, 1, 0, 1]),
            np.array([3.0, -1.0, 2.0, -4.0, 0.5, 0.25]),
            0.01,
            label="one in a hundred",
        ),
        case(*drawn(40, 60), 0.05, label="forty drawn ones"),
        case(*drawn(60, 6), 0.9, label="many ties, most are positive"),
    ]


AVERAGE_PRECISION = Exercise(
    id="curves_and_calibration/average_precision",
    section=SECTION,
    title="Average precision where you will use it",
    reference=average_precision_at,
    cases=_lists,
    alternatives=[_by_weights, _group_by_group],
    mistakes=[
        Mistake(
            _of_the_sample,
            "This is the average precision at the prevalence of the test set: the argument is not used. Make each precision "
            "from the two rates and the prevalence you are given.",
        ),
        Mistake(
            _rescaled,
            "Average precision does not grow in proportion to the prevalence. Change the precision at each threshold.",
        ),
        Mistake(
            _with(area=_trapezoids),
            "These are trapezoids, which are too good between the points. Multiply each rise in recall by the precision at "
            "its end.",
        ),
        Mistake(
            _with(area=_before),
            "Each rise in recall is multiplied by the precision before it. Take the precision at the threshold that brings "
            "the rise.",
        ),
        Mistake(
            _with(area=_envelope),
            "Each precision is replaced by the best one at higher recall. That is an interpolated average precision; here "
            "take them as they are.",
        ),
        Mistake(
            _with(area=lambda recall, precision: float(precision.mean())),
            "This is the mean of the precisions at all thresholds. Only those count where recall rises, by as much as it rises.",
        ),
        Mistake(
            _with(area=lambda recall, precision: float(np.diff(recall) @ precision[1:])),
            "The first threshold is left out. Recall is 0 before it, so it brings a rise, too.",
        ),
        Mistake(
            _torn,
            "Equal scores come in one by one here, so that the result depends on their order. They pass a threshold together.",
        ),
        Mistake(
            _with(lambda fpr, tpr, pi: (1 - pi) * tpr / ((1 - pi) * tpr + pi * fpr)),
            "The prevalence and one less it are exchanged: positives have the share prevalence.",
        ),
        Mistake(
            _with(lambda fpr, tpr, pi: pi * tpr / (pi * tpr + fpr)),
            "The false positive rate is not weighted. Negatives have the share 1 - prevalence.",
        ),
        Mistake(
            _with(lambda fpr, tpr, pi: tpr / (tpr + fpr)),
            "This is right for as many positives as negatives only. Weight the two rates by prevalence and 1 - prevalence.",
        ),
        Mistake(
            _on_counts,
            "The weights are applied to counts, which carry the prevalence of the test set already. Apply them to the rates.",
        ),
        Mistake(
            _area_of_roc,
            "This is the area under the ROC curve, which does not change with the prevalence.",
        ),
    ],
    hint="First the two rates at each distinct score, then the precision from them, then the sum over the rises in recall.",
)
