"""The exercise on counting modes."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/adversarial_networks"
Array = np.ndarray


def covered(points: Array, centres: Array, radius: float, least: int) -> tuple[int, float]:
    """Modes with at least ``least`` points within the radius, and the share of points within one."""
    near = _distances(points, centres) < radius
    return int((near.sum(axis=0) >= least).sum()), float(near.any(axis=1).mean())


def _distances(points: Array, centres: Array) -> Array:
    return np.sqrt(((points[:, None] - centres[None]) ** 2).sum(axis=2))  # (n, modes)


def _by_loops(points: Array, centres: Array, radius: float, least: int) -> tuple[int, float]:
    counts, good = [0] * len(centres), 0
    for point in points:
        distances = [float(np.hypot(*(point - centre))) for centre in centres]
        closest = int(np.argmin(distances))
        if distances[closest] < radius:
            counts[closest] += 1
            good += 1
    return sum(count >= least for count in counts), good / len(points)


Count = Callable[[Array, Array, float, int], tuple[float, float]]


def _counted(
    near: Callable[[Array, Array, float], Array] = lambda points, centres, radius: (
        _distances(points, centres) < radius
    ),
    modes: Callable[[Array, int], float] = lambda near, least: int((near.sum(axis=0) >= least).sum()),
    good: Callable[[Array], float] = lambda near: float(near.any(axis=1).mean()),
) -> Count:
    """Another neighbourhood, count or share."""

    def answer(points: Array, centres: Array, radius: float, least: int) -> tuple[float, float]:
        found = near(points, centres, radius)
        return modes(found, least), good(found)

    return answer


def _closest(points: Array, centres: Array, radius: float) -> Array:
    distances = _distances(points, centres)
    return distances == distances.min(axis=1, keepdims=True)


def _clouds(rng: np.random.Generator) -> list[Case]:
    square = np.array([[0.0, 0], [4, 0], [0, 4], [4, 4]])

    def cloud(counts: list[int], spread: float, stray: int) -> Array:
        parts = [square[k] + spread * rng.uniform(-1, 1, (n, 2)) for k, n in enumerate(counts)]
        points = np.concatenate([*parts, rng.uniform(1.4, 2.6, (stray, 2))])
        return points[rng.permutation(len(points))].round(2)

    line = np.array([[0.0, 0.0], [0.3, 0.0], [0.36, 0.36], [5.0, 0.0], [5.0, 0.4], [5.1, 0.0], [9.0, 9.0]])
    border = np.array(
        [[3.0, 4.0], [0.0, 0.0], [-4.0, 3.0], [20.0, 4.0], [21.0, 0.0], [19.0, 1.0], [20.0, -5.0]]
    )
    return [
        case(line, np.array([[0.0, 0.0], [5.0, 0.0]]), 0.5, 3, label="two modes, seven points"),
        case(cloud([9, 5, 4, 0], 0.5, 2), square, 1.0, 5, label="one has just enough, one too few, one none"),
        case(cloud([12, 12, 12, 12], 0.2, 0), square, 0.3, 4, label="all four"),
        case(cloud([30, 1, 1, 1], 0.1, 7), square, 0.2, 3, label="collapsed"),
        case(cloud([0, 0, 0, 0], 0.1, 6), square, 0.5, 1, label="nothing but strays"),
        case(cloud([8, 3, 9, 6], 0.9, 4), square, 0.6, 3, label="wide clouds"),
        case(border, np.array([[0.0, 0.0], [20.0, 0.0]]), 5.0, 3, label="points exactly at the radius"),
    ]


COVERED = Exercise(
    id="adversarial_networks/covered",
    section=SECTION,
    title="Modes covered",
    reference=covered,
    cases=_clouds,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _counted(near=lambda points, centres, radius: _distances(points, centres) <= radius),
            "Points exactly at the radius are counted. Nearer than the radius means <.",
        ),
        Mistake(
            _counted(modes=lambda near, least: int(near.any(axis=1).sum())),
            "The first result is the number of good points. Count modes: those with enough points.",
        ),
        Mistake(
            _counted(modes=lambda near, least: float((near.sum(axis=0) >= least).mean())),
            "The first result is the share of the modes that are covered. Their number is asked for.",
        ),
        Mistake(
            _counted(modes=lambda near, least: int((near.sum(axis=1) >= least).sum())),
            "The sum goes over the modes, so it counts for each point. Count for each mode: sum over the points.",
        ),
        Mistake(
            _counted(good=lambda near: float(near.any(axis=0).mean())),
            "The second result is the share of the modes that have any point. Ask of each point whether some mode is near.",
        ),
        Mistake(
            _counted(good=lambda near: 100 * float(near.any(axis=1).mean())),
            "The second result is in percent. A share is a number from 0 to 1.",
        ),
        Mistake(
            _counted(near=_closest),
            "Every point is given to its nearest mode, however far it is. Points outside the radius belong to none.",
        ),
        Mistake(
            _counted(modes=lambda near, least: int((near.sum(axis=0) > least).sum())),
            "A mode with exactly as many points as needed is not counted. At least means >=.",
        ),
        Mistake(
            _counted(modes=lambda near, least: int(near.any(axis=0).sum())),
            "One point is taken to be enough. A stray that falls near a mode does not cover it: ask for least.",
        ),
        Mistake(
            _counted(near=lambda points, centres, radius: _distances(points, centres) ** 2 < radius),
            "The squared distance is compared with the radius. Take the root, or square the radius.",
        ),
        Mistake(
            _counted(
                near=lambda points, centres, radius: (
                    np.abs(points[:, None] - centres[None]).max(axis=2) < radius
                )
            ),
            "Each coordinate is within the radius: that is a square around the mode. Take the Euclidean distance.",
        ),
        Mistake(
            _counted(
                near=lambda points, centres, radius: (
                    np.abs(points[:, None] - centres[None]).sum(axis=2) < radius
                )
            ),
            "The distance adds up the coordinates' differences, as between street corners. Take the Euclidean one.",
        ),
        Mistake(
            _counted(good=lambda near: float(near.any(axis=1).sum())),
            "The second result is a number of points. A share is asked for: divide by all points.",
        ),
        Mistake(
            _counted(good=lambda near: float(1 - near.any(axis=1).mean())),
            "The second result is the share of bad points. Take those within the radius of some mode.",
        ),
        Mistake(
            _counted(modes=lambda near, least: int((near.sum(axis=0) < least).sum())),
            "These are the modes that were missed. Count those that have enough points.",
        ),
        Mistake(
            _counted(good=lambda near: float(near.mean())),
            "The share is taken over all pairs of a point and a mode. A point counts once: use any, then the mean.",
        ),
        Mistake(
            lambda points, centres, radius, least: (
                covered(points, centres, radius, least)[0],
                float(
                    (_distances(points, centres) < radius)[:, _enough(points, centres, radius, least)]
                    .any(axis=1)
                    .mean()
                ),
            ),
            "Points near a mode that is not covered are not called good here. They are within the radius: count them.",
        ),
    ],
    hint="An array (n, modes) of distances says all: sum it over the points for the modes, any over modes for the points.",
)


def _enough(points: Array, centres: Array, radius: float, least: int) -> Array:
    return (_distances(points, centres) < radius).sum(axis=0) >= least
