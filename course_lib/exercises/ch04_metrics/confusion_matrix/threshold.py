"""The exercise on the cheapest threshold."""

from collections.abc import Callable, Iterable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "04_metrics/confusion_matrix"
Found = tuple[float, float]


def _bill(y: np.ndarray, scores: np.ndarray, t: float, miss: float, alarm: float) -> float:
    return float(miss * ((y == 1) & (scores < t)).sum() + alarm * ((y == 0) & (scores >= t)).sum())


def cheapest_threshold(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    """Of the scores and infinity the one with the lowest bill; of equals the highest."""
    return _search(y, scores, [np.inf, *np.unique(scores)[::-1]], lambda t: _bill(y, scores, t, miss, alarm))


def _search(
    y: np.ndarray, scores: np.ndarray, candidates: Iterable[float], bill: Callable[[float], float]
) -> Found:
    """Of the candidates the first of those with the lowest bill, and this bill."""
    best = min(candidates, key=bill)
    return float(best), float(bill(best))


def _by_sorting(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    """Cumulative sums over the sorted scores; a bill counts only behind the last of equal scores."""
    order = np.argsort(-scores)
    s, positive = scores[order], y[order] == 1
    hits, false_alarms = np.append(0, positive.cumsum()), np.append(0, (~positive).cumsum())
    bills = miss * (positive.sum() - hits) + alarm * false_alarms
    last = np.append(np.append(True, s[1:] != s[:-1]), True)
    bills = np.where(last, bills, np.inf)
    place = int(bills.argmin())
    return float(np.append(np.inf, s)[place]), float(bills[place])


def _ties_cut(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    """The same without care for equal scores."""
    order = np.argsort(-scores, kind="stable")
    positive = y[order] == 1
    hits, false_alarms = np.append(0, positive.cumsum()), np.append(0, (~positive).cumsum())
    bills = miss * (positive.sum() - hits) + alarm * false_alarms
    place = int(bills.argmin())
    return float(np.append(np.inf, scores[order])[place]), float(bills[place])


def _strictly(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    def bill(t: float) -> float:
        return float(miss * ((y == 1) & (scores <= t)).sum() + alarm * ((y == 0) & (scores > t)).sum())

    return _search(y, scores, [np.inf, *np.unique(scores)[::-1]], bill)


def _among(candidates: Callable[[np.ndarray], Iterable[float]]) -> Callable[..., Found]:
    """The right bill over other candidates, made of the scores."""
    return lambda y, scores, miss, alarm: _search(
        y, scores, candidates(scores), lambda t: _bill(y, scores, t, miss, alarm)
    )


def _at_prices(prices: Callable[[float, float], tuple[float, float]]) -> Callable[..., Found]:
    """The threshold that is cheapest at other prices, and its bill at those."""
    return lambda y, scores, miss, alarm: cheapest_threshold(y, scores, *prices(miss, alarm))


def _chosen_at(prices: Callable[[float, float], tuple[float, float]]) -> Callable[..., Found]:
    """The threshold that is cheapest at other prices, and what it costs at the right ones."""

    def answer(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
        t = cheapest_threshold(y, scores, *prices(miss, alarm))[0]
        return t, _bill(y, scores, t, miss, alarm)

    return answer


def _between(scores: np.ndarray) -> list[float]:
    sorted_scores = np.unique(scores)[::-1]
    return [np.inf, *((sorted_scores[1:] + sorted_scores[:-1]) / 2), -np.inf]


def _by_formula(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    t = alarm / (alarm + miss)
    return t, _bill(y, scores, t, miss, alarm)


def _by_f1(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    def minus_f1(t: float) -> float:
        called = scores >= t
        below = called.sum() + (y == 1).sum()
        return -2 * (called & (y == 1)).sum() / below if below else 0.0

    t = min([np.inf, *np.unique(scores)[::-1]], key=minus_f1)
    return float(t), _bill(y, scores, t, miss, alarm)


def _mean_bill(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    t, bill = cheapest_threshold(y, scores, miss, alarm)
    return t, bill / len(y)


def _by_rates(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    positives, negatives = max((y == 1).sum(), 1), max((y == 0).sum(), 1)
    return cheapest_threshold(y, scores, miss / positives, alarm / negatives)


def _chosen_by_rates(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    t = _by_rates(y, scores, miss, alarm)[0]
    return t, _bill(y, scores, t, miss, alarm)


def _hits_cost(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    def bill(t: float) -> float:
        return _bill(y, scores, t, miss, alarm) + alarm * ((y == 1) & (scores >= t)).sum()

    return _search(y, scores, [np.inf, *np.unique(scores)[::-1]], bill)


def _counts_errors(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    t = cheapest_threshold(y, scores, miss, alarm)[0]
    return t, _bill(y, scores, t, 1, 1)


def _position(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    t, bill = cheapest_threshold(y, scores, miss, alarm)
    return float([np.inf, *np.unique(scores)[::-1]].index(t)), bill


def _reversed_alarm(y: np.ndarray, scores: np.ndarray, miss: float, alarm: float) -> Found:
    def bill(t: float) -> float:
        return float(miss * ((y == 1) & (scores >= t)).sum() + alarm * ((y == 0) & (scores < t)).sum())

    return _search(y, scores, [np.inf, *np.unique(scores)[::-1]], bill)


def _examples(rng: np.random.Generator) -> list[Case]:
    y = (rng.uniform(size=40) < 0.25).astype(int)
    scores = np.round(np.clip(0.3 * y + rng.uniform(0, 0.7, 40), 0, 1), 2)
    logits = np.round(rng.normal(size=12) * 3, 1)
    return [
        case(
            np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.9]), 1, 1, label="four examples, equal prices"
        ),
        case(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.9]), 5, 1, label="a miss costs 5"),
        case(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.9]), 1, 5, label="a false alarm costs 5"),
        case(
            np.array([1, 0, 0, 0]), np.array([0.2, 0.7, 0.5, 0.3]), 1, 2, label="never an alarm is cheapest"
        ),
        case(
            np.array([0, 1, 1, 0]), np.array([0.3, 0.2, 0.8, 0.9]), 9, 1, label="always an alarm is cheapest"
        ),
        case(
            np.array([1, 0, 0, 1, 0]),
            np.array([0.6, 0.6, 0.6, 0.9, 0.2]),
            3,
            2,
            label="equal scores, two labels",
        ),
        case(
            np.array([1, 1, 0, 0]), np.array([0.9, 0.5, 0.5, 0.1]), 2, 2, label="two thresholds at one price"
        ),
        case(np.array([0, 0, 0]), np.array([0.2, 0.8, 0.5]), 4, 1, label="no positive at all"),
        case(np.array([1, 1]), np.array([0.01, 0.02]), 1, 3, label="no negative at all"),
        case(np.tile([0, 1, 0], 4), logits, 2.5, 0.5, label="scores that are logits"),
        case(y, scores, 4, 1, label="forty examples"),
    ]


CHEAPEST = Exercise(
    id="confusion_matrix/cheapest",
    section=SECTION,
    title="The cheapest threshold",
    reference=cheapest_threshold,
    cases=_examples,
    alternatives=[_by_sorting],
    mistakes=[
        Mistake(
            _at_prices(lambda miss, alarm: (alarm, miss)),
            "The two prices are exchanged: miss is for the positives below the threshold.",
        ),
        Mistake(
            _at_prices(lambda miss, alarm: (1, 1)),
            "The prices are not used: this is the threshold with the fewest errors.",
        ),
        Mistake(
            _strictly,
            "A score equal to the threshold raises no alarm here. It should: an alarm is where the score is at least "
            "the threshold.",
        ),
        Mistake(
            _among(lambda scores: np.unique(scores)[::-1]),
            "Infinity is not among the candidates. Never raising an alarm can be the cheapest of all.",
        ),
        Mistake(
            _among(lambda scores: [*np.unique(scores), np.inf]),
            "Of several thresholds with the same bill this is the lowest. Return the highest.",
        ),
        Mistake(
            _among(lambda scores: [np.inf, *np.linspace(1, 0, 101)]),
            "This is the best of a grid. Try the scores themselves: between two of them no answer changes, and "
            "scores need not lie between 0 and 1.",
        ),
        Mistake(
            _chosen_at(lambda miss, alarm: (1, 1)),
            "The threshold is the one with the fewest errors, and only then the prices are used. Use them in the "
            "search.",
        ),
        Mistake(
            _chosen_at(lambda miss, alarm: (alarm, miss)),
            "The threshold is chosen with the two prices exchanged, and the bill made with the right ones. miss is for "
            "the positives below the threshold, in both.",
        ),
        Mistake(
            _among(_between),
            "The candidates lie between the scores. That decides as well, but asked are the scores themselves, and "
            "infinity.",
        ),
        Mistake(
            lambda y, scores, miss, alarm: cheapest_threshold(y, scores, miss, alarm)[::-1],
            "The two values are exchanged: return the threshold first.",
        ),
        Mistake(
            _ties_cut,
            "Examples with equal scores are separated here, and no threshold can do that. A bill counts only behind "
            "the last of equal scores.",
        ),
        Mistake(
            _by_formula,
            "This is the threshold of the formula, alarm / (alarm + miss). It is the cheapest only for scores that "
            "are true probabilities: try the scores themselves.",
        ),
        Mistake(
            _by_f1,
            "This is the threshold with the highest F1. F1 does not know the prices.",
        ),
        Mistake(
            _mean_bill,
            "The threshold is right, and the bill is divided by n. Return the sum of all costs.",
        ),
        Mistake(
            _by_rates,
            "The prices multiply rates: shares of the positives that are missed, of the negatives that raise an alarm. "
            "The bill counts examples.",
        ),
        Mistake(
            _chosen_by_rates,
            "The threshold is chosen by rates, as if positives and negatives were equally many, and only the bill is "
            "made of counts. Use the counts in the search, too.",
        ),
        Mistake(
            _hits_cost,
            "Every alarm costs something here, the hits as well. Only false alarms and misses have a price.",
        ),
        Mistake(
            _counts_errors,
            "The threshold is right, and the second value is the number of errors there. Return what they cost.",
        ),
        Mistake(
            _position,
            "The first value is the position of the threshold. Return the threshold itself.",
        ),
        Mistake(
            _reversed_alarm,
            "Alarms are raised below the threshold here. They are raised where the score is at least the threshold.",
        ),
        Mistake(
            _at_prices(lambda miss, alarm: (miss, 0)),
            "False alarms cost nothing here, so that alarming nearly always is free.",
        ),
    ],
    hint="For a candidate t: which positives lie below it, and which negatives do not?",
)
