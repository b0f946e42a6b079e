"""The exercise on a measure of oversmoothing: how much more alike are linked nodes than others?"""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spatial_convolution"
Array = np.ndarray


def cosines(H: Array) -> Array:
    """The cosine of each pair of rows, and 0 where one is zero."""
    lengths = np.linalg.norm(H, axis=1)
    return H @ H.T / np.where(np.outer(lengths, lengths) > 0, np.outer(lengths, lengths), 1.0)


def gap(H: Array, A: Array) -> float:
    """The mean cosine distance of pairs without a link, less that of linked pairs."""
    distance, others = 1 - cosines(H), ~np.eye(len(H), dtype=bool)
    linked = A > 0
    return float(distance[others & ~linked].mean() - distance[others & linked].mean())


def _by_pairs(H: Array, A: Array) -> float:
    kinds: dict[bool, list[float]] = {True: [], False: []}
    for i in range(len(H)):
        for j in range(i):
            length = float(np.sqrt((H[i] ** 2).sum() * (H[j] ** 2).sum()))
            kinds[bool(A[i, j])].append(1 - float(H[i] @ H[j]) / length if length else 1.0)
    return sum(kinds[False]) / len(kinds[False]) - sum(kinds[True]) / len(kinds[True])


def _by_units(H: Array, A: Array) -> float:
    U = H / np.maximum(np.linalg.norm(H, axis=1, keepdims=True), 1e-300)
    i, j = np.triu_indices(len(H), 1)
    alike = (U[i] * U[j]).sum(axis=1)
    return float(alike[A[i, j] > 0].mean() - alike[A[i, j] == 0].mean())


Means = Callable[[Array, Array, Array], float]


def _of(distances: Callable[[Array], Array], means: Means | None = None) -> Callable[[Array, Array], float]:
    """Other distances, or other means of them: the distances, who is linked and who is another node."""

    def plain(distance: Array, linked: Array, others: Array) -> float:
        return float(distance[others & ~linked].mean() - distance[linked].mean())

    def answer(H: Array, A: Array) -> float:
        with np.errstate(all="ignore"):
            return float((means or plain)(distances(H), A > 0, ~np.eye(len(H), dtype=bool)))

    return answer


def _cosine_distance(H: Array) -> Array:
    return 1 - cosines(H)


def _euclidean(H: Array) -> Array:
    return np.linalg.norm(H[:, None] - H, axis=2)


def _undivided(H: Array) -> Array:
    lengths = np.linalg.norm(H, axis=1)
    return 1 - H @ H.T / np.outer(lengths, lengths)


def _centred(H: Array) -> Array:
    return 1 - cosines(H - H.mean(axis=1, keepdims=True))


def _without_zero_rows(H: Array, A: Array) -> float:
    says = np.linalg.norm(H, axis=1) > 0
    return gap(H[says], A[says][:, says])


def _by_nodes(distance: Array, linked: Array, others: Array) -> float:
    """The mean over each node's pairs, then over the nodes that have any."""
    parts = []
    for kind in (others & ~linked, linked):
        pairs = kind.sum(axis=1)
        parts.append(((distance * kind).sum(axis=1)[pairs > 0] / pairs[pairs > 0]).mean())
    return float(parts[0] - parts[1])


def _features(rng: np.random.Generator) -> list[Case]:
    def linked(n: int, links: list[tuple[int, int]]) -> Array:
        A = np.zeros((n, n))
        for i, j in links:
            A[i, j] = A[j, i] = 1
        return A

    small = [(0, 1), (0, 2), (1, 2), (2, 3)]
    two = [(0, 1), (0, 2), (1, 2), (3, 4), (4, 5), (3, 5)]
    camps = np.repeat([[3.0, 0.5], [0.5, 2]], 3, axis=0) + rng.normal(size=(6, 2)).round(1) / 5
    zero = rng.normal(size=(5, 3)).round(2)
    zero[4] = 0
    return [
        case(
            np.array([[1.0, 0], [1, 0], [0, 1]]),
            linked(3, [(0, 1)]),
            label="linked nodes agree, the third does not",
        ),
        case(camps, linked(6, two), label="two camps that say different things"),
        case(rng.normal(size=(6, 3)).round(2), linked(6, two), label="nothing to do with the links"),
        case(rng.normal(size=(4, 2)).round(2), linked(4, small), label="nodes of different degrees"),
        case(zero, linked(5, [*small, (3, 4)]), label="a node whose features are all 0"),
        case(
            np.outer([1.0, 2, 3, 4], [1.0, 2]), linked(4, small), label="all in one direction: oversmoothed"
        ),
        case(np.array([[1.0, 1], [-1, -2], [2, 1], [-3, -1]]), linked(4, small), label="opposite directions"),
    ]


GAP = Exercise(
    id="spatial_convolution/gap",
    section=SECTION,
    title="Are neighbours still more alike than others?",
    reference=gap,
    cases=_features,
    alternatives=[_by_pairs, _by_units],
    atol=1e-9,
    mistakes=[
        Mistake(
            lambda H, A: -gap(H, A),
            "The sign is turned round. It is the pairs without a link less the linked ones, of distances, not cosines.",
        ),
        Mistake(
            _of(_cosine_distance, lambda D, linked, others: D[~linked].mean() - D[linked].mean()),
            "Each node is counted as a pair with itself, at distance 0, among those without a link.",
        ),
        Mistake(
            _of(_cosine_distance, lambda D, linked, others: D[others].mean() - D[linked].mean()),
            "The linked pairs are in both means. The first is over pairs that have no link.",
        ),
        Mistake(
            _of(_cosine_distance, lambda D, linked, others: D[linked].mean()),
            "This is the mean of the linked pairs alone. What counts is how far it is from that of the others.",
        ),
        Mistake(
            _of(_cosine_distance, lambda D, linked, others: D[others & ~linked].mean()),
            "This is the mean of the pairs without a link alone. Subtract that of the linked ones.",
        ),
        Mistake(
            _of(_cosine_distance, lambda D, linked, others: D[others & ~linked].sum() - D[linked].sum()),
            "These are sums. There are far more pairs without a link than with one: take means.",
        ),
        Mistake(
            _of(_euclidean),
            "This is the distance of the points. The cosine distance looks at directions, and divides by both lengths.",
        ),
        Mistake(
            _of(lambda H: 1 - H @ H.T),
            "The products are not divided by the lengths of the two rows.",
        ),
        Mistake(
            _of(_undivided),
            "A row of 0 is divided by its length 0. Count the cosine as 0 there.",
        ),
        Mistake(
            _without_zero_rows,
            "Nodes whose row is 0 are left out. Their pairs count too, with the cosine 0.",
        ),
        Mistake(
            _of(lambda H: np.arccos(np.clip(cosines(H), -1, 1))),
            "This is the angle. The cosine distance is 1 less its cosine.",
        ),
        Mistake(
            _of(lambda H: 1 - np.abs(cosines(H))),
            "Opposite rows count as alike: there is an absolute value too many. Their distance is 2.",
        ),
        Mistake(
            _of(_centred),
            "The mean of each row is subtracted, so this is a correlation. Take the rows as they are.",
        ),
        Mistake(
            _of(_cosine_distance, _by_nodes),
            "The means are taken over each node's pairs first. Every pair should count alike, whatever the degrees.",
        ),
    ],
    hint="Make the matrix of cosines; the linked pairs are where A is 1, the others where it is 0, without the diagonal.",
)
