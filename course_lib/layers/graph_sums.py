"""Sums along the edges of a graph: y = A x, in the ways worth knowing, all with the same gradients."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks

# From so many numbers on, E times F, not writing the messages down is worth sorting the edges.
_MANY_NUMBERS = 2**17
# Fewer numbers than this PyTorch sorts by comparing, more of them digit by digit, as NumPy does with 16 bits.
_FEW_TO_SORT = 2**15


class _Bags(NamedTuple):
    """Edges in the order of the node they arrive at: a bag of edges for each node."""

    order: Tensor  # (E,) numbers of edges
    contents: Tensor  # (E,) where these edges come from
    starts: Tensor  # (N,) where in the order a node's edges begin


class Edges:
    """The edges from ``num_sources`` to ``num_targets`` nodes, and their order by node once asked for."""

    def __init__(self, edge_index: Tensor, num_sources: int, num_targets: int) -> None:
        self.ends = edge_index.unbind()  # sources (E,) and targets (E,)
        self.sizes = num_sources, num_targets
        self._bags: dict[int, _Bags] = {}
        self._counts: dict[int, Tensor] = {}

    def bags(self, side: int) -> _Bags:
        """Return the edges sorted by their targets (``side`` 1), or turned around, by their sources (0)."""
        if side not in self._bags:
            order = _argsort(self.ends[side], self.sizes[side])
            contents = self.ends[1 - side].index_select(0, order)
            counts = self.counts(side)
            self._bags[side] = _Bags(order, contents, counts.cumsum(0) - counts)
        return self._bags[side]

    def counts(self, side: int) -> Tensor:
        """Return how many edges arrive at each node (``side`` 1), or leave it (0)."""
        if side not in self._counts:
            nodes = self.ends[side]
            zeros = nodes.new_zeros(self.sizes[side])
            self._counts[side] = zeros.index_add_(0, nodes, torch.ones_like(nodes))
        return self._counts[side]


def propagate(x: Tensor, edges: Edges, weight: Tensor | None = None, *, way: str = "native") -> Tensor:
    """Send every source's features along its edges, weighted, and sum what arrives: y = A x.

    Shapes: x (N, F), weight (E,), by default ones -> y (M, F), with A[target, source] = the sum of the
    weights of the edges between them, of shape (M, N). With several heads, x (N, H, F) and weight (E, H)
    -> y (M, H, F).

    ``way`` says how it is computed, with the same values and gradients: "gather" makes the (E, F) messages
    and adds them up; "dense" multiplies by the matrix A, where an infinite feature meets every zero and makes
    NaN; "native" gathers in small graphs, and in large ones sums each target's edges in one go, without
    writing the messages down. Sums of half precision are kept in float32 on the way.
    """
    checks.one_of("propagate", "way", way, tuple(WAYS))
    dtype = x.dtype if weight is None else torch.promote_types(x.dtype, weight.dtype)
    wide = torch.promote_types(dtype, torch.float32)
    weight = weight if weight is None else _as(weight, wide)
    return _as(WAYS[way](_as(x, wide), edges, weight), dtype)


def _as(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Convert x to the dtype; ``to`` would take its time even where x has it."""
    return x if x.dtype == dtype else x.to(dtype)


def _gather(x: Tensor, edges: Edges, weight: Tensor | None) -> Tensor:
    source, target = edges.ends
    messages = x.index_select(0, source)  # (E, F)
    if weight is not None:
        messages = messages * weight.unsqueeze(-1)
    return x.new_zeros(edges.sizes[1], *x.shape[1:]).index_add_(0, target, messages)


def _dense(x: Tensor, edges: Edges, weight: Tensor | None) -> Tensor:
    source, target = edges.ends
    if weight is None:
        weight = x.new_ones(len(source), *x.shape[1:-1])
    a = x.new_zeros(edges.sizes[1], edges.sizes[0], *weight.shape[1:])
    a = a.index_put((target, source), weight, accumulate=True)
    return torch.einsum("ij...,j...f->i...f", a, x)


class _SumBags(torch.autograd.Function):
    """y = A x by sums over sorted edges; dE/dx = A^T dE/dy, the same sums along the edges turned around."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, edges: Edges, side: int, weight: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.edges, ctx.side = edges, side
        bags = edges.bags(side)
        weight = weight if weight is None else weight.index_select(0, bags.order)
        if x.ndim == 2:
            return _sum_bags(x, bags.contents, bags.starts, weight)
        # One bag for a node and a head: heads one after the other, so that sorting once is enough.
        heads = torch.arange(x.shape[1], device=x.device)[:, None]
        contents = (bags.contents + heads * x.shape[0]).flatten()
        starts = (bags.starts + heads * len(bags.contents)).flatten()
        weight = weight if weight is None else weight.T.flatten()
        y = _sum_bags(x.transpose(0, 1).flatten(0, 1), contents, starts, weight)
        return y.view(x.shape[1], -1, x.shape[2]).transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None, None, Tensor | None]:
        x, weight = ctx.saved_tensors
        to_x = to_weight = None
        if ctx.needs_input_grad[0]:
            to_x = _SumBags.apply(grad, ctx.edges, 1 - ctx.side, weight)
        if ctx.needs_input_grad[3]:
            ends = ctx.edges.ends
            received = grad.index_select(0, ends[ctx.side])
            to_weight = (x.index_select(0, ends[1 - ctx.side]) * received).sum(dim=-1)
        return to_x, None, None, to_weight


def _sum_bags(x: Tensor, contents: Tensor, starts: Tensor, weight: Tensor | None) -> Tensor:
    return F.embedding_bag(contents, x.contiguous(), starts, mode="sum", per_sample_weights=weight)


def _native(x: Tensor, edges: Edges, weight: Tensor | None) -> Tensor:
    if x.is_meta or edges.ends[0].numel() * x.shape[1:].numel() < _MANY_NUMBERS:
        return _gather(x, edges, weight)
    return _SumBags.apply(x, edges, 1, weight)


WAYS: dict[str, Callable[[Tensor, Edges, Tensor | None], Tensor]] = {
    "native": _native,
    "gather": _gather,
    "dense": _dense,
}


def _argsort(nodes: Tensor, count: int) -> Tensor:
    """The order that sorts node numbers below ``count``, equal ones left in their order."""
    if nodes.device.type == "cpu" and len(nodes) < _FEW_TO_SORT and count <= 2**16:
        return torch.from_numpy(np.argsort(nodes.numpy().astype(np.uint16), kind="stable"))
    return torch.argsort(nodes, stable=True)
