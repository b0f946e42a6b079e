"""Exercise on what a number of random trials can be expected to find."""

import math
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/hyperparameter_search"
Answer = tuple[float, int]


def expected_best(scores: np.ndarray, n: int, confidence: float = 0.95) -> Answer:
    """Expected largest of n draws with replacement, and draws needed to meet the largest score."""
    return _expected(scores, n), _needed(np.mean(scores == np.max(scores)), confidence)


def _expected(scores: np.ndarray, n: float) -> float:
    s = np.sort(np.asarray(scores, dtype=float))
    below = (np.arange(len(s) + 1) / len(s)) ** n
    return float((s * np.diff(below)).sum())


def _trials_exactly(share: float, confidence: float) -> float:
    return math.log(1 - confidence) / math.log(1 - share)


def _needed(share: float, confidence: float) -> int:
    return math.ceil(_trials_exactly(share, confidence))


def _share(scores: np.ndarray) -> float:
    return float(np.mean(scores == np.max(scores)))


def _from_above(scores: np.ndarray, n: int, confidence: float = 0.95) -> Answer:
    """By the sum of P(best > s), and by counting up."""
    s = np.sort(np.asarray(scores, dtype=float))
    steps = np.arange(1, len(s)) / len(s)
    mean = s[0] + float(((1 - steps**n) * np.diff(s)).sum())
    draws = 1
    while 1 - (1 - _share(scores)) ** draws < confidence:
        draws += 1
    return mean, draws


def _without_replacement(scores: np.ndarray, n: int) -> float:
    s = np.sort(np.asarray(scores, dtype=float))
    n = min(n, len(s))
    ways = [math.comb(i, n) for i in range(len(s) + 1)]
    return float((s * np.diff(ways)).sum() / ways[-1])


def _best(expected: Callable[[np.ndarray, int], float]) -> Callable[..., Answer]:
    """A wrong expectation beside the right number of trials."""
    return lambda scores, n, confidence=0.95: (expected(scores, n), _needed(_share(scores), confidence))


def _trials(needed: Callable[[np.ndarray, float], int]) -> Callable[..., Answer]:
    """The right expectation beside a wrong number of trials."""
    return lambda scores, n, confidence=0.95: (_expected(scores, n), needed(scores, confidence))


def _unsorted(scores: np.ndarray, n: int) -> float:
    s = np.asarray(scores, dtype=float)
    return float((s * np.diff((np.arange(len(s) + 1) / len(s)) ** n)).sum())


def _weights(weight: Callable[[np.ndarray, int, int], np.ndarray]) -> Callable[[np.ndarray, int], float]:
    def expected(scores: np.ndarray, n: int) -> float:
        s = np.sort(np.asarray(scores, dtype=float))
        return float((s * weight(np.arange(1, len(s) + 1), n, len(s))).sum())

    return expected


EXPECTED_BEST = Exercise(
    id="hyperparameter_search/expected_best",
    section=SECTION,
    title="What n trials would have found",
    reference=expected_best,
    cases=[
        case(np.array([0.2, 0.9]), 1, label="two scores, a single trial"),
        case(np.array([0.9, 0.2]), 2, label="two scores, two trials"),
        case(np.array([0.5, 0.8, 0.1, 0.7, 0.3]), 3, label="five scores, three trials"),
        case(np.array([0.5, 0.8, 0.1, 0.7, 0.3]), 5, 0.5, label="as many trials as scores, confidence 0.5"),
        case(np.array([0.9, 0.4, 0.9, 0.6, 0.1, 0.9]), 2, 0.9, label="three share the first place"),
        case(np.array([-3.0, -1.5, -2.2, -0.4]), 2, 0.99, label="negative scores"),
        case(
            np.linspace(0.11, 0.93, 20)[[*range(7, 20), *range(7)]], 10, label="twenty scores: the best 5 %"
        ),
        case(np.array([0.3, 0.6, 0.6, 0.1]), 50, 0.75, label="many more trials than scores"),
    ],
    alternatives=[_from_above],
    mistakes=[
        Mistake(
            _best(_unsorted),
            "The scores are not sorted. The formula is about the lowest i of them: sort them upwards first.",
        ),
        Mistake(
            _best(lambda scores, n: _expected(-np.asarray(scores), n) * -1),
            "This is the expected worst of n trials: the scores are sorted downwards. Sort them upwards.",
        ),
        Mistake(
            _best(lambda scores, n: float(np.max(scores))),
            "This is the best of all scores. Fewer trials find less on average.",
        ),
        Mistake(
            _best(lambda scores, n: float(np.mean(scores))),
            "This is the mean of the scores: what one trial finds. The best of n trials is better.",
        ),
        Mistake(
            _best(lambda scores, n: float(np.max(np.asarray(scores)[:n]))),
            "This is the best of the first n scores, one search. Take the expectation over all draws.",
        ),
        Mistake(
            _best(_without_replacement),
            "The draws are without replacement here. The exercise draws with replacement: (i/N) to the power of n.",
        ),
        Mistake(
            _best(_weights(lambda i, n, N: (i / N) ** n)),
            "The scores are weighted with the probability that all draws are among the lowest i. Take its increase "
            "from i - 1 to i, which is the probability that the best is this score.",
        ),
        Mistake(
            _best(_weights(lambda i, n, N: (i / N) ** n / ((i / N) ** n).sum())),
            "The weights (i/N) to the power of n are divided by their sum. The probabilities are their increases from "
            "i - 1 to i.",
        ),
        Mistake(
            _best(_weights(lambda i, n, N: ((i - 1) / N) ** n - (np.maximum(i - 2, 0) / N) ** n)),
            "The ranks are counted from 0, so that the best score gets the weight of the second best. Count from 1.",
        ),
        Mistake(
            _best(lambda scores, n: _expected(scores, n - 1)),
            "This is the expectation for n - 1 trials.",
        ),
        Mistake(
            _best(lambda scores, n: float(np.quantile(np.asarray(scores, dtype=float), n / (n + 1)))),
            "This is a quantile of the scores, which is only near to the expectation. Use the probabilities.",
        ),
        Mistake(
            _best(lambda scores, n: float(np.sort(np.asarray(scores, dtype=float))[-n:].mean())),
            "This is the mean of the n best scores. Take the mean of the best over all ways to draw n.",
        ),
        Mistake(
            _trials(lambda scores, confidence: round(_trials_exactly(_share(scores), confidence))),
            "The number of trials is rounded to the nearest. Round it up, or it may be too small for the confidence.",
        ),
        Mistake(
            lambda scores, n, confidence=0.95: (
                _expected(scores, n),
                _trials_exactly(_share(scores), confidence),
            ),
            "The number of trials is not rounded. Half a trial cannot be made: round up.",
        ),
        Mistake(
            _trials(lambda scores, confidence: _needed(1 / len(scores), confidence)),
            "The share of the best is taken for 1/N although several scores may be the best. Count those that equal the "
            "largest.",
        ),
        Mistake(
            _trials(lambda scores, confidence: _needed(_share(scores), confidence) - 1),
            "The number of trials is rounded down, and so is a little too small for the confidence. Round it up.",
        ),
        Mistake(
            _trials(lambda scores, confidence: int(_trials_exactly(_share(scores), confidence)) + 1),
            "The number of trials is one too many where the formula gives a whole number: int(...) + 1 does not round up. "
            "Use math.ceil.",
        ),
        Mistake(
            _trials(lambda scores, confidence: _needed(_share(scores), 1 - confidence)),
            "Confidence is taken for the probability to miss. With n trials all miss with probability 1 - confidence.",
        ),
        Mistake(
            _trials(lambda scores, confidence: math.ceil(confidence / _share(scores))),
            "Confidence divided by the share would hold if trials never hit twice. The misses multiply: (1 - p) to the "
            "power of n.",
        ),
        Mistake(
            _trials(lambda scores, confidence: math.ceil(1 / _share(scores))),
            "After 1/p trials the best has been drawn once on average, which leaves a fair chance to miss it.",
        ),
        Mistake(
            _trials(lambda scores, confidence: _needed(0.05, confidence)),
            "These are the trials for the best 5 percent. Here the share is that of the scores that equal the largest.",
        ),
        Mistake(
            lambda scores, n, confidence=0.95: (_expected(scores, n), _needed(_share(scores), 0.95)),
            "The confidence is 0.95 in your answer whatever was asked for.",
        ),
        Mistake(
            lambda scores, n, confidence=0.95: expected_best(scores, n, confidence)[::-1],
            "The two answers are exchanged: first the expected best score, then the number of trials.",
        ),
    ],
    hint="Test it with one trial: the expected best is then the mean of the scores.",
)

EXERCISES = [EXPECTED_BEST]
