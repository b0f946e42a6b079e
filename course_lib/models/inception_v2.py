"""Inception v2, or BN-Inception: batch normalization, and two 3x3 in the place of 5x5."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import nn

from course_lib import layers
from course_lib.layers.checks import Device, Dtype
from course_lib.models.inception_blocks import Conv, Options, Step, made_layer
from course_lib.models.widths import check_sizes

average = partial(layers.AvgPool2d, 3, stride=1, padding=1)
maximum = partial(layers.MaxPool2d, 3, stride=1, padding=1)
halving = partial(layers.MaxPool2d, 3, stride=2, padding=1)


class Columns(NamedTuple):
    """The channels of an Inception module, as the columns of figure 5 have them."""

    one: int  # 1x1; 0 for none, and then the module halves the map
    three: tuple[int, int]  # the 1x1 before the 3x3, and the 3x3
    double: tuple[int, int]  # the 1x1 before two 3x3, and each of these
    pool: Callable[[], nn.Module]
    pool_proj: int  # the 1x1 behind the pooling; 0 for "pass through"


TABLE: dict[str, Conv | Columns | Callable[[], nn.Module]] = {  # of 224x224 it makes
    "conv1": Conv(64, 7, stride=2),  # 112x112
    "maxpool1": halving,  # 56x56
    "conv2": Conv(64),
    "conv3": Conv(192, 3),
    "maxpool2": halving,  # 28x28
    "inception3a": Columns(64, (64, 64), (64, 96), average, 32),
    "inception3b": Columns(64, (64, 96), (64, 96), average, 64),
    "inception3c": Columns(0, (128, 160), (64, 96), halving, 0),  # 14x14
    "inception4a": Columns(224, (64, 96), (96, 128), average, 128),
    "inception4b": Columns(192, (96, 128), (96, 128), average, 128),
    "inception4c": Columns(160, (128, 160), (128, 160), average, 128),
    "inception4d": Columns(96, (128, 192), (160, 192), average, 128),
    "inception4e": Columns(0, (128, 192), (192, 256), halving, 0),  # 7x7
    "inception5a": Columns(352, (192, 320), (160, 224), average, 128),
    "inception5b": Columns(352, (192, 320), (192, 224), maximum, 128),
}


def inception_v2(
    num_classes: int = 1000,
    *,
    in_channels: int = 3,
    width_mult: float = 1.0,
    device: Device = None,
    dtype: Dtype = None,
) -> nn.Sequential:
    """BN-Inception: x (n, in_channels, h, w) -> logits (n, num_classes).

    This is the network of the paper on batch normalization, which later papers call Inception v2; the
    "Inception-v2" of table 1 in "Rethinking the Inception architecture" is another, on the way to v3. Each
    convolution of GoogLeNet gets its batch normalization, 5x5 becomes two 3x3, modules average as well as
    take maxima, and two of them (3c, 4e) halve the map by themselves, instead of a pooling between modules.
    It needs neither dropout nor auxiliary heads nor local response normalization, and with 14 times fewer
    steps it was as good as GoogLeNet.

    The table of the paper contradicts itself: the filters that it lists for modules 4c, 4d and 4e make 608,
    608 and 1,056 channels, but as sizes of the outputs it gives 576, 576 and 1,024. The filters are taken at
    their word here, as in the weights that circulate; 96 channels behind the pooling of 4c and 4d, not 128,
    would give the sizes. The first convolution is an ordinary one; the paper's is depthwise separable.

    ``width_mult`` multiplies all numbers of channels. Images are 224x224 in the paper and may be of any size.
    The last map has a 32nd of it, rounded up; where that is one place, training needs two images a batch.

    Parameters: 11,285,224; 10,016 more, 11,295,240, in published forms whose convolutions keep their biases.
    Source: Ioffe & Szegedy (2015), Batch normalization, figure 5, in the appendix.

    Raises:
        ValueError: a size below 1.
        TypeError: a size that is no integer, a width_mult that is no number.
    """
    check_sizes("inception_v2", width_mult, num_classes=num_classes, in_channels=in_channels)
    options = Options(width_mult, device=device, dtype=dtype)
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    channels = in_channels
    for name, row in TABLE.items():
        step = _branches(row) if isinstance(row, Columns) else row
        modules[name], channels = made_layer(step, channels, options)
    modules["avgpool"] = layers.AdaptiveAvgPool2d(1)
    modules["flatten"] = nn.Flatten()
    modules["fc"] = options.linear(channels, num_classes)
    return nn.Sequential(modules)


def _branches(row: Columns) -> dict[str, Step]:
    """The branches of a module: its last 3x3 and its pooling have stride 2 if there is no 1x1."""
    (three_reduce, three), (double_reduce, double) = row.three, row.double
    last = 1 if row.one else 2
    branches: dict[str, Step] = {"branch1": Conv(row.one)} if row.one else {}
    branches["branch2"] = [Conv(three_reduce), Conv(three, 3, last)]
    branches["branch3"] = [Conv(double_reduce), Conv(double, 3), Conv(double, 3, last)]
    branches["branch4"] = [row.pool, Conv(row.pool_proj)] if row.pool_proj else row.pool
    return branches
