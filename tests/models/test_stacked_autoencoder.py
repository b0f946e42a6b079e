"""stacked_autoencoder: its pairs, and greedy training on each other's codes."""

import pytest
import torch
from torch.nn import functional as F

from course_lib import layers, training
from course_lib.models.autoencoder import Autoencoder, autoencoder
from course_lib.models.denoising_autoencoder import denoising_autoencoder
from course_lib.models.stacked_autoencoder import stacked_autoencoder


def test_it_is_an_autoencoder_of_the_same_parameters():
    torch.manual_seed(0)
    stacked = stacked_autoencoder((8, 6, 3), output=layers.Sigmoid)
    torch.manual_seed(0)
    plain = autoencoder((8, 6, 3), layers.Sigmoid, output=layers.Sigmoid)
    assert list(stacked.state_dict()) == list(plain.state_dict())
    x = torch.rand(4, 8)
    assert torch.equal(stacked(x), plain(x))


def test_pairs_share_the_parameters_and_chained_they_are_the_net():
    net = stacked_autoencoder((9, 7, 5, 2), layers.Tanh, output=layers.Sigmoid)
    pairs = net.pairs()
    assert len(pairs) == 3
    own = {id(p) for p in net.parameters()}
    assert {id(p) for pair in pairs for p in pair.parameters()} == own
    h = x = torch.randn(4, 9)
    for pair, size in zip(pairs, (7, 5, 2), strict=True):
        assert pair(h).shape == h.shape, "a pair rebuilds what its encoder reads"
        h = pair.encode(h)
        assert h.shape == (4, size)
    assert torch.equal(h, net.encode(x)), "encoders one after the other"
    for pair in reversed(pairs):
        h = pair.decode(h)
    assert torch.equal(h, net(x)), "decoders in reverse"


def test_each_pair_is_trained_on_the_codes_of_the_trained_one_before():
    net = stacked_autoencoder((6, 5, 4), layers.Tanh)
    x, seen = torch.randn(7, 6), []

    def train(pair, h):
        assert isinstance(pair, Autoencoder)
        assert not h.requires_grad, "codes are data to the next pair"
        seen.append(h)
        with torch.no_grad():
            for parameter in pair.parameters():
                parameter.add_(0.1)
        return len(seen)

    assert net.pretrain(x, train) == [1, 2]
    assert seen[0] is x
    assert torch.equal(seen[1], torch.tanh(F.linear(x, net.encoder[0].weight, net.encoder[0].bias)))


def test_greedy_training_rebuilds_better_than_the_random_start():
    torch.manual_seed(0)
    x = torch.rand(100, 4) @ torch.rand(4, 12)
    net = stacked_autoencoder((12, 8, 4))
    before = F.mse_loss(net(x), x).item()

    def train(pair, h):
        noisy = denoising_autoencoder(pair, layers.MaskingNoise(0.1))
        options = {"optimizer": torch.optim.Adam(pair.parameters(), lr=0.02), "seed": 0, "progress": False}
        return training.fit(noisy, (h, h), loss=layers.mse_loss, epochs=20, **options)

    histories = net.pretrain(x, train)
    assert [len(history) for history in histories] == [20, 20]
    after = F.mse_loss(net(x), x).item()
    assert after < 0.3 * before, f"mean squared error {after:.3f}, before {before:.3f}"


def test_bad_sizes_are_named():
    with pytest.raises(ValueError, match="sizes must hold at least inputs and outputs"):
        stacked_autoencoder((3,))
