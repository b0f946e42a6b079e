"""Graph attention: each node decides by itself how much it listens to each neighbour."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.dense import Linear
from course_lib.layers.graph import softmax, with_self_loops
from course_lib.layers.graph_base import check_channels, check_graph, check_options, glorot
from course_lib.layers.graph_sums import Edges, propagate


class GATConv(nn.Module):
    """Attention over the neighbours: y_i = sum_j alpha_ij W x_j + b, for each of several heads.

    alpha_ij = softmax over j of LeakyReLU(a_src . W x_j + a_dst . W x_i), for edges j -> i and j = i.

    Shapes: x (N, in_channels), edge_index (2, E) -> y (N, heads * out_channels), or (N, out_channels), the
    mean of the heads, with ``concat=False``; ``lin.weight`` (heads * out_channels, in_channels), ``att_src``
    and ``att_dst`` (1, heads, out_channels), ``bias``, ``res.weight`` with ``residual``.
    Source: Velickovic et al. (2018), Graph attention networks, equations 1 to 6.

    Args:
        in_channels: features of a node. A pair, for sources and targets of two kinds, is not supported.
        out_channels: features of a node afterwards, of each head.
        heads: how many attentions there are side by side.
        concat: whether their results are put side by side; else they are averaged.
        negative_slope: of the LeakyReLU.
        dropout: the part of the alphas that is dropped in training.
        add_self_loops: whether a node listens to itself.
        edge_dim: features of the edges: not supported, must be None.
        fill_value: of edge features: not supported, must be "mean".
        bias: whether a number is added to every channel.
        residual: whether a linear map of x is added, ``res``.

    Raises:
        ValueError: a size below 1, a dropout outside [0, 1], an option that is not supported, inputs that do
            not fit together.
        TypeError: an input of the wrong type or dtype.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        heads: int = 1,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        add_self_loops: bool = True,
        edge_dim: int | None = None,
        fill_value: str = "mean",
        bias: bool = True,
        residual: bool = False,
        **kwargs: object,
    ) -> None:
        super().__init__()
        check_options("GATConv", kwargs)
        check_channels("GATConv", in_channels, out_channels)
        checks.positive_integer("GATConv", "heads", heads)
        checks.probability("GATConv", "dropout", dropout)
        checks.number("GATConv", "negative_slope", negative_slope)
        if edge_dim is not None or fill_value != "mean":
            raise ValueError(f"GATConv: edge features are not supported, got {edge_dim=} and {fill_value=}")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.heads, self.concat = heads, concat
        self.negative_slope, self.dropout = negative_slope, dropout
        self.add_self_loops, self.residual = add_self_loops, residual
        channels = heads * out_channels if concat else out_channels
        self.att_src = nn.Parameter(torch.empty(1, heads, out_channels))
        self.att_dst = nn.Parameter(torch.empty(1, heads, out_channels))
        self.bias = nn.Parameter(torch.empty(channels)) if bias else None
        self.lin = Linear(in_channels, heads * out_channels, bias=False)
        self.res = Linear(in_channels, channels, bias=False) if residual else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew (Glorot & Bengio's uniform) and set the bias to 0."""
        glorot(self.lin.weight)
        if self.res is not None:
            glorot(self.res.weight)
        glorot(self.att_src)
        glorot(self.att_dst)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: None = None,
        size: None = None,
        return_attention_weights: bool | None = None,
    ) -> Tensor | tuple[Tensor, tuple[Tensor, Tensor]]:
        """Apply the layer to the nodes' features x (N, in_channels).

        With ``return_attention_weights`` also the edges (2, E') with self-loops and their alphas (E', heads).
        """
        checks.not_supported("GATConv", edge_attr=edge_attr is not None, size=size is not None)
        check_graph("GATConv", x, edge_index, self.in_channels)
        if self.add_self_loops:
            edge_index, _ = with_self_loops(edge_index, None, len(x))
        source, target = edge_index
        h = self.lin(x).view(len(x), self.heads, self.out_channels)
        to_send, to_receive = (h * self.att_src).sum(dim=-1), (h * self.att_dst).sum(dim=-1)  # (N, heads)
        scores = to_send.index_select(0, source) + to_receive.index_select(0, target)  # (E', heads)
        alpha = softmax(F.leaky_relu(scores, self.negative_slope), target, len(x))
        alpha = F.dropout(alpha, self.dropout, self.training)
        y = propagate(h, Edges(edge_index, len(x), len(x)), alpha)  # (N, heads, out_channels)
        y = y.flatten(1) if self.concat else y.mean(dim=1)
        if self.res is not None:
            y = y + self.res(x)
        if self.bias is not None:
            y = y + self.bias
        return (y, (edge_index, alpha)) if return_attention_weights else y

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, heads={self.heads})"
