"""spectral_norm against torch's own, and against singular values."""

import copy

import pytest
import torch
from originals import assert_close
from torch import nn
from torch.nn.utils import parametrizations

from course_lib import layers
from course_lib.models.dcgan import dcgan
from course_lib.models.gan import gan
from course_lib.models.spectral_norm import spectral_norm

LAYERS = {
    "dense": (lambda: layers.Linear(5, 3), (4, 5)),
    "convolution": (lambda: layers.Conv2d(2, 3, 3), (4, 2, 6, 6)),
    "transposed": (lambda: layers.ConvTranspose2d(2, 3, 4, stride=2), (4, 2, 5, 5)),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_it_is_torchs(kind):
    make, shape = LAYERS[kind]
    torch.manual_seed(0)
    mine = make().double()
    theirs = copy.deepcopy(mine)
    torch.manual_seed(1)
    spectral_norm(mine, n_power_iterations=2)
    torch.manual_seed(1)  # torch knows its own transposed convolution alone: dim is said for ours
    parametrizations.spectral_norm(theirs, n_power_iterations=2, dim=1 if kind == "transposed" else 0)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    x = torch.randn(shape, dtype=torch.float64)
    for step in range(3):
        a, b = mine(x), theirs(x)
        assert_close(a, b, f"{kind}, step {step}", 1e-10, 1e-12)
        gradients = [
            torch.autograd.grad(y.square().sum(), net.parameters()) for y, net in ((a, mine), (b, theirs))
        ]
        for left, right in zip(*gradients, strict=True):
            assert_close(left, right, f"gradient of the {kind} layer, step {step}", 1e-9, 1e-9)
    theirs.load_state_dict(mine.state_dict())
    assert_close(mine.eval()(x), theirs.eval()(x), f"{kind}, in evaluation", 1e-10, 1e-12)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_largest_singular_value_becomes_one(kind, scale):
    torch.manual_seed(0)
    layer = LAYERS[kind][0]().double()
    with torch.no_grad():
        layer.weight.mul_(scale)
    weight = spectral_norm(layer, n_power_iterations=100).weight
    matrix = (weight.transpose(0, 1) if kind == "transposed" else weight).flatten(1)
    assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(1, rel=1e-6)


def test_a_perceptron_becomes_lipschitz():
    torch.manual_seed(0)
    net = gan(2, 2, (32, 32), dtype=torch.float64).discriminator
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(5)
    x, y = torch.randn(2, 500, 2, dtype=torch.float64)
    steep = ((net(x) - net(y)).abs() / (x - y).norm(dim=1)).max().item()
    spectral_norm(net, n_power_iterations=50)
    flat = ((net(x) - net(y)).abs() / (x - y).norm(dim=1)).max().item()
    assert flat <= 1 + 1e-6 < steep, f"steepest {steep:.2f} before, {flat:.3f} after"


def test_all_layers_of_a_dcgan_have_it_and_in_evaluation_nothing_moves():
    net = spectral_norm(dcgan(width=4, latent=6, num_classes=3, batch_norm=False).discriminator)
    found = [name for name in net.state_dict() if name.endswith("_u")]
    assert len(found) == 4, "two convolutions, the head and the vectors of the classes"
    x, y = torch.randn(3, 1, 16, 16), torch.tensor([0, 1, 2])
    before = net.state_dict()[found[0]].clone()
    net.eval()(x, y)
    assert torch.equal(net.state_dict()[found[0]], before)
    net.train()(x, y)
    assert not torch.equal(net.state_dict()[found[0]], before)


def test_two_looks_before_one_backward_pass():
    net = spectral_norm(gan(2, 2, (8,)).discriminator)
    (net(torch.randn(4, 2)).mean() - net(torch.randn(4, 2)).mean()).backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (TypeError, lambda: spectral_norm(len), "net must be a torch.nn.Module, got builtin"),
        (ValueError, lambda: spectral_norm(nn.ReLU()), "net must have a layer with a matrix of weights"),
        (
            ValueError,
            lambda: spectral_norm(layers.Linear(2, 2), 0),
            "n_power_iterations must be 1 or more, got 0",
        ),
        (ValueError, lambda: spectral_norm(layers.Linear(2, 2), eps=0), "eps must be greater than 0, got 0"),
        (
            ValueError,
            lambda: spectral_norm(spectral_norm(layers.Linear(2, 2))),
            "net must have plain weights, and has them parametrized already",
        ),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
