"""GraphSAGE: a node and the mean of its neighbours, each with weights of its own."""

from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.dense import Linear
from course_lib.layers.graph import scatter
from course_lib.layers.graph_base import check_channels, check_features, check_graph, check_options
from course_lib.layers.graph_sums import Edges, propagate


class SAGEConv(nn.Module):
    """GraphSAGE: y = W_l mean(x of the neighbours) + b + W_r x, a node and its neighbours weighted apart.

    A node without neighbours has the mean 0.

    Shapes: x (N, in_channels), or a pair of the sources' (N, in_channels[0]) and the targets'
    (M, in_channels[1]); edge_index (2, E) -> y (N or M, out_channels); ``lin_l.weight``, ``lin_l.bias``,
    ``lin_r.weight``. Source: Hamilton, Ying & Leskovec (2017), Inductive representation learning on large
    graphs, algorithm 1.

    Args:
        in_channels: features of a node, or of sources and targets.
        out_channels: features of a node afterwards.
        aggr: how neighbours are put together: "mean", "sum" or "add", "max", "min". Others are not supported.
        normalize: whether y is divided by its length.
        root_weight: whether a node sees itself.
        project: whether sources go through a dense layer and ReLU first, ``lin``.
        bias: whether a number is added to every channel.

    Raises:
        ValueError: a size below 1, another aggr, inputs that do not fit together.
        TypeError: an input of the wrong type or dtype, an option of the original that is not supported.
    """

    def __init__(
        self,
        in_channels: int | tuple[int, int],
        out_channels: int,
        aggr: str | None = "mean",
        normalize: bool = False,
        root_weight: bool = True,
        project: bool = False,
        bias: bool = True,
        **kwargs: object,
    ) -> None:
        super().__init__()
        check_options("SAGEConv", kwargs)
        channels = in_channels if isinstance(in_channels, tuple) else (in_channels, in_channels)
        if len(channels) != 2:
            raise ValueError(f"SAGEConv: in_channels must be one integer or two, got {in_channels}")
        sources, targets = channels
        check_channels("SAGEConv", sources, out_channels)
        check_channels("SAGEConv", targets, out_channels)
        checks.one_of("SAGEConv", "aggr", aggr, ("mean", "sum", "add", "max", "min"))
        self.in_channels, self.out_channels, self.aggr = in_channels, out_channels, aggr
        self.normalize, self.root_weight, self.project = normalize, root_weight, project
        if project:
            self.lin = Linear(sources, sources)
        self.lin_l = Linear(sources, out_channels, bias=bias)
        if root_weight:
            self.lin_r = Linear(targets, out_channels, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew, as ``Linear`` does."""
        for lin in self.children():
            lin.reset_parameters()  # type: ignore[operator]

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor | None],
        edge_index: Tensor,
        size: tuple[int, int] | None = None,
    ) -> Tensor:
        """Apply the layer; ``size`` = (N, M) says how many targets there are if a pair x has none."""
        source, target = (x, x) if isinstance(x, Tensor) else _pair(x)
        channels = self.in_channels if isinstance(self.in_channels, tuple) else (self.in_channels,) * 2
        nodes = _targets(source, target, size)
        check_graph("SAGEConv", source, edge_index, channels[0], nodes)
        if target is not None and self.root_weight:
            check_features("SAGEConv", target, channels[1])
        if self.project:
            source = self.lin(source).relu()
        y = self.lin_l(self._aggregate(source, edge_index, nodes))
        if self.root_weight and target is not None:
            y = y + self.lin_r(target)
        return F.normalize(y, dim=-1) if self.normalize else y

    def _aggregate(self, source: Tensor, edge_index: Tensor, nodes: int) -> Tensor:
        if self.aggr in ("max", "min"):
            messages = source.index_select(0, edge_index[0])
            return scatter(messages, edge_index[1], dim_size=nodes, reduce=self.aggr)
        edges = Edges(edge_index, len(source), nodes)
        sums = propagate(source, edges)
        return sums / edges.counts(1).clamp(min=1).unsqueeze(1) if self.aggr == "mean" else sums

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, aggr={self.aggr})"


def _pair(x: tuple[Tensor, Tensor | None]) -> tuple[Tensor, Tensor | None]:
    if not isinstance(x, tuple | list) or len(x) != 2:
        raise TypeError(f"SAGEConv: x must be a torch.Tensor or a pair of them, got {type(x).__name__}")
    checks.tensor("SAGEConv", x[0], "x")
    if x[1] is not None:
        checks.tensor("SAGEConv", x[1], "x")
    return x[0], x[1]


def _targets(source: Tensor, target: Tensor | None, size: tuple[int, int] | None) -> int:
    """The number of targets: as many as there are sources, if nothing else is said."""
    sources = source.shape[0] if source.ndim else 0
    targets = target.shape[0] if target is not None and target.ndim else sources
    if size is None:
        return targets
    if len(size) != 2 or size[0] != sources or (target is not None and size[1] != targets):
        raise ValueError(f"SAGEConv: size must be {(sources, targets)}, got {tuple(size)}")
    return size[1]
