"""AlexNet: the net that won ImageNet in 2012, in the form of that year and in torchvision's."""

from collections import OrderedDict
from collections.abc import Sequence
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
    split: bool = False  # each tower sees only its own half of the maps before
    normalized: bool = False  # by its neighbouring channels
    pooled: bool = False  # 3x3 windows, 2 apart: they overlap


ONE_TOWER = (  # Krizhevsky (2014)
    Stage(64, 11, stride=4, padding=2, pooled=True),
    Stage(192, 5, padding=2, pooled=True),
    Stage(384, 3, padding=1),
    Stage(256, 3, padding=1),
    Stage(256, 3, padding=1, pooled=True),
)
TWO_TOWERS = (  # Krizhevsky, Sutskever & Hinton (2012), figure 2
    Stage(96, 11, stride=4, normalized=True, pooled=True),
    Stage(256, 5, padding=2, split=True, normalized=True, pooled=True),
    Stage(384, 3, padding=1),
    Stage(384, 3, padding=1, split=True),
    Stage(256, 3, padding=1, split=True, pooled=True),
)
GRID = 6  # rows and columns of the map that the dense layers see
HIDDEN = 4096


def alexnet(
    num_classes: int = 1000,
    dropout: float = 0.5,
    *,
    in_channels: int = 3,
    width_mult: float = 1.0,
    device: Device = None,
    dtype: Dtype = None,
) -> nn.Sequential:
    """Five convolutions and three dense layers: x (n, in_channels, h, w) -> logits (n, num_classes).

    This is torchvision's AlexNet, whose weights it takes: 61,100,840 parameters. It was made for 224x224;
    from 63x63 on, the last map of any size is averaged to 6x6, or repeated if it is smaller. ``dropout`` is
    the probability in front of the first two dense layers, ``width_mult`` a factor on all numbers of
    channels and of hidden units.

    AlexNet was deeper and wider than the convolutional nets before it, and could be trained since ReLUs do
    not saturate, two GPUs had room for it, and dropout and shifted, mirrored images kept it from overfitting.
    In this later form there is one tower, and no normalization.

    Source: Krizhevsky (2014), One weird trick for parallelizing convolutional neural networks. The net of
    2012 is ``alexnet_2012``.

    Raises:
        ValueError: an argument out of range, or images that are too small.
        TypeError: an argument of the wrong type.
    """
    check_sizes("alexnet", width_mult, num_classes=num_classes, in_channels=in_channels)
    checks.probability("alexnet", "dropout", dropout)
    features = _features(ONE_TOWER, in_channels, width_mult, 1, False, device, dtype)
    units, hidden = scaled(ONE_TOWER[-1].channels, width_mult) * GRID**2, scaled(HIDDEN, width_mult)
    classifier = nn.Sequential(
        layers.Dropout(dropout),
        layers.Linear(units, hidden, device=device, dtype=dtype),
        layers.ReLU(),
        layers.Dropout(dropout),
        layers.Linear(hidden, hidden, device=device, dtype=dtype),
        layers.ReLU(),
        layers.Linear(hidden, num_classes, device=device, dtype=dtype),
    )
    return _net(features, classifier)


def alexnet_2012(
    num_classes: int = 1000,
    dropout: float = 0.5,
    *,
    groups: int = 2,
    in_channels: int = 3,
    width_mult: float = 1.0,
    device: Device = None,
    dtype: Dtype = None,
) -> nn.Sequential:
    """AlexNet as it won, with two towers: x (n, in_channels, h, w) -> logits (n, num_classes).

    The maps of convolutions 2, 4 and 5 are split into ``groups`` towers, which see only their own part of
    the maps before them: each lived on a GPU of its own, and they met in convolution 3 and the dense layers.
    60,965,224 parameters; 62,378,344 with ``groups=1``, where nothing is split. The maps of convolutions 1
    and 2 are normalized by 5 neighbouring channels, across both towers; max pooling windows overlap; dropout
    follows the first two dense layers.

    On 227x227 the maps are 55, 27, 13, 13, 13 and, pooled, 6 wide. (The paper says 224, from which its 55
    does not follow without padding.) Pooling rounds sizes up: that changes nothing at 227, and lets in images
    from 39x39 on, whose last map is repeated to fill 6x6.

    Layers are initialized as all layers here are. The paper drew weights from N(0, 0.01^2), and began with
    biases of 1 in convolutions 2, 4 and 5 and in the hidden dense layers.

    Source: Krizhevsky, Sutskever & Hinton (2012), ImageNet classification with deep convolutional neural
    networks, section 3 and figure 2.

    Raises:
        ValueError: an argument out of range, or images that are too small.
        TypeError: an argument of the wrong type.
    """
    sizes = {"num_classes": num_classes, "groups": groups, "in_channels": in_channels}
    check_sizes("alexnet_2012", width_mult, **sizes)
    checks.probability("alexnet_2012", "dropout", dropout)
    features = _features(TWO_TOWERS, in_channels, width_mult, groups, True, device, dtype)
    units, hidden = scaled(TWO_TOWERS[-1].channels, width_mult, groups) * GRID**2, scaled(HIDDEN, width_mult)
    classifier = nn.Sequential(
        layers.Linear(units, hidden, device=device, dtype=dtype),
        layers.ReLU(),
        layers.Dropout(dropout),
        layers.Linear(hidden, hidden, device=device, dtype=dtype),
        layers.ReLU(),
        layers.Dropout(dropout),
        layers.Linear(hidden, num_classes, device=device, dtype=dtype),
    )
    return _net(features, classifier)


def _features(
    stages: Sequence[Stage],
    channels: int,
    width_mult: float,
    groups: int,
    ceil_mode: bool,
    device: Device,
    dtype: Dtype,
) -> nn.Sequential:
    modules: list[nn.Module] = []
    for stage in stages:
        out_channels = scaled(stage.channels, width_mult, groups)
        modules.append(
            layers.Conv2d(
                channels,
                out_channels,
                stage.kernel,
                stage.stride,
                stage.padding,
                groups=groups if stage.split else 1,
                device=device,
                dtype=dtype,
            )
        )
        modules.append(layers.ReLU())
        if stage.normalized:  # alpha stands before a sum in the paper, before a mean here
            modules.append(layers.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0))
        if stage.pooled:
            modules.append(layers.MaxPool2d(3, 2, ceil_mode=ceil_mode))
        channels = out_channels
    return nn.Sequential(*modules)


def _net(features: nn.Sequential, classifier: nn.Sequential) -> nn.Sequential:
    parts = {
        "features": features,
        "avgpool": layers.AdaptiveAvgPool2d((GRID, GRID)),
        "flatten": nn.Flatten(),
        "classifier": classifier,
    }
    return nn.Sequential(OrderedDict(parts))
