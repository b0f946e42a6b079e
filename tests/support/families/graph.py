"""Graph layers: ONNX's scattering with a reduction, devices, and calls that must fail."""

import numpy as np
import torch

from course_lib import layers
from course_lib.layers.graph import gcn_norm, laplacian, scatter, softmax, with_self_loops
from course_lib.layers.graph_sums import WAYS, Edges, propagate

REDUCTIONS = {b"add": "sum", b"mul": "mul", b"max": "max", b"min": "min"}


def reduced(data, places, rows, attributes):
    """Reduce by ``scatter`` what arrives at each of the data's rows: itself, then the given rows."""
    src = torch.tensor(np.concatenate([data, rows]))
    index = torch.tensor(np.concatenate([np.arange(len(data)), places.ravel()]))
    return scatter(src, index, dim_size=len(data), reduce=REDUCTIONS[attributes["reduction"]]).numpy()


def scatter_nd(attributes, inputs):
    """Places are given by the first axes' indices, and what follows them is a row."""
    data, index, updates = inputs["data"], inputs["indices"], inputs["updates"]
    axes = index.shape[-1]
    places = np.ravel_multi_index(np.moveaxis(index, -1, 0), data.shape[:axes])
    rows = data.shape[axes:]
    return [
        reduced(data.reshape(-1, *rows), places, updates.reshape(-1, *rows), attributes).reshape(data.shape)
    ]


def scatter_elements(attributes, inputs):
    """The place of an entry is its own, but along one axis the given one."""
    data, index, updates = inputs["data"], inputs["indices"], inputs["updates"]
    where = list(np.indices(index.shape))
    where[attributes.get("axis", 0)] = index
    places = np.ravel_multi_index(where, data.shape)
    return [reduced(data.ravel(), places, updates.ravel(), attributes).reshape(data.shape)]


ONNX = {"ScatterND": scatter_nd, "ScatterElements": scatter_elements}
NOT_OURS = dict.fromkeys(
    (
        "test_scatternd",
        "test_scatter_elements_without_axis",
        "test_scatter_elements_with_axis",
        "test_scatter_elements_with_negative_indices",
    ),
    "without a reduction the last update overwrites what is there; scatter only reduces",
)


def small(generator):
    """Features (12, 3) and 40 edges, some of them self-loops or there twice."""
    edges = torch.randint(12, (2, 40), generator=generator)
    edges[:, 7] = 5
    return [torch.randn(12, 3, generator=generator), edges]


def large(generator):
    """So many numbers along the edges that these are sorted, and no messages written down."""
    return [torch.randn(300, 3, generator=generator), torch.randint(300, (2, 50_000), generator=generator)]


def weighted(generator):
    return [*small(generator), 0.5 + torch.rand(40, generator=generator)]


def two_kinds(generator):
    """Features of sources (12, 3) and of targets (5, 2), and edges between them."""
    x, edges = small(generator)
    return [x, torch.randn(5, 2, generator=generator), torch.stack([edges[0], edges[1] % 5])]


def by_node(generator):
    """A row for each of 40 edges, and the node it belongs to."""
    return [torch.randn(40, 3, generator=generator), torch.randint(12, (40,), generator=generator)]


class OnTwoKinds(torch.nn.Module):
    """SAGEConv from nodes of one kind to nodes of another."""

    def __init__(self):
        super().__init__()
        self.layer = layers.SAGEConv((3, 2), 4)

    def forward(self, source, target, edge_index):
        return self.layer((source, target), edge_index)


def summed(way):
    return lambda x, edges, weight: propagate(x, Edges(edges, len(x), len(x)), weight, way=way)


MODULES = {
    "GCNConv": lambda: layers.GCNConv(3, 4),
    "GCNConv, improved": lambda: layers.GCNConv(3, 4, improved=True),
    "GCNConv, not normalized": lambda: layers.GCNConv(3, 4, normalize=False),
    "ChebConv": lambda: layers.ChebConv(3, 4, 3),
    "ChebConv, rw": lambda: layers.ChebConv(3, 4, 2, normalization="rw"),
    "ChebConv, not normalized": lambda: layers.ChebConv(3, 4, 2, normalization=None),
    "SAGEConv": lambda: layers.SAGEConv(3, 4),
    "SAGEConv, max": lambda: layers.SAGEConv(3, 4, aggr="max"),
    "SAGEConv, normalized and projected": lambda: layers.SAGEConv(3, 4, normalize=True, project=True),
    "GATConv": lambda: layers.GATConv(3, 4),
    "GATConv, heads averaged": lambda: layers.GATConv(3, 4, heads=3, concat=False, residual=True),
}
ON_DEVICES = {
    **{name: (make, small) for name, make in MODULES.items()},
    **{
        f"{name}, with weights": (make, weighted)
        for name, make in MODULES.items()
        if name.startswith(("GCN", "Cheb"))
    },
    **{
        f"{name}, many edges": (MODULES[name], large)
        for name in ("GCNConv", "ChebConv", "SAGEConv", "GATConv")
    },
    "SAGEConv on two kinds of nodes": (OnTwoKinds, two_kinds),
    **{f"propagate, {way}": (lambda way=way: summed(way), weighted) for way in WAYS},
    **{
        f"scatter, {reduce}": (
            lambda reduce=reduce: lambda src, index: scatter(src, index, dim_size=12, reduce=reduce),
            by_node,
        )
        for reduce in ("sum", "mean", "max", "min", "mul")
    },
    "softmax": (lambda: lambda src, index: softmax(src, index, 12), by_node),
    "with_self_loops": (lambda: lambda x, edges, w: with_self_loops(edges, w, 12), weighted),
    "gcn_norm": (lambda: lambda x, edges, w: gcn_norm(edges, w, 12), weighted),
    "laplacian": (lambda: lambda x, edges, w: laplacian(edges, w, "sym", 12), weighted),
}

X, EDGES, WEIGHT = torch.zeros(4, 3), torch.tensor([[0, 1, 2], [1, 2, 0]]), torch.ones(3)
PAIR = (torch.zeros(4, 3), torch.zeros(2, 2))
TO_PAIR = torch.tensor([[0, 3], [1, 0]])


def gcn(*inputs):
    return layers.GCNConv(3, 2)(*inputs)


def cheb(*inputs, **options):
    return layers.ChebConv(3, 2, 3)(*inputs, **options)


def sage(*inputs, **options):
    return layers.SAGEConv((3, 2), 2)(*inputs, **options)


def gat(*inputs, **options):
    return layers.GATConv(3, 2)(*inputs, **options)


BAD_CALLS = [
    (ValueError, lambda: layers.GCNConv(0, 2), "GCNConv: in_channels must be 1 or more, got 0"),
    (ValueError, lambda: layers.GCNConv(-1, 2), "GCNConv: in_channels must be 1 or more, got -1"),
    (TypeError, lambda: layers.GCNConv(3, 2.0), "GCNConv: out_channels must be an integer, got 2.0"),
    (TypeError, lambda: layers.GCNConv((3, 3), 2), "GCNConv: in_channels must be an integer, got (3, 3)"),
    (
        TypeError,
        lambda: layers.GCNConv(3, 2, aggr="max"),
        "GCNConv: aggr is not supported and must be left out, got 'max'",
    ),
    (
        ValueError,
        lambda: layers.GCNConv(3, 2, way="sparse"),
        "GCNConv: way must be one of 'native', 'gather', 'dense', got 'sparse'",
    ),
    (
        ValueError,
        lambda: layers.GCNConv(3, 2, add_self_loops=True, normalize=False),
        "GCNConv: add_self_loops must be False without normalize, got add_self_loops=True",
    ),
    (TypeError, lambda: gcn(X.numpy(), EDGES), "GCNConv: x must be a torch.Tensor, got ndarray"),
    (TypeError, lambda: gcn(X.long(), EDGES), "GCNConv: x must have a floating-point dtype, got torch.int64"),
    (
        TypeError,
        lambda: gcn(X.double(), EDGES),
        "must have the dtype of weight, torch.float32, got torch.float64",
    ),
    (ValueError, lambda: gcn(X[:, :2], EDGES), "GCNConv: x must have shape (N, in_channels=3), got (4, 2)"),
    (ValueError, lambda: gcn(X[0], EDGES), "GCNConv: x must have shape (N, in_channels=3), got (3,)"),
    (ValueError, lambda: gcn(X[None], EDGES), "GCNConv: x must have shape (N, in_channels=3), got (1, 4, 3)"),
    (TypeError, lambda: gcn(X, EDGES.tolist()), "GCNConv: edge_index must be a torch.Tensor, got list"),
    (
        TypeError,
        lambda: gcn(X, EDGES.int()),
        "GCNConv: edge_index must have the dtype torch.int64, got torch.int32",
    ),
    (TypeError, lambda: gcn(X, EDGES.float()), "must have the dtype torch.int64, got torch.float32"),
    (ValueError, lambda: gcn(X, EDGES.T), "GCNConv: edge_index must have shape (2, E), got (3, 2)"),
    (ValueError, lambda: gcn(X, EDGES[0]), "GCNConv: edge_index must have shape (2, E), got (3,)"),
    (ValueError, lambda: gcn(X, EDGES + 2), "GCNConv: edge_index must have nodes from 0 to 3, got 2 to 4"),
    (ValueError, lambda: gcn(X, EDGES - 1), "GCNConv: edge_index must have nodes from 0 to 3, got -1 to 1"),
    (TypeError, lambda: gcn(X, EDGES, [1.0] * 3), "GCNConv: edge_weight must be a torch.Tensor, got list"),
    (
        TypeError,
        lambda: gcn(X, EDGES, WEIGHT.long()),
        "GCNConv: edge_weight must have a floating-point dtype",
    ),
    (
        ValueError,
        lambda: gcn(X, EDGES, WEIGHT[:2]),
        "GCNConv: edge_weight must have shape (3,), one for each edge, got (2,)",
    ),
    (
        ValueError,
        lambda: gcn(X, EDGES, WEIGHT[:, None]),
        "must have shape (3,), one for each edge, got (3, 1)",
    ),
    (ValueError, lambda: layers.ChebConv(3, 0, 2), "ChebConv: out_channels must be 1 or more, got 0"),
    (ValueError, lambda: layers.ChebConv(3, 2, 0), "ChebConv: K must be 1 or more, got 0"),
    (TypeError, lambda: layers.ChebConv(3, 2, 1.5), "ChebConv: K must be an integer, got 1.5"),
    (
        ValueError,
        lambda: layers.ChebConv(3, 2, 2, "both"),
        "ChebConv: normalization must be one of None, 'sym', 'rw', got 'both'",
    ),
    (TypeError, lambda: layers.ChebConv(3, 2, 2, flow="source_to_target"), "ChebConv: flow is not supported"),
    (ValueError, lambda: cheb(X[:, :2], EDGES), "ChebConv: x must have shape (N, in_channels=3), got (4, 2)"),
    (ValueError, lambda: cheb(X, EDGES + 4), "ChebConv: edge_index must have nodes from 0 to 3, got 4 to 6"),
    (
        ValueError,
        lambda: cheb(X, EDGES, WEIGHT[:1]),
        "ChebConv: edge_weight must have shape (3,), one for each",
    ),
    (
        TypeError,
        lambda: cheb(X, EDGES, batch=[0, 0, 1, 1]),
        "ChebConv: batch must be a torch.Tensor, got list",
    ),
    (
        TypeError,
        lambda: cheb(X, EDGES, batch=torch.zeros(4)),
        "ChebConv: batch must have the dtype torch.int64, got torch.float32",
    ),
    (
        ValueError,
        lambda: cheb(X, EDGES, batch=torch.tensor([0, 1])),
        "ChebConv: batch must have shape (4,), a graph for each node, got (2,)",
    ),
    (
        ValueError,
        lambda: cheb(X, EDGES, lambda_max=torch.tensor([2.0, 1.5])),
        "ChebConv: lambda_max must be one number without batch, got shape (2,)",
    ),
    (ValueError, lambda: layers.SAGEConv(3, 0), "SAGEConv: out_channels must be 1 or more, got 0"),
    (ValueError, lambda: layers.SAGEConv((3, 0), 2), "SAGEConv: in_channels must be 1 or more, got 0"),
    (ValueError, lambda: layers.SAGEConv((0, 3), 2), "SAGEConv: in_channels must be 1 or more, got 0"),
    (
        ValueError,
        lambda: layers.SAGEConv((3, 3, 3), 2),
        "SAGEConv: in_channels must be one integer or two, got (3, 3, 3)",
    ),
    (TypeError, lambda: layers.SAGEConv("3", 2), "SAGEConv: in_channels must be an integer, got '3'"),
    (
        ValueError,
        lambda: layers.SAGEConv(3, 2, aggr="lstm"),
        "SAGEConv: aggr must be one of 'mean', 'sum', 'add', 'max', 'min', got 'lstm'",
    ),
    (ValueError, lambda: layers.SAGEConv(3, 2, aggr=["mean", "max"]), "SAGEConv: aggr must be one of 'mean'"),
    (TypeError, lambda: layers.SAGEConv(3, 2, node_dim=0), "SAGEConv: node_dim is not supported"),
    (
        TypeError,
        lambda: sage([PAIR[0]], TO_PAIR),
        "SAGEConv: x must be a torch.Tensor or a pair of them, got list",
    ),
    (TypeError, lambda: sage(None, TO_PAIR), "x must be a torch.Tensor or a pair of them, got NoneType"),
    (TypeError, lambda: sage((None, PAIR[1]), TO_PAIR), "SAGEConv: x must be a torch.Tensor, got NoneType"),
    (TypeError, lambda: sage((PAIR[0], [0.0]), TO_PAIR), "SAGEConv: x must be a torch.Tensor, got list"),
    (
        ValueError,
        lambda: sage((PAIR[0], PAIR[0]), TO_PAIR),
        "SAGEConv: x must have shape (N, in_channels=2), got (4, 3)",
    ),
    (
        TypeError,
        lambda: sage((PAIR[0], PAIR[1].long()), TO_PAIR),
        "SAGEConv: x must have a floating-point dtype",
    ),
    (
        ValueError,
        lambda: sage(PAIR, TO_PAIR.flip(0)),
        "SAGEConv: edge_index must have targets from 0 to 1, got 0 to 3",
    ),
    (
        ValueError,
        lambda: sage(PAIR, TO_PAIR + 1),
        "SAGEConv: edge_index must have sources from 0 to 3, got 1 to 4",
    ),
    (ValueError, lambda: sage(PAIR, TO_PAIR, size=(4, 3)), "SAGEConv: size must be (4, 2), got (4, 3)"),
    (ValueError, lambda: sage((X, None), TO_PAIR, size=(3, 2)), "SAGEConv: size must be (4, 4), got (3, 2)"),
    (ValueError, lambda: sage(PAIR, TO_PAIR, size=(4,)), "SAGEConv: size must be (4, 2), got (4,)"),
    (TypeError, lambda: layers.GATConv((3, 2), 2), "GATConv: in_channels must be an integer, got (3, 2)"),
    (ValueError, lambda: layers.GATConv(3, 0), "GATConv: out_channels must be 1 or more, got 0"),
    (ValueError, lambda: layers.GATConv(3, 2, heads=0), "GATConv: heads must be 1 or more, got 0"),
    (TypeError, lambda: layers.GATConv(3, 2, heads=True), "GATConv: heads must be an integer, got True"),
    (ValueError, lambda: layers.GATConv(3, 2, dropout=1.5), "GATConv: dropout must be from 0 to 1, got 1.5"),
    (
        ValueError,
        lambda: layers.GATConv(3, 2, negative_slope=float("nan")),
        "GATConv: negative_slope must be a number, got nan",
    ),
    (
        TypeError,
        lambda: layers.GATConv(3, 2, negative_slope="0.2"),
        "negative_slope must be a number, got '0.2'",
    ),
    (
        ValueError,
        lambda: layers.GATConv(3, 2, edge_dim=4),
        "GATConv: edge features are not supported, got edge_dim=4 and fill_value='mean'",
    ),
    (ValueError, lambda: layers.GATConv(3, 2, fill_value="add"), "edge_dim=None and fill_value='add'"),
    (TypeError, lambda: layers.GATConv(3, 2, aggr="mean"), "GATConv: aggr is not supported"),
    (ValueError, lambda: gat(X, EDGES, torch.ones(3, 1)), "GATConv: edge_attr=True is not supported"),
    (ValueError, lambda: gat(X, EDGES, size=(4, 4)), "GATConv: size=True is not supported"),
    (ValueError, lambda: gat(X[0], EDGES), "GATConv: x must have shape (N, in_channels=3), got (3,)"),
    (TypeError, lambda: gat(PAIR, EDGES), "GATConv: x must be a torch.Tensor, got tuple"),
    (ValueError, lambda: gat(X, EDGES + 3), "GATConv: edge_index must have nodes from 0 to 3, got 3 to 5"),
    (
        ValueError,
        lambda: propagate(X, Edges(EDGES, 4, 4), way="fast"),
        "propagate: way must be one of 'native', 'gather', 'dense', got 'fast'",
    ),
    (
        ValueError,
        lambda: scatter(X, torch.zeros(4, dtype=torch.int64), dim=1),
        "scatter: dim must be 0 (others are not supported), got 1",
    ),
    (
        ValueError,
        lambda: scatter(X, torch.zeros(4, dtype=torch.int64), reduce="median"),
        "scatter: reduce must be one of 'sum', 'add', 'mean', 'max', 'min', 'mul', got 'median'",
    ),
    (
        ValueError,
        lambda: scatter(X, EDGES[0]),
        "scatter: index must have shape (4,), a target for each row, got (3,)",
    ),
    (
        ValueError,
        lambda: scatter(X, EDGES),
        "scatter: index must have shape (4,), a target for each row, got (2, 3)",
    ),
    (
        ValueError,
        lambda: laplacian(EDGES, None, "left", 4),
        "laplacian: normalization must be one of None, 'sym', 'rw', got 'left'",
    ),
]
