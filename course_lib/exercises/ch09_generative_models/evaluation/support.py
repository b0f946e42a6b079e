"""The exercise on density and coverage."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/evaluation"
Array = np.ndarray
Pair = tuple[float, float]


def _distances(x: Array, y: Array) -> Array:
    return np.sqrt(((x[:, None] - y[None]) ** 2).sum(axis=2))


def _radii(x: Array, k: int) -> Array:
    """Distance of each row to its k-th neighbour, itself not counted."""
    return np.sort(_distances(x, x), axis=1)[:, k]


def density_and_coverage(real: Array, fake: Array, k: int) -> Pair:
    """Mean number of real balls around a sample over k; share of real balls with a sample in them."""
    inside = _distances(fake, real) <= _radii(real, k)  # (m, n)
    return inside.sum() / (k * len(fake)), inside.any(axis=0).mean()


def _by_loops(real: Array, fake: Array, k: int) -> Pair:
    hits, visited = 0, 0
    for i, centre in enumerate(real):
        others = np.delete(real, i, axis=0)
        radius = np.partition(np.linalg.norm(others - centre, axis=1), k - 1)[k - 1]
        count = int((np.linalg.norm(fake - centre, axis=1) <= radius).sum())
        hits, visited = hits + count, visited + (count > 0)
    return hits / k / len(fake), visited / len(real)


def _answer(
    density: Callable[[Array, int], float] = lambda inside, k: inside.sum() / (k * len(inside)),
    coverage: Callable[[Array, int], float] = lambda inside, k: inside.any(axis=0).mean(),
    radius: Callable[[Array, Array, int], Array] = lambda real, fake, k: _radii(real, k),
) -> Callable[[Array, Array, int], Pair]:
    """Another count of the same balls, or other balls."""

    def answer(real: Array, fake: Array, k: int) -> Pair:
        inside = _distances(fake, real) <= radius(real, fake, k)
        return density(inside, k), coverage(inside, k)

    return answer


def _precision_and_recall(real: Array, fake: Array, k: int) -> Pair:
    precision = (_distances(fake, real) <= _radii(real, k)).any(axis=1).mean()
    return precision, (_distances(real, fake) <= _radii(fake, k)).any(axis=1).mean()


def _recall(real: Array, fake: Array, k: int) -> Pair:
    return density_and_coverage(real, fake, k)[0], (_distances(real, fake) <= _radii(fake, k)).any(
        axis=1
    ).mean()


def _exchanged(real: Array, fake: Array, k: int) -> Pair:
    return density_and_coverage(fake, real, k)


def _swapped(real: Array, fake: Array, k: int) -> Pair:
    density, coverage = density_and_coverage(real, fake, k)
    return coverage, density


def _own_balls(real: Array, fake: Array, k: int) -> Pair:
    inside = _distances(real, fake) <= _radii(fake, k)  # (n, m)
    return inside.sum() / (k * len(fake)), inside.any(axis=1).mean()


def _open_balls(real: Array, fake: Array, k: int) -> Pair:
    inside = _distances(fake, real) < _radii(real, k)
    return inside.sum() / (k * len(fake)), inside.any(axis=0).mean()


def _clouds(rng: np.random.Generator) -> list[Case]:
    grid = np.array([[0.0, 0], [1, 0], [3, 0], [6, 0], [10, 0]])
    beside = np.array([[1.5, 0.25], [1.25, 0.5], [0.5, 0.0], [30, 0]])
    n = rng.normal
    return [
        case(grid, beside, 1, label="five points on a line, k = 1"),
        case(grid, beside, 2, label="the same, k = 2"),
        case(n(size=(12, 2)).round(2), n(size=(8, 2)).round(2), 3, label="one source"),
        case(n(size=(15, 2)).round(2), (0.2 * n(size=(10, 2))).round(2), 2, label="a collapsed model"),
        case(n(size=(9, 3)).round(2), (2 * n(size=(20, 3))).round(2), 3, label="a model that is too wide"),
        case(
            np.vstack([0.5 * n(size=(10, 2)), [[12.0, 3]]]).round(2),
            n(size=(7, 2)).round(2),
            2,
            label="an outlier in the data",
        ),
        case(
            n(size=(10, 2)).round(2),
            np.vstack([0.3 * n(size=(6, 2)), [[15.0, 0]]]).round(2),
            2,
            label="an outlier among the samples",
        ),
        case(grid, grid[:3].copy(), 1, label="copies, on the surface of balls"),
    ]


DENSITY = Exercise(
    id="evaluation/density",
    section=SECTION,
    title="Density and coverage",
    reference=density_and_coverage,
    cases=_clouds,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _precision_and_recall,
            "These are precision and recall. Density counts every ball that a sample is in, and coverage uses the balls of the real rows.",
        ),
        Mistake(
            _recall,
            "Your coverage asks whether a real row lies in a ball of a sample: that is recall, which an outlier spoils. Use the balls of the real rows.",
        ),
        Mistake(
            _answer(density=lambda inside, k: inside.any(axis=1).mean()),
            "Your density asks only whether a sample is in some ball: that is precision. Count the balls, and divide by k.",
        ),
        Mistake(
            _answer(density=lambda inside, k: inside.sum() / len(inside)),
            "Density is not divided by k: with larger k every sample is in more balls.",
        ),
        Mistake(
            _answer(density=lambda inside, k: inside.sum() / (k * inside.shape[1])),
            "Density is divided by the number of real rows. It is a mean over the samples.",
        ),
        Mistake(
            _answer(density=lambda inside, k: min(1.0, inside.sum() / (k * len(inside)))),
            "Density is cut at 1. It may be larger: samples that crowd where the data are densest.",
        ),
        Mistake(
            _answer(radius=lambda real, fake, k: _radii(real, k - 1)),
            "The row itself is counted as its own nearest neighbour, so the balls are those of k - 1.",
        ),
        Mistake(
            _answer(
                radius=lambda real, fake, k: np.sort(_distances(real, real), axis=1)[:, 1 : k + 1].mean(
                    axis=1
                )
            ),
            "The radius is the mean distance to the k nearest neighbours. It is the distance to the k-th.",
        ),
        Mistake(
            _answer(coverage=lambda inside, k: inside.any(axis=1).mean()),
            "Your coverage is the share of samples that lie in some ball. Count balls that hold a sample: the other axis of the table.",
        ),
        Mistake(
            _own_balls,
            "The balls are put around the samples. Put them around the real rows, for both numbers.",
        ),
        Mistake(_exchanged, "Real rows and samples are exchanged."),
        Mistake(_swapped, "The two results are in the wrong order: density first, coverage second."),
        Mistake(
            _open_balls, "A sample on the surface of a ball is left out. The surface belongs to the ball."
        ),
    ],
    hint="Make a table (m, n) of which sample lies in the ball of which real row; both numbers are read from it.",
)
