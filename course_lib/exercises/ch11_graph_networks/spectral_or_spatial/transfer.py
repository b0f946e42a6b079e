"""The exercise on carrying a free filter to another graph, as a function of the frequency."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spectral_or_spatial"
Array = np.ndarray
Filter = Callable[[Array, Array, Array, Array], Array]


def merged(frequencies: Array, theta: Array) -> tuple[Array, Array]:
    """Each frequency once, and the mean of the numbers learned for it."""
    group = np.cumsum(np.diff(frequencies, prepend=frequencies[0]) > 1e-6)
    count = np.bincount(group)
    return np.bincount(group, weights=frequencies) / count, np.bincount(group, weights=theta) / count


def transferred(theta: Array, L_old: Array, L_new: Array, x: Array) -> Array:
    """The filter's numbers, read as a function of the frequency, on the new graph."""
    at, value = merged(np.linalg.eigvalsh(L_old), theta)
    frequencies, U = np.linalg.eigh(L_new)
    return U @ (np.interp(frequencies, at, value)[:, None] * (U.T @ x))


def _by_loops(theta: Array, L_old: Array, L_new: Array, x: Array) -> Array:
    old = np.linalg.eigvalsh(L_old)
    frequencies, U = np.linalg.eigh(L_new)
    seen = [old[0]]
    for frequency in old:
        if frequency > seen[-1] + 1e-6:
            seen.append(frequency)
    value = [theta[np.abs(old - frequency) < 1e-5].mean() for frequency in seen]
    y = np.zeros(x.shape)
    for frequency, u in zip(frequencies, U.T, strict=True):
        right = int(np.searchsorted(seen, frequency))
        if right == 0:
            gain = value[0]
        elif right == len(seen):
            gain = value[-1]
        else:
            part = (frequency - seen[right - 1]) / (seen[right] - seen[right - 1])
            gain = (1 - part) * value[right - 1] + part * value[right]
        y += gain * np.outer(u, u @ x)
    return y


Gains = Callable[[Array, Array, Array], Array]


def _gains(gains: Gains) -> Filter:
    """Another gain for each new wave, from the old frequencies, the numbers and the new frequencies."""

    def wrong(theta: Array, L_old: Array, L_new: Array, x: Array) -> Array:
        frequencies, U = np.linalg.eigh(L_new)
        return U @ (gains(np.linalg.eigvalsh(L_old), theta, frequencies)[:, None] * (U.T @ x))

    return wrong


def _right(old: Array, theta: Array, new: Array) -> Array:
    return np.interp(new, *merged(old, theta))


def _applied(apply: Callable[[Array, Array, Array], Array]) -> Filter:
    """The right gains, applied in another way to the new waves and the signals."""

    def wrong(theta: Array, L_old: Array, L_new: Array, x: Array) -> Array:
        frequencies, U = np.linalg.eigh(L_new)
        return apply(_right(np.linalg.eigvalsh(L_old), theta, frequencies)[:, None], U, x)

    return wrong


def _by_index(old: Array, theta: Array, new: Array) -> Array:
    out = np.zeros(len(new))
    out[: len(theta)] = theta[: len(new)]
    return out


def _by_rank(old: Array, theta: Array, new: Array) -> Array:
    return np.interp(np.linspace(0, 1, len(new)), np.linspace(0, 1, len(old)), theta)


def _summed(old: Array, theta: Array, new: Array) -> Array:
    at, _ = merged(old, theta)
    return np.interp(new, at, [theta[np.abs(old - frequency) < 1e-5].sum() for frequency in at])


def _nearest(old: Array, theta: Array, new: Array) -> Array:
    at, value = merged(old, theta)
    return value[np.abs(new[:, None] - at).argmin(axis=1)]


def _scaled(old: Array, theta: Array, new: Array) -> Array:
    at, value = merged(old, theta)
    return np.interp(new / new.max(), at / at.max(), value)


def _zero_beyond(old: Array, theta: Array, new: Array) -> Array:
    at, value = merged(old, theta)
    return np.where(new > at[-1] + 1e-6, 0.0, np.interp(new, at, value))


def _on(old: Array, theta: Array, new: Array) -> Array:
    at, value = merged(old, theta)
    slope = (value[-1] - value[-2]) / (at[-1] - at[-2])
    return np.interp(new, at, value) + slope * np.maximum(new - at[-1], 0)


def _first_of_equal(old: Array, theta: Array, new: Array) -> Array:
    at, _ = merged(old, theta)
    return np.interp(new, at, [theta[np.abs(old - frequency) < 1e-5][0] for frequency in at])


def _laplacian(n: int, links: list[tuple[int, int]]) -> Array:
    A = np.zeros((n, n))
    for i, j in links:
        A[i, j] = A[j, i] = 1
    return np.diag(A.sum(axis=1)) - A


def _ring(n: int) -> Array:
    return _laplacian(n, [(i, (i + 1) % n) for i in range(n)])


def _path(n: int) -> Array:
    return _laplacian(n, [(i, i + 1) for i in range(n - 1)])


def _graphs(rng: np.random.Generator) -> list[Case]:
    def filtered(old: Array, new: Array, label: str) -> Case:
        theta, x = rng.uniform(0, 2, len(old)).round(2), rng.normal(size=(len(new), 2)).round(2)
        return case(theta, old, new, x, label=label)

    tail = [(0, 1), (0, 2), (1, 2), (2, 3)]
    return [
        filtered(_path(4), _path(4), "the graph on which it was learned"),
        filtered(_path(4), _laplacian(4, tail), "other links, with a frequency beyond all that was seen"),
        filtered(_path(4), _path(7), "a longer path"),
        filtered(_path(8), _path(3), "a shorter path"),
        filtered(_ring(6), _path(5), "learned on a ring, where frequencies come in pairs"),
        filtered(_ring(6), _ring(6), "the same ring"),
        filtered(_path(3), _laplacian(6, [(0, i) for i in range(1, 6)]), "a star, far beyond what was seen"),
    ]


TRANSFER = Exercise(
    id="spectral_or_spatial/transfer",
    section=SECTION,
    title="Mend the free filter",
    reference=transferred,
    cases=_graphs,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _gains(_by_index),
            "The k-th new wave gets the k-th number. Give it the number that belongs to its frequency.",
        ),
        Mistake(
            _gains(_by_rank),
            "The numbers are stretched over the new waves by their place in the list. Stretch nothing: go by frequency.",
        ),
        Mistake(
            _gains(_scaled),
            "Both graphs' frequencies are scaled to end at 1. A frequency means the same on both: compare them as they are.",
        ),
        Mistake(
            _gains(lambda old, theta, new: np.interp(new, old, theta)),
            "Where old frequencies coincide, the line has several values at one place. Put them together first: their mean.",
        ),
        Mistake(
            _gains(_summed),
            "Where old frequencies coincide, their numbers are added. Take the mean.",
        ),
        Mistake(
            _gains(_first_of_equal),
            "Where old frequencies coincide, the first number is taken. Take the mean of all that share the frequency.",
        ),
        Mistake(
            _gains(_nearest),
            "Each new wave gets the number of the nearest old frequency. Between two old ones, go in a straight line.",
        ),
        Mistake(
            _gains(_zero_beyond),
            "Beyond the last old frequency the filter gives 0. Keep the last number there.",
        ),
        Mistake(
            _gains(_on),
            "Beyond the last old frequency the last line is drawn on. Keep the last number there.",
        ),
        Mistake(
            _gains(lambda old, theta, new: _right(old, theta[::-1], new)),
            "The numbers are in the order of falling frequencies. theta[0] belongs to the slowest wave.",
        ),
        Mistake(
            _applied(lambda gain, U, x: U.T @ (gain * (U @ x))),
            "U and its transpose have changed places. The waves are the columns of U, so first multiply by U.T.",
        ),
        Mistake(
            _applied(lambda gain, U, x: gain * (U.T @ x)),
            "The result is still in the waves' coordinates. Go back to the nodes with U.",
        ),
        Mistake(
            _applied(lambda gain, U, x: gain * x),
            "The gains are applied to the nodes. Go over to the waves first, and back afterwards.",
        ),
    ],
    hint="np.interp(where, at, values) draws lines between points and keeps the end values beyond; `at` must rise.",
)
