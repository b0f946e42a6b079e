"""What graph layers compute with: reductions by node, self-loops, normalized edge weights and Laplacians.

A graph with N nodes and E edges is ``edge_index`` (2, E), int64: edge e goes from node ``edge_index[0, e]``,
its source, to node ``edge_index[1, e]``, its target. An undirected edge is there once in either direction.
"""

import torch
from torch import Tensor

from course_lib.layers import checks

_REDUCTIONS = {"sum": "sum", "add": "sum", "mean": "mean", "max": "amax", "min": "amin", "mul": "prod"}


def scatter(
    src: Tensor, index: Tensor, dim: int = 0, dim_size: int | None = None, reduce: str = "sum"
) -> Tensor:
    """Reduce the rows of src that have the same index: src (E, ...), index (E,) -> (dim_size, ...).

    ``reduce`` is "sum" or "add", "mean", "max", "min" or "mul"; where no row goes there is 0, for "mul" 1.
    ``dim_size`` is by default the largest index and one more. Called as torch_geometric.utils.scatter, for
    dim 0.

    Raises:
        ValueError: another dim or reduce, or an index whose shape is not (E,).
    """
    if dim != 0:
        raise ValueError(f"scatter: dim must be 0 (others are not supported), got {dim}")
    checks.one_of("scatter", "reduce", reduce, tuple(_REDUCTIONS))
    if index.shape != src.shape[:1]:
        raise ValueError(
            f"scatter: index must have shape {tuple(src.shape[:1])}, a target for each row, "
            f"got {tuple(index.shape)}"
        )
    if dim_size is None:
        dim_size = int(index.max()) + 1 if len(index) else 0
    out = src.new_zeros(dim_size, *src.shape[1:])
    if reduce in ("sum", "add"):
        return out.index_add_(0, index, src)
    if reduce == "mul":
        out = torch.ones_like(out)
    where = index.view(-1, *[1] * (src.ndim - 1)).expand_as(src)
    return out.scatter_reduce(0, where, src, _REDUCTIONS[reduce], include_self=reduce == "mul")


def softmax(src: Tensor, index: Tensor, num_nodes: int) -> Tensor:
    """Softmax over the rows of src (E, ...) that have the same index (E,), such as a node's incoming edges.

    The largest of each group is subtracted first, so that no exponential overflows.
    """
    largest = scatter(src.detach(), index, dim_size=num_nodes, reduce="max")
    exponentials = (src - largest.index_select(0, index)).exp()
    return exponentials / scatter(exponentials, index, dim_size=num_nodes).index_select(0, index)


def gcn_norm(
    edge_index: Tensor,
    edge_weight: Tensor | None,
    num_nodes: int,
    improved: bool = False,
    add_self_loops: bool = True,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """The edges and weights of D^-1/2 (A + I) D^-1/2, where D has the row sums of A + I on its diagonal.

    A self-loop that is there keeps its weight; other nodes get one of weight 1, or 2 if ``improved``. A node
    without incoming weight sends and receives nothing. Source: Kipf & Welling (2017), equation 2.
    """
    if add_self_loops:
        edge_index, weight = with_self_loops(
            edge_index, edge_weight, num_nodes, 2.0 if improved else 1.0, dtype
        )
    else:
        weight = ones(edge_index, dtype) if edge_weight is None else edge_weight
    inverse_root = _power(_degree(weight, edge_index[1], num_nodes), -0.5).to(weight.dtype)
    source, target = edge_index
    return edge_index, inverse_root.index_select(0, source) * weight * inverse_root.index_select(0, target)


def laplacian(
    edge_index: Tensor,
    edge_weight: Tensor | None,
    normalization: str | None,
    num_nodes: int,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """The edges and weights of a graph's Laplacian; self-loops of the graph are left out.

    ``normalization`` None: D - A; "sym": I - D^-1/2 A D^-1/2; "rw": I - D^-1 A; D has the outgoing weights.
    Rows are sources here, as in PyTorch Geometric: sums along these edges multiply by the transpose, which
    differs from the matrix for "rw" and for directed graphs.
    Source: Chung (1997), Spectral graph theory, section 1.2.

    Raises:
        ValueError: another normalization.
    """
    checks.one_of("laplacian", "normalization", normalization, (None, "sym", "rw"))
    edge_index, weight = _without_self_loops(edge_index, edge_weight)
    weight = ones(edge_index, dtype) if weight is None else weight
    source, target = edge_index
    degree = _degree(weight, source, num_nodes)
    diagonal = torch.ones_like(degree)
    if normalization is None:
        diagonal = degree
    elif normalization == "sym":
        root = _power(degree, -0.5).to(weight.dtype)
        weight = root.index_select(0, source) * weight * root.index_select(0, target)
    else:
        weight = _power(degree, -1.0).to(weight.dtype).index_select(0, source) * weight
    return with_loops_last(edge_index, num_nodes), torch.cat([-weight, diagonal.to(weight.dtype)])


def with_self_loops(
    edge_index: Tensor,
    edge_weight: Tensor | None,
    num_nodes: int,
    fill: float = 1.0,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """The other edges, then a loop for every node: with its own weight if it had one, else with ``fill``.

    Without weights all edges weigh 1. Where a node has several loops, the last one counts.
    """
    if edge_weight is None and fill != 1.0:
        edge_weight = ones(edge_index, dtype)
    others, weight = _without_self_loops(edge_index, edge_weight)
    edges = with_loops_last(others, num_nodes)
    if weight is None:
        return edges, ones(edges, dtype)
    of_loops = weight.new_full((num_nodes,), fill)
    if edge_weight is not None and others.shape[1] < edge_index.shape[1]:
        loop = edge_index[0] == edge_index[1]
        nodes, own = edge_index[0, loop], edge_weight[loop]
        last = torch.full_like(edge_index[0, :1], -1).repeat(num_nodes)
        last = last.scatter_reduce(0, nodes, torch.arange(len(nodes), device=nodes.device), "amax")
        of_loops = torch.where(last >= 0, own.index_select(0, last.clamp(min=0)), of_loops)
    return edges, torch.cat([weight, of_loops])


def with_loops_last(edge_index: Tensor, num_nodes: int) -> Tensor:
    """The edges (2, E), then a loop for every node: (2, E + N)."""
    nodes = torch.arange(num_nodes, device=edge_index.device)
    return torch.cat([edge_index, nodes.expand(2, -1)], dim=1)


def _without_self_loops(edge_index: Tensor, edge_weight: Tensor | None) -> tuple[Tensor, Tensor | None]:
    if edge_index.is_meta:  # how many loops there are cannot be seen
        return edge_index, edge_weight
    other = edge_index[0] != edge_index[1]
    if bool(other.all()):
        return edge_index, edge_weight
    kept = other.nonzero()[:, 0]
    edge_index = edge_index.index_select(1, kept)
    return edge_index, edge_weight if edge_weight is None else edge_weight.index_select(0, kept)


def ones(edge_index: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """A weight of 1 for each edge (E,)."""
    return torch.ones(edge_index.shape[1], dtype=dtype, device=edge_index.device)


def _degree(weight: Tensor, nodes: Tensor, num_nodes: int) -> Tensor:
    """The sum of the weights at each node, in float32 at least: half precision stops counting at 256."""
    wide = weight.to(torch.promote_types(weight.dtype, torch.float32))
    return wide.new_zeros(num_nodes).index_add_(0, nodes, wide)


def _power(degree: Tensor, exponent: float) -> Tensor:
    """degree^exponent, and 0 where it would be infinite, with a gradient of 0 there and not NaN."""
    nothing = degree == 0
    return degree.masked_fill(nothing, 1.0).pow(exponent).masked_fill(nothing, 0.0)
