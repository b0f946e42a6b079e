"""Exercises on judging: what is dominated, and what the spread supports."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/comparison"

# the front

Numbers = np.ndarray


def front(costs: Numbers, errors: Numbers) -> list[int]:
    """Keep those that nobody beats in one number without losing in the other."""
    points = list(zip(np.asarray(costs), np.asarray(errors), strict=True))
    return [
        i
        for i, (cost, error) in enumerate(points)
        if not any(c <= cost and e <= error and (c < cost or e < error) for c, e in points)
    ]


def _sorted(costs: Numbers, errors: Numbers) -> np.ndarray:
    """By cost, then error; keep what is better than all that is cheaper, and its equals."""
    costs, errors = np.asarray(costs), np.asarray(errors)
    kept, best = [], (np.inf, np.inf)  # error and cost of the last one kept
    for i in np.lexsort((errors, costs)):
        if errors[i] < best[0] or (errors[i], costs[i]) == best:
            kept.append(int(i))
            best = (errors[i], costs[i])
    return np.sort(kept)


def _kept(
    beats: Callable[[float, float, float, float], bool],
) -> Callable[[Numbers, Numbers], list[int]]:
    """A wrong front: which (c, e) beats which (cost, error)."""

    def answer(costs: Numbers, errors: Numbers) -> list[int]:
        points = [(float(c), float(e)) for c, e in zip(costs, errors, strict=True)]
        return [
            i
            for i, (cost, error) in enumerate(points)
            if not any(beats(c, e, cost, error) for c, e in points)
        ]

    return answer


def _better_than_the_cheapest(costs: Numbers, errors: Numbers) -> list[int]:
    cheapest = int(np.argmin(costs))
    return [i for i in range(len(costs)) if i == cheapest or errors[i] < errors[cheapest]]


PUBLISHED = {  # multiply-adds in G, top-5 error in %, as in the section
    "AlexNet": (0.71, 20.93),
    "VGG-16": (15.47, 9.62),
    "GoogLeNet": (1.50, 10.47),
    "Inception v3": (5.71, 6.55),
    "ResNet-50": (4.09, 7.14),
    "DenseNet-121": (2.83, 8.03),
    "MobileNet v2": (0.30, 9.71),
}


def _fronts(rng: np.random.Generator) -> list[Case]:
    a, b = (np.array(each) for each in zip(*PUBLISHED.values(), strict=True))
    found = [
        case(
            np.array([1.0, 2.0, 3.0]), np.array([9.0, 5.0, 7.0]), label="the third costs more and errs more"
        ),
        case(np.array([3.0, 1.0, 2.0]), np.array([2.0, 8.0, 5.0]), label="all three are on the front"),
        case(np.array([2.0, 2.0, 1.0]), np.array([4.0, 6.0, 7.0]), label="two of one cost"),
        case(np.array([1.0, 2.0, 3.0]), np.array([5.0, 5.0, 4.0]), label="two of one error"),
        case(
            np.array([2.0, 2.0, 1.0, 3.0]), np.array([4.0, 4.0, 7.0, 4.5]), label="two that are equal in both"
        ),
        case(a, b, label="the networks of the section"),
    ]
    for n in (12, 25):
        found.append(
            case(rng.uniform(1, 9, n).round(1), rng.uniform(1, 9, n).round(1), label=f"{n} networks")
        )
    return found


PARETO = Exercise(
    id="comparison/pareto",
    section=SECTION,
    title="Who is beaten on both counts?",
    reference=front,
    cases=_fronts,
    alternatives=[_sorted],
    mistakes=[
        Mistake(
            _kept(lambda c, e, cost, error: c < cost and e < error),
            "One that costs the same and errs more is kept here, or one that errs the same and costs more. Either is dominated: "
            "no worse in both and better in one is enough.",
        ),
        Mistake(
            _kept(lambda c, e, cost, error: c <= cost and e < error),
            "One that costs more for the same error is kept here. It is dominated.",
        ),
        Mistake(
            _kept(lambda c, e, cost, error: c < cost and e <= error),
            "One that errs more at the same cost is kept here. It is dominated.",
        ),
        Mistake(
            _kept(lambda c, e, cost, error: c < cost or e < error),
            "Everyone is out whom somebody beats in one number. To dominate, one must not be worse in the other.",
        ),
        Mistake(
            _kept(lambda c, e, cost, error: c <= cost and e >= error and (c < cost or e > error)),
            "This is the front of cost and accuracy: the second number is an error, lower is better.",
        ),
        Mistake(
            lambda costs, errors: sorted({int(np.argmin(costs)), int(np.argmin(errors))}),
            "The cheapest and the one with the lowest error are on the front, but so may be others between them.",
        ),
        Mistake(
            lambda costs, errors: [int(np.argmin(np.asarray(costs) * np.asarray(errors)))],
            "This is the one with the smallest product of the two. A front has no single winner: keep all that nobody dominates.",
        ),
        Mistake(
            _better_than_the_cheapest,
            "Each is compared with the cheapest only. Compare it with all others.",
        ),
        Mistake(
            lambda costs, errors: [i for i in range(len(costs)) if i not in front(costs, errors)],
            "These are the dominated ones. Return the others.",
        ),
        Mistake(
            lambda costs, errors: sorted(front(costs, errors), key=lambda i: (costs[i], -i)),
            "The right ones, by their cost or in another order. Return their indices in increasing order.",
        ),
    ],
    hint="For each network ask: is there another one with cost and error both no larger, and at least one of them smaller?",
)

# the spread


def interval(a: Numbers, b: Numbers, factor: float) -> np.ndarray:
    """Difference of the means, and factor standard errors of it to either side."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    half = factor * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return a.mean() - b.mean() + np.array([-half, half])


def _by_sums(a: Numbers, b: Numbers, factor: float) -> tuple[float, float]:
    means, squares = [], 0.0
    for runs in (list(map(float, a)), list(map(float, b))):
        mean = sum(runs) / len(runs)
        means.append(mean)
        squares += sum((each - mean) ** 2 for each in runs) / (len(runs) - 1) / len(runs)
    gap = means[0] - means[1]
    return gap - factor * squares**0.5, gap + factor * squares**0.5


def _around(
    half: Callable[[Numbers, Numbers], float],
    middle: Callable[[Numbers, Numbers], float] = lambda a, b: float(a.mean() - b.mean()),
) -> Callable[[Numbers, Numbers, float], np.ndarray]:
    """A wrong interval: its middle or its half width."""

    def answer(a: Numbers, b: Numbers, factor: float) -> np.ndarray:
        a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
        width = factor * half(a, b)
        return middle(a, b) + np.array([-width, width])

    return answer


def _standard_error(a: Numbers, b: Numbers) -> float:
    return float(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))


def _paired(a: Numbers, b: Numbers) -> float:
    n = min(len(a), len(b))
    return float((a[:n] - b[:n]).std(ddof=1) / np.sqrt(n))


def _intervals(rng: np.random.Generator) -> list[Case]:
    found = [
        case(np.array([4.0, 6.0]), np.array([1.0, 2.0]), 2.0, label="two runs each"),
        case(np.array([4.0, 6.0, 5.0]), np.array([5.0, 9.0, 4.0]), 2.0, label="three runs each"),
        case(
            np.array([4.0, 6.0, 5.0, 7.0, 4.5]),
            np.array([5.0, 9.0, 4.0]),
            1.0,
            label="five runs against three",
        ),
    ]
    for n, m, factor in [(3, 3, 2.776), (10, 4, 2.179)]:
        a, b = rng.normal(9, 1, n).round(2), rng.normal(8, 2, m).round(2)
        found.append(case(a, b, factor, label=f"{n} runs against {m}, factor {factor}"))
    return found


INTERVAL = Exercise(
    id="comparison/interval",
    section=SECTION,
    title="Does the spread support it?",
    reference=interval,
    cases=_intervals,
    alternatives=[_by_sums],
    mistakes=[
        Mistake(
            _around(_standard_error, lambda a, b: float(b.mean() - a.mean())),
            "The difference has the wrong sign: the mean of a minus the mean of b.",
        ),
        Mistake(
            _around(lambda a, b: float(np.sqrt(a.var() / len(a) + b.var() / len(b)))),
            "The variances divide by n. For an estimate from n runs divide by n - 1 (ddof=1), which matters when n is 3.",
        ),
        Mistake(
            _around(lambda a, b: float(np.sqrt(a.var(ddof=1) + b.var(ddof=1)))),
            "This is the spread of single runs. A mean of n runs varies less: divide each variance by its n.",
        ),
        Mistake(
            _around(lambda a, b: float(a.std(ddof=1) / np.sqrt(len(a)) + b.std(ddof=1) / np.sqrt(len(b)))),
            "The two standard errors are added. Add their squares, and take the root.",
        ),
        Mistake(
            _around(lambda a, b: float(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))),
            "The root is missing: this is the variance of the difference.",
        ),
        Mistake(
            _around(lambda a, b: float(np.sqrt(a.var(ddof=1) / len(a)))),
            "Only the spread of a is in it. Both means are uncertain.",
        ),
        Mistake(
            _around(lambda a, b: float(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / (len(a) + len(b))))),
            "The variances are added and divided by the number of all runs. Divide each by its own n.",
        ),
        Mistake(
            _around(_paired),
            "The runs are taken in pairs. A seed means other weights in another network: nothing pairs them.",
        ),
        Mistake(
            lambda a, b, factor: _around(_standard_error)(a, b, 1.0),
            "The factor is missing.",
        ),
        Mistake(
            _around(_standard_error, lambda a, b: float(np.median(a) - np.median(b))),
            "The middle is a difference of medians. Take means.",
        ),
        Mistake(
            lambda a, b, factor: interval(a, b, factor)[::-1],
            "The upper end comes first. Return the lower end, then the upper one.",
        ),
    ],
    hint="The variance of a mean of n independent runs is their variance divided by n; variances of independent numbers add.",
)

EXERCISES = [PARETO, INTERVAL]
