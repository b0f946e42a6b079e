"""A code that is a normal distribution: how to draw from it with a gradient, and what it costs."""

import torch
from torch import Tensor

from course_lib.layers import checks


def reparameterize(mean: Tensor, log_variance: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw z = mean + exp(log_variance / 2) * e, with each entry of e from N(0, 1).

    The randomness is an input and no function of the parameters, so the gradient of anything computed from z
    reaches them: dz/dmean = 1 and dz/dlog_variance = (z - mean) / 2.

    mean, log_variance: one shape, any -> z of that shape. The draws come from ``generator`` (on the device of
    mean) if there is one, else from PyTorch's global generator.

    Source: Kingma & Welling (2014), Auto-encoding variational Bayes, section 2.4.

    Raises:
        ValueError: mean and log_variance of two shapes, a generator of another device.
        TypeError: no float tensors, a generator that is none.
    """
    _check_pair("reparameterize", mean, log_variance)
    checks.generator("reparameterize", generator, like=mean)
    noise = torch.empty_like(mean).normal_(generator=generator)
    return mean + (log_variance / 2).exp() * noise


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, diag exp(log_variance)) || N(0, I)) in nats: two tensors (n, latent) -> (n,).

    Half the sum over the latent numbers of mean^2 + exp(log_variance) - log_variance - 1. It is 0 only for
    the standard normal itself, and finite for codes as sharp as you like.

    Source: Kingma & Welling (2014), Auto-encoding variational Bayes, appendix B.

    Raises:
        ValueError: mean and log_variance of two shapes, or no matrices.
        TypeError: no float tensors.
    """
    _check_pair("kl_to_standard_normal", mean, log_variance)
    checks.rank("kl_to_standard_normal", mean, "(N, latent)", name="mean")
    # expm1, as exp(v) - 1 loses the digits of a small v
    return (mean.square() + log_variance.expm1() - log_variance).sum(dim=1) / 2


def _check_pair(owner: str, mean: Tensor, log_variance: Tensor) -> None:
    checks.float_tensor(owner, mean, "mean")
    checks.float_tensor(owner, log_variance, "log_variance")
    if mean.shape != log_variance.shape:
        raise ValueError(
            f"{owner}: mean and log_variance must have one shape, got {tuple(mean.shape)} and "
            f"{tuple(log_variance.shape)}"
        )
