"""Sums over the neighbours of each node of a graph, without writing the messages down.

The edges are sorted by the node they arrive at, as rows of a sparse matrix (CSR): a program has one node and
some channels, reads what its neighbours have, and writes the sum once. Nothing is added atomically, so that
sums are the same on every run. Backward is the same sum along the edges turned around, and for the weights a
product of two rows for each edge; the derivatives of these are again these, so that gradients have any order.

Source: Gilbert, Reinhardt & Shah (2008), A unified framework for numerical and combinatorial computing, for
graphs as sparse matrices; Yang, Buluc & Owens (2018), Design principles for sparse matrix multiplication on
the GPU, for a group of threads to each row.
"""

from typing import Any, NamedTuple, Protocol

import torch
import triton
import triton.language as tl
from torch import Tensor

from course_lib.kernels.precision import precision

EDGES = 8  # neighbours read together: their addresses don't wait for each other


class Bags(Protocol):
    """Edges in the order of the nodes they arrive at: (E,) edges, (E,) where they come from, (N,) starts."""

    order: Tensor
    contents: Tensor
    starts: Tensor


class Graph(Protocol):
    """The edges of a graph, in either order: ``course_lib.layers.graph_sums.Edges`` is one."""

    ends: tuple[Tensor, ...]  # sources (E,) and targets (E,)
    sizes: tuple[int, int]

    def bags(self, side: int) -> Any:
        """Return ``Bags`` by target (side 1) or, turned around, by source (side 0)."""

    def counts(self, side: int) -> Tensor:
        """Return how many edges each target has, (N,), or each source (side 0)."""


class _Sum(NamedTuple):
    """What is summed: at the targets (side 1) or at the sources (side 0), or the mean of it."""

    edges: Graph
    side: int
    mean: bool


@triton.jit
def _sum_neighbours(
    x: tl.tensor,
    weight: tl.tensor,
    order: tl.tensor,
    contents: tl.tensor,
    starts: tl.tensor,
    y: tl.tensor,
    nodes: tl.tensor,
    edges: tl.tensor,
    heads: tl.tensor,
    features: tl.tensor,
    MEAN: tl.constexpr,
    PRECISION: tl.constexpr,
    EDGES: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """y[node] = the sum over its edges of weight[edge] x[source], or that divided by their number."""
    node = tl.program_id(0).to(tl.int64)
    channels = heads * features
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = channel < channels
    begin = tl.load(starts + node)
    end = tl.load(starts + node + 1, node + 1 < nodes, edges)
    total = tl.full([BLOCK], 0.0, PRECISION)
    for first in range(begin, end, EDGES):
        place = first + tl.arange(0, EDGES)
        there = place < end
        source = tl.load(contents + place, there, 0)
        both = there[:, None] & inside
        message = tl.load(x + source[:, None] * channels + channel, both, 0.0).to(PRECISION)
        if weight is not None:
            edge = tl.load(order + place, there, 0)
            message *= tl.load(weight + edge[:, None] * heads + channel // features, both, 0.0).to(PRECISION)
        total += tl.sum(message, axis=0)
    if MEAN:
        total /= tl.maximum(end - begin, 1).to(PRECISION)
    tl.store(y + node * channels + channel, total, inside)


@triton.jit
def _multiply_ends(
    x: tl.tensor,
    y: tl.tensor,
    source: tl.tensor,
    target: tl.tensor,
    out: tl.tensor,
    edges: tl.tensor,
    heads: tl.tensor,
    features: tl.tensor,
    PRECISION: tl.constexpr,
    EDGES: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """out[edge, head] = x[source, head] . y[target, head]."""
    edge = tl.program_id(0).to(tl.int64) * EDGES + tl.arange(0, EDGES)
    head = tl.program_id(1)
    there = edge < edges
    of_x = (tl.load(source + edge, there, 0) * heads + head) * features
    of_y = (tl.load(target + edge, there, 0) * heads + head) * features
    total = tl.full([EDGES], 0.0, PRECISION)
    for first in range(0, features, BLOCK):
        feature = first + tl.arange(0, BLOCK)
        both = there[:, None] & (feature < features)
        one = tl.load(x + of_x[:, None] + feature, both, 0.0).to(PRECISION)
        total += tl.sum(one * tl.load(y + of_y[:, None] + feature, both, 0.0).to(PRECISION), axis=1)
    tl.store(out + edge * heads + head, total, there)


def sum_neighbours(x: Tensor, edges: Graph, weight: Tensor | None = None, reduce: str = "sum") -> Tensor:
    """Send every source's features along its edges, weighted, and sum what arrives, or take its mean.

    Shapes: x (N, F), weight (E,), by default ones -> (M, F) for the M targets of ``edges``; with several
    heads, x (N, H, F), weight (E, H) -> (M, H, F). The mean divides by how many edges arrive, whatever they
    weigh; where none does there is 0. Called as ``course_lib.layers.graph_sums.propagate``. Half precision is
    summed in float32. For numbers of b bytes, reads E H F b + 8 E (16 E, and the weights, if weighted), and
    writes M H F b; backward the same turned around, and for the weights reads 2 E H F b.

    Raises:
        ValueError: another reduce, or shapes that do not fit.
    """
    if reduce not in ("sum", "mean"):
        raise ValueError(f"sum_neighbours: reduce must be one of 'sum', 'mean', got {reduce!r}")
    if x.ndim not in (2, 3) or len(x) != edges.sizes[0]:
        layouts = f"(N={edges.sizes[0]}, F) or (N, H, F)"
        raise ValueError(f"sum_neighbours: x must have shape {layouts}, got {tuple(x.shape)}")
    expected = (len(edges.ends[0]), *x.shape[1:-1])
    if weight is not None and weight.shape != expected:
        raise ValueError(f"sum_neighbours: weight must have shape {expected}, got {tuple(weight.shape)}")
    return _SumNeighbours.apply(x, weight, _Sum(edges, 1, reduce == "mean"))


class _SumNeighbours(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, what: _Sum) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.what = what
        nodes, bags = what.edges.sizes[what.side], what.edges.bags(what.side)
        y = x.new_empty(nodes, *x.shape[1:])
        channels = x.shape[1:].numel()
        if y.numel():
            block = max(16, min(triton.next_power_of_2(channels), 128))
            given = (None, None) if weight is None else (weight.contiguous(), bags.order)
            sizes = nodes, len(bags.contents), channels // x.shape[-1], x.shape[-1]
            with torch.cuda.device_of(x):
                _sum_neighbours[(nodes, triton.cdiv(channels, block))](
                    x.contiguous(),
                    *given,
                    bags.contents,
                    bags.starts,
                    y,
                    *sizes,
                    MEAN=what.mean,
                    PRECISION=precision(x),
                    EDGES=EDGES,
                    BLOCK=block,
                    num_warps=1 if block <= 32 else 2 if block <= 64 else 4,
                )
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        edges, side, mean = ctx.what
        if mean:
            counts = edges.counts(side).clamp(min=1).view(-1, *[1] * (grad.ndim - 1))
            # Half precision knows few whole numbers: the division is in what the sum was in.
            wide = grad.to(torch.promote_types(grad.dtype, torch.float32))
            grad = (wide / counts).to(grad.dtype)
        to_x = to_weight = None
        if ctx.needs_input_grad[0]:
            to_x = _SumNeighbours.apply(grad, weight, _Sum(edges, 1 - side, False))
        if ctx.needs_input_grad[1]:
            to_weight = _MultiplyEnds.apply(x, grad, edges, side)
        return to_x, to_weight, None


class _MultiplyEnds(torch.autograd.Function):
    """For each edge, the product of x where it begins and of y where it ends, at ``side``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, edges: Graph, side: int) -> Tensor:
        ctx.save_for_backward(x, y)
        ctx.edges, ctx.side = edges, side
        source, target = edges.ends[1 - side], edges.ends[side]
        out = x.new_zeros(len(source), *x.shape[1:-1])
        if out.numel() and x.shape[-1]:
            heads = x.shape[1:-1].numel()
            with torch.cuda.device_of(x):
                _multiply_ends[(triton.cdiv(len(source), 16), heads)](
                    x.contiguous(),
                    y.contiguous(),
                    source.contiguous(),
                    target.contiguous(),
                    out,
                    len(source),
                    heads,
                    x.shape[-1],
                    PRECISION=precision(x),
                    EDGES=16,
                    BLOCK=max(16, min(triton.next_power_of_2(x.shape[-1]), 64)),
                )
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, y = ctx.saved_tensors
        edges, side = ctx.edges, ctx.side
        to_x = to_y = None
        if ctx.needs_input_grad[0]:
            to_x = _SumNeighbours.apply(y, grad, _Sum(edges, 1 - side, False))
        if ctx.needs_input_grad[1]:
            to_y = _SumNeighbours.apply(x, grad, _Sum(edges, side, False))
        return to_x, to_y, None, None
