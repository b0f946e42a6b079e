"""U-Net: down to small maps and up again, with the large ones handed across."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.widths import check_sizes, scaled

CHANNELS = (64, 128, 256, 512, 1024)


class UNet(nn.Module):
    """x (n, in_channels, h, w) -> a score for each pixel and class (n, num_classes, h', w').

    Each stage is two 3x3 convolutions with ReLUs. Between stages on the way down the side is halved by max
    pooling, on the way up doubled by a 2x2 transposed convolution of stride 2, and the stage's own map from
    the way down is put beside it: the deep map knows what is there, the shallow one where exactly. A 1x1
    convolution makes the scores.

    With ``padding=0``, the paper's net, convolutions lose their border and the maps from the left are cropped
    in the middle: 572x572 pixels give scores for the 388x388 in their middle. With ``padding=1`` nothing is
    lost, and h' = h, w' = w; then h and w must be multiples of 2^(stages - 1).

    Args:
        in_channels: channels of x.
        num_classes: scores a pixel.
        channels: of the stages, from the image down.
        padding: 0 or 1, of the 3x3 convolutions.
        batch_norm: normalize between each convolution and its ReLU, which the paper does not.
        width_mult: a factor on ``channels``.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Ronneberger, Fischer & Brox (2015), U-Net: Convolutional networks for biomedical image
    segmentation, figure 1; weights drawn from N(0, 2 / fan_in), section 3.

    Raises:
        ValueError: fewer than two stages, another padding, an argument out of range, images whose sides do
            not fit.
        TypeError: an argument of the wrong type.
    """

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 2,
        channels: Sequence[int] = CHANNELS,
        padding: int = 0,
        batch_norm: bool = False,
        *,
        width_mult: float = 1.0,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        sizes = {f"channels[{i}]": c for i, c in enumerate(channels)}
        check_sizes("UNet", width_mult, in_channels=in_channels, num_classes=num_classes, **sizes)
        checks.one_of("UNet", "padding", padding, (0, 1))
        if len(channels) < 2:
            raise ValueError(f"UNet: channels must hold two numbers at least, got {tuple(channels)}")
        widths = [scaled(c, width_mult) for c in channels]
        where: dict[str, Any] = {"device": device, "dtype": dtype}

        def stage(c_in: int, c_out: int) -> nn.Sequential:
            modules: list[nn.Module] = []
            for c in (c_in, c_out):
                modules.append(layers.Conv2d(c, c_out, 3, padding=padding, **where))
                modules += [layers.BatchNorm2d(c_out, **where)] if batch_norm else []
                modules.append(layers.ReLU())
            return nn.Sequential(*modules)

        self.padding = padding
        self.down = nn.ModuleList(map(stage, [in_channels, *widths], widths))
        self.pool = layers.MaxPool2d(2)
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))  # (1024, 512), (512, 256), ...
        self.up = nn.ModuleList(layers.ConvTranspose2d(deep, c, 2, stride=2, **where) for deep, c in pairs)
        self.merge = nn.ModuleList(stage(2 * c, c) for _, c in pairs)
        self.score = layers.Conv2d(widths[0], num_classes, 1, **where)
        for module in self.modules():
            if isinstance(module, layers.Conv2d):
                layers.kaiming_normal_(module.weight, nonlinearity="relu")
                layers.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the net."""
        self._check_sides(x)
        across: list[Tensor] = []
        for number, stage in enumerate(self.down):
            x = stage(x if number == 0 else self.pool(x))
            across.append(x)  # (n, channels[number], h / 2^number, w / 2^number), less what borders cost
        across.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x = up(x)
            x = merge(torch.cat([_middle(across.pop(), x), x], dim=1))
        return self.score(x)

    def _check_sides(self, x: Tensor) -> None:
        checks.float_tensor("UNet", x)
        checks.rank("UNet", x, "(n, c, h, w)")
        for side in x.shape[2:]:
            if not self.output_side(side):
                near = sorted({self.fitting(side, up=False), self.fitting(side)})
                raise ValueError(
                    f"UNet: a side of {side} pixels does not fit with padding={self.padding} and "
                    f"{len(self.up)} poolings; try {' or '.join(map(str, near))}"
                )

    def output_side(self, side: int) -> int:
        """Return the side of the scores for images of ``side`` pixels; 0 if the net does not take them.

        Every pooling must find an even side, or the map from the left and the one below would not meet; and
        something must be left of every map.
        """
        lost = 0 if self.padding else 4  # by a stage's two convolutions
        size = side - lost
        for _ in self.up:
            if size < 2 or size % 2:
                return 0
            size = size // 2 - lost
        for _ in self.up:
            if size < 1:
                return 0
            size = 2 * size - lost
        return max(size, 0)

    def fitting(self, side: int, up: bool = True) -> int:
        """Return the smallest side from ``side`` on that the net takes; without ``up`` the largest up to it.

        Where there is none so small, it is the smallest of all.
        """
        if not up:
            for smaller in range(side, 0, -1):
                if self.output_side(smaller):
                    return smaller
        while not self.output_side(side):
            side += 1
        return side


def unet(in_channels: int = 1, num_classes: int = 2, **options: Any) -> UNet:
    """U-Net. ``options`` are those of ``UNet``; 31,030,658 parameters in the paper's sizes."""
    return UNet(in_channels, num_classes, **options)


def _middle(x: Tensor, like: Tensor) -> Tensor:
    """The middle of a map, of the height and width of another."""
    h, w = like.shape[2:]
    top, left = (x.shape[2] - h) // 2, (x.shape[3] - w) // 2
    return x[:, :, top : top + h, left : left + w]
