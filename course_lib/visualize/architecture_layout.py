"""Boxes in rows, from the top to the bottom, and lines between them that avoid the boxes.

Source: Sugiyama, Tagawa & Toda (1981), Methods for visual understanding of hierarchical system structures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

ROW_GAP, COLUMN_GAP, LINE_WIDTH = 30.0, 22.0, 12.0
ORDER_SWEEPS, PLACE_SWEEPS = 8, 60


@dataclass(eq=False)
class Place:
    """Where a box is, or where a long line passes through a row (width of a line, no box)."""

    width: float
    height: float
    row: int
    is_box: bool
    x: float = 0.0  # of the middle
    y: float = 0.0  # of the top
    above: list["Place"] = field(default_factory=list)
    below: list["Place"] = field(default_factory=list)


def lay_out(
    sizes: Sequence[tuple[float, float]], inputs: Sequence[Sequence[int]]
) -> tuple[list[Place], list[list[Place]]]:
    """Places of boxes of these sizes, and for each edge (as ``inputs`` lists them) the places it passes.

    ``inputs[i]`` are the numbers of the boxes, all before i, that box i takes something from.
    """
    rows_of: list[int] = []
    for sources in inputs:
        rows_of.append(1 + max((rows_of[s] for s in sources), default=-1))
    last = max(rows_of)
    for i, sources in enumerate(inputs):  # what stands alone comes last
        if not sources and i and not any(i in others for others in inputs):
            rows_of[i] = last + 1
    places = [Place(width, height, row, True) for (width, height), row in zip(sizes, rows_of, strict=True)]
    rows: list[list[Place]] = [[] for _ in range(max(rows_of) + 1)]
    for place in places:
        rows[place.row].append(place)
    edges = []
    trunks: dict[tuple[int, int], Place] = {}  # long lines from one box are one line, which branches
    for i, sources in enumerate(inputs):
        for s in sources:
            passed = range(rows_of[s] + 1, rows_of[i])
            for row in passed:
                if (s, row) not in trunks:
                    trunks[s, row] = Place(LINE_WIDTH, 0, row, False)
                    rows[row].append(trunks[s, row])
            edge = [places[s], *(trunks[s, row] for row in passed), places[i]]
            for upper, lower in pairwise(edge):
                if not any(lower is each for each in upper.below):
                    upper.below.append(lower)
                    lower.above.append(upper)
            edges.append(edge)
    rows = _ordered(rows)
    _place(rows)
    return places, edges


def _ordered(rows: list[list[Place]]) -> list[list[Place]]:
    """Each row in the order of its neighbours' means, which leaves few crossings; the best order found."""
    best, fewest = rows, _crossings(rows)
    for sweep in range(ORDER_SWEEPS):
        if not fewest:
            break
        rows = [list(row) for row in rows]
        down = sweep % 2 == 0
        for before, row in pairwise(rows if down else rows[::-1]):
            at = {id(place): i for i, place in enumerate(before)}
            means = {}
            for i, place in enumerate(row):
                near = [at[id(p)] for p in (place.above if down else place.below)]
                means[id(place)] = sum(near) / len(near) if near else i
            row.sort(key=lambda place: means[id(place)])
        count = _crossings(rows)
        if count < fewest:
            best, fewest = rows, count
    return best


def _crossings(rows: list[list[Place]]) -> int:
    count = 0
    for upper, lower in pairwise(rows):
        at = {id(place): i for i, place in enumerate(lower)}
        ends: list[int] = []
        for place in upper:
            mine = sorted(at[id(below)] for below in place.below)
            count += sum(end > other for other in mine for end in ends)
            ends += mine
    return count


def _place(rows: list[list[Place]]) -> None:
    """Near the mean of what each is joined to; long lines straight."""
    y = 0.0
    for row in rows:
        x = 0.0
        for place in row:
            place.x, x = x + place.width / 2, x + place.width + COLUMN_GAP
            place.y = y
        for place in row:
            place.x -= (x - COLUMN_GAP) / 2
        height = max(place.height for place in row)
        for place in row:
            if not place.is_box:
                place.height = height  # straight down between boxes; lines bend between rows
            place.y = y + (height - place.height) / 2
        y += height + ROW_GAP
    for sweep in range(PLACE_SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            if len(row) == 1:  # all goes through this box: it holds the drawing straight
                row[0].x = 0.0
                continue
            wanted, weights = [], []
            for place in row:
                near = place.above if sweep % 2 == 0 else place.below
                if sweep >= PLACE_SWEEPS - 2:
                    near = place.above + place.below
                pulls = [(_pull(place, p, near), p.x) for p in near]
                total = sum(weight for weight, _ in pulls)
                wanted.append(sum(weight * at for weight, at in pulls) / total if total else place.x)
                weights.append(10.0 if place.is_box else 1.0)
            for place, at in zip(row, _apart(row, wanted, weights), strict=True):
                place.x = at


def _pull(place: Place, other: Place, near: Sequence[Place]) -> float:
    """How strongly a line draws its ends together: long lines most; of two lines, that to a box more."""
    if place.is_box != other.is_box:
        return 1.0
    return 8.0 if not place.is_box else 4.0 if len(near) < 3 else 1.0


def _apart(row: Sequence[Place], wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The places nearest to those wanted (least squares) in which nothing overlaps: pooled neighbours."""
    offsets, x = [], 0.0
    for i, place in enumerate(row):
        if i:
            x += (row[i - 1].width + place.width) / 2 + COLUMN_GAP
        offsets.append(x)
    pools: list[list[float]] = []  # mean, weight, members
    for want, offset, weight in zip(wanted, offsets, weights, strict=True):
        pools.append([want - offset, weight, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, total, members = pools.pop()
            first = pools[-1]
            weight = first[1] + total
            pools[-1] = [(first[0] * first[1] + mean * total) / weight, weight, first[2] + members]
    means = [mean for mean, _, members in pools for _ in range(int(members))]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
