"""The exercise on the points of a ROC curve."""

from collections.abc import Callable

import numpy as np

from course_lib import metrics
from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "04_metrics/curves_and_calibration"
Points = tuple[np.ndarray, np.ndarray]


def roc_points(y: np.ndarray, score: np.ndarray) -> Points:
    """Sort once, count on the way down, and keep the last example of each score."""
    order = np.argsort(-score, kind="stable")
    tp, fp = np.cumsum(y[order] == 1), np.cumsum(y[order] == 0)
    last = np.append(np.diff(score[order]) != 0, True)
    fpr, tpr = fp[last] / fp[-1], tp[last] / tp[-1]
    return np.concatenate([[0.0], fpr]), np.concatenate([[0.0], tpr])


def _by_thresholds(y: np.ndarray, score: np.ndarray) -> Points:
    points = [(0.0, 0.0)]
    for threshold in sorted(set(score.tolist()), reverse=True):
        points.append(
            (float((score[y == 0] >= threshold).mean()), float((score[y == 1] >= threshold).mean()))
        )
    fpr, tpr = zip(*points, strict=True)
    return np.array(fpr), np.array(tpr)


def _library(y: np.ndarray, score: np.ndarray) -> Points:
    fpr, tpr, _ = metrics.roc_curve(y, score, drop_intermediate=False)
    return fpr, tpr


def _counts(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, int]:
    """False and true positives at each distinct score, and how many negatives and positives there are."""
    alarm = score >= np.unique(score)[::-1, None]
    return (
        (alarm & (y == 0)).sum(axis=1),
        (alarm & (y == 1)).sum(axis=1),
        int((y == 0).sum()),
        int((y == 1).sum()),
    )


def _from_counts(
    fpr: Callable[[np.ndarray, np.ndarray, int, int], np.ndarray],
    tpr: Callable[[np.ndarray, np.ndarray, int, int], np.ndarray],
) -> Callable[..., Points]:
    """Points made of (FP, TP, negatives, positives), with (0, 0) in front."""

    def answer(y: np.ndarray, score: np.ndarray) -> Points:
        counts = _counts(y, score)
        return np.concatenate([[0.0], fpr(*counts)]), np.concatenate([[0.0], tpr(*counts)])

    return answer


def _ties_torn(y: np.ndarray, score: np.ndarray) -> Points:
    order = np.argsort(-score, kind="stable")
    fp, tp = np.cumsum(y[order] == 0), np.cumsum(y[order] == 1)
    return np.concatenate([[0.0], fp / fp[-1]]), np.concatenate([[0.0], tp / tp[-1]])


def _above_only(y: np.ndarray, score: np.ndarray) -> Points:
    alarm = score > np.concatenate([[np.inf], np.unique(score)[::-1]])[:, None]
    return alarm[:, y == 0].mean(axis=1), alarm[:, y == 1].mean(axis=1)


def _below(y: np.ndarray, score: np.ndarray) -> Points:
    return roc_points(y, -score)


def _corners(y: np.ndarray, score: np.ndarray) -> Points:
    fpr, tpr, _ = metrics.roc_curve(y, score)
    return fpr, tpr


def _grid(y: np.ndarray, score: np.ndarray) -> Points:
    alarm = score >= np.linspace(1, 0, 11)[:, None]
    return alarm[:, y == 0].mean(axis=1), alarm[:, y == 1].mean(axis=1)


def _change(make: Callable[[np.ndarray, np.ndarray], Points]) -> Callable[..., Points]:
    return lambda y, score: make(*roc_points(y, score))


def _lists(rng: np.random.Generator) -> list[Case]:
    def drawn(n: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.concatenate([[0, 0, 1], rng.integers(0, 2, n - 3) * rng.integers(0, 2, n - 3)])
        return y, (rng.integers(0, levels, n) + 2 * y) / 8

    return [
        case(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]), label="four scores, sorted"),
        case(
            np.array([0, 1, 0, 0, 1]), np.array([0.2, 0.6, 0.5, 0.9, 0.4]), label="unsorted, more negatives"
        ),
        case(np.array([1, 0, 0, 1, 0]), np.array([0.5, 0.5, 0.25, 0.75, 0.5]), label="three equal scores"),
        case(np.array([0, 1, 0]), np.array([0.5, 0.5, 0.5]), label="all scores equal"),
        case(
            np.array([0, 1, 0, 1, 1]), np.array([-7.0, 3.5, -2.0, -2.0, 12.0]), label="logits, not in [0, 1]"
        ),
        case(np.array([1, 1, 0, 0]), np.array([1e-9, 2e-9, 3e-9, 0.0]), label="tiny differences"),
        case(*drawn(12, 20), label="twelve drawn ones"),
        case(*drawn(40, 6), label="forty with many ties"),
    ]


ROC_POINTS = Exercise(
    id="curves_and_calibration/roc_points",
    section=SECTION,
    title="The points of a ROC curve",
    reference=roc_points,
    cases=_lists,
    alternatives=[_by_thresholds, _library],
    mistakes=[
        Mistake(
            _ties_torn,
            "Examples of equal score come in one by one here, so that the curve depends on the order of the list. They pass "
            "a threshold together: one point for each distinct score.",
        ),
        Mistake(
            _above_only,
            "Only scores above the threshold raise the alarm here. Take those that reach it, score >= threshold: else the "
            "lowest score never comes in, and (1, 1) is missing.",
        ),
        Mistake(
            _change(lambda fpr, tpr: (tpr, fpr)),
            "The two rates are exchanged (or the labels are). The false positive rate comes first.",
        ),
        Mistake(
            _from_counts(
                lambda fp, tp, neg, pos: fp / (neg + pos), lambda fp, tp, neg, pos: tp / (neg + pos)
            ),
            "The counts are divided by all examples. Each rate is a share of one class.",
        ),
        Mistake(
            _from_counts(lambda fp, tp, neg, pos: fp / (fp + tp), lambda fp, tp, neg, pos: tp / pos),
            "The first row is the share of the alarms that are false. Divide false positives by all negatives.",
        ),
        Mistake(
            _from_counts(lambda fp, tp, neg, pos: fp / neg, lambda fp, tp, neg, pos: tp / (fp + tp)),
            "The second row is precision. Divide true positives by all positives.",
        ),
        Mistake(
            _from_counts(lambda fp, tp, neg, pos: fp, lambda fp, tp, neg, pos: tp),
            "These are counts. Divide them by the numbers of negatives and positives.",
        ),
        Mistake(
            _change(lambda fpr, tpr: (fpr[1:], tpr[1:])),
            "The first point is missing: a threshold above all scores gives (0, 0).",
        ),
        Mistake(
            _change(lambda fpr, tpr: (fpr[::-1], tpr[::-1])),
            "The curve runs backwards. Begin with the highest threshold, at (0, 0).",
        ),
        Mistake(
            _below,
            "Here low scores raise the alarm. High ones should: sort downwards.",
        ),
        Mistake(
            _corners,
            "Points on a straight line between their neighbours are left out here. Keep one for each distinct score.",
        ),
        Mistake(
            _grid,
            "The thresholds lie on a fixed grid from 1 to 0. Scores can be any numbers: take the distinct scores themselves.",
        ),
    ],
    hint="Sort by score, count positives and negatives on the way down, and keep the counts at the last example of each score.",
)
