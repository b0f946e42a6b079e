"""The exercise on reading the exponent of growth from measured times."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spectral_or_spatial"
Array = np.ndarray
Growth = Callable[[Array, Array, float], Array]


def growth(sizes: Array, seconds: Array, n: float) -> Array:
    """The exponent of time against size, and the time to expect at size n."""
    spent = np.log(seconds.min(axis=0))
    exponent, at_one = np.polyfit(np.log(sizes), spent, 1)
    return np.array([exponent, np.exp(at_one + exponent * np.log(n))])


def _by_formula(sizes: Array, seconds: Array, n: float) -> Array:
    x, y = np.log10(sizes), np.log10(np.min(seconds, axis=0))
    slope = np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2)
    return np.array([slope, 10 ** (y.mean() + slope * (np.log10(n) - x.mean()))])


def _of(least: Callable[[Array], Array]) -> Growth:
    """Another time for each size, from those of all runs."""

    def wrong(sizes: Array, seconds: Array, n: float) -> Array:
        return growth(sizes, least(seconds)[None], n)

    return wrong


def _all_runs(sizes: Array, seconds: Array, n: float) -> Array:
    """Each run is a point of its own."""
    return growth(np.tile(sizes, len(seconds)), seconds.reshape(1, -1), n)


def _flat(sizes: Array, seconds: Array, n: float) -> Array:
    slope, at_zero = np.polyfit(sizes, seconds.min(axis=0), 1)
    return np.array([slope, at_zero + slope * n])


def _exponential(sizes: Array, seconds: Array, n: float) -> Array:
    slope, at_zero = np.polyfit(sizes, np.log(seconds.min(axis=0)), 1)
    return np.array([slope, np.exp(at_zero + slope * n)])


def _turned(sizes: Array, seconds: Array, n: float) -> Array:
    slope, at_one = np.polyfit(np.log(seconds.min(axis=0)), np.log(sizes), 1)
    return np.array([slope, np.exp((np.log(n) - at_one) / slope)])


def _ends(sizes: Array, seconds: Array, n: float) -> Array:
    least, first, last = seconds.min(axis=0), sizes.argmin(), sizes.argmax()
    slope = np.log(least[last] / least[first]) / np.log(sizes[last] / sizes[first])
    return np.array([slope, least[last] * (n / sizes[last]) ** slope])


def _in_proportion(sizes: Array, seconds: Array, n: float) -> Array:
    exponent, _ = growth(sizes, seconds, n)
    largest = sizes.argmax()
    return np.array([exponent, seconds.min(axis=0)[largest] * n / sizes[largest]])


def _logarithm(sizes: Array, seconds: Array, n: float) -> Array:
    exponent, expected = growth(sizes, seconds, n)
    return np.array([exponent, np.log(expected)])


def _without_constant(sizes: Array, seconds: Array, n: float) -> Array:
    exponent, _ = growth(sizes, seconds, n)
    return np.array([exponent, n**exponent])


def _mixed_logs(sizes: Array, seconds: Array, n: float) -> Array:
    slope, at_one = np.polyfit(np.log(sizes), np.log10(seconds.min(axis=0)), 1)
    return np.array([slope, 10 ** (at_one + slope * np.log(n))])


def _rounded(sizes: Array, seconds: Array, n: float) -> Array:
    exponent, expected = growth(sizes, seconds, n)
    return np.array([np.round(exponent), expected])


def _through_origin(sizes: Array, seconds: Array, n: float) -> Array:
    x, y = np.log(sizes), np.log(seconds.min(axis=0))
    slope = x @ y / (x @ x)
    return np.array([slope, np.exp(slope * np.log(n))])


def _runs(rng: np.random.Generator) -> list[Case]:
    def timed(sizes: list[int], exponent: float, factor: float, n: int, label: str) -> Case:
        size = np.array(sizes)
        exact = factor * size.astype(float) ** exponent * rng.uniform(0.9, 1.1, len(size))
        late = rng.exponential(0.4, (4, len(size)))
        late[rng.integers(0, 4, len(size)), np.arange(len(size))] = 0
        return case(size, exact * (1 + late), n, label=label)

    return [
        case(
            np.array([10, 100, 1000]),
            np.array([[0.1, 10.0, 1000]]),
            200,
            label="one run each, exactly quadratic",
        ),
        timed([100, 1000, 10_000], 1.0, 1e-6, 1_000_000, "along edges, four runs each"),
        timed([200, 400, 800, 1600], 3.0, 1e-10, 100_000, "eigenvectors"),
        timed([800, 100, 400, 200], 2.0, 1e-8, 50, "sizes in no order, and a smaller graph"),
        timed([1000, 2000, 5000, 10_000, 50_000], 1.2, 3e-7, 300_000, "five sizes, unevenly spaced"),
    ]


GROWTH = Exercise(
    id="spectral_or_spatial/growth",
    section=SECTION,
    title="The exponent of growth",
    reference=growth,
    cases=_runs,
    alternatives=[_by_formula],
    mistakes=[
        Mistake(
            _of(lambda seconds: seconds.mean(axis=0)),
            "These are the mean times. What disturbs a run only makes it longer: take the least of each size.",
        ),
        Mistake(
            _of(lambda seconds: np.median(seconds, axis=0)),
            "These are the median times. What disturbs a run only makes it longer: take the least of each size.",
        ),
        Mistake(
            _of(lambda seconds: seconds[0]),
            "Only the first run is used. Take the least time of all runs of a size.",
        ),
        Mistake(
            _all_runs,
            "All runs are in the fit, the disturbed ones as well. Take the least time of each size, and fit those.",
        ),
        Mistake(
            _flat,
            "A straight line is fitted to the times themselves. Take logarithms of both, sizes and times.",
        ),
        Mistake(
            _exponential,
            "Only the times are in logarithms, which fits an exponential. Take the logarithms of the sizes, too.",
        ),
        Mistake(
            _turned,
            "This is how the size grows with the time. Turn it round: time against size.",
        ),
        Mistake(
            _ends,
            "The line goes through the smallest and the largest size alone. Fit it to all, by least squares.",
        ),
        Mistake(
            _in_proportion,
            "The exponent is right, but the time at n is in proportion to n. It grows with the power that you found.",
        ),
        Mistake(
            _logarithm,
            "The second number is the logarithm of the time. Undo it with np.exp.",
        ),
        Mistake(
            _without_constant,
            "The time at n lacks its constant factor: the line's value at logarithm 0 belongs to it.",
        ),
        Mistake(
            _mixed_logs,
            "The two logarithms have different bases. Use the same for sizes and times.",
        ),
        Mistake(
            _rounded,
            "The exponent is rounded to a whole number. Give what was measured.",
        ),
        Mistake(
            _through_origin,
            "The line is forced through the origin, as if a graph of one node took one second. Give it a constant.",
        ),
    ],
    hint="If t = c n^p, then log t = log c + p log n: np.polyfit(..., 1) gives p and log c.",
)
