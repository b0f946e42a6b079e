"""SAGEConv against PyTorch Geometric's and the reference."""

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
    results_without_edges,
    summing,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close

from course_lib.layers.graph_sage import SAGEConv
from course_lib.reference import graph as ref


@pytest.mark.parametrize("sums", SUMS)
@given(
    **GRAPHS,
    aggr=st.sampled_from(["mean", "sum", "add", "max", "min"]),
    normalize=st.booleans(),
    root_weight=st.booleans(),
    project=st.booleans(),
    bias=st.booleans(),
    form=st.sampled_from(["one", "pair", "no targets", "no targets, size", "pair, size"]),
    m=st.integers(1, 8),
)
@settings(max_examples=80, deadline=None)
def test_sage_agrees(sums, n, e, seed, aggr, normalize, root_weight, project, bias, form, m):
    torch.manual_seed(seed)
    m = n if form in ("one", "no targets") else m
    x, edges, _ = random_graph(n, e, seed)
    edges = torch.stack([edges[0], edges[1] % m])
    channels = 3 if form == "one" else (3, 2)
    ours, theirs = pair(SAGEConv, channels, 4, aggr, normalize, root_weight, project, bias)
    size = (n, m) if "size" in form else None
    target = torch.randn(m, 2, dtype=torch.float64)

    def call(layer, x, t=None):
        return layer(x if form == "one" else (x, t), edges, size)

    tensors = [x, target] if form.startswith("pair") else [x]
    what = f"SAGEConv {aggr} {form} n={n} m={m} {edges.tolist()}"
    with summing(sums):
        if not bias and normalize:  # rows of zeros have no direction: their gradients are huge, and noise
            assert_close(call(ours, *tensors), call(theirs, *tensors), what, 1e-6, 1e-6)
        else:
            assert_same(ours, theirs, call, tensors, what)


@given(**GRAPHS)
@settings(max_examples=30, deadline=None)
def test_sage_is_the_references(n, e, seed):
    x, edges, _ = random_graph(n, e, seed)
    layer = SAGEConv(3, 4).double()
    y, dx, dl, dr, db = results_without_edges(layer, x, edges)
    w_l, w_r, b = in_numpy(layer.lin_l.weight, layer.lin_r.weight, layer.lin_l.bias)
    grad = np.linspace(-1, 1, y.size).reshape(y.shape)
    expected = ref.sage(x.numpy(), edges.numpy(), w_l, w_r, b)
    found = ref.sage_backward(grad, x.numpy(), edges.numpy(), w_l, w_r)
    for mine, its in zip((y, dx, dl, dr, db), (expected, *found), strict=True):
        np.testing.assert_allclose(mine, its, 1e-9, 1e-10, err_msg=f"SAGEConv {edges.tolist()}")
