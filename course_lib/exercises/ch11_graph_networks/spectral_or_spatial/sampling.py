"""The exercise on the mean over drawn neighbours."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spectral_or_spatial"
Array = np.ndarray
Mean = Callable[[Array, Array, Array, Array, Array], Array]


def sampled_mean(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
    """The mean over s neighbours of each node, those that the numbers u say."""
    degree = starts[nodes + 1] - starts[nodes]
    place = starts[nodes][:, None] + (u * degree[:, None]).astype(int)
    mean = x[sources[np.minimum(place, len(sources) - 1)]].mean(axis=1)
    return np.where(degree[:, None] > 0, mean, 0.0)


def _by_loops(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
    out = np.zeros((len(nodes), x.shape[1]))
    for row, node in enumerate(nodes):
        mine = sources[starts[node] : starts[node + 1]]
        if len(mine):
            out[row] = x[[mine[int(number * len(mine))] for number in u[row]]].mean(axis=0)
    return out


def _by_rows(
    choose: Callable[[Array, Array], Array], reduce: Callable[[Array, int], Array] | None = None
) -> Mean:
    """Another choice among a node's neighbours by its numbers u, or another sum of the chosen rows."""

    def wrong(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
        out = np.zeros((len(nodes), x.shape[1]))
        for row, node in enumerate(nodes):
            mine = sources[starts[node] : starts[node + 1]]
            if len(mine):
                chosen = x[mine[choose(u[row], mine)]]
                out[row] = chosen.mean(axis=0) if reduce is None else reduce(chosen, len(mine))
        return out

    return wrong


def _floor(u: Array, mine: Array) -> Array:
    return (u * len(mine)).astype(int)


def _by_row_of_batch(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
    return sampled_mean(x, starts, sources, np.arange(len(nodes)), u)


def _from_the_top(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
    degree = (starts[nodes + 1] - starts[nodes])[:, None]
    return np.where(degree > 0, x[sources[(u * degree).astype(int)]].mean(axis=1), 0.0)


def _places_as_nodes(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
    degree = (starts[nodes + 1] - starts[nodes])[:, None]
    place = np.minimum(starts[nodes][:, None] + (u * degree).astype(int), len(sources) - 1)
    return np.where(degree > 0, x[place % len(x)].mean(axis=1), 0.0)


def _any_node(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
    return x[(u * len(x)).astype(int)].mean(axis=1)


def _next_row(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
    """A node without neighbours takes the first of the next one."""
    degree = (starts[nodes + 1] - starts[nodes])[:, None]
    place = starts[nodes][:, None] + (u * degree).astype(int)
    return x[sources[np.minimum(place, len(sources) - 1)]].mean(axis=1)


def _itself(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
    s = u.shape[1]
    return (s * sampled_mean(x, starts, sources, nodes, u) + x[nodes]) / (s + 1)


def _itself_where_none(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
    none = starts[nodes + 1] == starts[nodes]
    return np.where(none[:, None], x[nodes], sampled_mean(x, starts, sources, nodes, u))


def _full(x: Array, starts: Array, sources: Array, nodes: Array, u: Array) -> Array:
    return _by_rows(lambda numbers, mine: np.arange(len(mine)))(x, starts, sources, nodes, u)


def _rows(rng: np.random.Generator) -> list[Case]:
    def draw(degrees: list[int], nodes: list[int], s: int, d: int, label: str) -> Case:
        starts = np.concatenate([[0], np.cumsum(degrees)])
        sources = rng.integers(0, len(degrees), starts[-1])
        x = rng.normal(size=(len(degrees), d)).round(2)
        return case(
            x, starts, sources, np.array(nodes), rng.uniform(size=(len(nodes), s)).round(3), label=label
        )

    three = np.array([[2.0], [4], [9]])
    rows = np.array([0, 2, 3, 4]), np.array([1, 2, 0, 0])
    return [
        case(
            three,
            *rows,
            np.array([0]),
            np.array([[0.2, 0.7, 0.9]]),
            label="node 0 has the neighbours 1 and 2",
        ),
        case(
            three,
            *rows,
            np.array([2, 0]),
            np.array([[0.3, 0.6], [0.1, 0.4]]),
            label="two nodes, in any order",
        ),
        draw([3, 5, 2, 4], [3, 1], 4, 2, "four drawn of each"),
        draw([3, 0, 2, 4, 0], [1, 2, 4, 0], 3, 2, "nodes 1 and 4 have no neighbours"),
        draw([6, 1, 3, 2, 7, 2], [4, 0, 2], 5, 3, "more neighbours than are drawn, or fewer"),
        case(
            three,
            *rows,
            np.array([0, 1]),
            np.array([[0.0, 0.5, 0.999], [0.999, 0.0, 0.5]]),
            label="numbers at the ends, and just where a neighbour begins",
        ),
    ]


SAMPLED = Exercise(
    id="spectral_or_spatial/sampled",
    section=SECTION,
    title="A mean over drawn neighbours",
    reference=sampled_mean,
    cases=_rows,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _by_row_of_batch,
            "The neighbours are those of nodes 0, 1, 2 ...: of the row in the batch. Look up the node that stands in it.",
        ),
        Mistake(
            _from_the_top,
            "All draw from the beginning of the list. A node's neighbours begin at starts[node].",
        ),
        Mistake(
            _places_as_nodes,
            "Places in the list are taken for numbers of nodes. The node at a place is sources[place].",
        ),
        Mistake(
            _any_node,
            "The rows are drawn from all nodes. Draw from the neighbours.",
        ),
        Mistake(
            _next_row,
            "A node without neighbours has borrowed one from a later row. It should get 0.",
        ),
        Mistake(
            _itself,
            "The node itself is in the mean. Only the drawn neighbours belong there.",
        ),
        Mistake(
            _itself_where_none,
            "A node without neighbours gets its own features. It should get 0.",
        ),
        Mistake(
            _full,
            "This is the mean over all neighbours. Take those that the numbers u choose, as often as they do.",
        ),
        Mistake(
            _by_rows(lambda u, mine: np.unique(_floor(u, mine))),
            "A neighbour that is drawn twice counts once. It counts as often as it is drawn.",
        ),
        Mistake(
            _by_rows(lambda u, mine: np.rint(u * (len(mine) - 1)).astype(int)),
            "The numbers are rounded, so that the first and the last neighbour are drawn half as often. Cut off: int(u * degree).",
        ),
        Mistake(
            _by_rows(lambda u, mine: np.maximum(np.ceil(u * len(mine)).astype(int) - 1, 0)),
            "Where u times the number of neighbours is whole, the neighbour before is taken. Cut off: int(u * degree).",
        ),
        Mistake(
            _by_rows(_floor, lambda chosen, degree: chosen.sum(axis=0)),
            "This is the sum of the drawn rows. Divide by how many were drawn.",
        ),
        Mistake(
            _by_rows(_floor, lambda chosen, degree: chosen.sum(axis=0) / degree),
            "The sum is divided by the number of neighbours. Divide by how many were drawn.",
        ),
    ],
    hint="Neighbour number int(u * degree) of a node stands at the place starts[node] + int(u * degree) of the list.",
)
