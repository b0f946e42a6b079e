"""mlp against the same net of torch.nn and against the NumPy net."""

import copy
import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import layers, optim
from course_lib.models import mlp
from course_lib.reference import dense


def by_torch(sizes, activation, output=None):
    modules = []
    for layer in range(1, len(sizes)):
        modules.append(nn.Linear(sizes[layer - 1], sizes[layer]))
        if layer < len(sizes) - 1:
            modules.append(activation())
    return nn.Sequential(*modules, *([output()] if output else []))


@pytest.mark.parametrize("name", ["ReLU", "Sigmoid", "Tanh", "PReLU", "GELU", "SELU", "LeakyReLU"])
@given(sizes=st.lists(st.integers(1, 7), min_size=2, max_size=6), seed=st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_the_same_seed_gives_torchs_net(name, sizes, seed):
    torch.manual_seed(seed)
    ours = mlp(sizes, getattr(layers, name))
    torch.manual_seed(seed)
    theirs = by_torch(sizes, getattr(nn, name))
    message = f"mlp({sizes}, {name}) against torch.nn"
    assert repr(ours) == repr(theirs), message
    assert list(ours.state_dict()) == list(theirs.state_dict()), message
    x = torch.randn(5, sizes[0])
    y, expected = ours(x), theirs(x)
    assert torch.equal(y, expected), message
    y.square().sum().backward()
    expected.square().sum().backward()
    for (key, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine.grad, other.grad), f"{message}: gradient of {key}"


@pytest.mark.parametrize(("name", "activation"), [("Tanh", "tanh"), ("ReLU", "relu"), ("Sigmoid", "sigmoid")])
@pytest.mark.parametrize("sizes", [(3, 2), (4, 6, 2), (2, 5, 5, 5, 3)])
def test_values_and_gradients_agree_with_the_numpy_net(name, activation, sizes):
    torch.manual_seed(0)
    net = mlp(sizes, getattr(layers, name), output=layers.Sigmoid, dtype=torch.float64)
    linear = [module for module in net if isinstance(module, layers.Linear)]
    params = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in linear]
    x = torch.randn(7, sizes[0], dtype=torch.float64)
    a = net(x)
    a.square().sum().mul(0.5).backward()

    a_ref, cache = dense.forward(params, x.numpy(), activation, output="sigmoid")
    delta = a_ref * a_ref * (1 - a_ref)
    grads = dense.backward(params, cache, delta)
    np.testing.assert_allclose(a.detach().numpy(), a_ref, rtol=1e-12, err_msg=f"mlp {name} {sizes} output")
    for layer, (dw, db) in zip(linear, grads, strict=True):
        np.testing.assert_allclose(
            layer.weight.grad, dw, rtol=1e-9, atol=1e-13, err_msg=f"mlp {name} {sizes}"
        )
        np.testing.assert_allclose(layer.bias.grad, db, rtol=1e-9, atol=1e-13, err_msg=f"mlp {name} {sizes}")


def test_structure():
    net = mlp([64, 32, 10])
    assert [type(module) for module in net] == [layers.Linear, layers.ReLU, layers.Linear]
    assert sum(parameter.numel() for parameter in net.parameters()) == 64 * 32 + 32 + 32 * 10 + 10
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert net(torch.zeros(2, 5, 64)).shape == (2, 5, 10)
    assert net(torch.zeros(0, 64)).shape == (0, 10)


def test_activations_are_made_anew_for_each_layer():
    net = mlp((3, 4, 4, 2), functools.partial(layers.PReLU, init=0.1))
    slopes = [module.weight for module in net if isinstance(module, layers.PReLU)]
    assert len(slopes) == 2
    assert slopes[0] is not slopes[1]
    assert [slope.item() for slope in slopes] == pytest.approx([0.1, 0.1])


def test_options():
    net = mlp(
        (3, 4, 2),
        lambda: layers.LeakyReLU(0.2),
        output=nn.Tanh,
        bias=False,
        dtype=torch.float64,
        device="meta",
    )
    assert [type(module).__name__ for module in net] == ["Linear", "LeakyReLU", "Linear", "Tanh"]
    assert net[0].bias is None
    assert net[2].weight.dtype == torch.float64
    assert net[2].weight.device.type == "meta"


@given(seed=st.integers(0, 999))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_pixels_means_nothing_to_it(seed):
    """A net trained on shuffled inputs gives the answers of its twin, whose weights are shuffled alike."""
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.randn(20, 9, generator=generator, dtype=torch.float64), torch.arange(20) % 3
    order = torch.randperm(9, generator=generator)
    net = mlp([9, 6, 3], dtype=torch.float64)
    twin = copy.deepcopy(net)
    twin[0].weight.data = net[0].weight.data[:, order].clone()
    for model, seen in ((net, x), (twin, x[:, order])):
        optimizer = optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
        for _ in range(10):
            optimizer.zero_grad()
            layers.cross_entropy(model(seen), y).backward()
            optimizer.step()
    torch.testing.assert_close(twin(x[:, order]), net(x), rtol=1e-9, atol=1e-10)
    assert not torch.allclose(twin(x), net(x)), "another order is another picture to it"


def test_it_compiles_into_one_graph():
    net = mlp((3, 4, 2), layers.PReLU, output=functools.partial(layers.Softmax, dim=-1))
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    x = torch.randn(5, 3)
    assert torch.equal(compiled(x), net(x))


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: mlp([3]), r"mlp: sizes must hold at least inputs and outputs, got \[3\]"),
        (ValueError, lambda: mlp([]), r"mlp: sizes must hold at least inputs and outputs, got \[\]"),
        (ValueError, lambda: mlp([3, 0, 2]), r"mlp: sizes\[1\] must be 1 or more, got 0"),
        (TypeError, lambda: mlp([3, 2.5]), r"mlp: sizes\[1\] must be an integer, got 2.5"),
        (
            TypeError,
            lambda: mlp([3, 2, 1], layers.ReLU()),
            r"mlp: activation must be a class .* got ReLU\(\)",
        ),
        (TypeError, lambda: mlp([3, 2, 1], "relu"), "mlp: activation must be a class .* got 'relu'"),
        (TypeError, lambda: mlp([3, 2, 1], None), "mlp: activation must be a class .* got None"),
        (TypeError, lambda: mlp([3, 2, 1], dict), "mlp: activation must make a torch.nn.Module, got dict"),
        (TypeError, lambda: mlp([3, 1], output=nn.ReLU()), r"mlp: output must be a class .* got ReLU\(\)"),
    ],
)
def test_bad_input_is_named(error, call, words):
    with pytest.raises(error, match=f"^{words}$"):
        call()
