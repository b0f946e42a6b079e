"""denoising_autoencoder: it reads what the corruption leaves, in training only."""

import pytest
import torch

from course_lib import layers, optim, training
from course_lib.models.autoencoder import autoencoder
from course_lib.models.denoising_autoencoder import denoising_autoencoder


def test_in_training_it_reads_the_damaged_and_in_evaluation_the_whole():
    net = autoencoder((6, 4), code=layers.Sigmoid)
    noisy = denoising_autoencoder(net, layers.MaskingNoise(0.5, torch.Generator().manual_seed(3)))
    assert list(noisy.state_dict()) == list(net.state_dict())
    x = torch.randn(5, 6)
    damaged = layers.MaskingNoise(0.5, torch.Generator().manual_seed(3))(x)
    assert torch.equal(noisy(x), net(damaged))
    assert torch.equal(noisy.eval()(x), net(x))
    assert torch.equal(noisy.encode(x), net.encode(x))


def test_it_shares_the_parameters():
    net = autoencoder((6, 4))
    noisy = denoising_autoencoder(net, layers.GaussianNoise(0.1))
    assert [id(p) for p in noisy.parameters()] == [id(p) for p in net.parameters()]


def test_trained_on_damage_it_repairs_better_than_one_trained_without():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(300, 3, generator=generator) @ torch.randn(3, 12, generator=generator)
    train, new = x[:200], x[200:]
    errors = {}
    for p in (0.0, 0.3):
        torch.manual_seed(0)
        net = denoising_autoencoder(
            autoencoder((12, 20), layers.ReLU, code=layers.ReLU), layers.MaskingNoise(p)
        )
        options = {"optimizer": optim.Adam(net.parameters(), lr=0.01), "seed": 0, "progress": False}
        training.fit(net, (train, train), loss=layers.mse_loss, epochs=40, **options)
        damaged = layers.MaskingNoise(0.3, torch.Generator().manual_seed(1))(new)
        with torch.no_grad():
            errors[p] = layers.mse_loss(net.eval()(damaged), new).item()
    assert errors[0.3] < 0.8 * errors[0.0], f"squared errors of the repair: {errors}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((torch.nn.Linear(2, 2), layers.MaskingNoise(0.1)), "net must be an Autoencoder, got Linear"),
        ((autoencoder((2, 1)), 0.25), "corruption must be a torch.nn.Module, got float"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(TypeError, match=words):
        denoising_autoencoder(*arguments)
