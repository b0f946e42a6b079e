"""The deep convolutional GAN: a generator of transposed convolutions and a discriminator that mirrors it."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype

FIRST_SIDE = 4  # of the maps nearest to the code


class DCGANGenerator(nn.Module):
    """z (n, latent), and classes y (n,) if there are some -> pictures (n, c, size, size) from -1 to 1."""

    def __init__(self, in_channels: int, size: int, latent: int, width: int, num_classes: int | None) -> None:
        super().__init__()
        self.latent, self.num_classes = latent, num_classes
        stages = (size // FIRST_SIDE).bit_length() - 1
        channels = width * 2 ** (stages - 1)
        blocks: list[nn.Module] = [
            layers.ConvTranspose2d(latent + (num_classes or 0), channels, FIRST_SIDE, bias=False),
            layers.BatchNorm2d(channels),
            layers.ReLU(),
        ]
        for _ in range(stages - 1):
            blocks += [
                layers.ConvTranspose2d(channels, channels // 2, 4, stride=2, padding=1, bias=False),
                layers.BatchNorm2d(channels // 2),
                layers.ReLU(),
            ]
            channels //= 2
        blocks += [layers.ConvTranspose2d(channels, in_channels, 4, stride=2, padding=1), layers.Tanh()]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Draw a picture for each code; a class is read as one-hot digits behind the code."""
        checks.float_tensor("DCGANGenerator", z, "z")
        checks.rank("DCGANGenerator", z, "(n, latent)", name="z")
        checks.size("DCGANGenerator", z, 1, self.latent, "latent", name="z")
        _check_classes("DCGANGenerator", y, self.num_classes, len(z))
        if y is not None and self.num_classes is not None:
            z = torch.cat([z, F.one_hot(y, self.num_classes).to(z)], dim=1)  # (n, latent + classes)
        return self.blocks(z[:, :, None, None])


class DCGANDiscriminator(nn.Module):
    """Pictures x (n, c, size, size), and classes y (n,) if there are some -> logits of being real (n,)."""

    def __init__(
        self, in_channels: int, size: int, width: int, num_classes: int | None, batch_norm: bool
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self._shape = (in_channels, size, size)
        stages = (size // FIRST_SIDE).bit_length() - 1
        blocks: list[nn.Module] = []
        before, channels = in_channels, width
        for stage in range(stages):
            normalize = batch_norm and stage > 0  # the first reads the pixels, whose scale is known
            blocks.append(layers.Conv2d(before, channels, 4, stride=2, padding=1, bias=not normalize))
            blocks += [layers.BatchNorm2d(channels)] if normalize else []
            blocks.append(layers.LeakyReLU(0.2))
            before, channels = channels, channels * 2
        self.blocks = nn.Sequential(*blocks, nn.Flatten())
        features = before * FIRST_SIDE**2
        self.head = layers.Linear(features, 1)
        self.projection = None if num_classes is None else layers.Embedding(num_classes, features)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Judge pictures; with classes, whether each is a real picture of its class."""
        checks.float_tensor("DCGANDiscriminator", x, "x")
        checks.rank("DCGANDiscriminator", x, "(n, c, h, w)", name="x")
        if tuple(x.shape[1:]) != self._shape:
            raise ValueError(
                f"DCGANDiscriminator: x must be (n, {', '.join(map(str, self._shape))}), "
                f"got shape {tuple(x.shape)}"
            )
        _check_classes("DCGANDiscriminator", y, self.num_classes, len(x))
        features = self.blocks(x)  # (n, features)
        logits = self.head(features).flatten()
        if y is None or self.projection is None:
            return logits
        return logits + (features * self.projection(y)).sum(dim=1)


class DCGAN(NamedTuple):
    """Two networks that are trained against each other."""

    generator: DCGANGenerator
    discriminator: DCGANDiscriminator


def dcgan(
    in_channels: int = 1,
    size: int = 16,
    latent: int = 64,
    width: int = 32,
    num_classes: int | None = None,
    *,
    batch_norm: bool = True,
    device: Device = None,
    dtype: Dtype = None,
) -> DCGAN:
    """A generator and a discriminator of pictures, (generator, discriminator).

    ``generator(z)`` draws pictures (n, in_channels, size, size), from -1 to 1, from codes z (n, latent),
    drawn from N(0, I); ``discriminator(x)`` gives logits (n,): above 0 it takes x for real. The generator
    begins with maps of 4x4 and doubles the side, while the channels halve, to ``width`` before the last
    doubling; the discriminator goes the same way back by strides. Batch normalization everywhere but at the
    pixels, ReLU in the generator, leaky ReLU (0.2) in the discriminator, a hyperbolic tangent at the end;
    weights drawn from N(0, 0.02^2), as in the paper.

    With ``num_classes`` both read classes y (n,) besides: ``generator(z, y)``, ``discriminator(x, y)``. The
    generator gets them as one-hot digits; the discriminator adds the product of its features with a learned
    vector of the class.

    Args:
        in_channels: of the pictures.
        size: side of the pictures, 8, 16, 32, ...
        latent: numbers in a code.
        width: channels next to the pixels; they double with every halving of the side.
        num_classes: number of classes, None if there are none.
        batch_norm: whether the discriminator has batch normalization. Not for a critic with a gradient
            penalty, which is on each example alone, nor with ``spectral_norm``, which takes its place.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Radford, Metz & Chintala (2016), Unsupervised representation learning with deep convolutional
    generative adversarial networks, section 3; classes: Mirza & Osindero (2014), Conditional generative
    adversarial nets; Miyato & Koyama (2018), cGANs with projection discriminator, equation 3.

    Raises:
        ValueError: a size that is no power of two from 8 on, a number below 1.
        TypeError: a number that is no integer.
    """
    sizes = {"in_channels": in_channels, "size": size, "latent": latent, "width": width}
    sizes |= {} if num_classes is None else {"num_classes": num_classes}
    for name, value in sizes.items():
        checks.positive_integer("dcgan", name, value)
    if size < 2 * FIRST_SIDE or size & (size - 1):
        raise ValueError(f"dcgan: size must be a power of two from {2 * FIRST_SIDE} on, got {size}")
    nets = DCGAN(
        DCGANGenerator(in_channels, size, latent, width, num_classes),
        DCGANDiscriminator(in_channels, size, width, num_classes, batch_norm),
    )
    for net in nets:
        net.apply(_draw_weights)
        net.to(device=device, dtype=dtype)
    return nets


def _draw_weights(module: nn.Module) -> None:
    """Weights from N(0, 0.02^2), gains of batch normalization from N(1, 0.02^2), biases 0."""
    if isinstance(module, layers.Conv2d | layers.ConvTranspose2d | layers.Linear | layers.Embedding):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, layers.BatchNorm2d) and module.weight is not None:
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    bias = getattr(module, "bias", None)
    if bias is not None:
        nn.init.zeros_(bias)


def _check_classes(owner: str, y: Tensor | None, num_classes: int | None, n: int) -> None:
    if num_classes is None:
        if y is not None:
            raise ValueError(f"{owner}: y must be None, as the net was made without num_classes")
        return
    if y is None:
        raise ValueError(f"{owner}: y must be given, as the net was made with num_classes={num_classes}")
    checks.tensor(owner, y, "y")
    if y.dtype != torch.int64:
        raise TypeError(f"{owner}: y must have dtype torch.int64, got {y.dtype}")
    if y.shape != (n,):
        raise ValueError(
            f"{owner}: y must hold one class for each of the {n} rows, got shape {tuple(y.shape)}"
        )
    if n and not (y.min() >= 0 and y.max() < num_classes):
        raise ValueError(
            f"{owner}: y must hold classes 0 ... {num_classes - 1}, got {y.min().item()} ... {y.max().item()}"
        )
