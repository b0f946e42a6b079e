"""Exercises on what people prefer: rankings made into pairs, and the loss of a judge."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/alignment"
Array = np.ndarray

# a ranking of k answers into pairs


def ranked_pairs(ranks: Array) -> Array:
    """Rows (better, worse) for every two answers of unlike rank, in order of the first, then the second."""
    better, worse = np.nonzero(np.asarray(ranks)[:, None] < np.asarray(ranks)[None])
    return np.stack([better, worse], axis=1)


def _by_loops(ranks: Array) -> Array:
    k = len(ranks)
    return np.array([(i, j) for i in range(k) for j in range(k) if ranks[i] < ranks[j]])


def _by_sorting(ranks: Array) -> list[list[int]]:
    found = []
    for i in range(len(ranks)):
        for j in range(i + 1, len(ranks)):
            if ranks[i] != ranks[j]:
                found.append([i, j] if ranks[i] < ranks[j] else [j, i])
    return sorted(found)


def _those(keep: Callable[[Array, int, int], bool]) -> Callable[[Array], Array]:
    """Pairs (i, j) of different answers by another rule."""

    def answer(ranks: Array) -> Array:
        k = len(ranks)
        return _rows((i, j) for i in range(k) for j in range(k) if i != j and keep(ranks, i, j))

    return answer


def _rows(pairs: Iterable[tuple[int, int]]) -> Array:
    return np.array(list(pairs), dtype=int).reshape(-1, 2)


def _ranks_themselves(ranks: Array) -> Array:
    return np.asarray(ranks)[ranked_pairs(ranks)]


def _in_order_of_rank(ranks: Array) -> Array:
    pairs = ranked_pairs(ranks)
    ranks = np.asarray(ranks)
    return pairs[np.lexsort((pairs[:, 1], ranks[pairs[:, 1]], pairs[:, 0], ranks[pairs[:, 0]]))]


def _as_found(ranks: Array) -> Array:
    k = len(ranks)
    both = [
        (i, j) if ranks[i] < ranks[j] else (j, i) for i in range(k) for j in range(i) if ranks[i] != ranks[j]
    ]
    return _rows(both)


def _neighbours(ranks: Array) -> Array:
    order = np.argsort(ranks, kind="stable")
    return _rows(sorted((i, j) for i, j in pairwise(order) if ranks[i] < ranks[j]))


PAIRS = Exercise(
    id="alignment/pairs",
    section=SECTION,
    title="Pairs from a ranking",
    reference=ranked_pairs,
    cases=[
        case(np.array([1, 2]), label="two answers"),
        case(np.array([1, 2, 3, 4]), label="best first"),
        case(np.array([3, 1, 2]), label="three in another order"),
        case(np.array([2, 1, 2, 3]), label="a tie"),
        case(np.array([1, 1, 2, 2, 2]), label="only two ranks"),
        case(np.array([4, 6, 1, 5, 3, 2]), label="six answers"),
    ],
    alternatives=[_by_loops, _by_sorting],
    mistakes=[
        Mistake(
            _those(lambda ranks, i, j: ranks[i] <= ranks[j]),
            "Answers of one rank are paired as well, in both orders. A tie says nothing: leave it out.",
        ),
        Mistake(
            _those(lambda ranks, i, j: ranks[i] > ranks[j]),
            "The pairs are the wrong way round: rank 1 is the best, so the smaller rank comes first.",
        ),
        Mistake(
            _those(lambda ranks, i, j: i < j),
            "This takes the answers for sorted, best first. Compare their ranks, not their places.",
        ),
        Mistake(
            _those(lambda ranks, i, j: i < j and ranks[i] < ranks[j]),
            "Pairs whose better answer stands further back are missing. Look at every i and every j.",
        ),
        Mistake(
            _those(lambda ranks, i, j: ranks[i] != ranks[j]),
            "Every pair is there twice, once in each order. Keep the one in which the better answer is first.",
        ),
        Mistake(
            _those(lambda ranks, i, j: ranks[i] == min(ranks) and ranks[j] > ranks[i]),
            "Only the best answer is paired with the others. A ranking says more: all answers are compared.",
        ),
        Mistake(
            _neighbours,
            "Only neighbours in the ranking are paired. The third is worse than the first, too: that is a pair.",
        ),
        Mistake(
            lambda ranks: ranked_pairs(ranks) + 1,
            "The answers are numbered from 1. Number them from 0, so that they can be used as indices.",
        ),
        Mistake(
            _ranks_themselves, "The rows hold ranks. They should hold the places of the answers in the list."
        ),
        Mistake(
            _in_order_of_rank,
            "These are the right pairs, in order of their ranks. Sort the rows by the numbers of the answers.",
        ),
        Mistake(
            lambda ranks: ranked_pairs(-np.asarray(ranks))[:, ::-1],
            "These are the right pairs, sorted by the worse answer. Sort by the better one, which stands first.",
        ),
        Mistake(
            _as_found,
            "These are the right pairs, in the order in which a double loop finds them. Sort the rows.",
        ),
    ],
    hint="Which condition on ranks[i] and ranks[j] says that answer i is better? Go through all i, and for each all j.",
)

# the loss of a judge


def pair_loss(rewards: Array, pairs: Array) -> float:
    """Mean of log(1 + exp(-(r_better - r_worse)))."""
    gaps = rewards[pairs[:, 0]] - rewards[pairs[:, 1]]
    return float(np.logaddexp(0.0, -gaps).mean())


def _by_cases(rewards: Array, pairs: Array) -> float:
    total = 0.0
    for better, worse in pairs:
        gap = float(rewards[better] - rewards[worse])
        total += max(-gap, 0.0) + float(np.log1p(np.exp(-abs(gap))))
    return total / len(pairs)


def _by_softmax(rewards: Array, pairs: Array) -> float:
    both = rewards[pairs]
    return float(np.mean(np.logaddexp.reduce(both, axis=1) - both[:, 0]))


def _of_gaps(wrong: Callable[[Array], float]) -> Callable[[Array, Array], float]:
    """Another function of the gaps between better and worse."""

    def answer(rewards: Array, pairs: Array) -> float:
        with np.errstate(all="ignore"):
            return float(wrong(rewards[pairs[:, 0]] - rewards[pairs[:, 1]]))

    return answer


def _sigmoid(x: Array) -> Array:
    return np.exp(-np.logaddexp(0.0, -x))


def _for_each_answer(rewards: Array, pairs: Array) -> float:
    return pair_loss(rewards, pairs) * len(pairs) / len(rewards)


def _rankings(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([2.0, 0.0]), np.array([[0, 1]]), label="one pair in the right order"),
        case(np.array([0.0, 1.0, 3.0]), np.array([[2, 1], [2, 0], [1, 0]]), label="three answers"),
        case(np.array([0.5, -1.0, 2.0]), np.array([[1, 2], [0, 1]]), label="one pair in the wrong order"),
        case(
            rng.normal(size=5).round(2),
            np.array([[4, 0], [4, 1], [4, 3], [2, 0], [2, 1], [0, 1], [3, 1]]),
            label="seven pairs",
        ),
        case(np.array([1.0, 0.5]), np.array([[0, 1], [1, 0], [0, 1]]), label="two people of three agree"),
        case(np.array([-800.0, 800.0, 0.0]), np.array([[0, 1], [2, 0]]), label="rewards far apart"),
    ]


LOSS = Exercise(
    id="alignment/loss",
    section=SECTION,
    title="The loss of a judge",
    reference=pair_loss,
    cases=_rankings,
    alternatives=[_by_cases, _by_softmax],
    mistakes=[
        Mistake(
            _of_gaps(lambda gaps: np.logaddexp(0.0, -gaps).sum()),
            "This is the sum over the pairs. Divide by their number.",
        ),
        Mistake(
            _of_gaps(lambda gaps: np.logaddexp(0.0, gaps).mean()),
            "The sign of the difference is wrong: here a judge does well who prefers the worse answer.",
        ),
        Mistake(
            _of_gaps(lambda gaps: -np.logaddexp(0.0, -gaps).mean()),
            "This is the log-likelihood, which is negative. A loss is to be made small: turn the sign.",
        ),
        Mistake(
            _of_gaps(lambda gaps: np.log1p(np.exp(-gaps)).mean()),
            "The exponential overflows where rewards are far apart. np.logaddexp(0, x) is log(1 + e^x) without that.",
        ),
        Mistake(
            _of_gaps(lambda gaps: -np.log(_sigmoid(gaps) + 1e-8).mean()),
            "A small number is added inside the logarithm, so a pair that is far wrong costs too little. "
            "Compute log(1 + e^x) by np.logaddexp.",
        ),
        Mistake(
            _of_gaps(lambda gaps: (1 - _sigmoid(gaps)).mean()),
            "This is the mean chance of being wrong. The logarithm of the chance of being right is missing.",
        ),
        Mistake(
            _of_gaps(lambda gaps: -np.log(np.mean(_sigmoid(gaps)))),
            "Here the logarithm is taken of the mean. Take the logarithm for each pair, and then the mean.",
        ),
        Mistake(
            _of_gaps(lambda gaps: np.maximum(0.0, 1 - gaps).mean()),
            "This is the hinge loss of support vector machines. Bradley and Terry's is log(1 + e^-gap).",
        ),
        Mistake(
            _of_gaps(lambda gaps: np.logaddexp(0.0, -gaps).mean() / np.log(2)),
            "This is in bits. Take the natural logarithm.",
        ),
        Mistake(
            _of_gaps(lambda gaps: float(np.logaddexp(0.0, -gaps.mean()))),
            "Here the differences are averaged first. Compute the loss of each pair, and then the mean.",
        ),
        Mistake(
            _for_each_answer,
            "The sum is divided by the number of answers. Divide by the number of pairs.",
        ),
    ],
    hint="Take the difference better minus worse for each pair. np.logaddexp(0, x) is log(1 + e^x).",
)
