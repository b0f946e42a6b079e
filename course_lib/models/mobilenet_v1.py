"""MobileNet: depthwise separable convolutions in place of full ones."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.widths import check_sizes, scaled

# Table 1: the stem's channels, then output channels and stride of each block. (The table gives the last block
# stride 2, but the size it states, 7 x 7 before and behind, needs stride 1.)
STEM = 32
BLOCKS = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *[(512, 1)] * 5,
    (1024, 2),
    (1024, 1),
]


class Convolution(nn.Sequential):
    """A convolution that keeps the size up to its stride, batch normalization and ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        groups: int = 1,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        sizes: dict[str, Any] = {"stride": stride, "padding": kernel_size // 2, "groups": groups}
        super().__init__(
            layers.Conv2d(in_channels, out_channels, kernel_size, **sizes, bias=False, **made),
            layers.BatchNorm2d(out_channels, **made),
            layers.ReLU(),
        )


class DepthwiseSeparable(nn.Sequential):
    """A full 3x3 convolution in two steps: ``depthwise``, over the pixels, ``pointwise``, over the channels.

    Shapes: x (n, in_channels, h, w) -> (n, out_channels, h', w'), h' = ceil(h / stride). The depthwise step
    gives each channel a 3x3 kernel of its own (as many groups as channels), the pointwise step mixes the
    channels at each pixel (1x1). That takes 1 / out_channels + 1 / 3^2 of the multiply-adds of the full one.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        depthwise = Convolution(in_channels, in_channels, 3, stride, groups=in_channels, **made)
        pointwise = Convolution(in_channels, out_channels, 1, **made)
        super().__init__(OrderedDict(depthwise=depthwise, pointwise=pointwise))


class FullConvolution(nn.Sequential):
    """What DepthwiseSeparable replaces: ``full``, one 3x3 convolution over pixels and channels together."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        full = Convolution(in_channels, out_channels, 3, stride, device=device, dtype=dtype)
        super().__init__(OrderedDict(full=full))


class MobileNetV1(nn.Module):
    """A stem and 13 depthwise separable blocks: x (n, in_channels, h, w) -> logits (n, num_classes).

    Two multipliers trade accuracy for arithmetic: ``width_mult`` (alpha, in the paper 1, 0.75, 0.5 or 0.25)
    makes every layer thinner, and the resolution multiplier rho is the size of the images that you feed (224,
    192, 160 or 128). Multiply-adds fall like alpha^2 and like rho^2, parameters like alpha^2 alone. Images of
    any size will do; each of the five strides of 2 halves it, rounding up. The paper has plain ReLU, as here;
    its authors' later code ReLU6.

    Parameters are named ``features.0.*`` (the stem), ``features.i.depthwise.*`` and
    ``features.i.pointwise.*`` (block i, from 1) and ``classifier.*``. There are 4,231,976 at width 1.

    Args:
        num_classes: of the logits.
        block: makes each block, called as ``block(in_channels, out_channels, stride, device=, dtype=)``.
            ``FullConvolution`` gives the net of full convolutions that the paper compares with.
        in_channels: of the images.
        width_mult: factor on all numbers of channels but those of images and logits.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Howard et al. (2017), MobileNets: efficient convolutional neural networks for mobile vision
    applications, table 1.

    Raises:
        ValueError: a size below 1, a factor that is not above 0, images of other channels.
        TypeError: a size that is no integer, a block that makes no module.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        block: Callable[..., nn.Module] = DepthwiseSeparable,
        *,
        in_channels: int = 3,
        width_mult: float = 1.0,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        check_sizes("MobileNetV1", width_mult, num_classes=num_classes, in_channels=in_channels)
        if not callable(block) or isinstance(block, nn.Module):  # one module would be shared by all places
            raise TypeError(f"MobileNetV1: block must be a class or a function, got {block!r}")
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        channels = scaled(STEM, width_mult)
        modules: list[nn.Module] = [Convolution(in_channels, channels, 3, stride=2, **made)]
        for out_channels, stride in BLOCKS:
            out_channels = scaled(out_channels, width_mult)
            modules.append(block(channels, out_channels, stride, **made))
            if not isinstance(modules[-1], nn.Module):
                kind = type(modules[-1]).__name__
                raise TypeError(f"MobileNetV1: block must make a torch.nn.Module, got {kind}")
            channels = out_channels
        self.features = nn.Sequential(*modules)
        self.pool = layers.AdaptiveAvgPool2d(1)
        self.classifier = layers.Linear(channels, num_classes, **made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the convolutions from N(0, 2 / fan_in), the classifier from N(0, 0.01^2) with bias 0."""
        for module in self.modules():
            if isinstance(module, layers.Conv2d):
                layers.kaiming_normal_(module.weight, nonlinearity="relu")
        layers.normal_(self.classifier.weight, 0, 0.01)
        layers.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of images x (n, in_channels, h, w)."""
        checks.float_tensor("MobileNetV1", x)
        checks.rank("MobileNetV1", x, "(N, C, H, W)")
        return self.classifier(self.pool(self.features(x)).flatten(1))


def mobilenet_v1(**options: Any) -> MobileNetV1:
    """MobileNet of Howard et al. (2017), 4,231,976 parameters. Options: MobileNetV1's."""
    return MobileNetV1(**options)
