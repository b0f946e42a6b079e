"""Exercises on lists of edges: from links, and with other numbers."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/graphs"
Array = np.ndarray

# from links to edges


def both_ways(links: Array) -> Array:
    """Every edge once in either direction, sorted by source, then target."""
    return np.unique(np.concatenate([links, links[:, ::-1]]), axis=0).T


def _by_sets(links: Array) -> Array:
    found = {(int(i), int(j)) for i, j in links} | {(int(j), int(i)) for i, j in links}
    return np.array(sorted(found)).T.reshape(2, -1)


def _by_matrix(links: Array) -> Array:
    linked = np.zeros((links.max() + 1, links.max() + 1), dtype=bool)
    linked[links[:, 0], links[:, 1]] = linked[links[:, 1], links[:, 0]] = True
    return np.stack(np.nonzero(linked))


def _sorted(edges: Array) -> Array:
    """Rows (E, 2) by their first number, then their second, with repetitions, as (2, E)."""
    return edges[np.lexsort((edges[:, 1], edges[:, 0]))].T


def _there_and_back(links: Array) -> Array:
    return np.concatenate([links, links[:, ::-1]])


def _once_each(links: Array) -> Array:
    return np.unique(np.sort(links, axis=1), axis=0)


def _file_once(links: Array) -> Array:
    return _sorted(_there_and_back(np.unique(links, axis=0)))


def _loops_twice(links: Array) -> Array:
    return _sorted(_there_and_back(_once_each(links)))


def _unsorted(links: Array) -> Array:
    once = _once_each(links)
    return np.concatenate([once, once[once[:, 0] != once[:, 1]][:, ::-1]]).T


def _no_loops(links: Array) -> Array:
    edges = both_ways(links)
    return edges[:, edges[0] != edges[1]]


def _all_loops(links: Array) -> Array:
    loops = np.stack([np.arange(links.max() + 1)] * 2, axis=1)
    return both_ways(np.concatenate([links, loops]))


def _from_one(links: Array) -> Array:
    return both_ways(links) + 1


BOTH_WAYS = Exercise(
    id="graphs/both_ways",
    section=SECTION,
    title="From links to edges",
    reference=both_ways,
    cases=[
        case(np.array([[0, 1], [1, 2]]), label="a path of three nodes"),
        case(np.array([[2, 3], [0, 1], [0, 2]]), label="links in no order"),
        case(np.array([[0, 1], [1, 0], [1, 2], [1, 2]]), label="links that come twice"),
        case(np.array([[1, 1], [0, 1]]), label="a node linked to itself"),
        case(np.array([[3, 0], [2, 2], [0, 3], [4, 1], [4, 1], [2, 2], [1, 0]]), label="all of it at once"),
        case(np.array([[7, 5]]), label="large numbers"),
    ],
    alternatives=[_by_sets, _by_matrix],
    strict=True,
    mistakes=[
        Mistake(
            lambda links: np.unique(links, axis=0).T,
            "Each link leads one way only, as the file had it. Add the way back.",
        ),
        Mistake(
            lambda links: _once_each(links).T,
            "Each link is there once, from the smaller number to the larger. Add the way back.",
        ),
        Mistake(
            lambda links: _sorted(_there_and_back(links)),
            "Links that come twice in the file come twice here. Keep each edge once, after both directions are there.",
        ),
        Mistake(
            _file_once,
            "You drop repeated rows before you add the way back, so a link written in both orders comes twice. Drop them afterwards.",
        ),
        Mistake(
            _loops_twice,
            "A link of a node to itself has come twice: its way back is the same edge. Keep it once.",
        ),
        Mistake(_no_loops, "Links of a node to itself have gone. Here they stay."),
        Mistake(
            _all_loops, "Every node has got an edge to itself. Add none: only those in the file are there."
        ),
        Mistake(
            lambda links: both_ways(links).T,
            "The array is (E, 2), an edge a row. Turn it: (2, E), sources above, targets below.",
        ),
        Mistake(
            lambda links: both_ways(links)[::-1],
            "The right edges, sorted by target. Sort them by source, and those of one source by target.",
        ),
        Mistake(_unsorted, "The right edges, not sorted: all ways there come first, then all ways back."),
        Mistake(_from_one, "The nodes are counted from 1. Leave their numbers as they are."),
    ],
    hint="Put the links and the turned links below one another; np.unique(..., axis=0) sorts rows and drops doubles.",
)

# other numbers, same graph

Renumbered = tuple[Array, Array]


def renumber(edge_index: Array, x: Array, order: Array) -> Renumbered:
    """Rows fetched by ``order``, numbers translated by its inverse."""
    new = np.empty_like(order)
    new[order] = np.arange(len(order))
    return new[edge_index], x[order]


def _by_dict(edge_index: Array, x: Array, order: Array) -> Renumbered:
    new = {int(old): place for place, old in enumerate(order)}
    edges = [[new[int(node)] for node in ends] for ends in edge_index]
    return np.array(edges), np.stack([x[old] for old in order])


def _numbers(
    edges: Callable[[Array, Array], Array], rows: Callable[[Array, Array], Array] = lambda x, order: x[order]
) -> Callable[[Array, Array, Array], Renumbered]:
    """Other edges (from edge_index and order), or other rows."""

    def answer(edge_index: Array, x: Array, order: Array) -> Renumbered:
        return edges(edge_index, order), rows(x, order)

    return answer


def _right(edge_index: Array, order: Array) -> Array:
    return np.argsort(order)[edge_index]


def _by_source(edge_index: Array, order: Array) -> Array:
    edges = _right(edge_index, order)
    return edges[:, np.lexsort((edges[1], edges[0]))]


def _graphs(rng: np.random.Generator) -> list[Case]:
    def random(n: int, e: int, d: int, label: str) -> Case:
        edges = rng.integers(0, n, (2, e))
        return case(edges, rng.normal(size=(n, d)).round(2), rng.permutation(n), label=label)

    path = np.array([[0, 1, 2], [1, 2, 3]])
    return [
        case(path, np.arange(4.0)[:, None], np.array([0, 1, 3, 2]), label="two nodes change places"),
        case(path, np.arange(8.0).reshape(4, 2), np.array([1, 2, 3, 0]), label="all move on by one"),
        case(path, np.arange(4.0)[:, None], np.arange(4), label="the order that was"),
        random(6, 9, 3, "an order that is not its own inverse"),
        random(9, 12, 1, "nine nodes"),
    ]


RENUMBER = Exercise(
    id="graphs/renumber",
    section=SECTION,
    title="Other numbers, same graph",
    reference=renumber,
    cases=_graphs,
    alternatives=[_by_dict, _numbers(_right)],
    mistakes=[
        Mistake(
            _numbers(lambda edges, order: order[edges]),
            "The edges are translated by order itself, which tells the old number of a new node. You need the new number of an old one.",
        ),
        Mistake(
            _numbers(_right, lambda x, order: x[np.argsort(order)]),
            "The features are in the inverse order. Row i of the new x is row order[i] of the old.",
        ),
        Mistake(
            _numbers(lambda edges, order: order[edges], lambda x, order: x[np.argsort(order)]),
            "This is the inverse renumbering, edges and features alike: the old node i becomes order[i]. Here the new i was order[i].",
        ),
        Mistake(
            _numbers(_right, lambda x, order: x),
            "The features have stayed where they were: they now belong to other nodes. Renumber the rows as well.",
        ),
        Mistake(
            _numbers(lambda edges, order: edges),
            "The edges have stayed as they were: they now join other nodes. Translate their numbers as well.",
        ),
        Mistake(
            _numbers(lambda edges, order: np.stack([np.argsort(order)[edges[0]], edges[1]])),
            "Only the sources are translated. Targets are nodes too.",
        ),
        Mistake(
            _numbers(lambda edges, order: np.stack([edges[0], np.argsort(order)[edges[1]]])),
            "Only the targets are translated. Sources are nodes too.",
        ),
        Mistake(
            _numbers(lambda edges, order: _right(edges, order)[::-1]),
            "Sources and targets have changed places. Keep the directions.",
        ),
        Mistake(
            _numbers(_by_source),
            "The edges are sorted anew. Leave them in their places in the list: only the numbers change.",
        ),
        Mistake(
            _numbers(_right, lambda x, order: np.sort(x, axis=0)),
            "The rows of x are sorted by value. Order them by order.",
        ),
    ],
    hint="If order = [2, 0, 1], the old node 2 becomes node 0, the old 0 becomes 1. What does np.argsort(order) say?",
)
