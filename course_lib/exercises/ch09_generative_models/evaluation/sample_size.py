"""The exercise on the distance that infinitely many samples would have."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/evaluation"
Array = np.ndarray


def limit(n: Array, distance: Array) -> float:
    """The value at 1 / n = 0 of the straight line through distance against 1 / n."""
    x = 1 / n
    centred = x - x.mean()
    slope = (centred * distance).sum() / (centred**2).sum()
    return float(distance.mean() - slope * x.mean())


def _by_polyfit(n: Array, distance: Array) -> float:
    return float(np.polyfit(1.0 / n, distance, 1)[1])


def _by_lstsq(n: Array, distance: Array) -> float:
    design = np.stack([np.ones(len(n)), 1 / n], axis=1)
    return float(np.linalg.lstsq(design, distance, rcond=None)[0][0])


def _against(regressor: Callable[[Array], Array], degree: int = 1) -> Callable[[Array, Array], float]:
    return lambda n, distance: float(np.polyfit(regressor(n), distance, degree)[-1])


def _slope(n: Array, distance: Array) -> float:
    return float(np.polyfit(1 / n, distance, 1)[0])


def _two_largest(n: Array, distance: Array) -> float:
    a, b = np.argsort(n)[-2:]
    return float((n[b] * distance[b] - n[a] * distance[a]) / (n[b] - n[a]))


def _at_the_largest(n: Array, distance: Array) -> float:
    slope, value = np.polyfit(1 / n, distance, 1)
    return float(value + slope / n.max())


def _through_zero(n: Array, distance: Array) -> float:
    x = 1 / n
    slope = (x * distance).sum() / (x**2).sum()
    return float((distance - slope * x).mean())


def _floored(n: Array, distance: Array) -> float:
    return max(0.0, limit(n, distance))


def _weighted(n: Array, distance: Array) -> float:
    return float((n * distance).sum() / n.sum())


def _series(rng: np.random.Generator) -> list[Case]:
    def series(value: float, slope: float, sizes: list[int], noise: float, label: str) -> Case:
        n = np.array(sizes, dtype=float)
        return case(n, (value + slope / n + noise * rng.normal(size=len(n))).round(3), label=label)

    return [
        series(2.0, 100.0, [50, 100, 200], 0.0, "a line without noise"),
        series(5.0, 400.0, [100, 200, 400, 800], 0.2, "four sizes"),
        series(0.1, 900.0, [800, 50, 200, 100, 400], 0.1, "sizes in no order"),
        series(0.0, 60.0, [20, 40, 400], 0.3, "two draws of one source"),
        case(np.array([100.0, 200, 400]), np.array([0.9, 0.3, 0.1]), label="a limit below 0"),
        case(
            np.array([100.0, 200, 400, 800]),
            np.array([3.0, 1.9, 1.4, 1.5]),
            label="the largest is not the smallest",
        ),
        series(30.0, 20.0, [10, 20, 50, 1000, 5000], 0.5, "little bias"),
    ]


LIMIT = Exercise(
    id="evaluation/limit",
    section=SECTION,
    title="Infinitely many samples",
    reference=limit,
    cases=_series,
    alternatives=[_by_polyfit, _by_lstsq],
    mistakes=[
        Mistake(
            _against(lambda n: n),
            "The line is drawn against n. The bias falls as 1 / n, so draw it against 1 / n.",
        ),
        Mistake(
            _against(np.log),
            "The line is drawn against log n, and read where n = 1. Draw it against 1 / n, and read it at 0.",
        ),
        Mistake(
            _against(lambda n: n**-0.5),
            "The line is drawn against 1 over the root of n. That is how noise falls; this bias falls as 1 / n.",
        ),
        Mistake(_against(lambda n: n**-2.0), "The line is drawn against 1 / n^2. The bias falls as 1 / n."),
        Mistake(
            _slope, "This is the slope, the size of the bias. The limit is what is left where 1 / n is 0."
        ),
        Mistake(
            lambda n, distance: float(distance[np.argmax(n)]),
            "This is the distance of the largest sample, bias included.",
        ),
        Mistake(
            lambda n, distance: float(distance.min()),
            "This is the smallest distance. Noise makes some of them small; fit a line through all.",
        ),
        Mistake(
            lambda n, distance: float(distance.mean()),
            "This is the mean of the distances, each with its bias.",
        ),
        Mistake(_weighted, "This is a mean weighed by n. It still holds the bias of each."),
        Mistake(
            _two_largest,
            "Only the two largest samples decide, and so their noise does. Fit the line through all.",
        ),
        Mistake(_at_the_largest, "The line is read at the largest n. Read it at 1 / n = 0."),
        Mistake(_through_zero, "The line was forced through the origin. Fit both, slope and value at 0."),
        Mistake(
            _floored,
            "A negative limit is cut at 0. An estimate may be negative where the truth is near 0; cutting it would bias it again.",
        ),
    ],
    hint="Least squares with two unknowns: distance = limit + slope / n.",
)
