"""dcgan: shapes, the paper's recipe, torch's own layers, and that classes matter."""

import pytest
import torch
from originals import assert_close
from torch import nn

from course_lib import layers
from course_lib.models.dcgan import DCGAN, dcgan
from course_lib.models.gan_losses import discriminator_loss, generator_loss, gradient_penalty

SMALL = {"width": 4, "latent": 6}


@pytest.mark.parametrize(("size", "in_channels"), [(8, 1), (16, 3), (32, 1)])
def test_shapes_and_range(size, in_channels):
    nets = dcgan(in_channels, size, **SMALL)
    assert isinstance(nets, DCGAN)
    x = nets.generator(torch.randn(5, 6))
    assert x.shape == (5, in_channels, size, size)
    assert x.abs().max() <= 1
    assert nets.discriminator(x).shape == (5,)


def test_the_recipe_is_the_papers():
    nets = dcgan(size=32)
    norms = [m for net in nets for m in net.modules() if isinstance(m, layers.BatchNorm2d)]
    channels = [m.num_features for m in norms]
    assert channels == [128, 64, 32, 64, 128], "all stages but those at the pixels have batch normalization"
    kinds = [type(m) for m in nets.generator.blocks]
    assert kinds.count(layers.ReLU) == 3
    assert kinds[-1] is layers.Tanh
    leaky = [m for m in nets.discriminator.blocks if isinstance(m, layers.LeakyReLU)]
    assert [m.negative_slope for m in leaky] == [0.2] * 3
    strided = [
        m for net in nets for m in net.modules() if isinstance(m, layers.Conv2d | layers.ConvTranspose2d)
    ]
    assert all(m.stride == (2, 2) for m in strided[1:]), "pooling or unpooling in place of strides"
    weights = torch.cat([m.weight.flatten() for m in strided])
    assert weights.std().item() == pytest.approx(0.02, rel=0.02)
    gains = torch.cat([m.weight for m in norms])
    assert gains.mean().item() == pytest.approx(1, abs=0.01)
    without = dcgan(batch_norm=False).discriminator
    assert not any(isinstance(m, layers.BatchNorm2d) for m in without.modules())


def test_it_computes_what_torchs_layers_compute():
    torch.manual_seed(0)
    nets = dcgan(**SMALL)
    generator = nn.Sequential(
        nn.ConvTranspose2d(6, 8, 4, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 1, 4, 2, 1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, 4, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(4, 8, 4, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
    )
    generator.load_state_dict(nets.generator.blocks.state_dict())
    discriminator.load_state_dict(nets.discriminator.blocks.state_dict())
    z, x = torch.randn(7, 6), torch.randn(7, 1, 16, 16)
    for training in (True, False):
        for net in (*nets, generator, discriminator):
            net.train(training)
        assert_close(nets.generator(z), generator(z[:, :, None, None]), "generator", 1e-5, 1e-6)
        expected = discriminator(x) @ nets.discriminator.head.weight[0] + nets.discriminator.head.bias
        assert_close(nets.discriminator(x), expected, "discriminator", 1e-5, 1e-6)


def test_a_class_enters_both_nets():
    torch.manual_seed(0)
    nets = dcgan(num_classes=3, batch_norm=False, dtype=torch.float64, **SMALL)
    z, y = torch.randn(4, 6, dtype=torch.float64), torch.tensor([0, 1, 2, 1])
    x = nets.generator(z, y)
    assert not torch.allclose(x, nets.generator(z, torch.zeros_like(y)))
    features = nets.discriminator.blocks(x)
    expected = (
        nets.discriminator.head(features)[:, 0]
        + (features @ nets.discriminator.projection.weight.T)[torch.arange(4), y]
    )
    assert_close(nets.discriminator(x, y), expected, "logits with classes", 1e-12, 1e-12)
    penalty = gradient_penalty(lambda pictures: nets.discriminator(pictures, y), x, torch.zeros_like(x))
    assert penalty.isfinite()


def test_both_losses_reach_all_parameters_of_their_player():
    nets = dcgan(num_classes=2, **SMALL)
    y = torch.tensor([0, 1, 0, 1])
    fake = nets.generator(torch.randn(4, 6), y)
    loss = discriminator_loss(
        nets.discriminator(torch.rand(4, 1, 16, 16), y), nets.discriminator(fake.detach(), y)
    )
    loss.backward()
    assert all(p.grad is not None for p in nets.discriminator.parameters())
    assert all(p.grad is None for p in nets.generator.parameters()), "detach lets gradients through"
    generator_loss(nets.discriminator(fake, y)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in nets.generator.parameters())


def test_the_same_seed_makes_the_same_pair_and_states_round_trip():
    torch.manual_seed(3)
    first = dcgan(**SMALL)
    torch.manual_seed(3)
    second, third = dcgan(**SMALL), dcgan(**SMALL)
    z = torch.randn(2, 6)
    assert torch.equal(first.generator(z), second.generator(z))
    for net, other in zip(first, third, strict=True):
        other.load_state_dict(net.state_dict())
    assert torch.equal(first.generator.eval()(z), third.generator.eval()(z))


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: dcgan(size=28), "dcgan: size must be a power of two from 8 on, got 28"),
        (ValueError, lambda: dcgan(size=4), "from 8 on, got 4"),
        (ValueError, lambda: dcgan(width=0), "width must be 1 or more, got 0"),
        (TypeError, lambda: dcgan(num_classes=2.0), "num_classes must be an integer, got 2.0"),
        (
            ValueError,
            lambda: dcgan(**SMALL).generator(torch.zeros(2, 7)),
            r"DCGANGenerator: z must have latent=6 in dimension 1, got shape \(2, 7\)",
        ),
        (ValueError, lambda: dcgan(**SMALL).generator(torch.zeros(6)), r"z must be \(n, latent\)"),
        (
            TypeError,
            lambda: dcgan(**SMALL).generator(torch.zeros(2, 6).long()),
            "z must have a floating-point",
        ),
        (
            ValueError,
            lambda: dcgan(**SMALL).discriminator(torch.zeros(2, 1, 8, 8)),
            r"DCGANDiscriminator: x must be \(n, 1, 16, 16\), got shape \(2, 1, 8, 8\)",
        ),
        (
            ValueError,
            lambda: dcgan(**SMALL).generator(torch.zeros(2, 6), torch.zeros(2).long()),
            "y must be None, as the net was made without num_classes",
        ),
        (
            ValueError,
            lambda: dcgan(num_classes=3, **SMALL).generator(torch.zeros(2, 6)),
            "y must be given, as the net was made with num_classes=3",
        ),
        (
            TypeError,
            lambda: dcgan(num_classes=3, **SMALL).generator(torch.zeros(2, 6), torch.zeros(2)),
            "y must have dtype torch.int64, got torch.float32",
        ),
        (
            ValueError,
            lambda: dcgan(num_classes=3, **SMALL).generator(torch.zeros(2, 6), torch.tensor([0])),
            r"y must hold one class for each of the 2 rows, got shape \(1,\)",
        ),
        (
            ValueError,
            lambda: dcgan(num_classes=3, **SMALL).generator(torch.zeros(2, 6), torch.tensor([0, 3])),
            "y must hold classes 0 ... 2, got 0 ... 3",
        ),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
