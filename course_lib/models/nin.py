"""Network in network: a small dense net at every pixel, and averages in place of a dense head."""

from collections import OrderedDict
from typing import Any

from torch import nn

from course_lib import layers
from course_lib.layers import checks, initialization
from course_lib.layers.checks import Device, Dtype
from course_lib.models.widths import check_sizes, scaled

CIFAR_10: tuple[tuple[int, tuple[int | None, ...]], ...] = (  # kernel; channels of it and two 1x1 layers
    (5, (192, 160, 96)),
    (5, (192, 192, 192)),
    (3, (192, 192, None)),  # None: one map a class
)
CLASS_MAPS_STD = 0.4  # times 1 / sqrt(fan_in); with 1.4, as elsewhere, one map in 20 starts as zeros


def mlpconv(
    in_channels: int,
    channels: tuple[int, ...],
    kernel_size: int,
    *,
    device: Device = None,
    dtype: Dtype = None,
) -> nn.Sequential:
    """A convolution and 1x1 layers, each with a ReLU: x (n, in_channels, h, w) -> y (n, channels[-1], h, w).

    The first layer looks at kernel_size x kernel_size pixels (an odd number, so that the size is kept). The
    1x1 layers behind it are a dense net that sees all channels of one pixel, the same at every pixel: in
    place of one filter and a ReLU, a window is judged by a net of several layers. Weights start from
    N(0, 2 / fan_in), biases from 0: a convolution's own initialization lets little through so many ReLUs.

    Source: Lin, Chen & Yan (2013), Network in network, section 3.1, equation 2.

    Raises:
        ValueError: a size below 1, an even kernel_size.
        TypeError: a size that is no integer.
    """
    checks.positive_integer("mlpconv", "kernel_size", kernel_size)
    if kernel_size % 2 == 0:
        raise ValueError(f"mlpconv: kernel_size must be odd, got {kernel_size}")
    modules: list[nn.Module] = []
    for out_channels in channels:
        sizes = (in_channels, out_channels, kernel_size)
        convolution = layers.Conv2d(*sizes, padding=kernel_size // 2, device=device, dtype=dtype)
        initialization.kaiming_normal_(convolution.weight, nonlinearity="relu")
        initialization.zeros_(convolution.bias)
        modules += [convolution, layers.ReLU()]
        in_channels, kernel_size = out_channels, 1
    return nn.Sequential(*modules)


def nin(
    num_classes: int = 10,
    dropout: float = 0.5,
    *,
    in_channels: int = 3,
    width_mult: float = 1.0,
    device: Device = None,
    dtype: Dtype = None,
) -> nn.Sequential:
    """Three mlpconv blocks and a global average: x (n, in_channels, h, w) -> scores (n, num_classes).

    The last block has one map a class, whose mean is the class's score: there is no dense layer, whose
    weights are the bulk of AlexNet's and what overfits first. 966,986 parameters for ten classes of colour
    images. Max pooling after the first two blocks (3x3 windows, 2 apart, rounding up) halves 32x32 to 16x16
    and 8x8; images of any size from 4x4 on will do. ``dropout`` is the probability after both poolings,
    ``width_mult`` a factor on all numbers of channels but the classes.

    There is a ReLU behind the last layer too, as in the paper's equation 2: no score is below 0. That layer
    starts with small weights and biases of 1: a class whose map is 0 everywhere has no gradient to leave it.

    Source: Lin, Chen & Yan (2013), Network in network, figure 2 and section 4. The paper does not list the
    channels: they are those of the net for CIFAR-10 that its authors published (whose second pooling takes
    the mean; the paper speaks of maxima).

    Raises:
        ValueError: an argument out of range, or images that are too small.
        TypeError: an argument of the wrong type.
    """
    check_sizes("nin", width_mult, num_classes=num_classes, in_channels=in_channels)
    checks.probability("nin", "dropout", dropout)
    parts: dict[str, nn.Module] = {}
    for block, (kernel_size, widths) in enumerate(CIFAR_10, start=1):
        channels = tuple(num_classes if w is None else scaled(w, width_mult) for w in widths)
        stack = mlpconv(in_channels, channels, kernel_size, device=device, dtype=dtype)
        parts[f"mlpconv{block}"] = stack
        if block < len(CIFAR_10):
            parts[f"pool{block}"] = layers.MaxPool2d(3, 2, ceil_mode=True)
            parts[f"dropout{block}"] = layers.Dropout(dropout)
        in_channels = channels[-1]
    class_maps: Any = stack[-2]
    initialization.normal_(class_maps.weight, 0, CLASS_MAPS_STD / class_maps.in_channels**0.5)
    initialization.ones_(class_maps.bias)
    parts["avgpool"] = layers.AdaptiveAvgPool2d(1)
    parts["flatten"] = nn.Flatten()
    return nn.Sequential(OrderedDict(parts))
