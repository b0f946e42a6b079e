"""The exercise on the GCN layer without a matrix, on edges that have a direction."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spatial_convolution"
Array = np.ndarray


def degrees(ends: Array, n: int) -> Array:
    """How often each node is an end, and one more for its loop."""
    return np.bincount(ends, minlength=n) + 1.0


def gcn_layer(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
    """Sums along the edges with weights 1 / sqrt(d_i d_j), loops included, and b."""
    source, target = edge_index
    root = degrees(target, len(x)) ** -0.5
    scaled = root[:, None] * (x @ W)
    y = scaled.copy()
    np.add.at(y, target, scaled[source])
    return root[:, None] * y + b


def _by_matrix(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
    A = np.eye(len(x))
    for source, target in edge_index.T:
        A[target, source] += 1
    degree = A.sum(axis=1)
    return A / np.sqrt(np.outer(degree, degree)) @ x @ W + b


def _by_nodes(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
    degree = [1 + int((edge_index[1] == i).sum()) for i in range(len(x))]
    rows = []
    for i in range(len(x)):
        heard = [i, *edge_index[0][edge_index[1] == i]]
        rows.append(sum(x[j] / (degree[i] * degree[j]) ** 0.5 for j in heard) @ W + b)
    return np.array(rows)


Weight = Callable[[Array, Array, Array, Array], Array]


def _weighted(weight: Weight, loops: bool = True, swapped: bool = False) -> Callable[..., Array]:
    """Other weights, made of source, target, and the degrees that arrive and that leave."""

    def answer(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
        n = len(x)
        arriving, leaving = degrees(edge_index[1], n), degrees(edge_index[0], n)
        edges = np.concatenate([edge_index, np.tile(np.arange(n), (2, 1))], axis=1) if loops else edge_index
        source, target = edges[::-1] if swapped else edges
        y = np.zeros((n, W.shape[1]))
        np.add.at(y, target, weight(source, target, arriving, leaving)[:, None] * (x @ W)[source])
        return y + b

    return answer


def _right(source: Array, target: Array, arriving: Array, leaving: Array) -> Array:
    return (arriving[source] * arriving[target]) ** -0.5


def _bias_first(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
    return gcn_layer(x @ W + b, edge_index, np.eye(len(b)), np.zeros(len(b)))


def _no_bias(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
    return gcn_layer(x, edge_index, W, 0 * b)


def _relu(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
    return np.maximum(gcn_layer(x, edge_index, W, b), 0)


def _counted_once(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
    source, target = edge_index
    root = degrees(target, len(x)) ** -0.5
    scaled = root[:, None] * (x @ W)
    y = scaled.copy()
    y[target] += scaled[source]
    return root[:, None] * y + b


def _each_once(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
    return gcn_layer(x, np.unique(edge_index, axis=1), W, b)


def _both_directions(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
    return gcn_layer(x, np.concatenate([edge_index, edge_index[::-1]], axis=1), W, b)


def _own_apart(x: Array, edge_index: Array, W: Array, b: Array) -> Array:
    return _weighted(_right, loops=False)(x, edge_index, W, b) + x @ W


def _graphs(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, edges: list[tuple[int, int]], d: int, out: int, label: str) -> Case:
        pairs = np.array(edges, dtype=int).reshape(-1, 2).T
        arrays = (rng.normal(size=shape).round(2) for shape in ((n, d), (d, out), (out,)))
        x, W, b = arrays
        return case(x, pairs, W, b, label=label)

    links = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1), (2, 3), (3, 2)]
    return [
        draw(2, [(0, 1), (1, 0)], 1, 1, "two nodes and a link"),
        draw(4, links, 3, 2, "the graph of the section"),
        draw(6, links, 2, 3, "two nodes without links"),
        draw(
            4,
            [(0, 1), (2, 1), (3, 1), (1, 0)],
            2,
            2,
            "edges of one direction: 2 and 3 speak and hear nothing",
        ),
        draw(3, [], 2, 2, "no edges at all"),
        draw(5, [(0, 1), (0, 1), (3, 1), (4, 0)], 2, 1, "an edge that is there twice"),
    ]


LAYER = Exercise(
    id="spatial_convolution/layer",
    section=SECTION,
    title="A GCN layer without a matrix",
    reference=gcn_layer,
    cases=_graphs,
    alternatives=[_by_matrix, _by_nodes],
    mistakes=[
        Mistake(
            _weighted(_right, loops=False), "No node hears itself. The loop of each node sends a message too."
        ),
        Mistake(
            _weighted(_right, swapped=True),
            "Messages run from target to source. Row 0 of edge_index speaks, and row 1 hears.",
        ),
        Mistake(
            _weighted(lambda s, t, arriving, leaving: (leaving[s] * leaving[t]) ** -0.5),
            "The degrees count the edges that leave. Count those that arrive at a node, and its loop.",
        ),
        Mistake(
            _weighted(lambda s, t, arriving, leaving: (leaving[s] * arriving[t]) ** -0.5),
            "The speaker's degree counts the edges that leave it. Both degrees count what arrives.",
        ),
        Mistake(
            _weighted(lambda s, t, arriving, leaving: 1 / arriving[t]),
            "This is the mean of what arrives, divided by the listener's degree. Divide by the root of both degrees.",
        ),
        Mistake(
            _weighted(lambda s, t, arriving, leaving: np.ones(len(s))),
            "This is a plain sum. Each message is divided by the root of both ends' degrees.",
        ),
        Mistake(
            _weighted(lambda s, t, arriving, leaving: 1 / (arriving[s] * arriving[t])),
            "The degrees are multiplied without a root. The power is -1/2.",
        ),
        Mistake(
            _weighted(
                lambda s, t, arriving, leaving: (np.maximum((arriving - 1)[s] * (arriving - 1)[t], 1)) ** -0.5
            ),
            "The degrees leave out the loops. With its loop, a node without links has the degree 1.",
        ),
        Mistake(
            _own_apart,
            "A node hears itself with weight 1. The loop is divided by the degree like any message.",
        ),
        Mistake(
            _bias_first,
            "The bias is added before the sums, and so is weighted with the rest. Add it at the end.",
        ),
        Mistake(_no_bias, "The bias is missing."),
        Mistake(
            _relu,
            "Negative numbers are cut off. The layer ends with the bias; ReLU comes after it, elsewhere.",
        ),
        Mistake(
            _counted_once,
            "Adding by index counts only one message for each node. Use np.add.at, which adds all of them.",
        ),
        Mistake(
            _each_once,
            "An edge that is listed twice is used once. Both send a message, and both count in the degree.",
        ),
        Mistake(
            _both_directions,
            "Each edge is used in both directions. They are listed as they are meant: use them so.",
        ),
    ],
    hint="Transform first, append an edge (i, i) for every i, count the targets, and add with np.add.at.",
)
