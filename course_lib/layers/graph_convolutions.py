"""Graph layers that mix each node with its neighbours by fixed rules, called as in ``torch_geometric.nn``."""

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.layers.dense import Linear
from course_lib.layers.graph import gcn_norm, laplacian
from course_lib.layers.graph_base import check_channels, check_edge_weight, check_graph, check_options, glorot
from course_lib.layers.graph_sums import WAYS, Edges, propagate


class GCNConv(nn.Module):
    """Graph convolution: y = D^-1/2 (A + I) D^-1/2 x W^T + b, a weighted mean of node and neighbours.

    Shapes: x (N, in_channels), edge_index (2, E), edge_weight (E,) -> y (N, out_channels); ``lin.weight``
    (out_channels, in_channels), ``bias`` (out_channels,). In NumPy, with its backward pass:
    ``course_lib.reference.graph``. Source: Kipf & Welling (2017), Semi-supervised classification with graph
    convolutional networks, equation 2.

    Args:
        in_channels: features of a node.
        out_channels: features of a node afterwards.
        improved: whether self-loops weigh 2.
        cached: whether the first graph's normalized weights are kept for all later calls, whatever graph
            these come with, and without a gradient to ``edge_weight``.
        add_self_loops: whether a node sees itself; by default if ``normalize``.
        normalize: whether the weights are normalized; else y = A x W^T + b.
        bias: whether a number is added to every channel.
        way: how messages are summed: see ``course_lib.layers.graph_sums.propagate``.

    Differs from PyTorch Geometric in two things: there ``improved`` does nothing without edge weights, and
    the gradient of the weights is NaN at a node without any.

    Raises:
        ValueError: a size below 1, self-loops without normalization, inputs that do not fit together.
        TypeError: an input of the wrong type or dtype.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        improved: bool = False,
        cached: bool = False,
        add_self_loops: bool | None = None,
        normalize: bool = True,
        bias: bool = True,
        *,
        way: str = "native",
        **kwargs: object,
    ) -> None:
        super().__init__()
        check_options("GCNConv", kwargs)
        check_channels("GCNConv", in_channels, out_channels)
        checks.one_of("GCNConv", "way", way, tuple(WAYS))
        if add_self_loops and not normalize:
            raise ValueError(
                "GCNConv: add_self_loops must be False without normalize, got add_self_loops=True"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.improved, self.cached, self.normalize, self.way = improved, cached, normalize, way
        self.add_self_loops = normalize if add_self_loops is None else add_self_loops
        self.lin = Linear(in_channels, out_channels, bias=False)
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weight anew (Glorot & Bengio's uniform), set the bias to 0, forget the cached graph."""
        glorot(self.lin.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)
        self._cache: tuple[Edges, Tensor] | None = None

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        """Apply the layer to the nodes' features x (N, in_channels)."""
        check_graph("GCNConv", x, edge_index, self.in_channels)
        check_edge_weight("GCNConv", edge_weight, edge_index)
        edges, weight = self._weighted(x, edge_index, edge_weight)
        y = propagate(self.lin(x), edges, weight, way=self.way)
        return y if self.bias is None else y + self.bias

    def _weighted(self, x: Tensor, edge_index: Tensor, weight: Tensor | None) -> tuple[Edges, Tensor | None]:
        """The edges along which is summed, and what they weigh."""
        if not self.normalize:
            return Edges(edge_index, len(x), len(x)), weight
        if self._cache is not None:
            return self._cache
        edge_index, weight = gcn_norm(edge_index, weight, len(x), self.improved, self.add_self_loops, x.dtype)
        edges = Edges(edge_index, len(x), len(x))
        if self.cached:
            self._cache = edges, weight.detach()
        return edges, weight

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels})"


class ChebConv(nn.Module):
    """Spectral convolution by polynomials: y = sum_{k<K} T_k(2 L / lambda_max - I) x W_k^T + b.

    T_k are Chebyshev's polynomials, T_k(z) = 2 z T_{k-1}(z) - T_{k-2}(z), so that no eigenvectors are needed,
    and a node sees no further than K - 1 edges.

    Shapes: x (N, in_channels), edge_index (2, E), edge_weight (E,) -> y (N, out_channels); ``lins.k.weight``
    (out_channels, in_channels), ``bias`` (out_channels,). Source: Defferrard, Bresson & Vandergheynst (2016),
    Convolutional neural networks on graphs with fast localized spectral filtering, equations 4 and 5.

    Args:
        in_channels: features of a node.
        out_channels: features of a node afterwards.
        K: number of polynomials.
        normalization: of the Laplacian L: "sym", "rw" or None; see ``course_lib.layers.graph.laplacian``.
        bias: whether a number is added to every channel.

    Raises:
        ValueError: a size below 1, an unknown normalization, inputs that do not fit together.
        TypeError: an input of the wrong type or dtype.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        K: int,
        normalization: str | None = "sym",
        bias: bool = True,
        **kwargs: object,
    ) -> None:
        super().__init__()
        check_options("ChebConv", kwargs)
        check_channels("ChebConv", in_channels, out_channels)
        checks.positive_integer("ChebConv", "K", K)
        checks.one_of("ChebConv", "normalization", normalization, (None, "sym", "rw"))
        self.in_channels, self.out_channels, self.normalization = in_channels, out_channels, normalization
        self.lins = nn.ModuleList(Linear(in_channels, out_channels, bias=False) for _ in range(K))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Glorot & Bengio's uniform) and set the bias to 0."""
        for lin in self.lins:
            glorot(lin.weight)  # type: ignore[arg-type]
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_weight: Tensor | None = None,
        batch: Tensor | None = None,
        lambda_max: Tensor | float | None = None,
    ) -> Tensor:
        """Apply the layer to the nodes' features x (N, in_channels).

        ``lambda_max`` is L's largest eigenvalue, or a bound on it: by default twice its largest entry, 2 for
        a normalized L; or one for each graph, if ``batch`` (N,) says which graph a node is in.
        """
        check_graph("ChebConv", x, edge_index, self.in_channels)
        check_edge_weight("ChebConv", edge_weight, edge_index)
        check_batch(x, batch)
        edge_index, weight = laplacian(edge_index, edge_weight, self.normalization, len(x), x.dtype)
        weight = _scaled(weight, edge_index, batch, lambda_max)
        edges = Edges(edge_index, len(x), len(x))
        # T_0 x = x, T_1 x = L' x, and from then on T_k x = 2 L' T_{k-1} x - T_{k-2} x.
        before, last = x, x
        y = self.lins[0](x)
        for k, lin in enumerate(list(self.lins)[1:], start=1):
            through = propagate(last, edges, weight)
            before, last = last, through if k == 1 else 2.0 * through - before
            y = y + lin(last)
        return y if self.bias is None else y + self.bias

    def __repr__(self) -> str:
        sizes = f"{self.in_channels}, {self.out_channels}, K={len(self.lins)}"
        return f"{type(self).__name__}({sizes}, normalization={self.normalization})"


def _scaled(
    weight: Tensor, edge_index: Tensor, batch: Tensor | None, lambda_max: Tensor | float | None
) -> Tensor:
    """The weights of 2 L / lambda_max - I from those of L, its diagonal included; 0 / 0 counts as 0."""
    if lambda_max is None:
        lambda_max = 2.0 * weight.max() if len(weight) else 2.0
    bound = torch.as_tensor(lambda_max, dtype=weight.dtype, device=weight.device)
    if bound.numel() > 1:
        if batch is None:
            raise ValueError(
                f"ChebConv: lambda_max must be one number without batch, got shape {tuple(bound.shape)}"
            )
        bound = bound[batch[edge_index[0]]]
    nothing = bound == 0
    scaled = (2.0 * weight / bound.masked_fill(nothing, 1.0)).masked_fill(nothing, 0.0)
    return scaled - (edge_index[0] == edge_index[1]).to(weight.dtype)


def check_batch(x: Tensor, batch: Tensor | None) -> None:
    """Raise unless ``batch`` says of each node which graph it is in."""
    if batch is None:
        return
    checks.tensor("ChebConv", batch, "batch")
    if batch.dtype != torch.int64:
        raise TypeError(f"ChebConv: batch must have the dtype torch.int64, got {batch.dtype}")
    if batch.shape != x.shape[:1]:
        expected = f"shape {tuple(x.shape[:1])}, a graph for each node"
        raise ValueError(f"ChebConv: batch must have {expected}, got {tuple(batch.shape)}")
