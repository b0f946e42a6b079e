"""The ways to sum along edges agree with one another and with the matrix product they stand for."""

import bisect

import pytest
import torch
from graph_cases import GRAPHS, summing
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close

from course_lib.layers import graph_sums


@pytest.mark.parametrize("heads", [0, 1, 3])
@given(**GRAPHS, m=st.integers(1, 8), weighted=st.booleans())
@settings(max_examples=30, deadline=None)
def test_the_ways_agree(heads, n, e, seed, m, weighted):
    generator = torch.Generator().manual_seed(seed)
    shape = (heads,) if heads else ()
    x = torch.randn(n, *shape, 2, generator=generator, dtype=torch.float64)
    index = torch.stack([torch.randint(size, (e,), generator=generator) for size in (n, m)])
    weight = torch.randn(e, *shape, generator=generator, dtype=torch.float64) if weighted else None
    edges = graph_sums.Edges(index, n, m)
    found = {}
    for way in (*graph_sums.WAYS, "bags"):
        with summing("many" if way == "bags" else "few"):
            leaves = [t.clone().requires_grad_() for t in (x, weight) if t is not None]
            y = graph_sums.propagate(leaves[0], edges, *leaves[1:], way="native" if way == "bags" else way)
            found[way] = [y, *torch.autograd.grad(y, leaves, torch.cos(y.detach() + 1))]
    for way, each in found.items():
        for number, (mine, other) in enumerate(zip(each, found["gather"], strict=True)):
            assert_close(mine, other, f"way {way} n={n} m={m} {index.tolist()}: {number}", 1e-12, 1e-12)


def test_edges_given_twice_or_nowhere_are_counted():
    edges = graph_sums.Edges(torch.tensor([[0, 0, 2, 0], [1, 1, 1, 3]]), 3, 5)
    assert edges.counts(0).tolist() == [3, 0, 1]
    assert edges.counts(1).tolist() == [0, 3, 0, 1, 0]


@pytest.mark.parametrize("e", [0, 2000, 40_000])
@pytest.mark.parametrize("sizes", [(3, 5), (300, 300), (70_000, 4), (4, 70_000)], ids=str)
def test_bags_hold_the_edges_in_the_order_of_their_nodes(sizes, e):
    generator = torch.Generator().manual_seed(e)
    index = torch.stack([torch.randint(size, (e,), generator=generator) for size in sizes])
    edges = graph_sums.Edges(index, *sizes)
    for side in (0, 1):
        bags, nodes = edges.bags(side), index[side].tolist()
        order = sorted(range(e), key=nodes.__getitem__)  # Python leaves equal ones in their order
        assert bags.order.tolist() == order, f"order of side {side}, {sizes}"
        assert_close(bags.contents, index[1 - side, order], f"contents of side {side}, {sizes}")
        ascending = sorted(nodes)
        first = [bisect.bisect_left(ascending, node) for node in range(sizes[side])]
        assert bags.starts.tolist() == first, f"starts of side {side}, {sizes}"
