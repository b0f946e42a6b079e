"""The exercise on a Laplacian that is never written down."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import graph

SECTION = "11_graph_networks/graphs"
Array = np.ndarray


def laplacian_times(edge_index: Array, weight: Array, x: Array) -> Array:
    """x - D^-1/2 A D^-1/2 x, edge by edge."""
    source, target = edge_index
    degree = np.zeros(len(x))
    np.add.at(degree, target, weight)
    root = _power(degree, -0.5)
    y = np.array(x, dtype=float)
    np.subtract.at(y, target, (root[target] * weight * root[source])[:, None] * x[source])
    return y


def _power(degree: Array, exponent: float) -> Array:
    return np.where(degree > 0, np.where(degree > 0, degree, 1.0) ** exponent, 0.0)


def _by_matrix(edge_index: Array, weight: Array, x: Array) -> Array:
    return graph.laplacian(graph.adjacency(edge_index, len(x), weight), "sym") @ x


def _from_matrix(matrix: Callable[[Array, Array], Array]) -> Callable[[Array, Array, Array], Array]:
    """Another matrix, made of the adjacency (n, n) and the degrees (n,), times x."""

    def answer(edge_index: Array, weight: Array, x: Array) -> Array:
        a = graph.adjacency(edge_index, len(x), weight)
        return matrix(a, a.sum(axis=1)) @ x

    return answer


def _scaled(a: Array, d: Array) -> Array:
    root = _power(d, -0.5)
    return root[:, None] * a * root


def _without_weights(edge_index: Array, weight: Array, x: Array) -> Array:
    return _by_matrix(edge_index, np.ones_like(weight), x)


def _count_degrees(edge_index: Array, weight: Array, x: Array) -> Array:
    a = graph.adjacency(edge_index, len(x), weight)
    root = _power(np.bincount(edge_index[1], minlength=len(x)).astype(float), -0.5)
    return x - (root[:, None] * a * root) @ x


def _once(edge_index: Array, weight: Array, x: Array) -> Array:
    a = np.zeros((len(x), len(x)))
    a[edge_index[1], edge_index[0]] = weight
    return graph.laplacian(a, "sym") @ x


def _last_edge(edge_index: Array, weight: Array, x: Array) -> Array:
    source, target = edge_index
    root = _power(np.bincount(target, weights=weight, minlength=len(x)), -0.5)
    arrived = np.zeros(x.shape)
    arrived[target] += (root[target] * weight * root[source])[:, None] * x[source]
    return x - arrived


def _lone_to_zero(edge_index: Array, weight: Array, x: Array) -> Array:
    degree = np.bincount(edge_index[1], weights=weight, minlength=len(x))
    return _by_matrix(edge_index, weight, x) * (degree > 0)[:, None]


def _graphs(rng: np.random.Generator) -> list[Case]:
    def graph_of(links: list[tuple[int, int]], n: int, d: int, weighted: bool, label: str) -> Case:
        one_way = np.array(links).T
        weight = rng.integers(1, 9, len(links)) / 4 if weighted else np.ones(len(links))
        edges = np.concatenate([one_way, one_way[::-1]], axis=1)
        return case(edges, np.tile(weight, 2), rng.normal(size=(n, d)).round(2), label=label)

    return [
        graph_of([(0, 1), (1, 2)], 3, 1, False, "a path"),
        graph_of([(0, 1), (0, 2), (0, 3), (1, 2)], 4, 2, False, "a hub"),
        graph_of([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)], 4, 2, True, "weights"),
        graph_of([(0, 1), (1, 3)], 5, 2, True, "two nodes alone"),
        graph_of([(0, 1), (0, 1), (1, 2), (2, 3)], 4, 3, True, "an edge that stands there twice"),
    ]


LAPLACIAN = Exercise(
    id="graphs/laplacian",
    section=SECTION,
    title="The Laplacian without a matrix",
    reference=laplacian_times,
    cases=_graphs,
    alternatives=[_by_matrix],
    mistakes=[
        Mistake(
            _from_matrix(lambda a, d: np.diag(d) - a),
            "This is (D - A) x, not normalized. Divide by the roots of the degrees, at both ends of an edge.",
        ),
        Mistake(
            _from_matrix(lambda a, d: np.eye(len(a)) - _power(d, -1)[:, None] * a),
            "This is L_rw x, a node less the mean of its neighbours. For L_sym each edge is divided by the roots of both degrees.",
        ),
        Mistake(
            _from_matrix(lambda a, d: np.eye(len(a)) - a * _power(d, -1)),
            "The edges are divided by the degree of their source alone. Take the root, and that of the target's degree.",
        ),
        Mistake(
            _from_matrix(lambda a, d: np.eye(len(a)) - _power(d, -1)[:, None] * a * _power(d, -1)),
            "The edges are divided by both degrees: the roots are missing.",
        ),
        Mistake(
            _from_matrix(lambda a, d: _scaled(a, d)),
            "This is the sum over the neighbours alone. The Laplacian is x less this sum.",
        ),
        Mistake(
            _from_matrix(lambda a, d: np.eye(len(a)) + _scaled(a, d)),
            "The neighbours are added. In a Laplacian they are subtracted: it measures differences.",
        ),
        Mistake(
            _from_matrix(lambda a, d: np.eye(len(a)) - _scaled(a + np.eye(len(a)), d + 1)),
            "Every node has got an edge to itself. The Laplacian has none; that is for graph convolutions.",
        ),
        Mistake(
            _without_weights,
            "The weights of the edges do not count here. They count in A and in the degrees.",
        ),
        Mistake(
            _count_degrees,
            "The degrees are numbers of edges. With weights, a degree is the sum of the weights that arrive.",
        ),
        Mistake(
            _once,
            "An edge that stands twice in the list counts once, with its last weight. Weights of the same edge add up.",
        ),
        Mistake(
            _last_edge,
            "Of the edges that arrive at a node only the last one counts: y[target] += ... does not add up repeated numbers. Use np.add.at.",
        ),
        Mistake(
            _lone_to_zero,
            "A node alone gets 0. With I in the formula and nothing to subtract, it keeps its features.",
        ),
    ],
    hint="y = x - D^-1/2 A (D^-1/2 x): scale the features, send them along the edges, scale what arrives, subtract.",
)
