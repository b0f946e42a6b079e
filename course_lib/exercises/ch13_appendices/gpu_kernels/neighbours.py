"""The exercise on a gather along the edges of a graph, whose answer launches a Triton kernel."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "13_appendices/gpu_kernels"


def largest_neighbour(x: Tensor, sources: Tensor, starts: Tensor) -> Tensor:
    """Entrywise maximum over the rows of x that a node's edges come from; 0 where there are none."""
    out = x.new_zeros(len(starts) - 1, x.shape[1])
    for node in range(len(out)):
        rows = x[sources[starts[node] : starts[node + 1]]]
        if len(rows):
            out[node] = rows.amax(dim=0)
    return out


def _by_scatter(x: Tensor, sources: Tensor, starts: Tensor) -> Tensor:
    nodes = len(starts) - 1
    targets = torch.repeat_interleave(torch.arange(nodes), starts.diff())
    out = x.new_full((nodes, x.shape[1]), float("-inf"))
    out.scatter_reduce_(0, targets[:, None].expand(-1, x.shape[1]), x[sources], "amax")
    return out.masked_fill(out == float("-inf"), 0.0)


def _reduced(
    reduce: Callable[[Tensor], Tensor],
    begin: int = 0,
    end: int = 0,
    empty: float = 0.0,
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Another reduction of the rows; edges from ``begin`` to ``end`` places further; another value for none."""

    def answer(x: Tensor, sources: Tensor, starts: Tensor) -> Tensor:
        out = x.new_full((len(starts) - 1, x.shape[1]), empty)
        for node in range(len(out)):
            rows = x[sources[starts[node] + begin : starts[node + 1] + end]]
            if len(rows):
                out[node] = reduce(rows)
        return out

    return answer


def _largest(rows: Tensor) -> Tensor:
    return rows.amax(dim=0)


def _row_of_edge(x: Tensor, sources: Tensor, starts: Tensor) -> Tensor:
    return largest_neighbour(x, torch.arange(len(sources)) % len(x), starts)


def _first_block(x: Tensor, sources: Tensor, starts: Tensor) -> Tensor:
    out = largest_neighbour(x, sources, starts)
    out[:, 16:] = 0.0
    return out


def _with_itself(x: Tensor, sources: Tensor, starts: Tensor) -> Tensor:
    return torch.maximum(largest_neighbour(x, sources, starts), x[: len(starts) - 1])


def _graphs(rng: np.random.Generator) -> list[Case]:
    def graph(counts: list[int], channels: int, label: str, shift: float = 0.0) -> Case:
        starts = torch.tensor([0, *np.cumsum(counts)])
        nodes = len(counts) + 1  # one node more that only sends
        sources = torch.from_numpy(rng.integers(0, nodes, int(starts[-1]) + 2))  # and room behind the edges
        x = torch.tensor(rng.normal(size=(nodes, channels)).round(2) + shift, dtype=torch.float32)
        return case(x, sources, starts, label=label)

    return [
        graph([2, 1], 16, "three edges"),
        graph([3, 0, 2], 16, "a node that gets nothing"),
        graph([2, 3, 1], 16, "all numbers negative", shift=-5.0),
        graph([4, 1, 0, 5], 32, "two blocks of channels"),
        graph([1, 1, 2], 48, "three blocks of channels", shift=2.0),
    ]


LARGEST = Exercise(
    id="gpu_kernels/largest_neighbour",
    section=SECTION,
    title="A kernel: the largest among the neighbours",
    reference=largest_neighbour,
    cases=_graphs,
    alternatives=[_by_scatter],
    time_limit=20.0,
    mistakes=[
        Mistake(
            _reduced(lambda rows: rows.sum(dim=0)), "The rows are added up. Take the largest of each channel."
        ),
        Mistake(
            _reduced(lambda rows: rows.mean(dim=0)),
            "This is the mean of the rows. Take the largest of each channel.",
        ),
        Mistake(
            _reduced(lambda rows: _largest(rows).clamp(min=0)),
            "The maximum starts from 0, so negative numbers are lost. Start from -inf.",
        ),
        Mistake(
            _reduced(_largest, empty=float("-inf")),
            "A node without edges keeps the -inf it started from. It gets 0.",
        ),
        Mistake(
            _reduced(_largest, end=-1),
            "The last edge of each node is missing. The edges run up to, and without, starts[node + 1].",
        ),
        Mistake(
            _reduced(_largest, end=1),
            "The first edge of the next node is taken, too. The edges end before starts[node + 1].",
        ),
        Mistake(
            _reduced(_largest, begin=1), "The first edge of each node is missing. They begin at starts[node]."
        ),
        Mistake(
            _reduced(lambda rows: rows[0]), "Only the first neighbour counts. Go over all edges of the node."
        ),
        Mistake(
            _reduced(lambda rows: rows[-1]),
            "Only the last neighbour counts: each one overwrites what was found before.",
        ),
        Mistake(
            _reduced(lambda rows: rows.amin(dim=0)), "This is the smallest of each channel. Take the largest."
        ),
        Mistake(
            _row_of_edge,
            "The place of the edge is used as the row of x. It says where in `sources` the row's number stands.",
        ),
        Mistake(
            _first_block, "Only the first 16 channels are computed. The grid's second axis is for the rest."
        ),
        Mistake(
            _with_itself, "The node's own row is compared, too. Only the rows that its edges come from count."
        ),
    ],
    hint="Start from tl.full((BLOCK,), float('-inf'), tl.float32), and use tl.where at the end if there was no edge.",
)
