"""The variational autoencoder: its parts against torch's layers, its draws against their generator."""

import pytest
import torch
from originals import assert_close
from torch import nn
from torch.nn import functional as F

from course_lib import layers, models, optim, training
from course_lib.models.conv_vae import conv_vae
from course_lib.models.gaussian_codes import reparameterize
from course_lib.models.pixel_likelihoods import GaussianPixels
from course_lib.models.vae import VAE, VAEOutputs, vae
from course_lib.models.vae_bounds import negative_elbo


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


def made(kind, **options):
    torch.manual_seed(0)
    options = {"dtype": torch.float64} | options
    if kind == "dense":
        return vae([16, 12, 3], shape=(1, 4, 4), **options), torch.rand(5, 1, 4, 4, dtype=torch.float64)
    return conv_vae(2, 8, 3, 4, **options), torch.rand(5, 2, 8, 8, dtype=torch.float64)


def test_dense_by_torch():
    net, x = made("dense")
    a, b = (layer for layer in net.encoder.modules() if isinstance(layer, layers.Linear))
    code = F.linear(F.linear(x.flatten(1), a.weight, a.bias).relu(), b.weight, b.bias)
    mean, log_variance = net.encode(x)
    assert torch.equal(mean, code[:, :3]), "means come first"
    assert torch.equal(log_variance, code[:, 3:]), "then log-variances"
    c, d = (layer for layer in net.decoder.modules() if isinstance(layer, layers.Linear))
    expected = F.linear(F.linear(mean, c.weight, c.bias).relu(), d.weight, d.bias).reshape(5, 1, 4, 4)
    assert_close(net.decode(mean), expected, "decoder", 1e-12, 1e-12)


def test_convolutional_by_torch():
    net, x = made("conv")
    first, second, dense = (layer for layer in net.encoder if hasattr(layer, "weight"))
    h = F.conv2d(x, first.weight, first.bias, stride=2, padding=1).relu()
    h = F.conv2d(h, second.weight, second.bias, stride=2, padding=1).relu()
    assert h.shape == (5, 8, 2, 2)
    code = F.linear(h.flatten(1), dense.weight, dense.bias)
    assert_close(torch.cat(net.encode(x), dim=1), code, "encoder", 1e-12, 1e-12)
    z = code[:, :3]
    dense, first, second = (layer for layer in net.decoder if hasattr(layer, "weight"))
    h = F.linear(z, dense.weight, dense.bias).relu().reshape(5, 8, 2, 2)
    h = F.conv_transpose2d(h, first.weight, first.bias, stride=2, padding=1).relu()
    expected = F.conv_transpose2d(h, second.weight, second.bias, stride=2, padding=1)
    assert_close(net.decode(z), expected, "decoder", 1e-12, 1e-12)


@pytest.mark.parametrize("kind", ["dense", "conv"])
@pytest.mark.parametrize("training", [True, False])
def test_forward_decodes_one_draw_in_training_and_evaluation(kind, training):
    net, x = made(kind)
    net.train(training)
    outputs = net(x, seeded())
    assert isinstance(outputs, VAEOutputs)
    mean, log_variance = net.encode(x)
    z = reparameterize(mean, log_variance, seeded())
    assert torch.equal(outputs.decoded, net.decode(z))
    assert outputs.decoded.shape == x.shape
    assert torch.equal(outputs.mean, mean)
    assert torch.equal(outputs.log_variance, log_variance)
    assert not torch.equal(net(x, seeded(4)).decoded, outputs.decoded), "another draw, another picture"


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_reconstructions_and_samples_are_means(kind):
    net, x = made(kind)
    assert torch.equal(net.reconstruct(x), net.decode(net.encode(x)[0]).sigmoid())
    samples = net.sample(7, seeded())
    assert samples.shape == (7, *x.shape[1:])
    assert samples.dtype == torch.float64
    assert not samples.requires_grad
    assert samples.min() >= 0
    assert samples.max() <= 1
    z = torch.randn(7, 3, generator=seeded(), dtype=torch.float64)
    assert torch.equal(samples, net.decode(z).sigmoid())
    gaussian, x = made(kind, likelihood=GaussianPixels(0.2))
    assert torch.equal(gaussian.sample(7, seeded()), gaussian.decode(z))
    assert torch.equal(gaussian.reconstruct(x), gaussian.decode(gaussian.encode(x)[0]))


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_every_parameter_learns_and_is_stored(kind):
    net, x = made(kind)
    negative_elbo(net(x, seeded()), x).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, f"{name} has no gradient"
        assert parameter.grad.any(), f"{name} has a gradient of 0"
    other, _ = made(kind)
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    other.load_state_dict(net.state_dict())
    assert torch.equal(other.sample(2, seeded()), net.sample(2, seeded()))


def test_sizes_dtype_and_empty_batches():
    net = conv_vae()
    assert sum(p.numel() for p in net.parameters()) < 50_000
    assert net(torch.rand(2, 1, 16, 16)).mean.shape == (2, 16)
    assert vae([9, 2], dtype=torch.float64).sample(1).dtype == torch.float64
    assert vae([9, 4, 2])(torch.zeros(0, 9)).decoded.shape == (0, 9)
    names = list(vae([9, 4, 2]).state_dict())
    assert names[0] == "encoder.0.weight"
    assert names[-1] == "decoder.2.bias"
    assert len(vae([9, 4, 2], lambda: layers.LeakyReLU(0.2)).encoder) == 3
    assert next(vae([9, 2], device="meta").parameters()).is_meta
    assert next(conv_vae(device="meta").parameters()).is_meta


def test_trained_it_draws_what_it_has_seen():
    rng = seeded()
    x = torch.rand(400, 1, generator=rng).gt(0.5).float().repeat(1, 6)  # all six on, or all six off
    torch.manual_seed(0)
    net = models.vae([6, 16, 1])
    optimizer = optim.Adam(net.parameters(), lr=0.02)
    options = {"epochs": 30, "batch_size": 50, "seed": 0, "progress": False}
    training.fit(net, (x, x), loss=negative_elbo, optimizer=optimizer, **options)
    samples = net.sample(400, rng)
    extreme = ((samples < 0.1).all(dim=1) | (samples > 0.9).all(dim=1)).float().mean().item()
    share = samples.mean().item()
    assert extreme > 0.8, f"only {extreme:.0%} of the samples are all on or all off"
    assert 0.35 < share < 0.65, f"{share:.0%} of the sampled pixels are on, of the data's a half"


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: vae([9]), "vae: sizes must hold at least inputs and latent numbers, got"),
        (ValueError, lambda: vae([9, 0]), r"vae: sizes\[1\] must be 1 or more, got 0"),
        (TypeError, lambda: vae([9.0, 2]), r"vae: sizes\[0\] must be an integer, got 9.0"),
        (ValueError, lambda: vae([9, 2], shape=(2, 4)), r"shape must hold sizes\[0\] = 9 entries"),
        (TypeError, lambda: vae([9, 2], likelihood="normal"), "likelihood must have log_prob and mean"),
        (TypeError, lambda: VAE(nn.Flatten(), len, 2), "VAE: decoder must be a torch.nn.Module"),
        (ValueError, lambda: VAE(nn.Flatten(), nn.Flatten(), 0), "VAE: latent must be 1 or more, got 0"),
        (
            ValueError,
            lambda: VAE(nn.Flatten(), nn.Flatten(), 2)(torch.zeros(1, 3)),
            r"encoder must give \(n, 2 \* latent\) = \(n, 4\), got shape \(1, 3\)",
        ),
        (
            ValueError,
            lambda: vae([9, 2]).decode(torch.zeros(1, 4)),
            r"the code must have latent=2 in dimension 1, got shape \(1, 4\)",
        ),
        (ValueError, lambda: vae([9, 2]).decode(torch.zeros(2)), r"the code must be \(N, latent\)"),
        (TypeError, lambda: vae([9, 2]).decode([0.0]), "the code must be a torch.Tensor, got list"),
        (ValueError, lambda: vae([9, 2]).sample(0), "VAE.sample: n must be 1 or more, got 0"),
        (TypeError, lambda: vae([9, 2]).sample(1, 5), "generator must be a torch.Generator or None, got 5"),
        (ValueError, lambda: conv_vae(size=18), "conv_vae: size must be a multiple of 4"),
        (ValueError, lambda: conv_vae(width=0), "conv_vae: width must be 1 or more, got 0"),
        (TypeError, lambda: conv_vae(latent=2.0), "conv_vae: latent must be an integer, got 2.0"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
