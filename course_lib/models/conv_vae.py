"""The convolutional VAE for small square pictures: half the side, twice, and up again."""

from typing import Any

from torch import nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.pixel_likelihoods import BERNOULLI, PixelLikelihood
from course_lib.models.vae import VAE


def conv_vae(
    in_channels: int = 1,
    size: int = 16,
    latent: int = 16,
    width: int = 16,
    *,
    likelihood: PixelLikelihood = BERNOULLI,
    device: Device = None,
    dtype: Dtype = None,
) -> VAE:
    """A VAE of pictures x (n, in_channels, size, size), whose code has ``latent`` numbers.

    The encoder has two 4x4 convolutions of stride 2, to ``width`` and 2 ``width`` channels, and a dense layer
    to means and log-variances; the decoder has a dense layer and two 4x4 transposed convolutions of stride 2.
    A stride that divides the kernel leaves no checkerboard (Odena, Dumoulin & Olah, 2016).

    Args:
        in_channels: channels of x.
        size: height and width of x, a multiple of 4.
        latent: numbers in the code.
        width: channels after the first convolution.
        likelihood: ``BernoulliPixels()``, ``GaussianPixels(std)``, or anything with their two methods.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Kingma & Welling (2014), Auto-encoding variational Bayes; the convolutions as in Radford, Metz &
    Chintala (2016), without normalization.

    Raises:
        ValueError: a size that is no multiple of 4, a number below 1.
        TypeError: a number that is no integer.
    """
    owner = "conv_vae"
    numbers = {"in_channels": in_channels, "size": size, "latent": latent, "width": width}
    for name, number in numbers.items():
        checks.positive_integer(owner, name, number)
    if size % 4:
        raise ValueError(f"{owner}: size must be a multiple of 4, for two halvings, got {size}")
    where: dict[str, Any] = {"device": device, "dtype": dtype}
    side = size // 4
    inner = 2 * width * side * side
    stage: dict[str, Any] = {"kernel_size": 4, "stride": 2, "padding": 1, **where}
    encoder = nn.Sequential(
        layers.Conv2d(in_channels, width, **stage),
        layers.ReLU(),
        layers.Conv2d(width, 2 * width, **stage),
        layers.ReLU(),
        nn.Flatten(),
        layers.Linear(inner, 2 * latent, **where),
    )
    decoder = nn.Sequential(
        layers.Linear(latent, inner, **where),
        layers.ReLU(),
        nn.Unflatten(1, (2 * width, side, side)),
        layers.ConvTranspose2d(2 * width, width, **stage),
        layers.ReLU(),
        layers.ConvTranspose2d(width, in_channels, **stage),
    )
    return VAE(encoder, decoder, latent, likelihood)
