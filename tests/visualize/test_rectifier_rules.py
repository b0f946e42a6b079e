"""The backward rule of ReLUs: what it replaces, and that it replaces nothing else."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib import layers, models
from course_lib.visualize.rectifier_rules import OTHER_ACTIVATIONS, RectifierMode, project

SIX = {
    "ours": layers.ReLU6(),
    "torch.nn's": nn.ReLU6(),
    "in place": nn.ReLU6(inplace=True),
    "function": F.relu6,
}


def gradient_rule(signal, active):
    return signal * active


@pytest.mark.parametrize("norm", [None, layers.BatchNorm2d, layers.InstanceNorm2d])
def test_with_backpropagations_rule_it_is_the_gradient(norm):
    torch.manual_seed(0)
    net = models.simple_cnn(3, 4, width=5, norm=norm).double().eval()
    x = torch.randn(3, 3, 13, 13, dtype=torch.float64)
    pixels = x.clone().requires_grad_()
    net(pixels)[:, 1].sum().backward()
    got = project("name", net, x, net, 1, rule=gradient_rule, start=torch.ones_like)
    torch.testing.assert_close(got, pixels.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", SIX)
def test_relu6_is_active_between_0_and_6(kind):
    x = torch.tensor([-1.0, 0.0, 3.0, 5.5, 7.0, float("inf")])
    rules = {
        "gradient": (gradient_rule, [0.0, 0.0, -1.0, 1.0, 0.0, 0.0]),
        "deconvnet": (lambda signal, active: signal.clamp(min=0), [0.0, 1.0, 0.0, 1.0, 1.0, 1.0]),
        "guided": (lambda signal, active: signal.clamp(min=0) * active, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
    }
    signal = torch.tensor([-1.0, 1.0, -1.0, 1.0, 1.0, 1.0])
    for name, (rule, expected) in rules.items():
        leaf = x.clone().requires_grad_()
        with RectifierMode("name", rule):
            y = SIX[kind](leaf.clone())
        assert torch.equal(y, x.clamp(0, 6)), f"{kind}, {name}: what it computes stays"
        (got,) = torch.autograd.grad(y, leaf, signal)
        assert got.tolist() == expected, f"{kind}, {name}"


def test_relu_is_active_up_to_infinity():
    x = torch.tensor([-float("inf"), -0.0, 1e-30, float("inf")], requires_grad=True)
    with RectifierMode("name", gradient_rule):
        y = torch.relu(x)
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [0.0, 0.0, 1.0, 1.0]


ACTIVATIONS = {
    **{
        name: getattr(F, name)
        for name in sorted(OTHER_ACTIVATIONS - {"threshold", "prelu", "glu", "log_sigmoid"})
    },
    "hardtanh from 1": lambda x: F.hardtanh(x, 1.0, 2.0),
    "threshold": lambda x: F.threshold(x, 0.1, 0.0),
    "prelu": lambda x: F.prelu(x, torch.tensor([0.1])),
    "glu": F.glu,
    "method": lambda x: x.sigmoid(),
    "in place": lambda x: F.leaky_relu(x.clone(), inplace=True),
    **{
        f"layers.{kind.__name__}": kind()
        for kind in (layers.Sigmoid, layers.Tanh, layers.ELU, layers.GELU, layers.LeakyReLU, layers.PReLU)
    },
    **{
        f"nn.{kind.__name__}": kind()
        for kind in (nn.Mish, nn.Hardswish, nn.Softplus, nn.LogSigmoid, nn.RReLU)
    },
    "nn.Softmax": nn.Softmax(dim=1),
    "layers.Softmax": layers.Softmax(dim=1),
}


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_other_activations_have_no_way_back(name):
    x = torch.randn(2, 4, requires_grad=True)
    with RectifierMode("name", gradient_rule):
        torch.manual_seed(0)
        y = ACTIVATIONS[name](x)
    torch.manual_seed(0)
    assert torch.equal(y, ACTIVATIONS[name](x)), f"{name}: what it computes stays"
    with pytest.raises(ValueError, match="name: model must have no activation but ReLU up to the layer, got"):
        torch.autograd.grad(y.sum(), x)


def test_the_rule_ends_with_its_block():
    x = torch.tensor([1.0, -1.0], requires_grad=True)
    with pytest.raises(KeyError), RectifierMode("name", lambda signal, active: signal * 7):
        raise KeyError
    (got,) = torch.autograd.grad(torch.relu(x).sum(), x)
    assert got.tolist() == [1.0, 0.0]


def test_a_layer_that_does_not_depend_on_the_images_is_named():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.blind = nn.Identity()

        def forward(self, x):
            return x.mean((2, 3)) + self.blind(torch.ones(1, 3))

    with pytest.raises(ValueError, match="name: layer must be one that depends on the images"):
        project(
            "name", Constant(), torch.rand(1, 3, 4, 4), "blind", 0, rule=gradient_rule, start=torch.ones_like
        )
