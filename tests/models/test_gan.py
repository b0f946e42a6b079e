"""gan: the pair's shapes, and that the game moves made points to the real ones."""

import pytest
import torch
from originals import assert_close
from torch import nn

from course_lib import layers, optim
from course_lib.models.gan import GAN, gan
from course_lib.models.gan_losses import discriminator_loss, generator_loss


@pytest.mark.parametrize(("features", "latent", "hidden"), [(2, 2, (8, 8)), (1, 3, ()), (5, 1, [4])])
def test_shapes(features, latent, hidden):
    nets = gan(features, latent, hidden)
    assert isinstance(nets, GAN)
    x = nets.generator(torch.randn(6, latent))
    assert x.shape == (6, features)
    assert nets.discriminator(x).shape == (6,)
    assert nets.discriminator(x[:1]).shape == (1,), "a batch of one loses its dimension"


def test_it_is_a_pair_of_perceptrons():
    torch.manual_seed(0)
    mine = gan(2, 3, (8,), layers.Tanh)
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    z = torch.randn(5, 3)
    assert_close(mine.generator(z), generator(z), "generator", 1e-6, 1e-6)
    x = torch.randn(5, 2)
    assert_close(mine.discriminator(x), discriminator(x)[:, 0], "discriminator", 1e-6, 1e-6)
    discriminator.load_state_dict(mine.discriminator.state_dict())
    assert all(p.dtype == torch.float64 for net in gan(dtype=torch.float64) for p in net.parameters())


def test_the_game_moves_made_points_to_the_real_ones():
    torch.manual_seed(0)
    nets = gan(1, 1, (16,))
    players = {name: optim.Adam(net.parameters(), 3e-3, (0.5, 0.9)) for name, net in nets._asdict().items()}

    def move(player, loss):
        players[player].zero_grad()
        loss.backward()
        players[player].step()

    def made():
        return nets.generator(torch.randn(64, 1))

    before = made().mean().item()
    for _ in range(600):
        real = 3 + torch.randn(64, 1) / 2
        loss = discriminator_loss(nets.discriminator(real), nets.discriminator(made().detach()))
        move("discriminator", loss)
        move("generator", generator_loss(nets.discriminator(made())))
    after = torch.stack([made().mean() for _ in range(20)]).mean().item()
    assert abs(after - 3) < 0.8, (
        f"mean of the made points {before:.2f} before and {after:.2f} after; 3 is real"
    )


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"features": 0}, "gan: features must be 1 or more, got 0"),
        (TypeError, {"latent": 2.0}, "gan: latent must be an integer, got 2.0"),
        (ValueError, {"hidden": (8, 0)}, r"gan: hidden\[1\] must be 1 or more, got 0"),
        (TypeError, {"activation": layers.ReLU()}, "activation must be a class or a function"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        gan(**options)
