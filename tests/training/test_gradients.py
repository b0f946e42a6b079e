"""gradient_norms against torch autograd, by hand and on deep nets."""

import pytest
import torch
from torch import nn

from course_lib import layers
from course_lib.models import mlp
from course_lib.training.gradients import gradient_norms


def test_norms_are_those_of_backward():
    torch.manual_seed(0)
    net = mlp((5, 8, 6, 3), layers.PReLU)
    loss = net(torch.randn(10, 5)).square().mean()
    norms = gradient_norms(net, loss)
    assert list(norms) == ["0", "1", "2", "3", "4"]  # Linear and PReLU, in turn
    assert all(parameter.grad is None for parameter in net.parameters()), "gradient_norms wrote to .grad"
    loss.backward()  # the graph is still there
    for name, norm in norms.items():
        expected = net[int(name)].weight.grad.double().norm().item()
        assert norm == pytest.approx(expected, rel=1e-12), f"layer {name} against backward"
        assert isinstance(norm, float)


def test_existing_gradients_are_neither_read_nor_changed():
    net = mlp((2, 2))
    for parameter in net.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    norms = gradient_norms(net, net(torch.ones(1, 2)).sum())
    assert norms["0"] == pytest.approx(2.0)  # dE/dw_ji = x_i = 1, four times
    assert all((parameter.grad == 7).all() for parameter in net.parameters())


def test_the_order_is_that_of_the_forward_pass():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = layers.Linear(3, 1)
            self.first = layers.Linear(2, 3)
            self.unused = layers.Linear(1, 1)
            self.middle = nn.Linear(3, 3)
            self.again = self.first  # a second name of the same layer

        def forward(self, x):
            hidden = torch.tanh(self.middle(torch.tanh(self.first(x))))
            return hidden @ self.last.weight.T  # the weight may come in any way

    net = Backwards()
    norms = gradient_norms(net, net(torch.ones(4, 2)).sum())
    assert list(norms) == ["first", "middle", "last", "unused"]
    assert norms["unused"] == 0.0
    assert min(norms["first"], norms["middle"], norms["last"]) > 0


def test_frozen_layers_and_layers_without_a_weight_are_left_out():
    net = nn.Sequential(layers.Linear(2, 3), layers.ReLU(), layers.Linear(3, 3), layers.Linear(3, 1))
    net[2].requires_grad_(False)
    assert list(gradient_norms(net, net(torch.ones(4, 2)).sum())) == ["0", "3"]
    assert list(gradient_norms(layers.Linear(2, 1), layers.Linear(2, 1)(torch.ones(2)).sum())) == [""]


@pytest.mark.parametrize(("name", "shrinks"), [("Sigmoid", True), ("ReLU", False)])
def test_sigmoids_lose_the_gradient_over_thirty_layers(name, shrinks):
    torch.manual_seed(0)
    net = mlp([20] * 31 + [1], getattr(layers, name))
    for module in net:
        if isinstance(module, layers.Linear):
            nn.init.kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)
    norms = list(gradient_norms(net, net(torch.randn(64, 20)).square().mean()).values())
    assert len(norms) == 31
    assert (norms[0] < 1e-6 * norms[-1]) == shrinks, f"{name}: {norms[0]} against {norms[-1]}"


def test_norms_far_below_float32s_squares_are_not_lost():
    layer = layers.Linear(2, 1, bias=False)
    norms = gradient_norms(layer, layer(torch.tensor([3e-30, 4e-30])).sum())
    assert norms[""] == pytest.approx(5e-30, rel=1e-6)


def test_custom_functions_are_passed_through():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    first, last = layers.Linear(2, 2), layers.Linear(2, 1)
    net = nn.ModuleDict({"last": last, "first": first})
    norms = gradient_norms(net, last(Double.apply(first(torch.ones(2)))).sum())
    assert list(norms) == ["first", "last"]


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (
            TypeError,
            lambda net, y: gradient_norms("net", y.sum()),
            "model must be a torch.nn.Module, got str",
        ),
        (ValueError, lambda net, y: gradient_norms(net, y), "loss must be one number"),
        (ValueError, lambda net, y: gradient_norms(net, y.sum().item()), "loss must be one number"),
        (ValueError, lambda net, y: gradient_norms(net, y.sum().detach()), "loss must be one number"),
        (
            ValueError,
            lambda net, y: gradient_norms(nn.ReLU(), y.sum()),
            "layer with a trainable weight, got ReLU",
        ),
    ],
)
def test_bad_input_is_named(error, call, words):
    net = mlp((2, 2))
    with pytest.raises(error, match=words):
        call(net, net(torch.ones(3, 2)))
