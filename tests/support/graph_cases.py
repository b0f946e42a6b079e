"""Random graphs, and what the tests of all graph layers do with a layer and PyTorch Geometric's."""

from unittest import mock

import torch
from hypothesis import strategies as st
from originals import assert_close
from torch_geometric import nn as original

from course_lib.layers import graph_sums
from course_lib.layers.graph_attention import GATConv
from course_lib.layers.graph_convolutions import ChebConv, GCNConv
from course_lib.layers.graph_sage import SAGEConv

GRAPHS = {"n": st.integers(1, 8), "e": st.integers(0, 24), "seed": st.integers(0, 9999)}
SUMS = ["few", "many"]  # the two sides of the native way: gathered messages, and bags of edges
PLAIN = {
    "GCNConv": lambda: GCNConv(3, 4),
    "ChebConv": lambda: ChebConv(3, 4, 3),
    "SAGEConv": lambda: SAGEConv(3, 4),
    "SAGEConv, max": lambda: SAGEConv(3, 4, "max"),
    "GATConv": lambda: GATConv(3, 2, heads=2),
}


def summing(sums):
    """Take the native way's side for many edges in small graphs too."""
    return mock.patch.object(graph_sums, "_MANY_NUMBERS", 1 if sums == "many" else 2**17)


def random_graph(n, e, seed, dtype=torch.float64, channels=3):
    """Features and directed edges, some loops or there twice, one loop a node at most; weights."""
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randint(n, (2, e), generator=generator)
    loops, seen = [], set()
    for source, target in ends.T.tolist():
        loops.append(source == target and source in seen)
        seen |= {source} if source == target else set()
    ends = ends[:, ~torch.tensor(loops, dtype=torch.bool)]
    x = torch.randn(n, channels, generator=generator, dtype=dtype)
    return x, ends, 0.1 + torch.rand(ends.shape[1], generator=generator, dtype=dtype)


def pair(make, *arguments, dtype=torch.float64, **options):
    """Our layer and PyTorch Geometric's of the same name, with the same parameters."""
    ours = make(*arguments, **options).to(dtype)
    theirs = getattr(original, make.__name__)(*arguments, **options).to(dtype)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.copy_(torch.randn_like(parameter))
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def original_of(name, ours):
    """PyTorch Geometric's layer for one of PLAIN, with its parameters."""
    arguments = {"ChebConv": (3, 4, 3), "SAGEConv, max": (3, 4, "max"), "GATConv": (3, 2, 2)}
    theirs = getattr(original, type(ours).__name__)(*arguments.get(name, (3, 4)))
    theirs.load_state_dict(ours.state_dict())
    return theirs


def results(layer, call, tensors):
    """What ``call(layer, *tensors)`` gives, and the gradients of the tensors and of all parameters."""
    leaves = [t if t is None else t.clone().requires_grad_() for t in tensors]
    y = call(layer, *leaves)
    sources = [t for t in [*leaves, *layer.parameters()] if t is not None]
    grad = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
    found = torch.autograd.grad(y, sources, grad, allow_unused=True)
    return [
        y.detach(),
        *[torch.zeros_like(t) if g is None else g for g, t in zip(found, sources, strict=True)],
    ]


def results_without_edges(layer, x, edges, *rest):
    """Output, and gradients of x, the weights and the bias, in the order of the reference."""
    found = in_numpy(*results(layer, lambda f, x: f(x, edges, *rest), [x]))
    names = [name for name, _ in layer.named_parameters()]
    found[2:] = [g for name, g in zip(names, found[2:], strict=True) if "bias" not in name] + [
        g for name, g in zip(names, found[2:], strict=True) if "bias" in name
    ]
    return found


def assert_same(ours, theirs, call, tensors, what, tolerance=1e-6):
    before = [t if t is None else t.clone() for t in tensors]
    got, expected = (results(layer, call, tensors) for layer in (ours, theirs))
    for t, b in zip(tensors, before, strict=True):
        assert_close(t, b, f"{what}: changed its input")
    for number, (mine, other) in enumerate(zip(got, expected, strict=True)):
        assert_close(mine, other, f"{what} against PyTorch Geometric, result {number}", tolerance, tolerance)


def in_numpy(*tensors):
    return [t.detach().double().numpy() for t in tensors]
