"""The bounds against exact likelihoods: a linear-Gaussian model (probabilistic PCA), and quadrature."""

import functools
import math

import pytest
import torch
from originals import assert_close
from torch import nn

from course_lib import layers
from course_lib.models.gaussian_codes import kl_to_standard_normal
from course_lib.models.pixel_likelihoods import BernoulliPixels, GaussianPixels
from course_lib.models.vae import VAE, VAEOutputs, vae
from course_lib.models.vae_bounds import importance_bound, negative_elbo

STD = 0.5


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def linear_gaussian(spread=0.0):
    """x = W z + b + STD e with its exact posterior as encoder, made ``spread`` too wide in log-variance.

    Returns the net, some x, and log p(x) of each in closed form.
    """
    W = torch.randn(4, 2, generator=seeded(1), dtype=torch.float64)
    b = torch.arange(4.0, dtype=torch.float64)
    decoder = layers.Linear(2, 4, dtype=torch.float64)
    encoder = layers.Linear(4, 4, dtype=torch.float64)
    # the columns of W made orthogonal, so that the posterior's covariance is diagonal, as q's must be
    W = torch.linalg.svd(W, full_matrices=False).U * torch.tensor([2.0, 0.7], dtype=torch.float64)
    variance = STD**2 / (STD**2 + W.square().sum(dim=0))
    gain = variance[:, None] * W.T / STD**2
    with torch.no_grad():
        decoder.weight.copy_(W)
        decoder.bias.copy_(b)
        encoder.weight.copy_(torch.cat([gain, torch.zeros(2, 4, dtype=torch.float64)]))
        encoder.bias.copy_(torch.cat([-gain @ b, variance.log() + spread]))
    x = b + 2 * torch.randn(6, 4, generator=seeded(2), dtype=torch.float64)
    cov = W @ W.T + STD**2 * torch.eye(4, dtype=torch.float64)
    exact = torch.distributions.MultivariateNormal(b, cov).log_prob(x)
    return VAE(encoder, decoder, 2, GaussianPixels(STD)), x, exact


def test_with_the_true_posterior_one_sample_is_exact():
    net, x, exact = linear_gaussian()
    for samples in (1, 7):
        assert_close(importance_bound(net, x, samples, seeded()), exact, f"{samples} samples", 1e-9, 1e-9)


def test_with_another_posterior_the_bound_rises_to_the_likelihood():
    net, x, exact = linear_gaussian(spread=0.8)
    gaps = []
    with torch.no_grad():
        for samples in (1, 5, 50, 2000):
            again = 4000 // samples
            bound = importance_bound(net, x.repeat(again, 1), samples, seeded())
            gaps.append((exact.repeat(again) - bound).mean().item())
    assert gaps[0] > gaps[1] > gaps[2] > gaps[3] > -0.01, f"gaps to log p(x) for 1, 5, 50, 2000: {gaps}"
    assert abs(gaps[3]) < 0.01, f"2000 samples are {gaps[3]:.4f} below log p(x)"


def test_the_gap_of_the_elbo_is_the_kl_to_the_posterior():
    net, x, exact = linear_gaussian(spread=0.8)
    many = x.repeat(4000, 1)
    with torch.no_grad():
        found = negative_elbo(net(many, seeded()), many, likelihood=net.likelihood).item()
    gap = 2 * (math.expm1(0.8) - 0.8) / 2  # KL of a normal whose log-variance is 0.8 too large, twice
    assert found + exact.mean().item() == pytest.approx(gap, abs=0.02)


def test_one_sample_is_the_elbo_and_is_unbiased_as_a_weight():
    torch.manual_seed(0)
    net = vae([5, 8, 1], dtype=torch.float64)
    with torch.no_grad():
        net.encoder[-1].bias[1] += 1.0  # q wider than p(z | x): no weight is far larger than the others
    x = torch.rand(1, 5, generator=seeded(), dtype=torch.float64).round()
    grid = torch.linspace(-8, 8, 4001, dtype=torch.float64)[:, None]
    prior = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 1.0)
    joint = net.likelihood.log_prob(net.decode(grid), x.expand(4001, 5)) + prior.log_prob(grid)[:, 0]
    exact = torch.trapezoid(joint.exp(), grid[:, 0]).log().item()  # p(x) by quadrature over the single z
    with torch.no_grad():
        many = importance_bound(net, x, 20_000, seeded()).item()
        each = importance_bound(net, x.repeat(20_000, 1), 1, seeded(1))
        elbo = -negative_elbo(net(x.repeat(20_000, 1), seeded(2)), x.repeat(20_000, 1)).item()
    assert many == pytest.approx(exact, abs=0.02), "20,000 weights against quadrature"
    assert each.mean().item() == pytest.approx(elbo, abs=0.05), "one sample is the ELBO on average"
    assert elbo < exact


def test_blocks_of_samples_make_no_difference(monkeypatch):
    torch.manual_seed(0)
    net, x = vae([5, 4], dtype=torch.float64), torch.ones(8, 5, dtype=torch.float64)
    whole = importance_bound(net, x, 10, seeded())
    monkeypatch.setattr("course_lib.models.vae_bounds.AT_ONCE", 32)  # four samples at a time
    found = importance_bound(net, x, 10, seeded())
    assert_close(found, whole, "in blocks", 1e-12, 1e-12)


def test_it_is_log_sum_exp_and_has_a_gradient():
    net = vae([400, 2])
    with torch.no_grad():
        net.decoder[-1].bias.fill_(-50.0)  # log-likelihoods near -20,000, whose exponentials are all 0
    bound = importance_bound(net, torch.ones(2, 400), 5, seeded())
    assert bound.isfinite().all()
    assert bound.max() < -10_000, f"bounds {bound.tolist()}"
    (-bound.mean()).backward()
    assert net.encoder[0].weight.grad.isfinite().all()
    assert net.encoder[0].weight.grad.any()


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_the_loss_is_kl_less_log_likelihood_by_hand(beta):
    torch.manual_seed(0)
    net = vae([12, 3], shape=(3, 2, 2))
    x = torch.rand(4, 3, 2, 2)
    outputs = net(x)
    log_p = torch.distributions.Bernoulli(logits=outputs.decoded, validate_args=False).log_prob(x)
    kl = kl_to_standard_normal(outputs.mean, outputs.log_variance)
    expected = (-log_p.sum(dim=(1, 2, 3)) + beta * kl).mean()
    assert_close(negative_elbo(outputs, x, beta), expected, f"beta {beta}", 1e-5, 1e-5)
    gaussian = GaussianPixels(0.3)
    log_p = torch.distributions.Normal(outputs.decoded, 0.3).log_prob(x)
    loss = functools.partial(negative_elbo, beta=beta, likelihood=gaussian)
    expected = (-log_p.sum(dim=(1, 2, 3)) + beta * kl).mean()
    assert_close(loss(outputs, x), expected, "Gaussian pixels", 1e-5, 1e-5)


def test_gradcheck():
    x = torch.rand(2, 3, dtype=torch.float64)

    def loss(decoded, mean, log_variance):
        return negative_elbo(VAEOutputs(decoded, mean, log_variance), x, 0.5)

    parts = (torch.randn(2, k, dtype=torch.float64, requires_grad=True) for k in (3, 2, 2))
    assert torch.autograd.gradcheck(loss, tuple(parts))


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda net, x: negative_elbo(net(x), x, -1.0), "negative_elbo: beta must be 0 or more"),
        (TypeError, lambda net, x: negative_elbo(net(x), x, "1"), "negative_elbo: beta must be a number"),
        (TypeError, lambda net, x: negative_elbo(x, x), "outputs must be VAEOutputs, got Tensor"),
        (ValueError, lambda net, x: negative_elbo(net(x[:0]), x[:0]), "must hold one x at least, got none"),
        (ValueError, lambda net, x: negative_elbo(net(x), x[:1]), "decoded and x must have one shape"),
        (ValueError, lambda net, x: importance_bound(net, x, 0), "samples must be 1 or more, got 0"),
        (TypeError, lambda net, x: importance_bound(net, x, 1.0), "samples must be an integer, got 1.0"),
        (
            TypeError,
            lambda net, x: importance_bound(nn.Flatten(), x, 1),
            "importance_bound: net must be a VAE, got Flatten",
        ),
        (TypeError, lambda net, x: importance_bound(net, x.long(), 1), "x must have a floating-point dtype"),
        (
            TypeError,
            lambda net, x: importance_bound(net, x, 1, 3),
            "generator must be a torch.Generator or None, got 3",
        ),
    ],
)
def test_bad_calls_are_named(error, call, words):
    net = VAE(layers.Linear(4, 4), layers.Linear(2, 4), 2, BernoulliPixels())
    with pytest.raises(error, match=words):
        call(net, torch.ones(2, 4))
