"""GoogLeNet: nine Inception modules."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks, initialization
from course_lib.layers.checks import Device, Dtype
from course_lib.models.inception_blocks import (
    Conv,
    Options,
    Step,
    check_images,
    imagenet_to_inception,
    made_layer,
    truncated_normal_,
)
from course_lib.models.widths import check_sizes


class Columns(NamedTuple):
    """The channels of an Inception module, as the columns of table 1 have them."""

    one: int  # 1x1
    three_reduce: int  # the 1x1 before the 3x3
    three: int
    five_reduce: int  # the 1x1 before the 5x5
    five: int
    pool_proj: int  # the 1x1 behind the pooling


pool = partial(layers.MaxPool2d, stride=2, ceil_mode=True)
norm = partial(layers.LocalResponseNorm, 5)

TABLE: dict[str, Conv | Columns | Callable[[], nn.Module]] = {  # of 224x224 it makes
    "conv1": Conv(64, 7, stride=2),  # 112x112
    "maxpool1": partial(pool, 3),  # 56x56
    "norm1": norm,
    "conv2": Conv(64),
    "conv3": Conv(192, 3),
    "norm2": norm,
    "maxpool2": partial(pool, 3),  # 28x28
    "inception3a": Columns(64, 96, 128, 16, 32, 32),
    "inception3b": Columns(128, 128, 192, 32, 96, 64),
    "maxpool3": partial(pool, 3),  # 14x14
    "inception4a": Columns(192, 96, 208, 16, 48, 64),
    "inception4b": Columns(160, 112, 224, 24, 64, 64),
    "inception4c": Columns(128, 128, 256, 24, 64, 64),
    "inception4d": Columns(112, 144, 288, 32, 64, 64),
    "inception4e": Columns(256, 160, 320, 32, 128, 128),
    "maxpool4": partial(pool, 2),  # 7x7
    "inception5a": Columns(256, 160, 320, 32, 128, 128),
    "inception5b": Columns(384, 192, 384, 48, 128, 128),
}
HEADS = {"inception4a": "aux1", "inception4d": "aux2"}  # an auxiliary head and the module it stands behind
SMALLEST = 15


class GoogLeNetOutputs(NamedTuple):
    """The logits (n, num_classes) of the network, and of its auxiliary heads from the deeper to the first."""

    logits: Tensor
    aux_logits2: Tensor
    aux_logits1: Tensor


class GoogLeNet(nn.Module):
    """The network that ``googlenet`` describes."""

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        init_weights: bool = True,
        dropout: float = 0.2,
        dropout_aux: float = 0.7,
        *,
        in_channels: int = 3,
        width_mult: float = 1.0,
        batch_norm: bool = True,
        largest_kernel: int = 3,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        check_sizes("googlenet", width_mult, num_classes=num_classes, in_channels=in_channels)
        checks.one_of("googlenet", "largest_kernel", largest_kernel, (3, 5))
        if transform_input and in_channels != 3:
            raise ValueError(f"googlenet: transform_input needs in_channels=3, got {in_channels}")
        self.aux_logits, self.transform_input = aux_logits, transform_input
        options = Options(width_mult, batch_norm, device, dtype)
        self.body = [name for name, row in TABLE.items() if row is not norm or not batch_norm]
        width, channels = in_channels, {}
        for name in self.body:
            row = TABLE[name]
            step = _branches(row, largest_kernel) if isinstance(row, Columns) else row
            module, width = made_layer(step, width, options)
            self.add_module(name, module)
            channels[name] = width
        if aux_logits:
            for name, head in HEADS.items():
                self.add_module(head, AuxiliaryHead(channels[name], num_classes, dropout_aux, options))
        self.avgpool = layers.AdaptiveAvgPool2d((1, 1))
        self.dropout = layers.Dropout(dropout)
        self.fc = options.linear(width, num_classes)
        if init_weights:
            self._init_weights(batch_norm)

    def forward(self, x: Tensor) -> Any:
        """Images (n, c, h, w) -> logits (n, k); in training with heads, GoogLeNetOutputs."""
        check_images("googlenet", x, SMALLEST)
        if self.transform_input:
            x = imagenet_to_inception(x)
        heads = {}
        for name in self.body:
            x = self.get_submodule(name)(x)
            if name in HEADS and self.training and self.aux_logits:
                heads[HEADS[name]] = self.get_submodule(HEADS[name])(x)
        logits = self.fc(self.dropout(torch.flatten(self.avgpool(x), 1)))
        return GoogLeNetOutputs(logits, heads["aux2"], heads["aux1"]) if heads else logits

    def _init_weights(self, batch_norm: bool) -> None:
        if batch_norm:
            truncated_normal_(self, lambda layer: 0.01)
            return
        for module in self.modules():  # nothing corrects the size of the signal: it must be right at first
            if isinstance(module, layers.Conv2d | layers.Linear):
                initialization.kaiming_normal_(module.weight, nonlinearity="relu")
                initialization.zeros_(module.bias)


class AuxiliaryHead(nn.Module):
    """A classifier in the middle of the network: it sees x (n, c, h, w) and has logits (n, num_classes)."""

    def __init__(self, in_channels: int, num_classes: int, dropout: float, options: Options) -> None:
        super().__init__()
        self.avgpool = layers.AdaptiveAvgPool2d((4, 4))  # the paper: 5x5, stride 3
        self.conv, channels = made_layer(Conv(128), in_channels, options)
        self.fc1 = options.linear(channels * 4 * 4, options.width(1024))
        self.relu = layers.ReLU()
        self.dropout = layers.Dropout(dropout)
        self.fc2 = options.linear(options.width(1024), num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Average over a 4x4 grid, 1x1 convolution, two dense layers."""
        x = torch.flatten(self.conv(self.avgpool(x)), 1)
        return self.fc2(self.dropout(self.relu(self.fc1(x))))


def _branches(row: Columns, largest_kernel: int) -> dict[str, Step]:
    pooling = partial(layers.MaxPool2d, 3, stride=1, padding=1, ceil_mode=True)
    return {
        "branch1": Conv(row.one),
        "branch2": [Conv(row.three_reduce), Conv(row.three, 3)],
        "branch3": [Conv(row.five_reduce), Conv(row.five, largest_kernel)],
        "branch4": [pooling, Conv(row.pool_proj)],
    }


def googlenet(
    num_classes: int = 1000,
    aux_logits: bool = True,
    transform_input: bool = False,
    init_weights: bool = True,
    dropout: float = 0.2,
    dropout_aux: float = 0.7,
    *,
    in_channels: int = 3,
    width_mult: float = 1.0,
    batch_norm: bool = True,
    largest_kernel: int = 3,
    device: Device = None,
    dtype: Dtype = None,
) -> GoogLeNet:
    """GoogLeNet, or Inception v1: x (n, in_channels, h, w) -> logits (n, num_classes).

    An Inception module looks at its input through 1x1, 3x3 and 5x5 convolutions and a pooling at once, and
    leaves it to learning which of them matters where. 1x1 convolutions make the input narrow before the wide
    kernels, so that this costs little; the mean over the last maps takes the place of dense layers. With
    a ninth of the parameters of AlexNet it won in 2014 (top-5 error 6.7 %).

    ``aux_logits`` adds two classifiers behind modules 4a and 4d, against vanishing gradients: in training the
    net then returns ``GoogLeNetOutputs``, for ``loss_with_auxiliary_heads``. In evaluation they rest.

    As it stands this is torchvision's net, names of parameters included: with batch normalization, of a year
    later, and 3x3 in the place of 5x5. ``batch_norm=False, largest_kernel=5, dropout=0.4`` is that of the
    paper: biases, and local response normalization around the second and third convolution (figure 3).

    ``width_mult`` multiplies all numbers of channels and hidden units. ``transform_input`` takes images
    standardized as ImageNet's are to the range -1 to 1, as torchvision's published weights want it.
    ``init_weights`` draws the weights as torchvision does, from N(0, 0.01^2), which suits batch normalization
    alone; without that, from He's N(0, 2 / fan_in), biases 0. Images are 224x224 in the paper and may be as
    small as 15x15.

    Parameters: 13,004,888, without heads 6,624,904; in the form of the paper 13,378,280 and 6,998,552.
    Source: Szegedy et al. (2015), Going deeper with convolutions, table 1; heads: section 5.

    Raises:
        ValueError: a size below 1, a probability outside 0 ... 1, a largest_kernel other than 3 and 5,
            transform_input without three channels; images that are too small.
        TypeError: a size that is no integer, a width_mult that is no number.
    """
    return GoogLeNet(
        num_classes,
        aux_logits,
        transform_input,
        init_weights,
        dropout,
        dropout_aux,
        in_channels=in_channels,
        width_mult=width_mult,
        batch_norm=batch_norm,
        largest_kernel=largest_kernel,
        device=device,
        dtype=dtype,
    )
