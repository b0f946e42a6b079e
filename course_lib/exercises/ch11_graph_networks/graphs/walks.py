"""Exercises on compressed rows, and on the connected pieces of a graph."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/graphs"
Array = np.ndarray
Rows = tuple[Array, Array, Array]

# compressed rows


def compressed_rows(edge_index: Array, weight: Array, n: int) -> Rows:
    """Edges sorted by target, then source, and where each target's begin."""
    source, target = edge_index
    order = np.lexsort((source, target))
    starts = np.concatenate([[0], np.cumsum(np.bincount(target, minlength=n))])
    return starts, source[order], weight[order]


def _by_lists(edge_index: Array, weight: Array, n: int) -> Rows:
    rows: list[list[tuple[int, float]]] = [[] for _ in range(n)]
    for (source, target), w in zip(edge_index.T, weight, strict=True):
        rows[target].append((int(source), float(w)))
    flat = [edge for row in rows for edge in sorted(row)]
    starts = [0]
    for row in rows:
        starts.append(starts[-1] + len(row))
    return np.array(starts), np.array([s for s, _ in flat], dtype=int), np.array([w for _, w in flat])


def _changed(change: Callable[[Array, Array, Array], Rows]) -> Callable[[Array, Array, int], Rows]:
    """Something else made of the right beginnings, sources and weights."""

    def answer(edge_index: Array, weight: Array, n: int) -> Rows:
        return change(*compressed_rows(edge_index, weight, n))

    return answer


def _by_source(edge_index: Array, weight: Array, n: int) -> Rows:
    return compressed_rows(edge_index[::-1], weight, n)


def _targets(edge_index: Array, weight: Array, n: int) -> Rows:
    starts, _, weights = compressed_rows(edge_index, weight, n)
    return starts, np.sort(edge_index[1]), weights


def _weights_as_they_came(edge_index: Array, weight: Array, n: int) -> Rows:
    starts, sources, _ = compressed_rows(edge_index, weight, n)
    return starts, sources, weight


def _sources_as_they_came(edge_index: Array, weight: Array, n: int) -> Rows:
    order = np.argsort(edge_index[1], kind="stable")
    return compressed_rows(edge_index, weight, n)[0], edge_index[0][order], weight[order]


def _only_rows_with_edges(edge_index: Array, weight: Array, n: int) -> Rows:
    starts, sources, weights = compressed_rows(edge_index, weight, n)
    return np.unique(starts), sources, weights


def _until_last_target(edge_index: Array, weight: Array, n: int) -> Rows:
    return compressed_rows(edge_index, weight, int(edge_index[1].max()) + 1)


def _edges(rng: np.random.Generator) -> list[Case]:
    def random(n: int, e: int, label: str) -> Case:
        pairs = rng.choice(n * n, e, replace=False)
        return case(np.stack([pairs // n, pairs % n]), rng.integers(1, 99, e) / 4, n, label=label)

    return [
        case(np.array([[0, 2, 1], [1, 1, 2]]), np.array([1.0, 2, 3]), 3, label="two edges to one node"),
        case(np.array([[3, 0, 2, 1], [0, 3, 0, 2]]), np.array([4.0, 1, 3, 2]), 4, label="edges in no order"),
        case(
            np.array([[4, 0], [1, 1]]), np.array([0.5, 1.5]), 6, label="rows without edges, also at the end"
        ),
        random(5, 12, "twelve edges"),
        random(8, 20, "twenty edges, directed"),
    ]


ROWS = Exercise(
    id="graphs/rows",
    section=SECTION,
    title="Compressed rows",
    reference=compressed_rows,
    cases=_edges,
    alternatives=[_by_lists],
    mistakes=[
        Mistake(
            _by_source,
            "The rows are those of the sources: what leaves a node. Row i holds the edges that arrive at node i.",
        ),
        Mistake(
            _targets,
            "The second array holds the targets. Those are known from the row: give the sources.",
        ),
        Mistake(
            _changed(lambda starts, sources, weights: (np.diff(starts), sources, weights)),
            "The first array holds the number of edges of each row. Sum them up, to say where each row begins.",
        ),
        Mistake(
            _changed(lambda starts, sources, weights: (starts[:-1], sources, weights)),
            "The last beginning is missing: n + 1 numbers, the last of which says where the last row ends.",
        ),
        Mistake(
            _changed(lambda starts, sources, weights: (starts[1:], sources, weights)),
            "These are the ends of the rows. Put a 0 before them: the first row begins at 0.",
        ),
        Mistake(
            _weights_as_they_came,
            "The weights are in the order of the list. Sort them with the edges they belong to.",
        ),
        Mistake(
            _sources_as_they_came,
            "Within a row the sources are in the order of the list. Sort those, too.",
        ),
        Mistake(
            _only_rows_with_edges,
            "Rows without edges have no beginning here. They have one, equal to that of the next row.",
        ),
        Mistake(
            _until_last_target,
            "The rows stop at the last node to which an edge leads. There are n, whether edges arrive or not.",
        ),
        Mistake(
            _changed(lambda starts, sources, weights: (starts + 1, sources, weights)),
            "The places are counted from 1. Count from 0, so that sources[starts[i]:starts[i + 1]] is row i.",
        ),
    ],
    hint="np.lexsort((source, target)) sorts by target first; np.bincount(target, minlength=n) counts each row.",
)

# count the pieces


def pieces(edge_index: Array, n: int) -> Array:
    """Labels by the minimum of neighbours, until nothing changes."""
    label = np.arange(n)
    for _ in range(n):
        np.minimum.at(label, edge_index[1], label[edge_index[0]])
    return label


def _by_union(edge_index: Array, n: int) -> Array:
    parent = list(range(n))

    def root(node: int) -> int:
        while parent[node] != node:
            node = parent[node]
        return node

    for i, j in edge_index.T:
        low, high = sorted((root(int(i)), root(int(j))))
        parent[high] = low
    return np.array([root(node) for node in range(n)])


def _by_powers(edge_index: Array, n: int) -> Array:
    reach = np.eye(n, dtype=bool)
    reach[edge_index[1], edge_index[0]] = True
    for _ in range(n):
        reach = (reach.astype(int) @ reach) > 0
    return reach.argmax(axis=1)


def _rounds(count: int) -> Callable[[Array, int], Array]:
    """What is known after so many rounds."""

    def answer(edge_index: Array, n: int) -> Array:
        label = np.arange(n)
        for _ in range(count):
            heard = label.copy()
            np.minimum.at(heard, edge_index[1], label[edge_index[0]])
            label = heard
        return label

    return answer


def _without_own(edge_index: Array, n: int) -> Array:
    label = np.arange(n)
    for _ in range(2 * n):
        heard = np.full(n, n)
        np.minimum.at(heard, edge_index[1], label[edge_index[0]])
        label = np.where(heard < n, heard, label)
    return label


def _largest(edge_index: Array, n: int) -> Array:
    label = np.arange(n)
    for _ in range(n):
        np.maximum.at(label, edge_index[1], label[edge_index[0]])
    return label


def _numbered(edge_index: Array, n: int) -> Array:
    return np.unique(pieces(edge_index, n), return_inverse=True)[1]


def _only_smaller(edge_index: Array, n: int) -> Array:
    """Each node asks once, in order: node i takes the smallest label of its neighbours as it is by then."""
    label = np.arange(n)
    for node in range(n):
        mine = edge_index[0][edge_index[1] == node]
        label[node] = min([label[node], *label[mine]])
    return label


def _one_way(edge_index: Array, n: int) -> Array:
    upward = edge_index[:, edge_index[0] > edge_index[1]]
    return pieces(upward, n)


def _overwritten(edge_index: Array, n: int) -> Array:
    label = np.arange(n)
    for _ in range(n):
        source, target = edge_index
        label[target] = np.minimum(label[target], label[source])
        # of several edges to one node the last one counts
    return label


def _sizes(edge_index: Array, n: int) -> Array:
    label = pieces(edge_index, n)
    return np.bincount(label, minlength=n)[label]


def _zero_if_alone(edge_index: Array, n: int) -> Array:
    label = pieces(edge_index, n)
    linked = np.isin(np.arange(n), edge_index)
    return np.where(linked, label, 0)


def _graph(links: list[tuple[int, int]], n: int, label: str) -> Case:
    one_way = np.array(links).T
    return case(np.concatenate([one_way, one_way[::-1]], axis=1), n, label=label)


PIECES = Exercise(
    id="graphs/pieces",
    section=SECTION,
    title="Count the pieces",
    reference=pieces,
    cases=[
        _graph([(0, 1), (2, 3)], 4, "two pairs"),
        _graph([(0, 1), (1, 3)], 5, "two nodes alone"),
        _graph([(4, 5), (3, 4), (2, 3), (1, 2), (0, 1)], 6, "a long path"),
        _graph([(0, 5), (5, 2), (2, 4), (4, 1), (3, 6)], 8, "a path in no order"),
        _graph([(1, 4), (4, 6), (6, 1), (0, 7), (3, 7), (2, 3), (5, 8), (2, 7)], 9, "rings and tails"),
        _graph([(3, 8), (8, 7), (7, 6), (6, 5), (5, 4), (4, 1), (2, 0)], 9, "a long way to the smallest"),
        _graph([(i, i + 1) for i in range(40)], 41, "a very long path"),
    ],
    alternatives=[_by_union, _by_powers],
    mistakes=[
        Mistake(
            _rounds(1),
            "One round only: each node has heard of its direct neighbours. Go on until nothing changes.",
        ),
        Mistake(
            _rounds(2),
            "Two rounds only: news has come two links far. Go on until nothing changes.",
        ),
        Mistake(
            _without_own,
            "A node forgets its own label when it listens. Take the minimum of its own and its neighbours'.",
        ),
        Mistake(_largest, "These are the largest numbers of the pieces. Take the smallest."),
        Mistake(
            _numbered,
            "The pieces are numbered 0, 1, 2 and so on. The label is the smallest node in the piece.",
        ),
        Mistake(
            _only_smaller,
            "Each node has asked its neighbours once, one node after the other. A label that falls later does not reach those who asked before: go round again.",
        ),
        Mistake(
            _one_way,
            "News runs only from a larger number to a smaller one, which it does not help. Use every edge.",
        ),
        Mistake(
            _overwritten,
            "Where several edges arrive at a node, only the last one counts. Use np.minimum.at.",
        ),
        Mistake(_sizes, "These are the sizes of the pieces. Give the smallest number in each."),
        Mistake(_zero_if_alone, "Nodes without links have the label 0, as if they were joined to node 0."),
    ],
    hint="heard = label.copy(); np.minimum.at(heard, targets, label[sources]) is one round. When may you stop?",
)
