"""The exercise on the order in which regions are merged."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/region_proposals"
Array = np.ndarray
Pair = tuple[int, int]


def order(sizes: Array, pairs: Array) -> list[Pair]:
    """Merges of touching regions, those with the fewest pixels together first."""
    size, touching = dict(enumerate(sizes.tolist())), {(int(min(p)), int(max(p))) for p in pairs}
    merges = []
    for new in range(len(sizes), 2 * len(sizes) - 1):
        i, j = min(touching, key=lambda pair: (size[pair[0]] + size[pair[1]], pair))
        size[new] = size[i] + size[j]
        renamed = [tuple(new if r in (i, j) else r for r in pair) for pair in touching]
        touching = {(min(p), max(p)) for p in renamed if p[0] != p[1]}
        merges.append((i, j))
    return merges


def _by_sets(sizes: Array, pairs: Array) -> Array:
    neighbours: dict[int, set[int]] = {k: set() for k in range(len(sizes))}
    for a, b in pairs.tolist():
        neighbours[a].add(b)
        neighbours[b].add(a)
    size, merges = list(sizes.tolist()), []
    while len(neighbours) > 1:
        _, i, j = min((size[i] + size[j], i, j) for i in neighbours for j in neighbours[i] if i < j)
        new = len(size)
        size.append(size[i] + size[j])
        around = (neighbours.pop(i) | neighbours.pop(j)) - {i, j}
        for other in around:
            neighbours[other] = (neighbours[other] - {i, j}) | {new}
        neighbours[new] = around
        merges.append((i, j))
    return np.array(merges).reshape(-1, 2)


def _grouped(
    cost: Callable[[float, float], float] = lambda a, b: a + b,
    joined: Callable[[float, float], float] = lambda a, b: a + b,
    tie: Callable[[Pair], Pair] = lambda pair: pair,
    all_touch: bool = False,
) -> Callable[[Array, Array], list[Pair]]:
    """Another cost, another size of what is joined, other ties, or no regard to who touches."""

    def answer(sizes: Array, pairs: Array) -> list[Pair]:
        n = len(sizes)
        size = dict(enumerate(sizes.tolist()))
        touching = {(int(min(p)), int(max(p))) for p in pairs}
        if all_touch:
            touching = {(a, b) for a in range(n) for b in range(a + 1, n)}
        merges = []
        for new in range(n, 2 * n - 1):
            i, j = min(touching, key=lambda pair: (cost(size[pair[0]], size[pair[1]]), tie(pair)))
            size[new] = joined(size[i], size[j])
            renamed = [tuple(new if r in (i, j) else r for r in pair) for pair in touching]
            touching = {(min(p), max(p)) for p in renamed if p[0] != p[1]}
            merges.append((i, j))
        return merges

    return answer


def _as_listed(sizes: Array, pairs: Array) -> list[Pair]:
    """Of equal pairs, the one that is listed first."""
    size, touching = dict(enumerate(sizes.tolist())), [(int(min(p)), int(max(p))) for p in pairs]
    merges = []
    for new in range(len(sizes), 2 * len(sizes) - 1):
        i, j = min(touching, key=lambda pair: size[pair[0]] + size[pair[1]])
        size[new] = size[i] + size[j]
        renamed = [tuple(new if r in (i, j) else r for r in pair) for pair in touching]
        touching = [(min(p), max(p)) for p in renamed if p[0] != p[1]]
        merges.append((i, j))
    return merges


def _sorted_once(sizes: Array, pairs: Array) -> list[Pair]:
    """In the order of the first sizes, never compared again."""
    name = list(range(len(sizes)))
    merges: list[Pair] = []
    for _, a, b in sorted((int(sizes[a] + sizes[b]), min(a, b), max(a, b)) for a, b in pairs.tolist()):
        i, j = sorted((name[a], name[b]))
        if i != j:
            new = len(sizes) + len(merges)
            name = [new if each in (i, j) else each for each in name]
            merges.append((i, j))
    return merges


def _old_names(sizes: Array, pairs: Array) -> list[Pair]:
    lowest = {k: k for k in range(2 * len(sizes))}
    merges = []
    for k, (i, j) in enumerate(order(sizes, pairs)):
        a, b = sorted((lowest[i], lowest[j]))
        lowest[len(sizes) + k] = a
        merges.append((a, b))
    return merges


def _one_sided(sizes: Array, pairs: Array) -> list[Pair]:
    """The new region has the neighbours of its first part, and of its second only if there are no others."""
    size, touching = dict(enumerate(sizes.tolist())), {(int(min(p)), int(max(p))) for p in pairs}
    merges: list[Pair] = []
    for new in range(len(sizes), 2 * len(sizes) - 1):
        i, j = min(touching, key=lambda pair: (size[pair[0]] + size[pair[1]], pair))
        size[new] = size[i] + size[j]
        merges.append((i, j))
        renamed = [tuple(new if r == i else r for r in pair) for pair in touching if j not in pair]
        touching = {(min(p), max(p)) for p in renamed if p[0] != p[1]}
        if not touching:
            break
    return merges


def _first_round(sizes: Array, pairs: Array) -> list[Pair]:
    return [merge for merge in order(sizes, pairs) if max(merge) < len(sizes)]


def _pictures(rng: np.random.Generator) -> list[Case]:
    def picture(n: int, label: str) -> Case:
        chain = [(int(rng.integers(k)), k) for k in range(1, n)]
        more = [tuple(sorted(rng.permutation(n)[:2].tolist())) for _ in range(n)]
        return case(rng.integers(1, 30, n), np.array(sorted({*chain, *more})), label=label)

    return [
        case(np.array([5, 1, 2]), np.array([[0, 1], [1, 2]]), label="three in a row"),
        case(
            np.array([1, 9, 2, 9]), np.array([[0, 1], [1, 2], [2, 3]]), label="the smallest ones don't touch"
        ),
        case(
            np.array([4, 3, 3, 6, 1]),
            np.array([[0, 1], [1, 2], [2, 3], [0, 4], [3, 4]]),
            label="a ring of five",
        ),
        case(np.array([2, 2, 2, 2]), np.array([[0, 1], [0, 2], [1, 3], [2, 3]]), label="equal sizes"),
        case(np.array([8, 3]), np.array([[0, 1]]), label="two regions"),
        case(np.array([2, 3, 2, 3]), np.array([[1, 3], [1, 2], [0, 3]]), label="equal sums, in any order"),
        picture(8, "eight regions"),
        picture(12, "twelve regions"),
    ]


ORDER = Exercise(
    id="region_proposals/order",
    section=SECTION,
    title="The order of the merges",
    reference=order,
    cases=_pictures,
    alternatives=[_by_sets],
    mistakes=[
        Mistake(
            _grouped(all_touch=True),
            "Regions are merged that do not touch. Only neighbours are compared.",
        ),
        Mistake(
            _grouped(cost=lambda a, b: -(a + b)),
            "The largest pair goes first. The similarity is highest for the smallest pair.",
        ),
        Mistake(
            _grouped(joined=max),
            "The merged region has the size of its larger part. It has the pixels of both.",
        ),
        Mistake(
            _grouped(joined=lambda a, b: (a + b) / 2),
            "The merged region has the mean size of its parts. It has the pixels of both.",
        ),
        Mistake(
            _grouped(cost=min),
            "The pair with the smallest single region goes first. Compare the sizes of both together.",
        ),
        Mistake(
            _grouped(cost=max),
            "The pair whose larger region is smallest goes first. Compare the sizes of both together.",
        ),
        Mistake(
            _grouped(cost=lambda a, b: abs(a - b)),
            "The pair with the most equal sizes goes first. Compare the sizes of both together.",
        ),
        Mistake(
            _grouped(tie=lambda pair: (-pair[0], -pair[1])),
            "Of equal pairs the highest numbers go first. Take the lowest.",
        ),
        Mistake(
            _grouped(tie=lambda pair: (pair[1], pair[0])),
            "Of equal pairs, that with the lowest second number goes first. Compare the first numbers, then the second.",
        ),
        Mistake(
            _as_listed,
            "Of equal pairs, that listed first goes first. Take the lowest numbers, wherever they stand in the list.",
        ),
        Mistake(
            _sorted_once,
            "The pairs are sorted once, by the first sizes. A merged region is larger: compare it anew.",
        ),
        Mistake(
            _old_names,
            "A merged region keeps the lower number of its parts. The k-th merge makes region n + k, counted from 0.",
        ),
        Mistake(
            _one_sided,
            "The merged region has the neighbours of its first part only. It touches whatever either part touched.",
        ),
        Mistake(
            _first_round,
            "Merged regions are never merged again. Go on until one region is left.",
        ),
        Mistake(
            lambda sizes, pairs: [(j, i) for i, j in order(sizes, pairs)],
            "The right pairs, with the higher number first. Put the lower one first.",
        ),
    ],
    hint="Keep a set of touching pairs; after a merge, put the new number for the two old ones in all of them.",
)
