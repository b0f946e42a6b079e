"""The deconvolution network: VGG-16 and its mirror image, which unpools with the switches of the way down."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.vgg import CHANNELS
from course_lib.models.widths import check_sizes, scaled

CONVOLUTIONS = (2, 2, 3, 3, 3)  # of VGG-16's stages
MIDDLE = 4096


class DeconvNet(nn.Module):
    """x (n, in_channels, h, w) -> a score for each pixel and class (n, num_classes, h, w).

    The way down is VGG-16's: stages of 3x3 convolutions with max pooling behind each. The middle is its
    dense layers as convolutions: a ``grid`` x ``grid`` one, which turns a map of that size into one place,
    and a 1x1 one. The way up mirrors both: a transposed convolution to grid x grid again; then for each
    stage, from the last to the first, max unpooling, which puts every value where the way down found the
    maximum, and 3x3 transposed convolutions, which fill in what lies between. The last of a stage has the
    channels of the stage before. Batch normalization and ReLU stand behind every layer but the last, a 1x1
    convolution.

    Sides must be halved without a rest in every stage, to ``grid`` at least: multiples of 2^stages.

    Args:
        in_channels: channels of x.
        num_classes: scores a pixel.
        convolutions: in each stage.
        channels: of each stage.
        grid: side of the middle's kernel, the paper's 7 for images of 224x224; 0: no middle.
        middle_channels: of the middle.
        width_mult: a factor on all numbers of channels.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Noh, Hong & Han (2015), Learning deconvolution network for semantic segmentation, table 2.

    Raises:
        ValueError: stages without convolutions, lists of different lengths, an argument out of range, images
            whose sides do not fit.
        TypeError: an argument of the wrong type.
    """

    def __init__(
        self,
        in_channels: int = 3,
        num_classes: int = 21,
        convolutions: Sequence[int] = CONVOLUTIONS,
        channels: Sequence[int] = CHANNELS,
        grid: int = 7,
        middle_channels: int = MIDDLE,
        *,
        width_mult: float = 1.0,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        sizes = {f"convolutions[{i}]": n for i, n in enumerate(convolutions)}
        sizes |= {f"channels[{i}]": c for i, c in enumerate(channels)} | {"middle_channels": middle_channels}
        check_sizes("DeconvNet", width_mult, in_channels=in_channels, num_classes=num_classes, **sizes)
        checks.non_negative_integer("DeconvNet", "grid", grid)
        if len(convolutions) != len(channels) or not len(channels):
            raise ValueError(
                "DeconvNet: convolutions and channels must have one number for each stage, "
                f"got {len(convolutions)} and {len(channels)}"
            )
        widths = [scaled(c, width_mult) for c in channels]
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        self.grid = grid

        def step(
            kind: Callable[..., nn.Module], c_in: int, c_out: int, k: int, padding: int
        ) -> list[nn.Module]:
            conv = kind(c_in, c_out, k, padding=padding, **where)
            return [conv, layers.BatchNorm2d(c_out, **where), layers.ReLU()]

        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for c_in, c_out, n in zip([in_channels, *widths], widths, convolutions, strict=False):
            modules = step(layers.Conv2d, c_in, c_out, 3, 1)
            for _ in range(n - 1):
                modules += step(layers.Conv2d, c_out, c_out, 3, 1)
            self.down.append(nn.Sequential(*modules))
        self.pool = layers.MaxPool2d(2, return_indices=True)
        self.unpool = layers.MaxUnpool2d(2)
        middle: list[nn.Module] = []
        if grid:
            wide = scaled(middle_channels, width_mult)
            middle += step(layers.Conv2d, widths[-1], wide, grid, 0)
            middle += step(layers.Conv2d, wide, wide, 1, 0)
            middle += step(layers.ConvTranspose2d, wide, widths[-1], grid, 0)
        self.middle = nn.Sequential(*middle)
        before = [widths[0], *widths]  # the first stage keeps its channels
        for c, c_out, n in reversed(list(zip(widths, before, convolutions, strict=False))):
            modules = []
            for number in range(n):
                modules += step(layers.ConvTranspose2d, c, c_out if number == n - 1 else c, 3, 1)
            self.up.append(nn.Sequential(*modules))
        self.score = layers.Conv2d(widths[0], num_classes, 1, **where)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the net."""
        self._check_sides(x)
        switches: list[Tensor] = []
        for stage in self.down:
            x, indices = self.pool(stage(x))
            switches.append(indices)
        x = self.middle(x)
        for stage in self.up:
            x = stage(self.unpool(x, switches.pop()))
        return self.score(x)

    def _check_sides(self, x: Tensor) -> None:
        checks.float_tensor("DeconvNet", x)
        checks.rank("DeconvNet", x, "(n, c, h, w)")
        step = 2 ** len(self.down)
        least = step * max(1, self.grid)
        if any(side % step or side < least for side in x.shape[2:]):
            raise ValueError(
                f"DeconvNet: height and width must be multiples of {step}, {least} at least, "
                f"got {x.shape[2]}x{x.shape[3]}"
            )


def deconvnet(in_channels: int = 3, num_classes: int = 21, **options: Any) -> DeconvNet:
    """The deconvolution network. ``options`` are those of ``DeconvNet``."""
    return DeconvNet(in_channels, num_classes, **options)
