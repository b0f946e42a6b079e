"""What graph layers compute with, against PyTorch Geometric's, and what must hold of every graph layer."""

import copy
import pickle

import pytest
import torch
from graph_cases import GRAPHS, PLAIN, SUMS, assert_same, original_of, random_graph, summing
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close, assert_same_signature
from torch_geometric import nn as original
from torch_geometric import utils

from course_lib.layers import graph
from course_lib.layers.graph_attention import GATConv
from course_lib.layers.graph_convolutions import ChebConv, GCNConv
from course_lib.layers.graph_sage import SAGEConv


@pytest.mark.parametrize("sums", SUMS)
@pytest.mark.parametrize("name", PLAIN)
def test_float32_agrees_on_a_larger_graph(name, sums):
    torch.manual_seed(0)
    ours = PLAIN[name]()
    theirs = original_of(name, ours)
    x, edges, _ = random_graph(200, 2000, 0, torch.float32)
    with summing(sums):
        assert_same(ours, theirs, lambda f, x: f(x, edges), [x], name, 1e-4)


@pytest.mark.parametrize(
    ("make", "arguments", "options"),
    [
        (GCNConv, (20, 10), {}),
        (GCNConv, (2, 3), {"bias": False}),
        (ChebConv, (20, 10, 3), {"normalization": None}),
        (ChebConv, (4, 2, 1), {"bias": False}),
        (SAGEConv, (20, 10), {"project": True}),
        (SAGEConv, ((4, 3), 5), {"aggr": "max", "bias": False}),
        (SAGEConv, (4, 5), {"root_weight": False}),
        (GATConv, (20, 10, 4), {}),
        (GATConv, (5, 3, 2), {"concat": False, "residual": True, "bias": False}),
    ],
)
def test_signature_seed_repr_and_state_dict_are_the_originals(make, arguments, options):
    other = getattr(original, make.__name__)
    assert_same_signature(make, other, extra=["way"] if make is GCNConv else [])
    torch.manual_seed(5)
    ours = make(*arguments, **options)
    torch.manual_seed(5)
    theirs = other(*arguments, **options)
    assert repr(ours) == repr(theirs)
    mine, its = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(its)
    for key, value in its.items():
        assert_close(mine[key], value, f"{ours} {key} of the same seed")
    torch.manual_seed(9)
    ours.reset_parameters()
    torch.manual_seed(9)
    theirs.reset_parameters()
    for key, value in theirs.state_dict().items():
        assert_close(ours.state_dict()[key], value, f"{ours} {key} reset")
    fresh = make(*arguments, **options)
    fresh.load_state_dict(theirs.state_dict())
    copies = {
        "state_dict": fresh,
        "deepcopy": copy.deepcopy(ours),
        "pickle": pickle.loads(pickle.dumps(ours)),
    }
    channels = arguments[0]
    n = torch.randn(4, channels[1] if isinstance(channels, tuple) else channels)
    x = (torch.randn(6, channels[0]), n) if isinstance(channels, tuple) else n
    edges = torch.tensor([[0, 1, 3], [1, 0, 2]])
    for name, copied in copies.items():
        assert_close(copied(x, edges), ours(x, edges), f"{ours} after {name}")


@pytest.mark.parametrize("make", [GCNConv, ChebConv, SAGEConv, GATConv])
def test_forward_is_called_as_the_original(make):
    other = getattr(original, make.__name__)
    assert_same_signature(make.forward, other.forward)


@pytest.mark.parametrize("sums", SUMS)
@pytest.mark.parametrize("name", PLAIN)
def test_gradcheck_first_and_second_order(name, sums):
    torch.manual_seed(1)
    layer = PLAIN[name]().double()
    x, edges, weight = random_graph(5, 9, 3)
    names = [key for key, _ in layer.named_parameters()]
    weighted = name in ("GCNConv", "ChebConv")
    parameters = [p.detach().clone().requires_grad_() for p in layer.parameters()]
    inputs = [x.requires_grad_(), *([weight.requires_grad_()] if weighted else []), *parameters]

    def call(x, *rest):
        given_weight, rest = (rest[:1], rest[1:]) if weighted else ((), rest)
        state = dict(zip(names, rest, strict=True))
        return torch.func.functional_call(layer, state, (x, edges, *given_weight))

    with summing(sums):
        assert torch.autograd.gradcheck(call, inputs)
        assert torch.autograd.gradgradcheck(call, inputs)


@pytest.mark.parametrize("name", PLAIN)
@given(**GRAPHS)
@settings(max_examples=20, deadline=None)
def test_the_order_of_nodes_and_edges_means_nothing(name, n, e, seed):
    torch.manual_seed(seed)
    layer = PLAIN[name]().double()
    x, edges, _ = random_graph(n, e, seed)
    order = torch.randperm(n)
    place = torch.argsort(order)
    renamed = place[edges][:, torch.randperm(edges.shape[1])]
    assert_close(layer(x[order], renamed), layer(x, edges)[order], f"{name} permuted", 1e-9, 1e-9)


@pytest.mark.parametrize("sums", SUMS)
@pytest.mark.parametrize("n", [0, 1, 4])
@pytest.mark.parametrize("name", PLAIN)
def test_a_graph_without_edges(name, n, sums):
    layer = PLAIN[name]().double()
    x = torch.randn(n, 3, dtype=torch.float64, requires_grad=True)
    with summing(sums):
        y = layer(x, torch.empty(2, 0, dtype=torch.int64))
    assert y.shape == (n, 4)
    gradients = torch.autograd.grad(y.sum(), [x, *layer.parameters()], allow_unused=True)
    for value in [y, *gradients]:
        assert value is None or value.isfinite().all(), name
    if name == "GCNConv":
        assert_close(y, layer.lin(x), "GCNConv of lonely nodes", 1e-12, 1e-12)
    if name.startswith("SAGEConv"):
        alone = layer.lin_l.bias + layer.lin_r(x)
        assert_close(y, alone, f"{name}: neighbours of a lonely node are 0", 1e-12, 1e-12)


@pytest.mark.parametrize("sums", SUMS)
@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan, 1e4, 1e-30])
@pytest.mark.parametrize("name", ["GCNConv", "SAGEConv", "SAGEConv, max", "GATConv"])
def test_extreme_features_agree_with_the_original(name, value, sums):
    torch.manual_seed(0)
    ours = PLAIN[name]()
    theirs = original_of(name, ours)
    x = torch.randn(6, 3)
    x[2, 1] = value
    edges = torch.tensor([[0, 1, 2, 3, 2], [1, 2, 3, 4, 1]])
    with summing(sums), torch.no_grad():
        got, expected = ours(x, edges), theirs(x, edges)
    assert_close(got, expected, f"{name} at {value}", 1e-5, 1e-5)
    if not torch.isfinite(torch.tensor(value)):
        assert got[[0, 5]].isfinite().all(), f"{name}: {value} reached nodes it has no edge to"


@pytest.mark.parametrize("name", PLAIN)
def test_memory_layouts_do_not_matter(name):
    layer = PLAIN[name]().double()
    x, edges, _ = random_graph(6, 14, 4)
    expected = layer(x, edges)
    for sums in SUMS:
        with summing(sums):
            assert_close(layer(x.T.contiguous().T, edges), expected, f"{name}: x transposed", 1e-12, 1e-12)
            assert_close(layer(x, edges.T.contiguous().T), expected, f"{name}: edges", 1e-12, 1e-12)
            wide = torch.stack([x, x], dim=2)[:, :, 0]
            assert_close(layer(wide, edges), expected, f"{name}: x strided", 1e-12, 1e-12)


@pytest.mark.parametrize("sums", SUMS)
@pytest.mark.parametrize("name", PLAIN)
def test_half_precision_and_autocast_stay_near_float32(name, sums):
    torch.manual_seed(0)
    layer = PLAIN[name]()
    x, edges, _ = random_graph(20, 60, 5, torch.float32)
    with summing(sums):
        exact = layer(x, edges)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = layer(x, edges)
        assert (rounded.float() - exact).abs().max() < 0.1, f"{name} under autocast"
        half = copy.deepcopy(layer).bfloat16()(x.bfloat16(), edges)
        assert half.dtype == torch.bfloat16
        assert (half.float() - exact).abs().max() < 0.1, f"{name} in bfloat16"


@pytest.mark.parametrize("name", PLAIN)
def test_shapes_are_known_on_the_meta_device(name):
    layer = PLAIN[name]().to("meta")
    y = layer(torch.empty(9, 3, device="meta"), torch.empty(2, 12, dtype=torch.int64, device="meta"))
    assert y.shape == (9, 4)
    assert y.device.type == "meta"


@pytest.mark.parametrize("reduce", ["sum", "add", "mean", "max", "min", "mul"])
@given(n=st.integers(1, 6), e=st.integers(0, 15), seed=st.integers(0, 9999), sized=st.booleans())
@settings(max_examples=30, deadline=None)
def test_scatter_agrees(reduce, n, e, seed, sized):
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(n, (e,), generator=generator)
    for shape in ((e,), (e, 3), (e, 2, 2)):
        src = torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        found = []
        for function in (graph.scatter, utils.scatter):
            y = function(src, index, 0, n if sized else None, reduce)
            found.append((y, torch.autograd.grad(y, src, torch.cos(y.detach() + 1))[0]))
        for mine, its in zip(*found, strict=True):
            assert_close(mine, its, f"scatter {reduce} {shape} to {index.tolist()}", 1e-9, 1e-9)


@given(**GRAPHS)
@settings(max_examples=30, deadline=None)
def test_softmax_agrees(n, e, seed):
    _, edges, weight = random_graph(n, e, seed)
    src = (200 * weight - 100).requires_grad_()
    mine, its = graph.softmax(src, edges[1], n), utils.softmax(src, edges[1], num_nodes=n)
    assert_close(mine, its, f"softmax to {edges[1].tolist()}", 1e-9, 1e-12)
    grad = torch.cos(mine.detach() + 1)
    both = [torch.autograd.grad(y, src, grad)[0] for y in (mine, its)]
    assert_close(*both, f"softmax to {edges[1].tolist()}, gradient", 1e-9, 1e-9)


@pytest.mark.parametrize("normalization", [None, "sym", "rw"])
@given(**GRAPHS, weighted=st.booleans())
@settings(max_examples=30, deadline=None)
def test_laplacian_agrees(normalization, n, e, seed, weighted):
    _, edges, weight = random_graph(n, e, seed)
    weight = weight if weighted else None
    mine = graph.laplacian(edges, weight, normalization, n, torch.float64)
    its = utils.get_laplacian(edges, weight, normalization, torch.float64, n)
    assert_close(mine[0], its[0], f"laplacian {normalization} {edges.tolist()}: edges")
    assert_close(mine[1], its[1], f"laplacian {normalization} {edges.tolist()}: weights", 1e-12, 1e-12)


@given(**GRAPHS, weighted=st.booleans(), loops=st.booleans())
@settings(max_examples=30, deadline=None)
def test_gcn_norm_agrees(n, e, seed, weighted, loops):
    _, edges, weight = random_graph(n, e, seed)
    weight = weight if weighted else None
    mine = graph.gcn_norm(edges, weight, n, add_self_loops=loops, dtype=torch.float64)
    its = original.conv.gcn_conv.gcn_norm(edges, weight, n, add_self_loops=loops, dtype=torch.float64)
    assert_close(mine[0], its[0], f"gcn_norm {edges.tolist()}: edges")
    assert_close(mine[1], its[1], f"gcn_norm {edges.tolist()}: weights", 1e-12, 1e-12)


@pytest.mark.parametrize("fill", [1.0, 2.0])
@given(**GRAPHS, weighted=st.booleans())
@settings(max_examples=30, deadline=None)
def test_self_loops_agree(fill, n, e, seed, weighted):
    _, edges, weight = random_graph(n, e, seed)
    # The original fills in weights only where there are some.
    its = utils.add_remaining_self_loops(edges, weight if weighted else torch.ones_like(weight), fill, n)
    mine = graph.with_self_loops(edges, weight if weighted else None, n, fill, torch.float64)
    for what, a, b in zip(("edges", "weights"), mine, its, strict=True):
        assert_close(a, b, f"with_self_loops {fill} {edges.tolist()}: {what}")
