"""Layers that have a kernel behind them give with it what they give by PyTorch's operations."""

import copy

import pytest
import torch

from course_lib import kernels, layers, optim
from course_lib.layers import class_losses

LAYERS = {
    "LocalResponseNorm": lambda: layers.LocalResponseNorm(3, alpha=0.5),
    "LPPool2d": lambda: layers.LPPool2d(3, 2, ceil_mode=True),
    "LPPool2d, a large power": lambda: layers.LPPool2d(7, (2, 3), 1),
    "MixedPool2d": lambda: layers.MixedPool2d(3, 2, 1, alpha=0.3, count_include_pad=False),
    "MixedPool2d, learned": lambda: layers.MixedPool2d(2, mixing="learned", alpha=0.8),
    "MixedPool2d, in evaluation": lambda: layers.MixedPool2d(2, mixing="drawn").eval(),
    "StochasticPool2d, in evaluation": lambda: layers.StochasticPool2d(2).eval(),
    "Dropout, in evaluation": lambda: layers.Dropout().eval(),
    "DropConnect, nothing dropped": lambda: layers.DropConnect(7, 3, p=0.0),
}


@pytest.fixture
def forced(monkeypatch):
    """Kernels wherever a layer asks, on the CPU too."""

    def force():
        for place, name in asked:
            monkeypatch.setattr(place, name, lambda *tensors: True)

    asked = (kernels, "usable"), (class_losses, "usable")
    for place, name in asked:
        monkeypatch.setattr(place, name, lambda *tensors: False)
    return force


def run(layer, *inputs):
    layer = copy.deepcopy(layer)
    leaves = [each.detach().requires_grad_() if each.is_floating_point() else each for each in inputs]
    y = layer(*leaves)
    y.backward(torch.linspace(-1, 1, y.numel(), dtype=y.dtype, device=y.device).view(y.shape))
    parameters = [parameter.grad for parameter in layer.parameters()]
    return [y.detach(), *[leaf.grad for leaf in leaves if leaf.requires_grad], *parameters]


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, forced, device):
    layer, x = LAYERS[name]().to(device), torch.rand(2, 3, 5, 7).to(device) + 0.1
    expected = run(layer, x)
    forced()
    for got, want in zip(run(layer, x), expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5, msg=lambda m: f"{name}: {m}")


@pytest.mark.parametrize("name", [name for name in LAYERS if not name.startswith("LPPool2d")])
def test_layers_under_autocast(name, forced, device):
    layer, x = LAYERS[name]().to(device), torch.rand(2, 3, 5, 7).to(device, torch.bfloat16)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        expected = layer(x)
        forced()
        got = layer(x)
    assert got.dtype == expected.dtype, f"{name}: {got.dtype} by the kernel, {expected.dtype} without"
    torch.testing.assert_close(got, expected, rtol=2e-2, atol=1e-2, msg=lambda m: f"{name}: {m}")


@pytest.mark.parametrize("casts", [True, False])
def test_powers_are_left_to_pytorch_where_autocast_takes_them_in_float32(casts, forced, monkeypatch, device):
    x = torch.rand(1, 2, 2, device=device, requires_grad=True)
    forced()
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda *kind: casts)
    by_kernel = "LpPool" in layers.LPPool2d(3, 2)(x).grad_fn.name()
    assert by_kernel is not casts


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy(reduction, forced, device):
    weight = torch.tensor([0.5, 1.0, 2.0], device=device)
    loss = layers.CrossEntropyLoss(weight, label_smoothing=0.1, reduction=reduction, ignore_index=1)
    x, target = torch.randn(4, 3, 5, device=device), torch.randint(3, (4, 5), device=device)
    expected = run(loss, x, target)
    forced()
    for got, want in zip(run(loss, x, target), expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="target must have input's shape without the classes"):
        loss(x, target[:, :3])
    with pytest.raises(TypeError, match="weight must have the dtype"):
        loss(x.double(), target)
    probabilities = torch.softmax(torch.randn(4, 3, device=device), 1)
    smoothed = layers.CrossEntropyLoss()
    assert smoothed(x[..., 0], probabilities).isfinite(), "probabilities keep PyTorch's operations"


@pytest.mark.parametrize("rule", [optim.Adam, optim.AdamW])
def test_adam(rule, forced, device):
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        w = torch.nn.Parameter(torch.randn(5, 7, device=device))
        optimizer = rule([w], lr=0.1, weight_decay=0.1, amsgrad=True)
        for _ in range(3):
            w.grad = torch.randn(5, 7, device=device)
            optimizer.step()
        found.append(w.detach())
        forced()
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-6)


def test_what_is_drawn(forced, device):
    forced()
    x = torch.rand(2, 3, 6, 6, device=device) + 0.1
    y = layers.Dropout(0.25)(x)
    kept = y != 0
    torch.testing.assert_close(y[kept], x[kept] / 0.75)
    assert 0.5 < kept.double().mean() < 0.95
    pooled = layers.StochasticPool2d(2, generator=torch.Generator(device).manual_seed(1))(x)
    again = layers.stochastic_pool2d(x, 2, generator=torch.Generator(device).manual_seed(1))
    assert torch.equal(pooled, again), "the generator of the layer is not used"
    assert torch.isin(pooled, x).all()
    layer = layers.DropConnect(36, 4, p=0.5).to(device)
    rows = torch.ones(50, 36, device=device)
    outputs = layer(rows)
    assert outputs.unique(dim=0).shape[0] == 50, "examples share a mask"
    whole = layer.eval()(rows)
    deviation = ((layer.weight.square().sum(1) + layer.bias.square()) / 50).sqrt()
    assert ((outputs.mean(0) - whole[0]).abs() < 4.5 * deviation).all(), "the mean over masks is not the net"
