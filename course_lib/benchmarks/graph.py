"""Graph layers against PyTorch Geometric's, on random graphs from a club's size to a large one."""

import importlib.util
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.benchmarks.contest import Row, layer_rows
from course_lib.layers.graph_attention import GATConv
from course_lib.layers.graph_convolutions import ChebConv, GCNConv
from course_lib.layers.graph_sage import SAGEConv

RIVAL = "PyTorch Geometric"
SIZES = {"34 nodes, 156 edges": (34, 78), "1,000 nodes, 10,000 edges": (1000, 5000)}
LARGE = {"20,000 nodes, 200,000 edges": (20_000, 100_000)}
LAYERS: dict[str, tuple[Callable[..., nn.Module], tuple[object, ...]]] = {
    "ChebConv, K=3": (ChebConv, (64, 64, 3)),
    "SAGEConv": (SAGEConv, (64, 64)),
    "SAGEConv, max": (SAGEConv, (64, 64, "max")),
    "GATConv, 1 head": (GATConv, (64, 64)),
    "GATConv, 4 heads": (GATConv, (64, 16, 4)),
}


def graph(nodes: int, links: int, channels: int = 64) -> list[Tensor]:
    """Features (nodes, channels) and ``edge_index`` (2, 2 * links), every link in both directions."""
    generator = torch.Generator().manual_seed(0)
    ends = torch.randint(nodes, (2, links), generator=generator)
    return [torch.randn(nodes, channels, generator=generator), torch.cat([ends, ends.flip(0)], dim=1)]


def _rows(
    name: str, size: str, make: Callable[..., nn.Module], arguments: tuple[object, ...], bar: float
) -> list[Row]:
    contestants = {}
    if importlib.util.find_spec("torch_geometric"):
        contestants[RIVAL] = lambda: _rival(make.__name__)(*arguments)
    if make is GCNConv and size in SIZES:
        contestants["a dense matrix"] = lambda: GCNConv(64, 64, way="dense")
    nodes, links = (SIZES | LARGE)[size]
    return layer_rows(
        f"{name}, {size}, 64 channels",
        lambda: make(*arguments),
        contestants,
        lambda: graph(nodes, links),
        against=RIVAL,
        bar=bar,
    )


def _rival(name: str) -> Callable[..., nn.Module]:
    import torch_geometric.nn

    return getattr(torch_geometric.nn, name)


ROWS: list[Row] = [
    *[row for size in SIZES | LARGE for row in _rows("GCNConv", size, GCNConv, (64, 64), 1.0)],
    *[
        row
        for name, (make, arguments) in LAYERS.items()
        for size in SIZES
        for row in _rows(name, size, make, arguments, 0.95)
    ],
]
