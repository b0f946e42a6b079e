"""Exercises on counting modes, and on ways to step in a game."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/adversarial_networks"
Array = np.ndarray

# modes covered


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


Count = Callable[[Array, Array, float, int], tuple[int, float]]


def _counted(
    near: Callable[[Array, Array, float], Array] = lambda points, centres, radius: (
        _distances(points, centres) < radius
    ),
    modes: Callable[[Array, int], int] = lambda near, least: int((near.sum(axis=0) >= least).sum()),
    good: Callable[[Array], float] = lambda near: float(near.any(axis=1).mean()),
) -> Count:
    """Another neighbourhood, count or share."""

    def answer(points: Array, centres: Array, radius: float, least: int) -> tuple[int, float]:
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
    return [
        case(line, np.array([[0.0, 0.0], [5.0, 0.0]]), 0.5, 3, label="two modes, seven points"),
        case(cloud([9, 5, 4, 0], 0.5, 2), square, 1.0, 5, label="one has just enough, one too few, one none"),
        case(cloud([12, 12, 12, 12], 0.2, 0), square, 0.3, 4, label="all four"),
        case(cloud([30, 1, 1, 1], 0.1, 7), square, 0.2, 3, label="collapsed"),
        case(cloud([0, 0, 0, 0], 0.1, 6), square, 0.5, 1, label="nothing but strays"),
        case(cloud([8, 3, 9, 6], 0.9, 4), square, 0.6, 3, label="wide clouds"),
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


# steps of a bilinear game

Pair = tuple[Array, Array]


def steps(theta: Array, psi: Array, A: Array, eta: float) -> tuple[Pair, Pair]:
    """One step in turns, and one that looks ahead, of V = theta^T A psi."""
    moved = theta - eta * A @ psi
    seen_theta, seen_psi = moved, psi + eta * A.T @ theta
    return (moved, psi + eta * A.T @ moved), (theta - eta * A @ seen_psi, psi + eta * A.T @ seen_theta)


def _by_blocks(theta: Array, psi: Array, A: Array, eta: float) -> tuple[Pair, Pair]:
    m, k = A.shape
    zero, both = np.zeros_like, np.concatenate([theta, psi])
    field = np.block([[zero(A @ A.T), -A], [A.T, zero(A.T @ A)]])  # d(theta, psi)/dt
    ahead = both + eta * field @ (both + eta * field @ both)
    first = theta + eta * (field @ both)[:m]
    second = psi + eta * (field @ np.concatenate([first, psi]))[m:]
    return (first, second), (ahead[:m], ahead[m : m + k])


def _game(
    turns: Callable[[Array, Array, Array, float], Pair] = lambda t, p, A, eta: steps(t, p, A, eta)[0],
    ahead: Callable[[Array, Array, Array, float], Pair] = lambda t, p, A, eta: steps(t, p, A, eta)[1],
) -> Callable[..., tuple[Pair, Pair]]:
    """Another way to take turns, or to look ahead."""

    def answer(theta: Array, psi: Array, A: Array, eta: float) -> tuple[Pair, Pair]:
        return turns(theta, psi, A, eta), ahead(theta, psi, A, eta)

    return answer


def _together(t: Array, p: Array, A: Array, eta: float) -> Pair:
    return t - eta * A @ p, p + eta * A.T @ t


def _moved_on(t: Array, p: Array, A: Array, eta: float) -> Pair:
    return _together(*_together(t, p, A, eta), A, eta)


def _average(t: Array, p: Array, A: Array, eta: float) -> Pair:
    seen = _together(t, p, A, eta)
    return t - eta * A @ (p + seen[1]) / 2, p + eta * A.T @ (t + seen[0]) / 2


def _exchanged(theta: Array, psi: Array, A: Array, eta: float) -> tuple[Pair, Pair]:
    turns, ahead = steps(theta, psi, A, eta)
    return ahead, turns


def _judge_first(t: Array, p: Array, A: Array, eta: float) -> Pair:
    after = p + eta * A.T @ t
    return t - eta * A @ after, after


def _one_looks(t: Array, p: Array, A: Array, eta: float) -> Pair:
    return t - eta * A @ (p + eta * A.T @ t), p + eta * A.T @ t


def _games(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, eta: float, label: str) -> Case:
        t, p, A = rng.normal(size=n).round(2), rng.normal(size=n).round(2), rng.normal(size=(n, n)).round(2)
        return case(t, p, A, eta, label=label)

    one = np.ones(1)
    return [
        case(one, 0 * one, np.eye(1), 0.2, label="one number each, from (1, 0)"),
        case(0.5 * one, -2 * one, np.eye(1), 0.5, label="one number each"),
        draw(2, 0.1, "two numbers each"),
        draw(3, 0.4, "three numbers each"),
        case(
            np.array([1.0, -1]), np.array([0.5, 2]), np.array([[0.0, 2], [1, 0]]), 1.0, label="a large step"
        ),
    ]


STEPS = Exercise(
    id="adversarial_networks/steps",
    section=SECTION,
    title="Two ways to step",
    reference=steps,
    cases=_games,
    alternatives=[_by_blocks],
    mistakes=[
        Mistake(
            _game(turns=_together),
            "In the first result both players step at the same time. In turns psi answers to the new theta.",
        ),
        Mistake(_game(turns=_judge_first), "In turns psi moves first here. It is theta that begins."),
        Mistake(
            lambda theta, psi, A, eta: steps(theta, psi, A, -eta),
            "Both signs are turned round: theta wants V small and goes down its gradient, psi goes up.",
        ),
        Mistake(
            _game(
                turns=lambda t, p, A, eta: (t - eta * A @ p, p - eta * A.T @ (t - eta * A @ p)),
                ahead=lambda t, p, A, eta: (
                    t - eta * A @ (p - eta * A.T @ t),
                    p - eta * A.T @ (t - eta * A @ p),
                ),
            ),
            "Both players go down. psi wants V large: it goes up its gradient.",
        ),
        Mistake(
            lambda theta, psi, A, eta: (
                (theta - eta * A @ psi, psi + eta * A @ (theta - eta * A @ psi)),
                (theta - eta * A @ (psi + eta * A @ theta), psi + eta * A @ (theta - eta * A @ psi)),
            ),
            "The gradient by psi is A @ theta here. V = theta^T A psi, so it is A transposed times theta.",
        ),
        Mistake(
            _game(ahead=_moved_on),
            "The second step starts from the place that was only looked at. Go from the old place, with the gradient found there.",
        ),
        Mistake(
            _game(ahead=_average),
            "The gradients of the old place and the one ahead are averaged, as in Heun's method. Use the one ahead alone.",
        ),
        Mistake(
            _game(ahead=_one_looks),
            "Only theta looks ahead. Both players use the place at which both have moved.",
        ),
        Mistake(
            _game(ahead=_together),
            "The second result is a plain step of both players. Step once to look, and take the gradient there.",
        ),
        Mistake(
            _game(
                ahead=lambda t, p, A, eta: (
                    t - eta * A @ steps(t, p, A, eta)[0][1],
                    p + eta * A.T @ steps(t, p, A, eta)[0][0],
                )
            ),
            "The look ahead is taken in turns. To look ahead, both players move from the old place at the same time.",
        ),
        Mistake(_exchanged, "The two results are in the wrong order: in turns first, looking ahead second."),
    ],
    hint="The gradient of theta^T A psi is A psi by theta and A^T theta by psi. Write the looked-at place down first.",
)
