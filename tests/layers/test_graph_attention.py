"""GATConv against PyTorch Geometric's and the reference; its softmax and its dropout."""

import copy

import numpy as np
import pytest
import torch
from graph_cases import GRAPHS, SUMS, assert_same, in_numpy, pair, random_graph, summing
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close

from course_lib.layers.graph_attention import GATConv
from course_lib.reference import graph as ref


@pytest.mark.parametrize("sums", SUMS)
@given(
    **GRAPHS,
    heads=st.integers(1, 3),
    concat=st.booleans(),
    loops=st.booleans(),
    residual=st.booleans(),
    bias=st.booleans(),
    slope=st.sampled_from([0.0, 0.2, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_gat_agrees(sums, n, e, seed, heads, concat, loops, residual, bias, slope):
    torch.manual_seed(seed)
    x, edges, _ = random_graph(n, e, seed)
    options = {"concat": concat, "negative_slope": slope, "add_self_loops": loops, "residual": residual}
    ours, theirs = pair(GATConv, 3, 2, heads, bias=bias, **options)
    what = f"GATConv heads={heads} {options} n={n} {edges.tolist()}"
    with summing(sums):
        assert_same(ours, theirs, lambda f, x: f(x, edges), [x], what)
        (y, (got_edges, alpha)), (_, (expected_edges, expected)) = (
            layer(x, edges, return_attention_weights=True) for layer in (ours, theirs)
        )
    assert_close(y, ours(x, edges), what, 1e-12, 1e-12)
    assert_close(got_edges, expected_edges, f"{what}: edges")
    assert_close(alpha, expected, f"{what}: alpha", 1e-6, 1e-6)
    sums_of_alpha = torch.zeros(n, heads, dtype=torch.float64).index_add_(0, got_edges[1], alpha)
    reached = torch.zeros(n, dtype=torch.bool).index_fill_(0, got_edges[1], True)
    assert_close(sums_of_alpha, reached.double()[:, None].expand(-1, heads), what, 1e-12, 1e-12)


@given(**GRAPHS, heads=st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_gat_is_the_references(n, e, seed, heads):
    x, edges, _ = random_graph(n, e, seed)
    edges = torch.unique(edges, dim=1)  # the reference knows of one edge between two nodes
    layer = GATConv(3, 2, heads).double()
    w, att_src, att_dst = in_numpy(layer.lin.weight, layer.att_src[0], layer.att_dst[0])
    a = ref.adjacency(edges.numpy(), n)
    expected, alpha = ref.gat(x.numpy(), a, w.reshape(heads, 2, 3), att_src, att_dst)
    y, (ends, got) = layer(x, edges, return_attention_weights=True)
    y, got = in_numpy(y, got)
    np.testing.assert_allclose(y, np.concatenate(expected, axis=1), 1e-9, 1e-10)
    np.testing.assert_allclose(got, alpha[:, ends[1].numpy(), ends[0].numpy()].T, 1e-9, 1e-10)


def test_gat_drops_alphas_in_training_only_and_keeps_their_mean():
    torch.manual_seed(0)
    x, edges, _ = random_graph(8, 24, 1)
    layer = GATConv(3, 2, heads=2, dropout=0.4).double()
    layer.eval()
    exact, (_, alpha) = layer(x, edges, return_attention_weights=True)
    layer.train()
    samples = [layer(x, edges, return_attention_weights=True) for _ in range(1500)]
    dropped = torch.stack([each for _, (_, each) in samples])
    assert_close((dropped == 0).double().mean(), torch.tensor(0.4).double(), "share dropped", 0, 0.01)
    kept = torch.where(dropped == 0, torch.nan, dropped)
    assert_close(kept.nanmean(dim=0), alpha / 0.6, "what is kept is scaled", 1e-9, 1e-9)
    assert_close(torch.stack([y for y, _ in samples]).mean(dim=0), exact, "mean of outputs", 0, 0.15)
    assert not torch.equal(samples[0][0], samples[1][0])


@pytest.mark.parametrize("dropout", [0.0, 1.0])
def test_gats_dropout_at_its_ends(dropout):
    x, edges, _ = random_graph(5, 9, 1)
    layer = GATConv(3, 2, dropout=dropout, bias=False).double()
    expected = torch.zeros(5, 2).double() if dropout else copy.deepcopy(layer).eval()(x, edges)
    assert_close(layer(x, edges), expected, f"dropout {dropout}")


def test_large_scores_do_not_overflow_gats_softmax():
    layer = GATConv(1, 1, add_self_loops=False)
    for parameter in (layer.lin.weight, layer.att_src, layer.att_dst):
        torch.nn.init.ones_(parameter)
    x = torch.tensor([[1e4], [2e4], [-1e4]])
    edges = torch.tensor([[0, 1, 2], [2, 2, 2]])
    _, (_, alpha) = layer(x, edges, return_attention_weights=True)
    assert_close(alpha, torch.tensor([[0.0], [1.0], [0.0]]), "GATConv's softmax")
