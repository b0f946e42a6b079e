"""Inception v3: large kernels taken apart into thin ones."""

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.inception_blocks import (
    Conv,
    Named,
    Options,
    Step,
    check_images,
    imagenet_to_inception,
    made_layer,
    truncated_normal_,
)
from course_lib.models.widths import check_sizes


def chain(prefix: str, *convolutions: Conv) -> list[dict[str, Step]]:
    """Convolutions one behind the other, named prefix_1, prefix_2 ..."""
    return [{f"{prefix}_{number}": row} for number, row in enumerate(convolutions, start=1)]


POOL = {"pool": partial(layers.AvgPool2d, 3, stride=1, padding=1)}
MAX = {"pool": partial(layers.MaxPool2d, 3, stride=2)}


def module_a(pool: int) -> Named:
    """35x35, figure 5: the 5x5 of GoogLeNet and, beside it, two 3x3 in its place."""
    return Named(
        [{"branch1x1": Conv(64)}],
        chain("branch5x5", Conv(48), Conv(64, 5)),
        chain("branch3x3dbl", Conv(64), Conv(96, 3), Conv(96, 3)),
        [POOL, {"branch_pool": Conv(pool)}],
    )


def module_c(width: int) -> Named:
    """17x17, figure 6 with n = 7: a 7x7 as 1x7 and 7x1, with 14 weights in the place of 49."""
    row, column = Conv(width, (1, 7)), Conv(width, (7, 1))
    return Named(
        [{"branch1x1": Conv(192)}],
        chain("branch7x7", Conv(width), row, Conv(192, (7, 1))),
        chain("branch7x7dbl", Conv(width), column, row, column, Conv(192, (1, 7))),
        [POOL, {"branch_pool": Conv(192)}],
    )


# 35x35 -> 17x17 and 17x17 -> 8x8, figure 10: convolutions with stride 2 beside a pooling, so that nothing is
# squeezed through too few channels and nothing is computed that the pooling throws away.
REDUCTION_B = Named(
    [{"branch3x3": Conv(384, 3, 2, padding=0)}],
    chain("branch3x3dbl", Conv(64), Conv(96, 3), Conv(96, 3, 2, padding=0)),
    [MAX],
)
REDUCTION_D = Named(
    chain("branch3x3", Conv(192), Conv(320, 3, 2, padding=0)),
    chain("branch7x7x3", Conv(192), Conv(192, (1, 7)), Conv(192, (7, 1)), Conv(192, 3, 2, padding=0)),
    [MAX],
)
MODULE_E = Named(  # 8x8, figure 7: 1x3 and 3x1 side by side, for many channels
    [{"branch1x1": Conv(320)}],
    [
        {"branch3x3_1": Conv(384)},
        {"branch3x3_2a": Conv(384, (1, 3)), "branch3x3_2b": Conv(384, (3, 1))},
    ],
    [
        {"branch3x3dbl_1": Conv(448)},
        {"branch3x3dbl_2": Conv(384, 3)},
        {"branch3x3dbl_3a": Conv(384, (1, 3)), "branch3x3dbl_3b": Conv(384, (3, 1))},
    ],
    [POOL, {"branch_pool": Conv(192)}],
)

STEM: dict[str, Step] = {  # of 299x299 it makes
    "Conv2d_1a_3x3": Conv(32, 3, stride=2, padding=0),  # 149x149
    "Conv2d_2a_3x3": Conv(32, 3, padding=0),  # 147x147
    "Conv2d_2b_3x3": Conv(64, 3),
    "maxpool1": partial(layers.MaxPool2d, 3, stride=2),  # 73x73
    "Conv2d_3b_1x1": Conv(80),
    "Conv2d_4a_3x3": Conv(192, 3, padding=0),  # 71x71
    "maxpool2": partial(layers.MaxPool2d, 3, stride=2),  # 35x35
}
MODULES = {
    "Mixed_5b": module_a(pool=32),
    "Mixed_5c": module_a(pool=64),
    "Mixed_5d": module_a(pool=64),
    "Mixed_6a": REDUCTION_B,  # 17x17
    "Mixed_6b": module_c(128),
    "Mixed_6c": module_c(160),
    "Mixed_6d": module_c(160),
    "Mixed_6e": module_c(192),
    "Mixed_7a": REDUCTION_D,  # 8x8
    "Mixed_7b": MODULE_E,
    "Mixed_7c": MODULE_E,
}
BEHIND = "Mixed_6e"  # stands the auxiliary head
SMALLEST = {1: 39, 2: 75}  # image for each stem_stride


class InceptionOutputs(NamedTuple):
    """The logits (n, num_classes) of the network, and of its auxiliary head."""

    logits: Tensor
    aux_logits: Tensor


class Inception3(nn.Module):
    """The network that ``inception_v3`` describes."""

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        init_weights: bool = True,
        dropout: float = 0.5,
        *,
        in_channels: int = 3,
        width_mult: float = 1.0,
        stem_stride: int = 2,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        check_sizes("inception_v3", width_mult, num_classes=num_classes, in_channels=in_channels)
        checks.one_of("inception_v3", "stem_stride", stem_stride, tuple(SMALLEST))
        if transform_input and in_channels != 3:
            raise ValueError(f"inception_v3: transform_input needs in_channels=3, got {in_channels}")
        self.aux_logits, self.transform_input = aux_logits, transform_input
        self.smallest = SMALLEST[stem_stride]
        options = Options(width_mult, device=device, dtype=dtype)
        width = in_channels
        for name, row in STEM.items():
            if isinstance(row, Conv) and row.stride == 2:
                row = row._replace(stride=stem_stride)
            module, width = made_layer(row, width, options)
            self.add_module(name, module)
        for name, table in MODULES.items():
            module, width = made_layer(table, width, options)
            self.add_module(name, module)
            if aux_logits and name == BEHIND:
                self.AuxLogits = AuxiliaryHead(width, num_classes, options)
        self.avgpool = layers.AdaptiveAvgPool2d((1, 1))
        self.dropout = layers.Dropout(dropout)
        self.fc = options.linear(width, num_classes)
        if init_weights:
            truncated_normal_(self, lambda layer: 0.001 if self._is_auxiliary_fc(layer) else 0.1)

    def forward(self, x: Tensor) -> Any:
        """Images (n, c, h, w) -> logits (n, k); in training with the head, InceptionOutputs."""
        check_images("inception_v3", x, self.smallest)
        if self.transform_input:
            x = imagenet_to_inception(x)
        auxiliary = None
        for name in [*STEM, *MODULES]:
            x = self.get_submodule(name)(x)
            if name == BEHIND and self.training and self.aux_logits:
                auxiliary = self.AuxLogits(x)
        logits = self.fc(torch.flatten(self.dropout(self.avgpool(x)), 1))
        return logits if auxiliary is None else InceptionOutputs(logits, auxiliary)

    def _is_auxiliary_fc(self, layer: nn.Module) -> bool:
        return self.aux_logits and layer is self.AuxLogits.fc


class AuxiliaryHead(nn.Module):
    """A classifier behind the 17x17 maps: x (n, c, h, w) -> logits (n, num_classes).

    Its convolution covers the 5x5 map that the pooling makes of 17x17. Of smaller maps, which images below
    299x299 have, the pooling makes 5x5 too.
    """

    def __init__(self, in_channels: int, num_classes: int, options: Options) -> None:
        super().__init__()
        self.pool, self.pool_of_small = layers.AvgPool2d(5, stride=3), layers.AdaptiveAvgPool2d(5)
        self.conv0, channels = made_layer(Conv(128), in_channels, options)
        self.conv1, channels = made_layer(Conv(768, 5, padding=0), channels, options)
        self.avgpool = layers.AdaptiveAvgPool2d((1, 1))
        self.fc = options.linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Pool, two convolutions, a global average, a dense layer."""
        x = self.pool(x) if min(x.shape[-2:]) >= 17 else self.pool_of_small(x)
        return self.fc(torch.flatten(self.avgpool(self.conv1(self.conv0(x))), 1))


def inception_v3(
    num_classes: int = 1000,
    aux_logits: bool = True,
    transform_input: bool = False,
    init_weights: bool = True,
    dropout: float = 0.5,
    *,
    in_channels: int = 3,
    width_mult: float = 1.0,
    stem_stride: int = 2,
    device: Device = None,
    dtype: Dtype = None,
) -> Inception3:
    """Inception v3: x (n, in_channels, h, w) -> logits (n, num_classes).

    Large kernels are taken apart: 5x5 into two 3x3, 7x7 into 1x7 and 7x1, so that the same field costs less
    and has more ReLUs in it. The grid shrinks by convolutions and a pooling side by side. The paper trained
    it with label smoothing (``layers.CrossEntropyLoss(label_smoothing=0.1)``) and RMSProp.

    ``aux_logits`` adds one classifier behind the 17x17 maps, batch-normalized, which the paper found to
    regularize rather than to help gradients: in training the net then returns ``InceptionOutputs``, for
    ``loss_with_auxiliary_heads``. In evaluation it rests. Names of parameters are torchvision's.

    ``width_mult`` multiplies all numbers of channels. ``transform_input`` takes images standardized as
    ImageNet's are to the range -1 to 1, as torchvision's published weights want it. ``init_weights`` draws
    the weights as torchvision does, from N(0, 0.1^2). Images are 299x299 in the paper, which gives maps of
    35x35x288, 17x17x768 and 8x8x2048, and may be as small as 75x75; with ``stem_stride=1``, where the first
    convolution keeps the size, 39x39.

    Parameters: 27,161,264, without the head 23,834,568.
    Source: Szegedy, Vanhoucke, Ioffe, Shlens & Wojna (2016), Rethinking the Inception architecture for
    computer vision, table 1, figures 5-7 and 10, with the changes of the code that was published with it.

    Raises:
        ValueError: a size below 1, a dropout outside 0 ... 1, a stem_stride other than 1 and 2,
            transform_input without three channels; images that are too small.
        TypeError: a size that is no integer, a width_mult that is no number.
    """
    return Inception3(
        num_classes,
        aux_logits,
        transform_input,
        init_weights,
        dropout,
        in_channels=in_channels,
        width_mult=width_mult,
        stem_stride=stem_stride,
        device=device,
        dtype=dtype,
    )
