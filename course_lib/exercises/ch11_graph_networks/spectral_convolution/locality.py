"""The exercise on how far a network of Chebyshev layers sees."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "11_graph_networks/spectral_convolution"
Array = np.ndarray


def reach(A: Array, terms: list[int]) -> Array:
    """Within sum (K - 1) links."""
    return _within(A, sum(terms) - len(terms))


def _within(A: Array, links: int) -> Array:
    seen = np.eye(len(A), dtype=bool)
    for _ in range(links):
        seen = seen | (((A != 0).astype(int) @ seen) > 0)
    return seen


def _by_search(A: Array, terms: list[int]) -> Array:
    out = np.zeros(A.shape, dtype=bool)
    for start in range(len(A)):
        distance = {start: 0}
        queue = [start]
        for node in queue:
            for other in np.flatnonzero(A[node]):
                if int(other) not in distance:
                    distance[int(other)] = distance[node] + 1
                    queue.append(int(other))
        for node, far in distance.items():
            out[start, node] = far <= sum(k - 1 for k in terms)
    return out


def _layer_by_layer(A: Array, terms: list[int]) -> Array:
    seen = np.eye(len(A), dtype=int)
    for k in terms:
        seen = (np.linalg.matrix_power((A != 0) + np.eye(len(A), dtype=int), k - 1) @ seen > 0).astype(int)
    return seen > 0


def _count(links: Callable[[list[int]], int]) -> Callable[[Array, list[int]], Array]:
    """Another number of links."""
    return lambda A, terms: _within(A, max(links(terms), 0))


def _exactly(A: Array, terms: list[int]) -> Array:
    links = sum(terms) - len(terms)
    return _within(A, links) & ~_within(A, links - 1) if links else _within(A, 0)


def _power(A: Array, terms: list[int]) -> Array:
    return np.linalg.matrix_power((A != 0).astype(int), sum(terms) - len(terms)) > 0


def _positive(A: Array, terms: list[int]) -> Array:
    return _within(A > 0, sum(terms) - len(terms))


def _connected(A: Array, terms: list[int]) -> Array:
    return _within(A, len(A)) if sum(terms) > len(terms) else _within(A, 0)


def _not_self(A: Array, terms: list[int]) -> Array:
    return reach(A, terms) & ~np.eye(len(A), dtype=bool)


def _linked(links: list[tuple[int, int, float]], n: int) -> Array:
    A = np.zeros((n, n))
    for i, j, weight in links:
        A[i, j] = A[j, i] = weight
    return A


_PATH = _linked([(i, i + 1, 1.0) for i in range(6)], 7)
_RING = _linked([(i, (i + 1) % 9, 1.0) for i in range(9)], 9)
_MIXED = _linked(
    [(0, 1, 0.5), (1, 2, -2.0), (2, 3, 1.0), (3, 4, 0.1), (4, 5, 3.0), (5, 6, 1.0), (1, 7, 1.0)], 9
)

REACH = Exercise(
    id="spectral_convolution/reach",
    section=SECTION,
    title="How far does it see?",
    reference=reach,
    cases=[
        case(_PATH, [2], label="one layer of two terms on a path"),
        case(_PATH, [3], label="one layer of three terms"),
        case(_PATH, [1, 1], label="layers of one term"),
        case(_PATH, [2, 3], label="two layers"),
        case(_RING, [2, 2, 2], label="three layers on a ring"),
        case(_MIXED, [3, 1, 2], label="weights of all kinds, and a node alone"),
        case(_MIXED, [4, 3], label="a deep net"),
        case(_PATH, [2, 4, 3], label="from end to end of a path"),
        case(_linked([(0, 1, 1.0), (1, 2, 2.0), (0, 2, -1.0)], 3), [3], label="walks that cancel"),
    ],
    alternatives=[_by_search, _layer_by_layer],
    strict=True,
    mistakes=[
        Mistake(
            _count(sum),
            "Each layer looks one link too far: K terms reach from T_0 to T_(K-1), that is K - 1 links.",
        ),
        Mistake(
            _count(lambda terms: max(terms) - 1),
            "Only the layer that looks furthest counts here. Layers add up: what a neighbour knows, it passes on.",
        ),
        Mistake(
            _count(lambda terms: terms[0] - 1),
            "Only the first layer counts here. The others pass on what it has gathered.",
        ),
        Mistake(
            _count(lambda terms: int(np.prod(terms)) - 1),
            "The terms are multiplied. Steps add up: K - 1 for each layer.",
        ),
        Mistake(
            _count(lambda terms: sum(terms) - 1),
            "One is subtracted once. Each of the layers looks K - 1 links far.",
        ),
        Mistake(
            _count(lambda terms: len(terms)),
            "Each layer looks one link far here. It looks K - 1 links far.",
        ),
        Mistake(
            _exactly,
            "Only nodes at exactly the largest distance are there. The nearer ones count as well.",
        ),
        Mistake(
            _power,
            "A power of A finds walks of exactly so many links. Shorter ones count as well: put loops in, or take the union.",
        ),
        Mistake(_positive, "Links of negative weight are missing. All entries that are not 0 are links."),
        Mistake(_connected, "This says who is connected at all. The layers do not look that far."),
        Mistake(_not_self, "A node does not see itself here. With T_0 it does."),
    ],
    hint="A layer of K terms looks K - 1 links far. How far do several of them look?",
)
