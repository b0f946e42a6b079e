"""VGG: nothing but 3x3 convolutions, and many of them."""

from collections import OrderedDict
from typing import Any

from torch import nn

from course_lib import layers
from course_lib.layers import checks, initialization
from course_lib.layers.checks import Device, Dtype
from course_lib.models.widths import check_sizes, scaled

CHANNELS = (64, 128, 256, 512, 512)  # of the five stages, with max pooling after each
CONFIGURATIONS = {  # table 1: kernel sizes of the convolutions of each stage
    "A": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "B": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "C": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "D": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "E": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
GRID = 7  # rows and columns of the map that the dense layers see
HIDDEN = 4096


def vgg(
    configuration: str,
    num_classes: int = 1000,
    init_weights: bool = True,
    dropout: float = 0.5,
    *,
    batch_norm: bool = False,
    in_channels: int = 3,
    width_mult: float = 1.0,
    device: Device = None,
    dtype: Dtype = None,
) -> nn.Sequential:
    """A column of the paper's table 1: x (n, in_channels, h, w) -> logits (n, num_classes).

    ``configuration`` is "A", "B", "C" (with 1x1 convolutions), "D" or "E". Five stages of convolutions that
    keep the size, each followed by pooling that halves it, then three dense layers. Two 3x3 convolutions see
    5x5 pixels and three see 7x7, with fewer weights than one large kernel and a ReLU after each: so one
    simple design could go from AlexNet's 8 layers to 19. Most weights are in the first dense layer. The nets
    were made for 224x224; from 32x32 on, the last map of any size is averaged to 7x7, or repeated if it is
    smaller. Names, defaults and initialization are torchvision's, whose weights load unchanged.

    Args:
        configuration: a column of the table.
        num_classes: number of logits.
        init_weights: draw convolutions from N(0, 2 / fan_out) and dense layers from N(0, 0.01^2), with biases
            of 0; else every layer keeps its own initialization.
        dropout: the probability after the first two dense layers.
        batch_norm: normalize between each convolution and its ReLU, which came later than the paper.
        in_channels: channels of x.
        width_mult: a factor on all numbers of channels and of hidden units.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Simonyan & Zisserman (2014), Very deep convolutional networks for large-scale image recognition.

    Raises:
        ValueError: a configuration that is not in the table, an argument out of range, or images that are
            too small.
        TypeError: an argument of the wrong type.
    """
    checks.one_of("vgg", "configuration", configuration, list(CONFIGURATIONS))
    check_sizes("vgg", width_mult, num_classes=num_classes, in_channels=in_channels)
    checks.probability("vgg", "dropout", dropout)
    features: list[nn.Module] = []
    channels = in_channels
    for kernels, stage_channels in zip(CONFIGURATIONS[configuration], CHANNELS, strict=True):
        out_channels = scaled(stage_channels, width_mult)
        for k in kernels:
            sizes = (channels, out_channels, k)
            features.append(layers.Conv2d(*sizes, padding=k // 2, device=device, dtype=dtype))
            if batch_norm:
                features.append(layers.BatchNorm2d(out_channels, device=device, dtype=dtype))
            features.append(layers.ReLU())
            channels = out_channels
        features.append(layers.MaxPool2d(2))
    hidden = scaled(HIDDEN, width_mult)
    classifier = nn.Sequential(
        layers.Linear(channels * GRID**2, hidden, device=device, dtype=dtype),
        layers.ReLU(),
        layers.Dropout(dropout),
        layers.Linear(hidden, hidden, device=device, dtype=dtype),
        layers.ReLU(),
        layers.Dropout(dropout),
        layers.Linear(hidden, num_classes, device=device, dtype=dtype),
    )
    parts = {
        "features": nn.Sequential(*features),
        "avgpool": layers.AdaptiveAvgPool2d((GRID, GRID)),
        "flatten": nn.Flatten(),
        "classifier": classifier,
    }
    net = nn.Sequential(OrderedDict(parts))
    if init_weights:
        for module in net.modules():
            _initialize(module)
    return net


def _initialize(module: nn.Module) -> None:
    if isinstance(module, layers.Conv2d):
        initialization.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        initialization.zeros_(module.bias)
    elif isinstance(module, layers.Linear):
        initialization.normal_(module.weight, 0, 0.01)
        initialization.zeros_(module.bias)


def vgg11(**options: Any) -> nn.Sequential:
    """Configuration A, 8 convolutions: 132,863,336 parameters. ``options`` are those of ``vgg``."""
    return vgg("A", **options)


def vgg13(**options: Any) -> nn.Sequential:
    """Configuration B, 10 convolutions: 133,047,848 parameters. ``options`` are those of ``vgg``."""
    return vgg("B", **options)


def vgg16(**options: Any) -> nn.Sequential:
    """Configuration D, 13 convolutions: 138,357,544 parameters. ``options`` are those of ``vgg``."""
    return vgg("D", **options)


def vgg19(**options: Any) -> nn.Sequential:
    """Configuration E, 16 convolutions: 143,667,240 parameters. ``options`` are those of ``vgg``."""
    return vgg("E", **options)


def vgg11_bn(**options: Any) -> nn.Sequential:
    """Configuration A with batch normalization: 132,868,840 parameters. ``options`` are those of ``vgg``."""
    return vgg("A", batch_norm=True, **options)


def vgg13_bn(**options: Any) -> nn.Sequential:
    """Configuration B with batch normalization: 133,053,736 parameters. ``options`` are those of ``vgg``."""
    return vgg("B", batch_norm=True, **options)


def vgg16_bn(**options: Any) -> nn.Sequential:
    """Configuration D with batch normalization: 138,365,992 parameters. ``options`` are those of ``vgg``."""
    return vgg("D", batch_norm=True, **options)


def vgg19_bn(**options: Any) -> nn.Sequential:
    """Configuration E with batch normalization: 143,678,248 parameters. ``options`` are those of ``vgg``."""
    return vgg("E", batch_norm=True, **options)
