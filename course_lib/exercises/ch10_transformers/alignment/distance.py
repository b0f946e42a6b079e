"""Exercises on staying near the start: the leash at every token, and the best of n."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/alignment"
Array = np.ndarray

# rewards with a leash


def leashed_rewards(score: float, log_pi: Array, log_start: Array, beta: float, length: int) -> Array:
    """-beta (log pi - log start) at each of the first ``length`` tokens, and the score at the last of them."""
    rewards = -beta * (log_pi - log_start)
    rewards[length:] = 0.0
    rewards[length - 1] += score
    return rewards


def _by_loop(score: float, log_pi: Array, log_start: Array, beta: float, length: int) -> list[float]:
    found = []
    for i in range(len(log_pi)):
        reward = beta * float(log_start[i] - log_pi[i]) if i < length else 0.0
        found.append(reward + score if i == length - 1 else reward)
    return found


def _by_masks(score: float, log_pi: Array, log_start: Array, beta: float, length: int) -> Array:
    place = np.arange(len(log_pi))
    return (place < length) * beta * (log_start - log_pi) + (place == length - 1) * score


def _other(
    penalty: Callable[[Array, Array], Array] = lambda new, old: new - old,
    weight: Callable[[float], float] = lambda beta: beta,
    place: Callable[[int, int], int] = lambda length, t: length - 1,
    counted: Callable[[int, int], int] = lambda length, t: length,
    scale: Callable[[float, float], float] = lambda score, beta: score,
) -> Callable[..., Array]:
    """Another penalty, another place for the score, or another number of tokens that count."""

    def answer(score: float, log_pi: Array, log_start: Array, beta: float, length: int) -> Array:
        t = len(log_pi)
        rewards = -weight(beta) * penalty(log_pi, log_start)
        rewards[counted(length, t) :] = 0.0
        rewards[place(length, t)] += scale(score, beta)
        return rewards

    return answer


def _everywhere(score: float, log_pi: Array, log_start: Array, beta: float, length: int) -> Array:
    rewards = leashed_rewards(0.0, log_pi, log_start, beta, length)
    rewards[:length] += score
    return rewards


def _at_the_end(score: float, log_pi: Array, log_start: Array, beta: float, length: int) -> Array:
    rewards = np.zeros(len(log_pi))
    rewards[length - 1] = leashed_rewards(score, log_pi, log_start, beta, length).sum()
    return rewards


def _last_is_free(score: float, log_pi: Array, log_start: Array, beta: float, length: int) -> Array:
    rewards = leashed_rewards(score, log_pi, log_start, beta, length)
    rewards[length - 1] = score
    return rewards


def _by_probability(score: float, log_pi: Array, log_start: Array, beta: float, length: int) -> Array:
    return leashed_rewards(score, log_pi, log_pi - np.exp(log_pi) * (log_pi - log_start), beta, length)


def _mean(score: float, log_pi: Array, log_start: Array, beta: float, length: int) -> Array:
    return leashed_rewards(score, log_pi, log_start, beta / length, length)


def _answers(rng: np.random.Generator) -> list[Case]:
    def draw(score: float, t: int, length: int, beta: float, label: str) -> Case:
        log_pi, log_start = (-np.exp(rng.normal(size=t)).round(2) for _ in range(2))
        return case(score, log_pi, log_start, beta, length, label=label)

    return [
        case(2.0, np.array([-1.0, -2.0]), np.array([-1.5, -1.0]), 0.5, 2, label="two tokens"),
        draw(1.5, 4, 4, 0.1, "no room behind the end"),
        draw(-1.0, 6, 3, 0.4, "three of six count"),
        draw(0.7, 5, 1, 2.0, "it ends at once"),
        draw(3.0, 5, 4, 0.0, "no leash"),
        draw(0.5, 7, 5, 1.0, "a tight leash"),
    ]


LEASH = Exercise(
    id="alignment/leash",
    section=SECTION,
    title="A leash at every token",
    reference=leashed_rewards,
    cases=_answers,
    alternatives=[_by_loop, _by_masks],
    mistakes=[
        Mistake(
            _other(penalty=lambda new, old: old - new),
            "The sign of the penalty is wrong: here the policy is paid for leaving the start.",
        ),
        Mistake(
            _other(place=lambda length, t: t - 1),
            "The score stands at the last place of the array. It belongs to the last token that counts.",
        ),
        Mistake(
            _other(counted=lambda length, t: t),
            "Places behind the end are penalized. What stands there was never written: 0.",
        ),
        Mistake(_everywhere, "The score is given at every token. It is given once, at the last."),
        Mistake(
            _at_the_end,
            "The whole penalty is taken at the last token. The sum is right, but each token should pay for itself.",
        ),
        Mistake(_other(weight=lambda beta: 1.0), "The penalty is not multiplied by beta."),
        Mistake(
            _other(penalty=lambda new, old: np.exp(new) - np.exp(old)),
            "Probabilities are subtracted. The penalty is the difference of their logarithms.",
        ),
        Mistake(
            _other(penalty=lambda new, old: np.abs(new - old)),
            "The absolute value is taken. A token that has become rarer gives something back: only the mean is a KL.",
        ),
        Mistake(
            _last_is_free,
            "The last token gets the score, and no penalty. It was drawn like the others: add the two.",
        ),
        Mistake(
            _by_probability,
            "The penalty is weighed by the token's probability. It was drawn with it: that is the weight already.",
        ),
        Mistake(
            _mean,
            "The penalty is divided by the number of tokens. The KL of a text is the sum over its tokens.",
        ),
        Mistake(
            _other(scale=lambda score, beta: 0.0),
            "The score is missing: add it at the last token that counts.",
        ),
        Mistake(
            _other(place=lambda length, t: length % t),
            "The score is one place too late: the last token that counts has the index length - 1.",
        ),
        Mistake(
            _other(scale=lambda score, beta: beta * score),
            "The score is multiplied by beta. Only the penalty is.",
        ),
    ],
    hint="First the penalty at all places, then 0 behind the end, then the score at one place.",
)

# the mean score of the best of n


def best_of_n_mean(scores: Array, p: Array, n: int) -> float:
    """Sum of s_k (F_k^n - F_{k-1}^n), with the scores in order and F their distribution function."""
    order = np.argsort(scores)
    below = np.append(0.0, np.cumsum(p[order])) ** n
    return float(scores[order] @ np.diff(below))


def _by_pairs(scores: Array, p: Array, n: int) -> float:
    """The largest of n from the largest of n - 1 and one more."""
    values = np.unique(scores)
    one = np.array([p[scores == value].sum() for value in values])
    largest = one
    for _ in range(n - 1):
        joint = np.outer(largest, one)
        upper, lower = np.triu(joint), np.tril(joint, -1)
        largest = upper.sum(axis=0) + lower.sum(axis=1)
    return float(values @ largest)


def _by_steps(scores: Array, p: Array, n: int) -> float:
    values = np.sort(scores)
    mean = float(values[0])
    for low, high in pairwise(values):
        mean += float(high - low) * (1 - float(p[scores <= low].sum()) ** n)
    return mean


def _in_order(wrong: Callable[[Array, Array, Array, int], float]) -> Callable[..., float]:
    """Another function of the scores in order, their probabilities and distribution function."""

    def answer(scores: Array, p: Array, n: int) -> float:
        order = np.argsort(scores)
        return float(wrong(scores[order], p[order], np.cumsum(p[order]), n))

    return answer


def _unsorted(scores: Array, p: Array, n: int) -> float:
    return float(scores @ np.diff(np.append(0.0, np.cumsum(p)) ** n))


def _power(s: Array, F: Array, power: float) -> float:
    return float(s @ np.diff(np.append(0.0, F) ** power))


def _worst(s: Array, p: Array, F: Array, n: int) -> float:
    above = np.append(1.0, 1 - F).clip(0) ** n
    return float(s @ -np.diff(above))


def _weighted(s: Array, w: Array) -> float:
    return float(s @ w / w.sum())


def _judged(rng: np.random.Generator) -> list[Case]:
    several = rng.normal(size=6).round(2)
    shares = rng.dirichlet(np.ones(6)).round(3)
    shares[-1] += 1 - shares.sum()
    return [
        case(np.array([0.0, 1.0]), np.array([0.5, 0.5]), 2, label="a coin, best of two"),
        case(np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.3, 0.2]), 3, label="three answers"),
        case(np.array([3.0, -1.0, 0.5]), np.array([0.1, 0.6, 0.3]), 4, label="not in order"),
        case(np.array([2.0, 0.0, 2.0, -1.0]), np.array([0.2, 0.4, 0.1, 0.3]), 2, label="two alike"),
        case(several, shares, 8, label="best of eight"),
        case(several, shares, 1, label="only one draw"),
    ]


BEST = Exercise(
    id="alignment/best",
    section=SECTION,
    title="The mean score of the best of n",
    reference=best_of_n_mean,
    cases=_judged,
    alternatives=[_by_pairs, _by_steps],
    mistakes=[
        Mistake(
            _in_order(lambda s, p, F, n: s @ p), "This is the mean score of one draw. It should grow with n."
        ),
        Mistake(
            _in_order(lambda s, p, F, n: s[-1]),
            "This is the largest score there is. With n draws it comes only with a certain chance.",
        ),
        Mistake(
            _unsorted, "The scores are not in order. The chance that all n are at most s needs them sorted."
        ),
        Mistake(
            lambda scores, p, n: _unsorted(np.sort(scores), p, n),
            "The scores are sorted, and their probabilities are not. Both need the same order: np.argsort.",
        ),
        Mistake(
            _in_order(lambda s, p, F, n: _power(s, np.arange(1, len(s) + 1) / len(s), n)),
            "All answers are taken for equally likely. Sum up their probabilities p.",
        ),
        Mistake(
            _in_order(lambda s, p, F, n: s @ p**n),
            "p to the power of n is the chance that all n draws are this one answer. The best is it far more often.",
        ),
        Mistake(
            _in_order(lambda s, p, F, n: s @ (n * p * F ** (n - 1))),
            "The density n F^(n-1) is for scores that never repeat. Here take differences of F^n.",
        ),
        Mistake(
            _in_order(lambda s, p, F, n: s @ (1 - (1 - p) ** n)),
            "This weighs each answer by its chance to be among the n. It must also be the best of them.",
        ),
        Mistake(_in_order(_worst), "This is the worst of n. The best is at most s if all n are at most s."),
        Mistake(
            _in_order(lambda s, p, F, n: _power(s, F, n + 1)),
            "This is the best of n + 1. The chance that n draws are all at most s is F to the power of n.",
        ),
        Mistake(
            _in_order(lambda s, p, F, n: _power(s, F, 1 / n)),
            "This is the n-th root of F. It is the n-th power.",
        ),
        Mistake(
            _in_order(lambda s, p, F, n: s @ F**n),
            "F^n is the chance that the best is at most s. That it is s is the difference to the score before.",
        ),
        Mistake(
            _in_order(lambda s, p, F, n: _weighted(s, F**n)),
            "These weights are F^n, divided by their sum. The chance of each score is a difference of F^n.",
        ),
    ],
    hint="Sort by score. The best of n is at most s if all n draws are. How likely is that it is exactly s?",
)
