"""Sums over neighbours against the matrix product that they are, and numerical gradients."""

import pytest
import torch
from originals import assert_close

from course_lib import kernels
from course_lib.kernels.graph import sum_neighbours
from course_lib.layers import graph_sums
from course_lib.layers.graph_sums import Edges, propagate
from course_lib.reference import graph as ref


def draw(n, m, e, shape, device, dtype=torch.float64):
    """Edges from n to m nodes, features, weights."""
    generator = torch.Generator().manual_seed(n + m + e)
    index = torch.stack([torch.randint(size, (e,), generator=generator) for size in (n, m)]).to(device)
    x = torch.randn(n, *shape, generator=generator, dtype=dtype).to(device).requires_grad_()
    weight = torch.randn(e, *shape[:-1], generator=generator, dtype=dtype).to(device).requires_grad_()
    return Edges(index, n, m), x, weight


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("n", "m", "e", "shape"),
    [(1, 1, 1, (1,)), (5, 4, 0, (3,)), (6, 5, 40, (18,)), (4, 3, 12, (3, 7)), (2, 3, 4, (130,))],
)
def test_agrees_with_the_messages_written_down(device, n, m, e, shape, weighted):
    edges, x, weight = draw(n, m, e, shape, device)
    leaves = [x, weight] if weighted else [x]
    found = {}
    for name, y in {
        "kernel": sum_neighbours(x, edges, *leaves[1:]),
        "messages": propagate(x, edges, *leaves[1:], way="gather"),
    }.items():
        found[name] = [y, *torch.autograd.grad(y, leaves, torch.cos(y.detach() + 1))]
    for what, ours, theirs in zip(("y", "dE/dx", "dE/dweight"), *found.values(), strict=False):
        assert_close(ours, theirs, f"{what} of {e} edges from {n} to {m} nodes, {shape}", atol=1e-12)


def test_is_the_product_with_the_adjacency_matrix(device):
    edges, x, weight = draw(5, 5, 13, (4,), device)
    index = torch.stack(edges.ends).cpu().numpy()
    a = torch.tensor(ref.adjacency(index, 5, weight.detach().cpu().numpy()))
    assert_close(sum_neighbours(x, edges, weight).cpu().detach(), a @ x.cpu().detach(), "A x", atol=1e-12)
    mean = torch.tensor(ref.scatter_mean(x.detach().cpu().numpy()[index[0]], index[1], 5))
    assert_close(sum_neighbours(x, edges, reduce="mean").cpu().detach(), mean, "the mean", atol=1e-12)


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_gradients_of_first_and_second_order(device, reduce):
    edges, x, weight = draw(3, 2, 4, (2,), device)

    def call(x, weight):
        return sum_neighbours(x, edges, weight, reduce) ** 2

    assert torch.autograd.gradcheck(call, (x, weight), fast_mode=True)
    assert torch.autograd.gradgradcheck(call, (x, weight), fast_mode=True)


def test_strides_and_half_precision(device):
    edges, x, weight = draw(4, 4, 9, (6,), device, torch.float32)
    y = sum_neighbours(x, edges, weight)
    spread = torch.stack([x, x], dim=-1)[..., 0]
    assert_close(sum_neighbours(spread, edges, weight), y, "strided features", atol=1e-6)
    low = sum_neighbours(x.half(), edges, weight.half())
    assert_close(low, y.half(), "float16", rtol=2e-2, atol=2e-2)


def test_half_precision_is_summed_in_float32(device):
    index = torch.stack([torch.arange(300), torch.zeros(300, dtype=torch.int64)]).to(device)
    y = sum_neighbours(torch.full((300, 1), 10.01, dtype=torch.float16, device=device), Edges(index, 300, 1))
    expected = torch.full((1, 1), 10.01, dtype=torch.float16).double().mul(300).half()
    assert_close(y.cpu(), expected, "300 times 10.01, where float16 has steps of 2")


def test_the_gradient_of_a_mean_counts_in_more_than_half_precision(device):
    edges = Edges(torch.zeros(2, 300, dtype=torch.int64, device=device), 1, 1)  # 300 from a node to itself
    x = torch.ones(1, 1, dtype=torch.bfloat16, device=device, requires_grad=True)
    sum_neighbours(x, edges, reduce="mean").sum().backward()
    assert_close(
        x.grad.cpu(), torch.ones(1, 1).bfloat16(), "300 times 1 / 300: bfloat16 counts to 256", rtol=2e-2
    )


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e30, 1e-30])
def test_extreme_values_reach_their_neighbours_alone(device, value):
    x = torch.tensor([[value], [2.0]], device=device)
    y = sum_neighbours(x, Edges(torch.tensor([[0, 1], [1, 0]], device=device), 2, 2))
    assert_close(y.cpu(), torch.tensor([[2.0], [value]]), f"a neighbour with {value}")


def test_ours_uses_it_in_large_graphs(device, monkeypatch):
    edges, x, weight = draw(3, 4, 6, (2,), device)
    expected = propagate(x, edges, weight, way="gather")
    monkeypatch.setattr(kernels, "usable", lambda *tensors: True)
    monkeypatch.setattr(graph_sums, "_MANY_NUMBERS", 0)
    y = propagate(x, edges, weight)
    assert "_SumNeighbours" in y.grad_fn.name(), f"computed by {y.grad_fn.name()}"
    assert_close(y, expected, "by the kernel", atol=1e-12)


def test_what_does_not_fit(device):
    edges, x, weight = draw(3, 2, 4, (2,), device)
    with pytest.raises(ValueError, match="reduce must be one of"):
        sum_neighbours(x, edges, reduce="max")
    with pytest.raises(ValueError, match="x must have shape"):
        sum_neighbours(x[:2], edges)
    with pytest.raises(ValueError, match="weight must have shape"):
        sum_neighbours(x, edges, weight[:3])
