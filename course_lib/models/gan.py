"""A GAN of dense layers, for points: two perceptrons that play against each other."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.autoencoder import Factory
from course_lib.models.mlp import mlp


class GAN(NamedTuple):
    """Two networks that are trained against each other."""

    generator: nn.Sequential
    discriminator: nn.Sequential


def gan(
    features: int = 2,
    latent: int = 2,
    hidden: Sequence[int] = (128, 128),
    activation: Factory = layers.ReLU,
    *,
    device: Device = None,
    dtype: Dtype = None,
) -> GAN:
    """A generator and a discriminator of vectors, (generator, discriminator).

    ``generator(z)`` maps codes z (n, latent), drawn from N(0, I), to x (n, features), any numbers;
    ``discriminator(x)`` gives logits (n,): above 0 it takes x for real. Both have the same hidden layers. To
    train them see ``discriminator_loss`` and ``generator_loss``, or ``critic_loss`` and ``gradient_penalty``.

    Args:
        features: numbers in an example; 2 for points in the plane.
        latent: numbers in a code.
        hidden: units of the hidden layers, none for a linear net.
        activation: makes that of the hidden layers.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Goodfellow et al. (2014), Generative adversarial nets.

    Raises:
        ValueError: a size below 1.
        TypeError: a size that is no integer, an activation that makes no module.
    """
    sizes = {"features": features, "latent": latent}
    sizes |= {f"hidden[{i}]": units for i, units in enumerate(hidden)}
    for name, size in sizes.items():
        checks.positive_integer("gan", name, size)
    generator = mlp([latent, *hidden, features], activation, device=device, dtype=dtype)
    judge = mlp([features, *hidden, 1], activation, device=device, dtype=dtype)
    return GAN(generator, judge.append(nn.Flatten(0)))  # (n, 1) -> (n,)
