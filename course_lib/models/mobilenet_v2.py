"""MobileNetV2: inverted residuals with linear bottlenecks."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.widths import check_sizes

Norm = Callable[[int], nn.Module]

# Table 2: the stem's channels, then expansion t, output channels c, number of blocks n, and stride s of the
# first of them; the channels of the 1x1 convolution at the end.
STEM = 32
BLOCKS = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]
LAST = 1280


class Convolution(nn.Sequential):
    """A convolution that keeps the size up to its stride, a normalization and ReLU6."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        norm_layer: Norm = layers.BatchNorm2d,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        sizes: dict[str, Any] = {"stride": stride, "padding": kernel_size // 2, "groups": groups}
        super().__init__(
            layers.Conv2d(in_channels, out_channels, kernel_size, **sizes, bias=False, **made),
            norm_layer(out_channels).to(**made),
            layers.ReLU6(),
        )


class InvertedResidual(nn.Module):
    """Expand, filter, project: wide inside and narrow at the ends, where ResNet's bottleneck is the reverse.

    Shapes: x (n, in_channels, h, w) -> (n, out_channels, h', w'), h' = ceil(h / stride). A 1x1 convolution
    expands x to expand_ratio times its channels (none where that is 1), a depthwise 3x3 one filters each of
    them, and a 1x1 one projects to out_channels. No ReLU follows it, for in a map of few channels it would
    lose what no other channel has: the bottleneck is linear. At stride 1 with as many channels out as in, x
    is added.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        expand_ratio: float,
        norm_layer: Norm = layers.BatchNorm2d,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        checks.one_of("InvertedResidual", "stride", stride, (1, 2))
        checks.finite_number("InvertedResidual", "expand_ratio", expand_ratio, above=0)
        wide = max(1, round(in_channels * expand_ratio))
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        steps: list[nn.Module] = []
        if expand_ratio != 1:
            steps.append(Convolution(in_channels, wide, 1, norm_layer=norm_layer, **made))
        steps.append(Convolution(wide, wide, 3, stride, groups=wide, norm_layer=norm_layer, **made))
        steps.append(layers.Conv2d(wide, out_channels, 1, bias=False, **made))
        steps.append(norm_layer(out_channels).to(**made))
        self.conv = nn.Sequential(*steps)
        self.adds = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Compute the block's output from x (n, in_channels, h, w)."""
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """A stem, 17 inverted residuals, a 1x1 convolution: x (n, in_channels, h, w) -> logits (n, num_classes).

    Where MobileNet has depthwise separable convolutions in a chain, its second version hands on few channels
    from block to block, with a shortcut between them, and works on many inside: less memory, and fewer
    multiply-adds. Images of any size will do; each of the five strides of 2 halves it, rounding up. The
    arguments are torchvision's, and so is the state_dict. 3,504,872 parameters at width 1.

    Args:
        num_classes: of the logits.
        width_mult: factor on the numbers of channels, which are rounded to multiples of round_nearest, but
            never by more than a tenth down; the last convolution keeps its 1280 channels below width 1.
        inverted_residual_setting: rows (t, c, n, s) in place of the paper's: expansion, channels, number of
            blocks, stride of the first of them.
        round_nearest: the numbers of channels are multiples of it; 8 suits the vector units of processors.
            1 keeps the numbers as they are.
        block: makes each block, called as InvertedResidual; None for that one.
        norm_layer: makes a normalization for a number of channels; None for batch normalization.
        dropout: in front of the classifier.
        in_channels: of the images.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Sandler, Howard, Zhu, Zhmoginov & Chen (2018), MobileNetV2: inverted residuals and linear
    bottlenecks, table 2.

    Raises:
        ValueError: a size below 1, a factor that is not above 0, a probability outside 0 ... 1, a row that
            has not four numbers, a stride other than 1 and 2, images of other channels.
        TypeError: a size that is no integer, a block or norm_layer that is no class and no function.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: Sequence[Sequence[int]] | None = None,
        round_nearest: int = 8,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Norm | None = None,
        dropout: float = 0.2,
        *,
        in_channels: int = 3,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        sizes = {"num_classes": num_classes, "round_nearest": round_nearest, "in_channels": in_channels}
        check_sizes("MobileNetV2", width_mult, **sizes)
        checks.probability("MobileNetV2", "dropout", dropout)
        rows = _checked(BLOCKS if inverted_residual_setting is None else inverted_residual_setting)
        block = InvertedResidual if block is None else block
        norm_layer = layers.BatchNorm2d if norm_layer is None else norm_layer
        for name, factory in (("block", block), ("norm_layer", norm_layer)):
            if not callable(factory) or isinstance(factory, nn.Module):  # one would be shared by all places
                raise TypeError(f"MobileNetV2: {name} must be a class or a function, got {factory!r}")
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        normed: dict[str, Any] = {"norm_layer": norm_layer, **made}

        channels = divisible(STEM * width_mult, round_nearest)
        modules: list[nn.Module] = [Convolution(in_channels, channels, 3, stride=2, **normed)]
        for expand_ratio, out_channels, repeats, first_stride in rows:
            out_channels = divisible(out_channels * width_mult, round_nearest)
            for stride in (first_stride, *[1] * (repeats - 1)):
                modules.append(block(channels, out_channels, stride, expand_ratio=expand_ratio, **normed))
                channels = out_channels
        last = divisible(LAST * max(1.0, width_mult), round_nearest)
        modules.append(Convolution(channels, last, 1, **normed))
        self.features = nn.Sequential(*modules)
        self.pool = layers.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(layers.Dropout(dropout), layers.Linear(last, num_classes, **made))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the convolutions from N(0, 2 / fan_out), the classifier from N(0, 0.01^2) with bias 0."""
        for module in self.modules():
            if isinstance(module, layers.Conv2d):
                layers.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, layers.Linear):
                layers.normal_(module.weight, 0, 0.01)
                layers.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of images x (n, in_channels, h, w)."""
        checks.float_tensor("MobileNetV2", x)
        checks.rank("MobileNetV2", x, "(N, C, H, W)")
        return self.classifier(self.pool(self.features(x)).flatten(1))


def mobilenet_v2(**options: Any) -> MobileNetV2:
    """MobileNetV2 of Sandler et al. (2018), 3,504,872 parameters. Options: MobileNetV2's."""
    return MobileNetV2(**options)


def divisible(channels: float, divisor: int) -> int:
    """The multiple of ``divisor`` nearest to channels; the next larger if that is less than 90 % of them."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * channels else nearest + divisor


def _checked(rows: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
    if not isinstance(rows, Sequence) or not rows or any(len(row) != 4 for row in rows):
        raise ValueError(f"MobileNetV2: inverted_residual_setting must hold rows (t, c, n, s), got {rows!r}")
    for _, channels, repeats, _ in rows:
        checks.positive_integer("MobileNetV2", "c in inverted_residual_setting", channels)
        checks.positive_integer("MobileNetV2", "n in inverted_residual_setting", repeats)
    return rows
