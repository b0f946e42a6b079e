"""Inception v4: the same few modules, stacked deeper."""

from functools import partial

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.inception_blocks import Conv, Named, Options, Step, check_images, made_layer
from course_lib.models.widths import check_sizes

AVERAGE = partial(layers.AvgPool2d, 3, stride=1, padding=1, count_include_pad=False)
MAX = partial(layers.MaxPool2d, 3, stride=2)


def reduced(channels: int) -> Conv:
    """The 3x3 that halves the map, without padding: V in the figures."""
    return Conv(channels, 3, stride=2, padding=0)


STEM: list[Step] = [  # figure 3, behind a first convolution that makes 149x149x32 of 299x299
    Conv(32, 3, padding=0),  # 147x147x32
    Conv(64, 3),  # 147x147x64
    {"maxpool": MAX, "conv": reduced(96)},  # 73x73x160
    {
        "branch0": [Conv(64), Conv(96, 3, padding=0)],
        "branch1": [Conv(64), Conv(64, (1, 7)), Conv(64, (7, 1)), Conv(96, 3, padding=0)],
    },  # 71x71x192
    {"conv": reduced(192), "maxpool": MAX},  # 35x35x384
]
MODULE_A: dict[str, Step] = {  # figure 4
    "branch0": Conv(96),
    "branch1": [Conv(64), Conv(96, 3)],
    "branch2": [Conv(64), Conv(96, 3), Conv(96, 3)],
    "branch3": [AVERAGE, Conv(96)],
}
REDUCTION_A: dict[str, Step] = {  # figure 7, k, l, m, n = 192, 224, 256, 384
    "branch0": reduced(384),
    "branch1": [Conv(192), Conv(224, 3), reduced(256)],
    "branch2": MAX,
}
MODULE_B: dict[str, Step] = {  # figure 5
    "branch0": Conv(384),
    "branch1": [Conv(192), Conv(224, (1, 7)), Conv(256, (7, 1))],
    "branch2": [Conv(192), Conv(192, (7, 1)), Conv(224, (1, 7)), Conv(224, (7, 1)), Conv(256, (1, 7))],
    "branch3": [AVERAGE, Conv(128)],
}
REDUCTION_B: dict[str, Step] = {  # figure 8
    "branch0": [Conv(192), reduced(192)],
    "branch1": [Conv(256), Conv(256, (1, 7)), Conv(320, (7, 1)), reduced(320)],
    "branch2": MAX,
}
MODULE_C = Named(  # figure 6: two branches fork at their end
    [{"branch0": Conv(256)}],
    [
        {"branch1_0": Conv(384)},
        {"branch1_1a": Conv(256, (1, 3)), "branch1_1b": Conv(256, (3, 1))},
    ],
    [
        {"branch2_0": Conv(384)},
        {"branch2_1": Conv(448, (3, 1))},
        {"branch2_2": Conv(512, (1, 3))},
        {"branch2_3a": Conv(256, (1, 3)), "branch2_3b": Conv(256, (3, 1))},
    ],
    [{"branch3": [AVERAGE, Conv(256)]}],
)
FEATURES: list[Step] = [
    *STEM,
    *[MODULE_A] * 4,  # 35x35x384
    REDUCTION_A,
    *[MODULE_B] * 7,  # 17x17x1024
    REDUCTION_B,
    *[MODULE_C] * 3,  # 8x8x1536
]
SMALLEST = {1: 39, 2: 75}  # image for each stem_stride


class InceptionV4(nn.Module):
    """The network that ``inception_v4`` describes."""

    def __init__(
        self,
        num_classes: int = 1000,
        dropout: float = 0.2,
        *,
        in_channels: int = 3,
        width_mult: float = 1.0,
        stem_stride: int = 2,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        check_sizes("inception_v4", width_mult, num_classes=num_classes, in_channels=in_channels)
        checks.one_of("inception_v4", "stem_stride", stem_stride, tuple(SMALLEST))
        self.smallest = SMALLEST[stem_stride]
        options = Options(width_mult, device=device, dtype=dtype)
        features = [reduced(32)._replace(stride=stem_stride), *FEATURES]
        self.features, channels = made_layer(features, in_channels, options)
        self.avgpool = layers.AdaptiveAvgPool2d(1)
        self.dropout = layers.Dropout(dropout)
        self.last_linear = options.linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, c, h, w) -> logits (n, k)."""
        check_images("inception_v4", x, self.smallest)
        return self.last_linear(self.dropout(torch.flatten(self.avgpool(self.features(x)), 1)))


def inception_v4(
    num_classes: int = 1000,
    dropout: float = 0.2,
    *,
    in_channels: int = 3,
    width_mult: float = 1.0,
    stem_stride: int = 2,
    device: Device = None,
    dtype: Dtype = None,
) -> InceptionV4:
    """Inception v4: x (n, in_channels, h, w) -> logits (n, num_classes).

    The older networks had to be trained in parts on several machines, which left its marks on their form. v4
    is uniform: one module for each size of the map, repeated (4 of A, 7 of B, 3 of C), a reduction between
    them, and a stem with branches of its own. There are no auxiliary heads.

    ``width_mult`` multiplies all numbers of channels. Images are 299x299 in the paper, which gives maps of
    35x35x384, 17x17x1024 and 8x8x1536, and may be as small as 75x75; with ``stem_stride=1``, where the first
    convolution keeps the size, 39x39. Names of parameters are those of the weights published for PyTorch
    (in timm), which were converted from TensorFlow's.

    Parameters: 42,679,816.
    Source: Szegedy, Ioffe, Vanhoucke & Alemi (2017), Inception-v4, Inception-ResNet and the impact of
    residual connections on learning, figures 3-9 and table 1.

    Raises:
        ValueError: a size below 1, a dropout outside 0 ... 1, a stem_stride other than 1 and 2; images that
            are too small.
        TypeError: a size that is no integer, a width_mult that is no number.
    """
    return InceptionV4(
        num_classes,
        dropout,
        in_channels=in_channels,
        width_mult=width_mult,
        stem_stride=stem_stride,
        device=device,
        dtype=dtype,
    )
