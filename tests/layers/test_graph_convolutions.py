"""GCNConv and ChebConv against PyTorch Geometric's, the reference, and graphs that are worth a look."""

import copy
import pickle

import numpy as np
import pytest
import torch
from graph_cases import (
    GRAPHS,
    SUMS,
    assert_same,
    in_numpy,
    pair,
    random_graph,
    results,
    results_without_edges,
    summing,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close

from course_lib.layers.graph_convolutions import ChebConv, GCNConv
from course_lib.reference import graph as ref


@pytest.mark.parametrize("sums", SUMS)
@given(**GRAPHS, normalize=st.booleans(), loops=st.booleans(), improved=st.booleans(), bias=st.booleans())
@settings(max_examples=60, deadline=None)
def test_gcn_agrees(sums, n, e, seed, normalize, loops, improved, bias):
    torch.manual_seed(seed)
    x, edges, weight = random_graph(n, e, seed)
    if normalize and not loops:  # the original's gradient is NaN at a node without weight: each gets a loop
        edges = torch.cat([edges[:, edges[0] != edges[1]], torch.arange(n).expand(2, -1)], dim=1)
        weight = 0.1 + torch.rand(edges.shape[1], dtype=torch.float64)
    options = {"add_self_loops": loops and normalize, "normalize": normalize, "bias": bias}
    ours, theirs = pair(GCNConv, 3, 4, improved, **options)
    what = f"GCNConv improved={improved} {options} n={n} {edges.tolist()}"
    with summing(sums):
        assert_same(ours, theirs, lambda f, x, w: f(x, edges, w), [x, weight], what)
        ones = torch.ones_like(weight)
        assert_close(ours(x, edges), ours(x, edges, ones), f"{what}: no weights are ones", 1e-12, 1e-12)


@given(**GRAPHS, normalize=st.booleans(), loops=st.booleans())
@settings(max_examples=40, deadline=None)
def test_gcn_without_weights_agrees(n, e, seed, normalize, loops):
    x, edges, _ = random_graph(n, e, seed)
    ours, theirs = pair(GCNConv, 3, 4, add_self_loops=loops and normalize, normalize=normalize)
    assert_same(ours, theirs, lambda f, x: f(x, edges), [x], f"GCNConv n={n} {edges.tolist()}")


@pytest.mark.parametrize("sums", SUMS)
@given(
    **GRAPHS,
    k=st.integers(1, 4),
    normalization=st.sampled_from([None, "sym", "rw"]),
    weighted=st.booleans(),
    bound=st.sampled_from([None, 2.0, 3.5, "tensor", "batch"]),
)
@settings(max_examples=60, deadline=None)
def test_cheb_agrees(sums, n, e, seed, k, normalization, weighted, bound):
    torch.manual_seed(seed)
    x, edges, weight = random_graph(n, e, seed)
    edges = torch.cat([edges, edges.flip(0)], dim=1)  # so that every node with an edge has some weight
    weight = weight.repeat(2)
    ours, theirs = pair(ChebConv, 3, 4, k, normalization)
    batch = torch.arange(n) % 2
    bound = {"tensor": torch.tensor(1.5), "batch": torch.tensor([1.5, 2.5])}.get(bound, bound)
    if normalization is None and bound is None and not (edges[0] != edges[1]).any():
        bound = 2.0  # the largest entry is 0, and the original's result NaN

    def call(layer, x, w=None):
        return layer(x, edges, w, batch if torch.is_tensor(bound) and bound.ndim else None, bound)

    # At a node without weight the original's gradient of the weights is NaN, so only the output is compared.
    lonely = len(set(edges[:, edges[0] != edges[1]].flatten().tolist())) < n
    tensors = [x, weight] if weighted and not lonely else [x]
    with summing(sums):
        what = f"ChebConv K={k} {normalization} {bound} n={n} {edges.tolist()}"
        assert_same(ours, theirs, call, tensors, what)
        assert_close(call(ours, x, weight), call(theirs, x, weight), what, 1e-6, 1e-6)


@pytest.mark.parametrize("way", ["gather", "dense"])
def test_gcns_ways_agree(way):
    x, edges, weight = random_graph(7, 20, 1)
    layer = GCNConv(3, 4).double()
    other = GCNConv(3, 4, way=way).double()
    other.load_state_dict(layer.state_dict())
    got, expected = (results(f, lambda f, x, w: f(x, edges, w), [x, weight]) for f in (other, layer))
    for mine, its in zip(got, expected, strict=True):
        assert_close(mine, its, f"GCNConv {way}", 1e-12, 1e-12)


@pytest.mark.parametrize("improved", [False, True])
@given(**GRAPHS, weighted=st.booleans())
@settings(max_examples=30, deadline=None)
def test_gcn_is_the_references(improved, n, e, seed, weighted):
    x, edges, weight = random_graph(n, e, seed)
    layer = GCNConv(3, 4, improved=improved).double()
    weight = weight if weighted else torch.ones_like(weight)
    y, dx, dw, db = results_without_edges(layer, x, edges, weight if weighted else None)
    a_hat = ref.gcn_matrix(ref.adjacency(edges.numpy(), n, weight.numpy()), improved)
    w, b = in_numpy(layer.lin.weight, layer.bias)
    grad = np.linspace(-1, 1, y.size).reshape(y.shape)
    rdx, rdw, rdb = ref.gcn_backward(grad, x.numpy(), a_hat, w)
    for name, mine, its in (("y", y, ref.gcn(x.numpy(), a_hat, w, b)), ("dx", dx, rdx), ("dw", dw, rdw)):
        np.testing.assert_allclose(mine, its, 1e-9, 1e-10, err_msg=f"GCNConv {name} {edges.tolist()}")
    np.testing.assert_allclose(db, rdb, 1e-9, 1e-10)


@pytest.mark.parametrize("normalization", [None, "sym", "rw"])
@given(**GRAPHS, k=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_cheb_is_the_references(normalization, n, e, seed, k):
    x, edges, _ = random_graph(n, e, seed)
    edges = edges[:, edges[0] != edges[1]]
    edges = torch.cat([edges, edges.flip(0)], dim=1)
    layer = ChebConv(3, 4, k, normalization).double()
    y, dx, *dw, db = results_without_edges(layer, x, edges, None, None, 2.5)
    lap = ref.laplacian(ref.adjacency(edges.numpy(), n), normalization).T  # rows are sources in the layer
    scaled = ref.scaled_laplacian(lap, 2.5)
    w, b = np.stack(in_numpy(*[lin.weight for lin in layer.lins])), layer.bias.detach().numpy()
    grad = np.linspace(-1, 1, y.size).reshape(y.shape)
    expected = ref.chebyshev_filter(x.numpy(), scaled, w, b)
    rdx, rdw, rdb = ref.chebyshev_filter_backward(grad, x.numpy(), scaled, w)
    for mine, its in ((y, expected), (dx, rdx), (np.stack(dw), rdw), (db, rdb)):
        np.testing.assert_allclose(
            mine, its, 1e-9, 1e-9, err_msg=f"ChebConv {normalization} {edges.tolist()}"
        )


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_cheb_sees_k_minus_1_edges_far_and_no_further(k):
    edges = torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]])
    edges = torch.cat([edges, edges.flip(0)], dim=1)
    layer = ChebConv(1, 1, k).double()
    torch.nn.init.ones_(layer.lins[k - 1].weight)
    x = torch.zeros(6, 1, dtype=torch.float64, requires_grad=True)
    seen = torch.autograd.grad(layer(x, edges)[0, 0], x)[0][:, 0]
    assert (seen[k:] == 0).all(), f"K={k} sees beyond: {seen}"
    assert seen[k - 1] != 0, f"K={k} sees less: {seen}"


def test_improved_gives_every_node_a_loop_of_2_with_weights_and_without():
    x, edges, _ = random_graph(5, 12, 2)
    edges = edges[:, edges[0] != edges[1]]
    ours, theirs = pair(GCNConv, 3, 4, improved=True)
    ones = torch.ones(edges.shape[1], dtype=torch.float64)
    assert_close(ours(x, edges), theirs(x, edges, ones), "improved without weights", 1e-9, 1e-9)


@pytest.mark.parametrize("improved", [False, True])
def test_where_a_node_has_several_loops_the_last_one_counts(improved):
    edges = torch.tensor([[0, 1, 1, 2, 1], [1, 1, 0, 2, 1]])
    weight = torch.tensor([0.3, 5.0, 0.7, 1.5, 0.9], dtype=torch.float64, requires_grad=True)
    x = torch.randn(4, 3, dtype=torch.float64)
    ours, theirs = pair(GCNConv, 3, 4, improved=improved)
    assert_close(ours(x, edges, weight), theirs(x, edges, weight), "several loops", 1e-9, 1e-9)
    assert torch.autograd.gradcheck(lambda w: ours(x, edges, w), weight)
    assert torch.autograd.grad(ours(x, edges, weight).sum(), weight)[0][1] == 0


def test_cached_keeps_the_first_graph_until_it_is_reset():
    x, edges, weight = random_graph(5, 12, 2)
    ours, theirs = pair(GCNConv, 3, 4, cached=True)
    first = ours(x, edges, weight)
    assert_close(first, theirs(x, edges, weight), "cached, first call", 1e-9, 1e-9)
    other = edges.flip(0)[:, :5]
    assert_close(ours(x, other), first, "cached, another graph")
    assert_close(copy.deepcopy(ours)(x, other), first, "cached and copied")
    assert_close(pickle.loads(pickle.dumps(ours))(x, other), first, "cached and pickled")
    state = copy.deepcopy(ours.state_dict())
    assert list(state) == list(theirs.state_dict())
    ours.reset_parameters()
    ours.load_state_dict(state)
    theirs.reset_parameters()
    theirs.load_state_dict(state)
    assert not torch.equal(ours(x, other), first), "reset_parameters kept the graph"
    assert_close(ours(x, edges), theirs(x, other), "cached, the first graph after a reset", 1e-6, 1e-6)


def test_cached_can_be_trained_twice_with_weights_that_are_learned():
    x, edges, weight = random_graph(5, 12, 2)
    layer = GCNConv(3, 4, cached=True).double()
    weight.requires_grad_()
    layer(x, edges, weight).sum().backward()
    of_edges, of_layer = weight.grad.clone(), layer.lin.weight.grad.clone()
    layer(x, edges, weight).sum().backward()
    assert torch.equal(weight.grad, of_edges), "what was kept no longer depends on the weights"
    assert_close(layer.lin.weight.grad, 2 * of_layer, "the layer's own weights learn from the kept graph")


@pytest.mark.parametrize("normalization", [None, "sym", "rw"])
def test_gradients_at_nodes_without_weight_are_numbers(normalization):
    x = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    edges = torch.tensor([[0, 0, 2], [1, 2, 0]])
    weight = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64, requires_grad=True)
    for layer in (ChebConv(3, 4, 3, normalization), GCNConv(3, 4, add_self_loops=False)):
        y = layer.double()(x, edges, weight)
        for gradient in torch.autograd.grad(y.sum(), [x, weight, *layer.parameters()]):
            assert gradient.isfinite().all(), f"{layer}: {gradient}"


def test_cheb_without_edges_and_normalization_takes_its_laplacian_for_0():
    layer = ChebConv(3, 4, 3, None).double()
    x = torch.randn(2, 3, dtype=torch.float64)
    w0, w1, w2 = (lin.weight for lin in layer.lins)
    expected = x @ (w0 - w1 + w2).T + layer.bias  # T_0, T_1, T_2 at -1
    assert_close(layer(x, torch.empty(2, 0, dtype=torch.int64)), expected, "ChebConv at L = 0", 1e-12, 1e-12)


def test_degrees_are_counted_beyond_what_half_precision_can_count():
    n = 1001
    edges = torch.stack([torch.arange(1, n), torch.zeros(n - 1, dtype=torch.int64)])
    layer = GCNConv(1, 1)
    torch.nn.init.ones_(layer.lin.weight)
    exact = layer(torch.ones(n, 1), edges)
    half = copy.deepcopy(layer).bfloat16()(torch.ones(n, 1, dtype=torch.bfloat16), edges)
    assert_close(half.float(), exact, "GCNConv with 1,000 neighbours in bfloat16", 0.02, 0)


@pytest.mark.parametrize("normalize", [True, False])
def test_loops_are_added_if_the_weights_are_normalized(normalize):
    ours, theirs = pair(GCNConv, 3, 4, normalize=normalize)
    assert ours.add_self_loops == theirs.add_self_loops == normalize


@pytest.mark.parametrize("way", ["native", "gather", "dense"])
def test_only_the_matrix_product_carries_infinities_where_there_is_no_edge(way):
    x = torch.tensor([[torch.inf], [1.0], [1.0]])
    layer = GCNConv(1, 1, way=way)
    torch.nn.init.ones_(layer.lin.weight)
    y = layer(x, torch.tensor([[0], [1]]))[:, 0]
    assert y[:2].tolist() == [torch.inf] * 2, f"way {way}: {y}"
    assert y[2].isnan() if way == "dense" else y[2] == 1, f"way {way}: {y}"
