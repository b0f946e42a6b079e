"""The exercise on coefficients of graph attention, of the kind that is not static."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spatial_convolution"
Array = np.ndarray


def leaky(z: Array, slope: float = 0.2) -> Array:
    """LeakyReLU."""
    return np.where(z > 0, z, slope * z)


def shared(e: Array, ends: Array) -> Array:
    """Softmax of the scores e (E,) of edges that have an end in common."""
    largest = np.full(ends.max() + 1, -np.inf)
    np.maximum.at(largest, ends, e)
    part = np.exp(e - largest[ends])
    return part / np.bincount(ends, weights=part)[ends]


def coefficients(H: Array, G: Array, a: Array, edge_index: Array) -> Array:
    """Softmax over each target's edges of a . LeakyReLU(h_source + g_target)."""
    source, target = edge_index
    return shared(leaky(H[source] + G[target]) @ a, target)


def _by_nodes(H: Array, G: Array, a: Array, edge_index: Array) -> Array:
    alpha = np.zeros(edge_index.shape[1])
    for i in range(len(H)):
        arriving = np.flatnonzero(edge_index[1] == i)
        if len(arriving):
            z = H[edge_index[0][arriving]] + G[i]
            e = np.maximum(z, 0.2 * z) @ a
            part = np.exp(e - e.max())
            alpha[arriving] = part / part.sum()
    return alpha


def _by_mask(H: Array, G: Array, a: Array, edge_index: Array) -> Array:
    source, target = edge_index
    z = H[source] + G[target]
    e = (z * np.where(z > 0, 1.0, 0.2)).dot(a)
    together = target[:, None] == target
    differences = np.where(together, e - e[:, None], -np.inf)
    with np.errstate(over="ignore"):
        return 1 / np.exp(differences).sum(axis=1)


Score = Callable[[Array, Array, Array], Array]


def _scored(score: Score) -> Callable[..., Array]:
    """Other scores, made of the speakers' and the listeners' rows (E, d) and a."""

    def answer(H: Array, G: Array, a: Array, edge_index: Array) -> Array:
        source, target = edge_index
        return shared(score(H[source], G[target], a), target)

    return answer


Share = Callable[[Array, Array, Array], Array]


def _divided(share: Share) -> Callable[..., Array]:
    """The right scores, shared out in another way, by sources and targets."""

    def answer(H: Array, G: Array, a: Array, edge_index: Array) -> Array:
        source, target = edge_index
        with np.errstate(all="ignore"):
            return share(leaky(H[source] + G[target]) @ a, source, target)

    return answer


def _no_maximum(e: Array, source: Array, target: Array) -> Array:
    return np.exp(e) / np.bincount(target, weights=np.exp(e))[target]


def _one_maximum(e: Array, source: Array, target: Array) -> Array:
    return _no_maximum(e - e.max(), source, target)


def _unshared(e: Array, source: Array, target: Array) -> Array:
    largest = np.full(target.max() + 1, -np.inf)
    np.maximum.at(largest, target, e)
    return np.exp(e - largest[target])


def _over_all(e: Array, source: Array, target: Array) -> Array:
    return np.exp(e - e.max()) / np.exp(e - e.max()).sum()


def _in_a_full_matrix(H: Array, G: Array, a: Array, edge_index: Array) -> Array:
    source, target = edge_index
    scores = np.zeros((len(H), len(H)))
    scores[target, source] = leaky(H[source] + G[target]) @ a
    part = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (part / part.sum(axis=1, keepdims=True))[target, source]


def _turned(H: Array, G: Array, a: Array, edge_index: Array) -> Array:
    return coefficients(G, H, a, edge_index)


def _graphs(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, edges: list[tuple[int, int]], d: int, label: str, size: float = 1.0) -> Case:
        H, G = (size * rng.normal(size=(n, d)).round(2) for _ in range(2))
        return case(H, G, rng.normal(size=d).round(2), np.array(edges).T, label=label)

    all_of_three = [(i, j) for i in range(3) for j in range(3)]
    mixed = [(3, 0), (1, 2), (0, 2), (2, 0), (4, 2), (0, 1), (1, 0)]
    far = np.array([[0.0], [1], [-3000], [-3001]])
    return [
        case(
            np.zeros((3, 2)), np.zeros((3, 2)), np.ones(2), np.array(all_of_three).T, label="all say nothing"
        ),
        draw(2, [(0, 0), (1, 0), (1, 1)], 2, "two nodes"),
        draw(3, all_of_three, 4, "three nodes, all linked"),
        draw(6, mixed, 3, "edges in any order, and a node that hears nobody"),
        draw(4, [(0, 1), (2, 1), (3, 1), (1, 3), (0, 3)], 2, "scores of thousands", 2000.0),
        case(
            far,
            np.zeros((4, 1)),
            np.ones(1),
            np.array([[0, 1, 2, 3], [0, 0, 2, 2]]),
            label="one node's scores are far below another's",
        ),
    ]


COEFFICIENTS = Exercise(
    id="spatial_convolution/coefficients",
    section=SECTION,
    title="Attention that is not static",
    reference=coefficients,
    cases=_graphs,
    alternatives=[_by_nodes, _by_mask],
    mistakes=[
        Mistake(
            _scored(lambda h, g, a: leaky((h + g) @ a)),
            "LeakyReLU comes after the product with a: that is GAT, and static. Here it acts on the vectors, before.",
        ),
        Mistake(
            _scored(lambda h, g, a: (h + g) @ a),
            "There is no LeakyReLU, so what the listener adds is the same for all speakers and cancels.",
        ),
        Mistake(
            _scored(lambda h, g, a: np.maximum(h + g, 0) @ a),
            "Negative numbers become 0. LeakyReLU multiplies them by 0.2.",
        ),
        Mistake(
            _scored(lambda h, g, a: leaky(h + g, 0.01) @ a),
            "The slope for negative numbers is 0.01, PyTorch's default. Here it is 0.2.",
        ),
        Mistake(
            _scored(lambda h, g, a: (leaky(h) + leaky(g)) @ a),
            "LeakyReLU acts on each of the two vectors. Add them first, or the listener's part cancels.",
        ),
        Mistake(
            _scored(lambda h, g, a: leaky(h * g) @ a),
            "The two vectors are multiplied. They should be added.",
        ),
        Mistake(
            _turned, "Speaker and listener are exchanged: H belongs to the sources, row 0 of edge_index."
        ),
        Mistake(
            _divided(lambda e, source, target: shared(e, source)),
            "The weights of the edges that leave a node sum to 1. It should be those that arrive at one.",
        ),
        Mistake(_divided(_over_all), "All weights together sum to 1. Share out 1 for each target apart."),
        Mistake(
            _in_a_full_matrix,
            "Pairs without an edge take part with the score 0, whose exponential is 1. In a matrix they need -inf.",
        ),
        Mistake(
            _divided(_unshared), "The exponentials are not divided by their sum over the target's edges."
        ),
        Mistake(
            _divided(_no_maximum),
            "Scores of thousands overflow. Subtract the largest score of each target first.",
        ),
        Mistake(
            _divided(_one_maximum),
            "The largest of all scores is subtracted. Where a target's scores are far below, 0 is left and divided by 0: "
            "subtract the largest of each target.",
        ),
    ],
    hint="The scores are leaky(H[source] + G[target]) @ a; np.maximum.at finds the largest of each target.",
)
