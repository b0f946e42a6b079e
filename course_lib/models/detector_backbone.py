"""A small convolutional network that turns pictures into the feature map on which a detector works."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

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


def batch_of(owner: str, images: Tensor | Sequence[Tensor]) -> Tensor:
    """Return images as one tensor (n, c, h, w), from that or from a list of (c, h, w) of one size.

    Raises:
        ValueError: another shape, no image, or images of several sizes.
        TypeError: what is no floating-point tensor.
    """
    if not isinstance(images, Tensor):
        if not isinstance(images, Sequence) or not images:
            raise ValueError(f"{owner}: images must be a tensor (n, c, h, w) or a list, got {images!r}")
        for image in images:
            checks.float_tensor(owner, image, "images")
        if len({image.shape for image in images}) > 1:
            sizes = sorted({tuple(image.shape) for image in images})
            raise ValueError(f"{owner}: images must be of one size, got {sizes}")
        images = torch.stack(list(images))
    checks.float_tensor(owner, images, "images")
    checks.rank(owner, images, "(N, C, H, W)", name="images")
    return images


def check_targets(owner: str, targets: Sequence[object], images: Tensor) -> None:
    """Raise ValueError unless there is one target for each image."""
    if len(targets) != len(images):
        raise ValueError(f"{owner}: targets must be {len(images)}, one for each image, got {len(targets)}")
