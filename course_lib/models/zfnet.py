"""ZFNet: AlexNet, mended where pictures of its features showed faults."""

from collections import OrderedDict
from typing import NamedTuple

from torch import nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.widths import check_sizes, scaled


class Stage(NamedTuple):
    """A convolution and its ReLU, and what follows them."""

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    pooled: bool = False  # 3x3 windows, 2 apart
    normalized: bool = False  # after pooling, by its neighbouring channels


FIGURE_3 = (  # of Zeiler & Fergus (2013); the paddings are those that give its sizes
    Stage(96, 7, stride=2, padding=1, pooled=True, normalized=True),
    Stage(256, 5, stride=2, pooled=True, normalized=True),
    Stage(384, 3, padding=1),
    Stage(384, 3, padding=1),
    Stage(256, 3, padding=1, pooled=True),
)
GRID = 6  # rows and columns of the map that the dense layers see
HIDDEN = 4096


def zfnet(
    num_classes: int = 1000,
    dropout: float = 0.5,
    *,
    in_channels: int = 3,
    width_mult: float = 1.0,
    device: Device = None,
    dtype: Dtype = None,
) -> nn.Sequential:
    """Five convolutions and three dense layers: x (n, in_channels, h, w) -> logits (n, num_classes).

    AlexNet's first layer, 11x11 with stride 4, had no filters for middle frequencies, and the second layer
    showed patterns that were not in the image, but came from the large stride. With 7x7 and stride 2, and
    stride 2 in the second convolution, both went away. There are no towers: 62,357,608 parameters.

    On 224x224 the maps are 110, 55 (pooled), 26, 13 (pooled), 13, 13, 13 and 6 (pooled) wide, as in the
    paper's figure, which does not say how they come about. They do with 1 pixel of padding in the first
    convolution, none in the second, 1 in the others, and pooling that rounds sizes up: rounded down,
    the 55 would be 54. Images from 47x47 on will do: the last map of any size is averaged to 6x6, or repeated
    if it is smaller. ``dropout`` is the probability after the first two dense layers, ``width_mult`` a
    factor on all numbers of channels and of hidden units.

    Maps are normalized across channels after pooling, with AlexNet's constants, as the paper names none.
    Layers are initialized as all layers here are; the paper set all weights to 0.01 and all biases to 0.

    Source: Zeiler & Fergus (2013), Visualizing and understanding convolutional networks, figure 3.

    Raises:
        ValueError: an argument out of range, or images that are too small.
        TypeError: an argument of the wrong type.
    """
    check_sizes("zfnet", width_mult, num_classes=num_classes, in_channels=in_channels)
    checks.probability("zfnet", "dropout", dropout)
    features: list[nn.Module] = []
    channels = in_channels
    for stage in FIGURE_3:
        out_channels = scaled(stage.channels, width_mult)
        sizes = (channels, out_channels, stage.kernel, stage.stride, stage.padding)
        features += [layers.Conv2d(*sizes, device=device, dtype=dtype), layers.ReLU()]
        if stage.pooled:
            features.append(layers.MaxPool2d(3, 2, ceil_mode=True))
        if stage.normalized:
            features.append(layers.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0))
        channels = out_channels
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
    return nn.Sequential(OrderedDict(parts))
