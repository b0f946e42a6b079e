"""The convolutional autoencoder: down by strides, and up again in one of the ways there are."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.autoencoder import Autoencoder, Factory

UPSAMPLINGS = ("transposed", "nearest", "bilinear")


class ConvAutoencoder(Autoencoder):
    """An autoencoder of images whose sides a power of two divides: see ``conv_autoencoder``."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, factor: int) -> None:
        super().__init__(encoder, decoder)
        self.factor = factor

    def encode(self, x: Tensor) -> Tensor:
        """x (n, c, h, w) -> code (n, code_channels, h / factor, w / factor)."""
        if x.ndim == 4 and (x.shape[2] % self.factor or x.shape[3] % self.factor):
            raise ValueError(
                f"ConvAutoencoder: height and width of x must be multiples of {self.factor}, for halving and "
                f"doubling to meet again, got {x.shape[2]}x{x.shape[3]}"
            )
        return super().encode(x)


def conv_autoencoder(
    in_channels: int = 1,
    channels: Sequence[int] = (16, 32),
    code_channels: int = 8,
    upsampling: str = "transposed",
    *,
    out_channels: int | None = None,
    kernel_size: int = 4,
    activation: Factory = layers.ReLU,
    output: Factory | None = None,
    device: Device = None,
    dtype: Dtype = None,
) -> ConvAutoencoder:
    """Images to small maps and back: x (n, in_channels, h, w) -> (n, out_channels, h, w).

    The encoder has a 3x3 convolution of stride 2 for each of ``channels``, which halves the side, and a 3x3
    convolution to the code, without activation: (n, code_channels, h / 2^L, w / 2^L) for L stages. The
    decoder mirrors it and doubles the side L times. h and w must be multiples of 2^L.

    Args:
        in_channels: channels of x.
        channels: of the encoder's stages, from the image on.
        code_channels: channels of the code.
        upsampling: how the side is doubled. "transposed": a transposed convolution of stride 2. "nearest" or
            "bilinear": the map is enlarged, then convolved, 3x3.
        out_channels: channels of the result, if not those of x: 3 for one that colours grey images.
        kernel_size: of the transposed convolutions. Where 2 does not divide it, neighbouring pixels get
            different numbers of stamps: a checkerboard.
        activation: makes the activation of all stages.
        output: makes that of the result, such as ``layers.Sigmoid`` for pixels from 0 to 1; None: linear.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Masci, Meier, Ciresan & Schmidhuber (2011), Stacked convolutional auto-encoders for hierarchical
    feature extraction; on checkerboards: Odena, Dumoulin & Olah (2016).

    Raises:
        ValueError: another upsampling, no channels, a size below 1, a kernel below 2, images whose sides are
            no multiples of 2^L.
        TypeError: a size that is no integer.
    """
    owner = "conv_autoencoder"
    checks.one_of(owner, "upsampling", upsampling, UPSAMPLINGS)
    out_channels = in_channels if out_channels is None else out_channels
    sizes = {"in_channels": in_channels, "code_channels": code_channels, "out_channels": out_channels}
    sizes |= {f"channels[{i}]": c for i, c in enumerate(channels)} | {"kernel_size": kernel_size}
    for name, size in sizes.items():
        checks.positive_integer(owner, name, size)
    if not len(channels):
        raise ValueError(f"{owner}: channels must hold one number at least, got none")
    if kernel_size < 2:
        raise ValueError(
            f"{owner}: kernel_size must be 2 or more, so that no pixel is missed, got {kernel_size}"
        )
    where: dict[str, Any] = {"device": device, "dtype": dtype}

    down: list[nn.Module] = []
    for c_in, c_out in zip((in_channels, *channels), channels, strict=False):
        down += [layers.Conv2d(c_in, c_out, 3, stride=2, padding=1, **where), activation()]
    down.append(layers.Conv2d(channels[-1], code_channels, 3, padding=1, **where))

    up: list[nn.Module] = [layers.Conv2d(code_channels, channels[-1], 3, padding=1, **where), activation()]
    outwards = (*reversed(channels), out_channels)
    for c_in, c_out in pairwise(outwards):
        up += [*_doubling(upsampling, c_in, c_out, kernel_size, where), activation()]
    up.pop()  # no activation behind the last
    if output is not None:
        up.append(output())
    return ConvAutoencoder(nn.Sequential(*down), nn.Sequential(*up), 2 ** len(channels))


def _doubling(
    upsampling: str, c_in: int, c_out: int, kernel_size: int, where: dict[str, Any]
) -> list[nn.Module]:
    """Layers that double the side of a map."""
    if upsampling == "transposed":
        odd = kernel_size % 2
        padding = (kernel_size - 2 + odd) // 2
        options: dict[str, Any] = {"stride": 2, "padding": padding, "output_padding": odd}
        return [layers.ConvTranspose2d(c_in, c_out, kernel_size, **options, **where)]
    enlarge = nn.Upsample(scale_factor=2, mode=upsampling)
    return [enlarge, layers.Conv2d(c_in, c_out, 3, padding=1, **where)]
