"""The exercise on which nodes must be read to compute a few of them."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spectral_or_spatial"
Array = np.ndarray


def reach(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    """All nodes from which news reaches the batch within so many rounds, ascending."""
    source, target = edge_index
    needed = np.zeros(n, dtype=bool)
    needed[batch] = True
    for _ in range(rounds):
        needed[source[needed[target]]] = True
    return np.flatnonzero(needed)


def _by_sets(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    seen = set(batch.tolist())
    for _ in range(rounds):
        seen |= {int(s) for s, t in edge_index.T if t in seen}
    return np.array(sorted(seen), dtype=int)


def _by_powers(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    A = np.eye(n)
    A[edge_index[1], edge_index[0]] = 1
    return np.flatnonzero(np.linalg.matrix_power(A, rounds)[batch].sum(axis=0) > 0)


Answer = Callable[[Array, Array, int, int], Array]


def _turned(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    return reach(edge_index[::-1], batch, rounds, n)


def _both_ways(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    return reach(np.hstack([edge_index, edge_index[::-1]]), batch, rounds, n)


def _last_ring(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    """Only those met in the last round."""
    nearer = reach(edge_index, batch, rounds - 1, n) if rounds else np.array([], dtype=int)
    return np.setdiff1d(reach(edge_index, batch, rounds, n), nearer)


def _exactly(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    """Those from which a walk of exactly so many edges leads to the batch."""
    now = batch
    for _ in range(rounds):
        now = edge_index[0][np.isin(edge_index[1], now)]
    return np.unique(now)


def _without_batch(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    return np.setdiff1d(reach(edge_index, batch, rounds, n), batch)


def _rounds(change: Callable[[int], int]) -> Answer:
    def wrong(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
        return reach(edge_index, batch, change(rounds), n)

    return wrong


def _mask(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    return np.isin(np.arange(n), reach(edge_index, batch, rounds, n))


def _repeated(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    """Every node as often as it is met."""
    met = batch
    for _ in range(rounds):
        met = np.concatenate([met, np.concatenate([edge_index[0][edge_index[1] == i] for i in met])])
    return np.sort(met)


def _first_of_batch(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    return reach(edge_index, batch[:1], rounds, n)


def _within_a_round(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    """Edge by edge, so that a node marked in a round is already asked in the same one."""
    seen = set(batch.tolist())
    for _ in range(rounds):
        for source, target in edge_index.T.tolist():
            if target in seen:
                seen.add(source)
    return np.array(sorted(seen), dtype=int)


def _batch_as_it_is(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    return reach(edge_index, batch, rounds, n) if rounds else batch


def _unsorted(edge_index: Array, batch: Array, rounds: int, n: int) -> Array:
    seen = batch.tolist()
    for _ in range(rounds):
        seen += edge_index[0][np.isin(edge_index[1], seen)].tolist()
        seen = list(dict.fromkeys(seen))
    return np.array(seen)


def _graphs(rng: np.random.Generator) -> list[Case]:
    path = np.array([[1, 2, 3, 4, 5], [0, 1, 2, 3, 4]])
    random = np.stack([rng.integers(0, 12, 16), rng.integers(0, 12, 16)])
    tail = np.array([[0, 1, 0, 2, 1, 2, 2, 3, 3, 4], [1, 0, 2, 0, 2, 1, 3, 2, 4, 3]])
    return [
        case(path, np.array([0]), 2, 6, label="news runs down to node 0"),
        case(path, np.array([4, 1]), 1, 6, label="two nodes, one layer"),
        case(path, np.array([5]), 3, 6, label="nobody speaks to node 5"),
        case(path, np.array([3]), 0, 6, label="no layer: nothing but the batch"),
        case(path, np.array([5, 2, 2]), 0, 6, label="no layer, and a batch that names a node twice"),
        case(tail, np.array([5, 4]), 1, 6, label="node 5 has no edge at all"),
        case(tail, np.array([4]), 2, 6, label="links in both directions; node 5 is alone"),
        case(random, np.array([7, 2]), 2, 12, label="edges at random"),
        case(random, np.array([0, 5, 9]), 3, 12, label="edges at random, three layers"),
        case(path, np.array([2]), 10, 6, label="more layers than nodes"),
    ]


REACH = Exercise(
    id="spectral_or_spatial/reach",
    section=SECTION,
    title="Who must be read?",
    reference=reach,
    cases=_graphs,
    alternatives=[_by_sets, _by_powers],
    mistakes=[
        Mistake(
            _turned,
            "These are the nodes to which the batch speaks. Needed are those from which it hears: from target to source.",
        ),
        Mistake(
            _both_ways,
            "The edges are used in both directions. News runs from the source to the target only.",
        ),
        Mistake(
            _last_ring,
            "These are only those met in the last round. The nearer ones are needed as well.",
        ),
        Mistake(
            _exactly,
            "These are the starts of walks of exactly so many edges. A layer also reads the node itself: keep those already met.",
        ),
        Mistake(
            _without_batch,
            "The batch itself is missing. A layer reads the node's own features as well.",
        ),
        Mistake(
            _rounds(lambda rounds: rounds + 1),
            "This goes one link too far. Each layer hears from one link further, and no layer from none.",
        ),
        Mistake(
            _rounds(lambda rounds: max(rounds - 1, 0)),
            "This stops one link too early. Each layer hears from one link further.",
        ),
        Mistake(
            _rounds(lambda rounds: min(rounds, 1)),
            "These are the neighbours only. Each further layer needs the neighbours of those.",
        ),
        Mistake(
            _within_a_round,
            "News has run several links in one round: nodes marked in a round were asked in the same one. Mark all at once.",
        ),
        Mistake(
            _batch_as_it_is,
            "With no layer the batch comes back as it was. It may be in any order and name a node twice.",
        ),
        Mistake(
            _mask,
            "This is a mask with an entry for every node. Give the numbers of the nodes: np.flatnonzero.",
        ),
        Mistake(
            _repeated,
            "Some nodes stand there several times. Each is read once, however many ask for it.",
        ),
        Mistake(
            _first_of_batch,
            "Only the first node of the batch is looked after. Start from all of them.",
        ),
        Mistake(
            _unsorted,
            "These are the right nodes in the order in which they were met. Give them ascending.",
        ),
    ],
    hint="Keep a mask of the nodes needed. In each round, mark the sources of all edges whose targets are marked.",
)
