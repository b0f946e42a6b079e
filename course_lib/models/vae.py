"""The variational autoencoder: a code with a prior, so that what is drawn from the prior can be decoded."""

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.autoencoder import EncoderDecoder, Factory, named
from course_lib.models.gaussian_codes import reparameterize
from course_lib.models.mlp import mlp
from course_lib.models.pixel_likelihoods import BERNOULLI, PixelLikelihood


class VAEOutputs(NamedTuple):
    """What a VAE gives: the parameters of p(x | z) for one drawn z, and those of q(z | x)."""

    decoded: Tensor  # of the shape of x: logits of Bernoulli pixels, means of Gaussian ones
    mean: Tensor  # (n, latent)
    log_variance: Tensor  # (n, latent)


class VAE(EncoderDecoder):
    """z ~ N(0, I), x ~ p(x | z); the encoder gives q(z | x) = N(mean, diag exp(log_variance)).

    Any encoder x (n, ...) -> (n, 2 latent), means first, then log-variances, and any decoder (n, latent) ->
    (n, ...) will do; ``vae`` and ``conv_vae`` make them. In training mode and in evaluation alike, ``net(x)``
    decodes one random draw from q; ``reconstruct`` decodes the mean. Train it on its inputs with
    ``negative_elbo``: ``training.fit(net, (x, x), loss=models.negative_elbo)``.

    Source: Kingma & Welling (2014), Auto-encoding variational Bayes; Rezende, Mohamed & Wierstra (2014).

    Raises:
        ValueError: latent below 1; codes of another size; a generator of another device; n below 1.
        TypeError: an encoder or decoder that is no module, a latent or n that is no integer, a likelihood
            without log_prob and mean, codes that are no float tensor.
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, latent: int, likelihood: PixelLikelihood = BERNOULLI
    ) -> None:
        super().__init__(encoder, decoder)
        checks.positive_integer("VAE", "latent", latent)
        if not all(callable(getattr(likelihood, name, None)) for name in ("log_prob", "mean")):
            raise TypeError(f"VAE: likelihood must have log_prob and mean, got {likelihood!r}")
        self.latent, self.likelihood = latent, likelihood

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]  # a code of two parts
        """x (n, ...) -> mean and log-variance of q(z | x), each (n, latent)."""
        code = self.encoder(x)
        if code.ndim != 2 or code.shape[1] != 2 * self.latent:
            raise ValueError(
                f"VAE: the encoder must give (n, 2 * latent) = (n, {2 * self.latent}), got shape "
                f"{tuple(code.shape)}"
            )
        mean, log_variance = code.chunk(2, dim=1)
        return mean, log_variance

    def decode(self, h: Tensor) -> Tensor:
        """Code z (n, latent) -> what the likelihood needs: logits, or means of Gaussian pixels."""
        checks.float_tensor("VAE", h, "the code")
        checks.rank("VAE", h, "(N, latent)", name="the code")
        checks.size("VAE", h, 1, self.latent, "latent", name="the code")
        return self.decoder(h)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> VAEOutputs:
        """Encode, draw one z for each x, decode."""
        mean, log_variance = self.encode(x)
        return VAEOutputs(self.decode(reparameterize(mean, log_variance, generator)), mean, log_variance)

    def reconstruct(self, x: Tensor) -> Tensor:
        """The mean picture of the mean code, without randomness: of the shape of x."""
        return self.likelihood.mean(self.decode(self.encode(x)[0]))

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n mean pictures E[x | z] of codes drawn from the prior, without gradient."""
        checks.positive_integer("VAE.sample", "n", n)
        like = next(self.parameters(), torch.zeros(()))
        checks.generator("VAE.sample", generator, like)
        z = torch.randn(n, self.latent, generator=generator, device=like.device, dtype=like.dtype)
        with torch.no_grad():
            return self.likelihood.mean(self.decode(z))


def vae(
    sizes: Sequence[int],
    activation: Factory = layers.ReLU,
    *,
    shape: Sequence[int] | None = None,
    likelihood: PixelLikelihood = BERNOULLI,
    device: Device = None,
    dtype: Dtype = None,
) -> VAE:
    """A VAE of dense layers: x (n, sizes[0]) -> code (n, sizes[-1]) -> (n, sizes[0]).

    ``sizes`` = (inputs, hidden units..., latent): ``vae([784, 400, 20])`` goes 784, 400, 2 x 20 and 20, 400,
    784. The decoder's last layer is linear: it gives logits of Bernoulli pixels, or means of Gaussian ones.

    Args:
        sizes: inputs, hidden layers of the encoder, latent numbers; the decoder mirrors them.
        activation: makes the activation of hidden layers.
        shape: of one input where it is no vector, such as (1, 28, 28), with sizes[0] entries.
        likelihood: ``BernoulliPixels()``, ``GaussianPixels(std)``, or anything with their two methods.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Kingma & Welling (2014), Auto-encoding variational Bayes, appendix C.

    Raises:
        ValueError: fewer than two sizes, a size below 1, a shape of another number of entries.
        TypeError: a size that is no integer, an activation that makes no module.
    """
    sizes = list(sizes)
    if len(sizes) < 2:
        raise ValueError(f"vae: sizes must hold at least inputs and latent numbers, got {sizes}")
    for position, size in enumerate(sizes):
        checks.positive_integer("vae", f"sizes[{position}]", size)
    where: dict[str, Any] = {"device": device, "dtype": dtype}
    encoder = mlp([*sizes[:-1], 2 * sizes[-1]], activation, **where)
    decoder = mlp(sizes[::-1], activation, **where)
    if shape is not None:
        shape = tuple(shape)
        if prod(shape) != sizes[0]:
            raise ValueError(
                f"vae: shape must hold sizes[0] = {sizes[0]} entries, got {shape} with {prod(shape)}"
            )
        encoder = named(("flatten", nn.Flatten()), ("dense", encoder))
        decoder = named(("dense", decoder), ("unflatten", nn.Unflatten(1, shape)))
    return VAE(encoder, decoder, sizes[-1], likelihood)
