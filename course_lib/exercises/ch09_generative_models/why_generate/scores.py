"""Exercises on log densities as scores: a threshold for alarms, and a width that needs no held-out points."""

from collections.abc import Callable
from math import ceil, floor

import numpy as np
from scipy.special import logsumexp

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/why_generate"
Array = np.ndarray

# a threshold for a rate of false alarms


def threshold(normal: Array, new: Array, rate: float) -> tuple[float, Array]:
    """The largest of the normal scores with at most ``rate`` of them below it; which new scores are below."""
    t = np.sort(normal)[floor(rate * len(normal))]
    return t, new < t


def _by_search(normal: Array, new: Array, rate: float) -> tuple[float, Array]:
    allowed = [t for t in normal if np.mean(normal < t) <= rate]
    return max(allowed), np.array([score < max(allowed) for score in new])


def _alarm(
    find: Callable[[Array, float], float] = lambda normal, rate: np.sort(normal)[floor(rate * len(normal))],
    sound: Callable[[Array, float], Array] = lambda new, t: new < t,
) -> Callable[..., tuple[float, Array]]:
    """Another threshold, or another rule of alarm."""

    def answer(normal: Array, new: Array, rate: float) -> tuple[float, Array]:
        t = find(normal, rate)
        return t, sound(new, t)

    return answer


def _of_new(normal: Array, new: Array, rate: float) -> tuple[float, Array]:
    return threshold(new, new, rate)


def _detectors(rng: np.random.Generator) -> list[Case]:
    def scores(n: int, m: int, rate: float, label: str) -> Case:
        normal = rng.normal(size=n).round(2) - 3
        new = np.concatenate(
            [rng.normal(size=m).round(2) - 4.5, rng.choice(normal, 3), [np.sort(normal)[-1] + 1]]
        )
        return case(normal, rng.permutation(new), rate, label=label)

    tied = np.array([-1.0, -2, -2, -2, -3, -1, -1, -2])
    return [
        scores(16, 4, 0.25, "16 normal scores, a quarter"),
        scores(40, 9, 0.125, "40 normal scores, an eighth"),
        scores(11, 6, 0.25, "a rate that does not divide"),
        scores(30, 5, 0.09375, "another that does not"),
        case(tied, np.array([-2.5, -2.0, -4.0, -1.0, -1.5]), 0.25, label="equal scores"),
        scores(9, 4, 0.0, "no false alarm at all"),
    ]


THRESHOLD = Exercise(
    id="why_generate/threshold",
    section=SECTION,
    title="The price of an alarm",
    reference=threshold,
    cases=_detectors,
    alternatives=[_by_search],
    mistakes=[
        Mistake(
            _alarm(lambda normal, rate: np.sort(normal)[max(floor(rate * len(normal)) - 1, 0)]),
            "One place too low: Python counts from 0, so that at place i of the sorted scores i of them lie below.",
        ),
        Mistake(
            _alarm(lambda normal, rate: np.sort(normal)[floor(rate * len(normal)) + 1]),
            "One place too high: this lets more false alarms through than allowed.",
        ),
        Mistake(
            _alarm(lambda normal, rate: np.sort(normal)[ceil(rate * len(normal))]),
            "The number of false alarms is rounded up, which is more than allowed. Round down.",
        ),
        Mistake(
            _alarm(lambda normal, rate: np.quantile(normal, rate)),
            "np.quantile puts the threshold between two scores by interpolation. One of the normal scores is asked for.",
        ),
        Mistake(
            _alarm(lambda normal, rate: normal[floor(rate * len(normal))]),
            "The scores are not sorted.",
        ),
        Mistake(
            _alarm(lambda normal, rate: np.sort(normal)[::-1][floor(rate * len(normal))]),
            "This counts from the highest score. Anomalies have low ones: a threshold there would alarm at nearly everything.",
        ),
        Mistake(
            _alarm(
                lambda normal, rate: np.sort(normal)[::-1][floor(rate * len(normal))], lambda new, t: new > t
            ),
            "The alarm sounds at high densities. Anomalies are where the density is low.",
        ),
        Mistake(
            _alarm(sound=lambda new, t: new > t),
            "The threshold is right, and the alarm is turned round: it should sound below the threshold.",
        ),
        Mistake(
            _alarm(sound=lambda new, t: new <= t),
            "A score that equals the threshold alarms here. The threshold itself is a normal score: alarm only below it.",
        ),
        Mistake(
            _alarm(lambda normal, rate: normal.min()),
            "The lowest normal score allows no false alarm at all, whatever the rate is.",
        ),
        Mistake(
            _of_new,
            "The threshold is taken from the new scores, so that always the same share of them alarms. Take it from the normal ones.",
        ),
        Mistake(
            _alarm(lambda normal, rate: np.sort(normal)[floor((1 - rate) * len(normal)) - 1]),
            "The rate is taken for the share of normal scores that may be kept. It is the share that may alarm.",
        ),
    ],
    hint="Sort the normal scores. How many of them lie below the one at place i? The largest allowed number is the floor of rate times n.",
)

# a kernel width without held-out points


def leave_one_out(x: Array, h: float) -> float:
    """Mean over i of the log kernel density of the other points at x_i."""
    n, d = x.shape
    a = -((x[:, None] - x) ** 2).sum(axis=2) / (2 * h**2)
    np.fill_diagonal(a, -np.inf)
    return float(logsumexp(a, axis=1).mean() - np.log(n - 1) - d * np.log(h * np.sqrt(2 * np.pi)))


def _by_points(x: Array, h: float) -> float:
    total = 0.0
    for i, row in enumerate(x):
        others = np.delete(x, i, axis=0)
        a = -np.sum((others - row) ** 2, axis=1) / (2 * h * h) - len(row) / 2 * np.log(2 * np.pi * h * h)
        total += a.max() + np.log(np.mean(np.exp(a - a.max())))
    return total / len(x)


def _kernels(
    spread: Callable[[Array, float], Array] = lambda s, h: s / (2 * h**2),
    without: Callable[[Array, Array], Array] = lambda a, s: np.where(np.eye(len(a), dtype=bool), -np.inf, a),
    join: Callable[[Array], float] = lambda a: float(logsumexp(a, axis=1).mean()),
    constant: Callable[[int, int, float], float] = lambda n, d, h: (
        np.log(n - 1) + d * np.log(h * np.sqrt(2 * np.pi))
    ),
) -> Callable[..., float]:
    """Another kernel, another set of points, another mean, or another constant."""

    def answer(x: Array, h: float) -> float:
        squares = ((x[:, None] - x) ** 2).sum(axis=2)
        return join(without(-spread(squares, h), squares)) - constant(len(x), x.shape[1], h)

    return answer


def _naive(a: Array) -> float:
    with np.errstate(all="ignore"):
        return float(np.log(np.exp(a).sum(axis=1)).mean())


def _clouds(rng: np.random.Generator) -> list[Case]:
    twice = rng.normal(size=(6, 2)).round(1)
    outlier = np.concatenate([rng.normal(size=(7, 2)).round(2), [[90.0, -70.0]]])
    return [
        case(np.array([[0.0], [1.0], [3.0]]), 1.0, label="three points on a line"),
        case(rng.normal(size=(9, 2)).round(2), 0.5, label="nine in the plane"),
        case(rng.normal(size=(5, 6)).round(2), 1.75, label="six dimensions"),
        case(np.concatenate([twice, twice[:2]]), 0.75, label="some points come twice"),
        case(outlier, 0.25, label="a point far from all others"),
    ]


LEAVE_ONE_OUT = Exercise(
    id="why_generate/leave_one_out",
    section=SECTION,
    title="A width without held-out points",
    reference=leave_one_out,
    cases=_clouds,
    alternatives=[_by_points],
    mistakes=[
        Mistake(
            _kernels(
                without=lambda a, s: a,
                constant=lambda n, d, h: np.log(n) + d * np.log(h * np.sqrt(2 * np.pi)),
            ),
            "Each point counts among its own kernels, so that the narrowest width would win. Leave it out.",
        ),
        Mistake(
            _kernels(constant=lambda n, d, h: np.log(n) + d * np.log(h * np.sqrt(2 * np.pi))),
            "The sum is divided by n. Only n - 1 kernels are left.",
        ),
        Mistake(
            _kernels(without=lambda a, s: np.where(np.eye(len(a), dtype=bool), 0.0, a)),
            "The exponent of the point itself is set to 0, whose exponential is 1. It should add nothing: minus infinity.",
        ),
        Mistake(
            _kernels(without=lambda a, s: np.where(s == 0, -np.inf, a)),
            "All points in the same place are left out. Leave out the point itself alone; its double is another observation.",
        ),
        Mistake(
            _kernels(constant=lambda n, d, h: np.log(n - 1) + np.log(h) + d * np.log(2 * np.pi) / 2),
            "The logarithm of h is subtracted once. There is one for each of the d coordinates.",
        ),
        Mistake(
            _kernels(constant=lambda n, d, h: np.log(n - 1)),
            "The constant of the normal density is missing: the widest kernel would win.",
        ),
        Mistake(
            _kernels(constant=lambda n, d, h: d * np.log(h * np.sqrt(2 * np.pi))),
            "The kernels are added, not averaged: the density would integrate to n - 1.",
        ),
        Mistake(
            _kernels(spread=lambda s, h: s / (2 * h)),
            "The squared distance is divided by h. Divide by its square.",
        ),
        Mistake(
            _kernels(spread=lambda s, h: s / h**2),
            "The factor 1/2 in front of the squared distance is missing.",
        ),
        Mistake(
            _kernels(join=_naive),
            "Right on paper, but far from all others every exponential is 0, and its logarithm minus infinity. Take the largest exponent out first.",
        ),
        Mistake(
            _kernels(join=lambda a: float(logsumexp(a) - np.log(len(a)))),
            "This is the logarithm of the mean density. A log-likelihood is the mean of the logarithms.",
        ),
        Mistake(
            _kernels(join=lambda a: float(a.max(axis=1).mean())),
            "Only the nearest other point counts. Add the kernels of all others.",
        ),
    ],
    hint="Put minus infinity on the diagonal of the exponents, then log-sum-exp over each row.",
)
