"""The exercise on the expected calibration error."""

from collections.abc import Callable

import numpy as np

from course_lib import metrics
from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "04_metrics/curves_and_calibration"


def calibration_error(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    """Sort the answers into bins, and add up the gaps, each times its share of the answers."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    return _error(right, confidence, n_bins)


def _place(confidence: np.ndarray, n_bins: int) -> np.ndarray:
    return np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], confidence)


def _sums(right: np.ndarray, confidence: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Of each bin that holds answers: count, share right, mean confidence; (3, bins)."""
    members = [place == m for m in np.unique(place)]
    return np.array([[m.sum(), right[m].mean(), confidence[m].mean()] for m in members]).T


def _error(right: np.ndarray, confidence: np.ndarray, n_bins: int) -> float:
    count, accuracy, mean = _sums(right, confidence, _place(confidence, n_bins))
    return float((count * np.abs(accuracy - mean)).sum() / len(right))


def _bin_by_bin(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    total = 0.0
    for m in range(n_bins):
        inside = (confidence > m / n_bins) & (confidence <= (m + 1) / n_bins)
        total += abs(float(right[inside].sum()) - float(confidence[inside].sum()))
    return total / len(y)


def _library(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    return float(metrics.expected_calibration_error(y, p, n_bins=n_bins))


def _summary(
    summary: Callable[..., float],
) -> Callable[..., float]:
    """An answer made of each bin's (count, share right, mean confidence), and the number of bins."""

    def answer(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
        confidence, right = p.max(axis=1), p.argmax(axis=1) == y
        return float(summary(*_sums(right, confidence, _place(confidence, n_bins)), n_bins))

    return answer


def _true_class(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    return _error(p.argmax(axis=1) == y, p[np.arange(len(y)), y], n_bins)


def _centres(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    place = _place(confidence, n_bins)
    count, accuracy, _ = _sums(right, confidence, place)
    centre = (np.unique(place) + 0.5) / n_bins
    return float((count * np.abs(accuracy - centre)).sum() / len(y))


def _closed_below(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    place = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    count, accuracy, mean = _sums(right, confidence, place)
    return float((count * np.abs(accuracy - mean)).sum() / len(y))


def _rounded_down(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    count, accuracy, mean = _sums(right, confidence, (confidence * n_bins).astype(int))
    return float((count * np.abs(accuracy - mean)).sum() / len(y))


def _without_bins(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    return float(np.abs((p.argmax(axis=1) == y) - p.max(axis=1)).mean())


def _sure_is_right(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    return _error(p.max(axis=1) > 0.5, p.max(axis=1), n_bins)


def _every_class(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    happened = y[:, None] == np.arange(p.shape[1])
    return _error(happened.ravel(), p.ravel(), n_bins)


def _class_by_class(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    total = 0.0
    for k in range(p.shape[1]):
        for m in range(n_bins):
            inside = (p[:, k] > m / n_bins) & (p[:, k] <= (m + 1) / n_bins)
            total += abs(float((y == k)[inside].sum()) - float(p[inside, k].sum()))
    return total / p.size


def _from_lowest(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    edges = np.linspace(1 / p.shape[1], 1, n_bins + 1)[1:-1]
    count, accuracy, mean = _sums(right, confidence, np.searchsorted(edges, confidence))
    return float((count * np.abs(accuracy - mean)).sum() / len(y))


def _fifteen(y: np.ndarray, p: np.ndarray, n_bins: int = 15) -> float:
    return calibration_error(y, p)


def _forecasts(rng: np.random.Generator) -> list[Case]:
    def drawn(n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
        p = rng.dirichlet(np.full(k, 0.6), n)
        return np.where(rng.random(n) < 0.5, p.argmax(axis=1), rng.integers(0, k, n)), p

    def sure(confidence: list[float], right: list[int]) -> tuple[np.ndarray, np.ndarray]:
        top = np.array(confidence)
        p = np.stack([top, (1 - top) * 0.75, (1 - top) * 0.25], axis=1)
        return np.where(np.array(right) == 1, 0, 2), p

    return [
        case(*sure([0.6, 0.6, 0.9, 0.9], [1, 0, 1, 1]), 2, label="four answers, two bins"),
        case(*sure([0.55, 0.6, 0.65, 0.95], [0, 1, 1, 1]), 4, label="bins of different size"),
        case(*sure([0.75, 0.625, 0.875, 0.75], [1, 1, 0, 1]), 4, label="confidences on an edge"),
        case(*sure([1.0, 1.0, 0.9375, 0.95], [0, 1, 1, 1]), 8, label="certainty"),
        case(*sure([0.7, 0.9], [0, 0]), 1, label="one bin, all wrong"),
        case(*sure([0.55, 0.95], [1, 0]), 1, label="gaps that cancel within the bin"),
        case(*drawn(50, 3), 5, label="fifty answers, three classes"),
        case(*drawn(80, 10), label="ten classes, fifteen bins"),
        case(*drawn(60, 2), 10, label="two classes"),
    ]


ECE = Exercise(
    id="curves_and_calibration/calibration_error",
    section=SECTION,
    title="The expected calibration error",
    reference=calibration_error,
    cases=_forecasts,
    alternatives=[_bin_by_bin, _library],
    mistakes=[
        Mistake(
            _summary(lambda count, accuracy, mean, bins: float(np.abs(accuracy - mean).mean())),
            "All bins that hold answers count the same here. Weight each gap by its bin's share of the answers.",
        ),
        Mistake(
            _summary(lambda count, accuracy, mean, bins: float(np.abs(accuracy - mean).sum() / bins)),
            "The gaps are averaged over all bins, empty ones too. Weight each by its bin's share of the answers.",
        ),
        Mistake(
            _summary(
                lambda count, accuracy, mean, bins: abs((count * (accuracy - mean)).sum()) / count.sum()
            ),
            "Gaps of different sign cancel here. Take the absolute value in each bin, before the sum.",
        ),
        Mistake(
            _summary(lambda count, accuracy, mean, bins: (count * (mean - accuracy)).sum() / count.sum()),
            "This has a sign: too sure less too timid. Take the absolute value in each bin.",
        ),
        Mistake(
            _summary(lambda count, accuracy, mean, bins: float(np.abs(accuracy - mean).max())),
            "This is the largest gap of any bin. Average the gaps, weighted by the bins' shares.",
        ),
        Mistake(
            _summary(
                lambda count, accuracy, mean, bins: np.sqrt(
                    (count * (accuracy - mean) ** 2).sum() / count.sum()
                )
            ),
            "The gaps are squared, and a root taken. Average their absolute values.",
        ),
        Mistake(
            _summary(lambda count, accuracy, mean, bins: float((count * np.abs(accuracy - mean)).sum())),
            "The sum is not divided by the number of answers.",
        ),
        Mistake(
            _true_class,
            "The confidence here is the probability of the true class. It should be that of the answer, the largest one.",
        ),
        Mistake(
            _centres,
            "The middles of the bins stand for the confidences. Take the mean confidence of the answers in each bin.",
        ),
        Mistake(
            _closed_below,
            "An answer on the edge of two bins falls into the upper one here. Bins are open below and closed above.",
        ),
        Mistake(
            _rounded_down,
            "Rounding down (or np.digitize) puts an answer on an edge into the upper bin, and a confidence of 1 into a bin of "
            "its own. Bins are open below and closed above.",
        ),
        Mistake(
            _without_bins,
            "There are no bins here: a single answer is right or wrong, and never 80% right. Average within bins first.",
        ),
        Mistake(
            _sure_is_right,
            "An answer counts as right here when it is sure. It is right when the class of the largest probability is the label.",
        ),
        Mistake(
            _every_class,
            "The probabilities of all classes are binned. Only the answer given, with the largest one, is asked for.",
        ),
        Mistake(
            _class_by_class,
            "Each class has an error of its own here, and their mean is taken. Only the answer given, with the largest "
            "probability, is asked for: one error.",
        ),
        Mistake(
            _from_lowest,
            "The bins divide the range from 1/K to 1. They should divide the range from 0 to 1.",
        ),
        Mistake(
            _fifteen,
            "This has 15 bins whatever is asked for. Use the argument n_bins.",
        ),
    ],
    hint="Four steps: confidence and right or wrong, the bin of each answer, the gap in each bin, the weighted mean of the gaps.",
)
