"""Two lower bounds on log p(x) of a VAE: the one it is trained with, and a tighter one to judge it by."""

import math

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.models.gaussian_codes import kl_to_standard_normal, reparameterize
from course_lib.models.pixel_likelihoods import BERNOULLI, PixelLikelihood
from course_lib.models.vae import VAE, VAEOutputs

AT_ONCE = 4096  # codes decoded together: enough to keep a machine busy, few enough for its memory


def negative_elbo(
    outputs: VAEOutputs, x: Tensor, beta: float = 1.0, likelihood: PixelLikelihood = BERNOULLI
) -> Tensor:
    """-log p(x | z) + beta KL(q(z | x) || p(z)) in nats, mean over the batch: the loss of a VAE -> ().

    With beta = 1 its mean over z is at least -log p(x). The log-likelihood is a *sum* over pixels: with their
    mean the KL would weigh as many times more as there are pixels. A beta above 1 asks for simpler codes
    (Higgins et al., 2017), one below 1 for better reconstructions; compare models at beta = 1 only.

    Args:
        outputs: of ``net(x)``.
        x: what was encoded, (n, ...).
        beta: weight of the KL, 0 or more.
        likelihood: ``net.likelihood``, if that is not Bernoulli: ``functools.partial`` makes it a loss again.

    Source: Kingma & Welling (2014), Auto-encoding variational Bayes, equation 7.

    Raises:
        ValueError: a negative beta, an empty batch, decoded and x of two shapes.
        TypeError: outputs that are no ``VAEOutputs``, a beta that is no number.
    """
    if not isinstance(outputs, VAEOutputs):
        raise TypeError(f"negative_elbo: outputs must be VAEOutputs, got {type(outputs).__name__}")
    checks.finite_number("negative_elbo", "beta", beta, at_least=0)
    if not len(outputs.mean):
        raise ValueError("negative_elbo: the batch must hold one x at least, got none")
    kl = kl_to_standard_normal(outputs.mean, outputs.log_variance)
    return (beta * kl - likelihood.log_prob(outputs.decoded, x)).mean()


def importance_bound(net: VAE, x: Tensor, samples: int, generator: torch.Generator | None = None) -> Tensor:
    """log of the mean of ``samples`` weights p(x | z) p(z) / q(z | x), z from q(z | x): x (n, ...) -> (n,).

    The mean of the weights is an unbiased estimate of p(x). Its logarithm is, on average, a lower bound on
    log p(x): for one sample the ELBO, for more a tighter one, and log p(x) itself in the limit. How fast
    depends on how well q covers where p(x | z) p(z) has its mass. It keeps its gradient: the negative mean is
    the loss of an importance-weighted autoencoder. Wrap it in ``torch.no_grad()`` to judge.

    Source: Burda, Grosse & Salakhutdinov (2016), Importance weighted autoencoders, equation 8.

    Raises:
        ValueError: samples below 1, a generator of another device than x.
        TypeError: a net that is no ``VAE``, samples that are no integer, x no float tensor.
    """
    if not isinstance(net, VAE):
        raise TypeError(f"importance_bound: net must be a VAE, got {type(net).__name__}")
    checks.float_tensor("importance_bound", x, "x")
    checks.positive_integer("importance_bound", "samples", samples)
    mean, log_variance = net.encode(x)
    block = max(1, AT_ONCE // max(1, len(x)))
    log_weights = [
        _log_weights(net, x, mean, log_variance, min(block, samples - done), generator)
        for done in range(0, samples, block)
    ]
    return torch.cat(log_weights).logsumexp(dim=0) - math.log(samples)


def _log_weights(
    net: VAE, x: Tensor, mean: Tensor, log_variance: Tensor, samples: int, generator: torch.Generator | None
) -> Tensor:
    """log p(x | z) + log p(z) - log q(z | x) for ``samples`` draws of z for each x -> (samples, n)."""
    mean, log_variance = (each.repeat(samples, 1) for each in (mean, log_variance))
    z = reparameterize(mean, log_variance, generator)
    squares = (z - mean).square() * (-log_variance).exp()  # the constants of both normals cancel
    prior_over_posterior = (squares - z.square() + log_variance).sum(dim=1) / 2
    again = x.repeat(samples, *[1] * (x.ndim - 1))
    log_likelihood = net.likelihood.log_prob(net.decode(z), again)
    return (log_likelihood + prior_over_posterior).reshape(samples, -1)
