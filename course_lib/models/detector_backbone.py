"""A small convolutional network that turns pictures into the feature map on which a detector works."""

from collections.abc import Sequence

from torch import nn

from course_lib import layers
from course_lib.layers import checks


class DetectorBackbone(nn.Sequential):
    """Blocks of a 3x3 convolution, batch normalization and ReLU: x (n, c, h, w) -> (n, out_channels, h', w').

    A block of stride 2 halves the map, rounding up; ``stride`` is that of the whole.

    Args:
        channels: of each block.
        strides: of each block, 1 or 2.
        in_channels: of the pictures.

    Raises:
        ValueError: sizes below 1, strides other than 1 and 2, or not as many as channels.
        TypeError: sizes that are no integers.
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int], in_channels: int = 3) -> None:
        owner = "DetectorBackbone"
        for value in (in_channels, *channels):
            checks.positive_integer(owner, "channels", value)
        for value in strides:
            checks.one_of(owner, "strides", value, (1, 2))
        if len(strides) != len(channels) or not channels:
            raise ValueError(
                f"{owner}: strides must be one for each of channels, {len(channels)}, got {len(strides)}"
            )
        blocks: list[nn.Module] = []
        for before, after, stride in zip((in_channels, *channels), channels, strides, strict=False):
            convolution = layers.Conv2d(before, after, 3, stride, padding=1, bias=False)
            layers.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            blocks += [convolution, layers.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*blocks)
        self.out_channels = channels[-1]
        self.stride = 2 ** list(strides).count(2)
