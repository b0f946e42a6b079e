"""ResNet: 18 to 152 layers that train, since every few of them only add something to what they are given."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers.checks import Device, Dtype
from course_lib.models import residual_blocks
from course_lib.models.residual_blocks import BasicBlock, Bottleneck, Norm
from course_lib.models.widths import check_sizes, scaled

# Table 1 of the paper: a 7x7 convolution and a 3x3 max-pooling, both of stride 2; four stages of blocks; a
# global average and a dense layer.
STEM = 64
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels of the 3x3s, stride of the first block
BLOCKS: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, ...]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}


class ResNet(nn.Module):
    """A residual net for photographs: x (n, in_channels, h, w) -> logits (n, num_classes).

    Deeper plain nets had a higher error even on their training data, though they could do what shallow ones
    do if their other layers passed on what they get. A residual block does so when its weights are 0, for its
    input is added to what they make of it. Of images 224x224 the stages make 56x56, 28x28, 14x14 and 7x7. Any
    size from 1x1 on is taken; in training, more than one image if they are 32x32 or less, since batch
    normalization needs more than one value a channel.

    Parameters and their names are torchvision's with the first ``variant``. The others have the same, but for
    "full_pre_activation": as its authors say in their appendix, the first block does not begin with a
    normalization (layer1.0.bn1), and the last is followed by one (final.0); as in their code, shortcuts that
    change sizes have none (downsample.1), and get the activated x.

    Sources: He, Zhang, Ren & Sun (2015), Deep residual learning for image recognition, table 1; the same
    (2016), Identity mappings in deep residual networks, figure 4.

    Args:
        block: BasicBlock or Bottleneck, the class.
        blocks: how many of them in each of the four stages.
        num_classes: number of logits.
        zero_init_residual: whether every branch begins as 0, and so every block as its shortcut.
        norm_layer: makes a normalization for a number of channels; None: ``layers.BatchNorm2d``.
        variant: where normalization and ReLU stand, one of ``residual_blocks.VARIANTS``.
        in_channels: channels of x.
        width_mult: factor on all numbers of channels but that of x.
        device: where the parameters live.
        dtype: of the parameters.
        options: what else the block takes: a Bottleneck ``groups``, ``width_per_group`` and ``stride_on``.

    Raises:
        ValueError: a size below 1, an option that is none, zero_init_residual with "relu_before_addition".
        TypeError: a size that is no integer, a norm_layer that makes no module, an option of no block.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        blocks: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        norm_layer: Norm | None = None,
        *,
        variant: str = "original",
        in_channels: int = 3,
        width_mult: float = 1.0,
        device: Device = None,
        dtype: Dtype = None,
        **options: Any,
    ) -> None:
        super().__init__()
        sizes = {f"blocks[{stage}]": count for stage, count in enumerate(blocks)}
        check_sizes("ResNet", width_mult, num_classes=num_classes, in_channels=in_channels, **sizes)
        if len(blocks) != len(STAGES):
            raise ValueError(f"ResNet: blocks must be {len(STAGES)} numbers, got {blocks!r}")
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        norm = residual_blocks.norms("ResNet", norm_layer, device, dtype)
        stem = scaled(STEM, width_mult)
        self.conv1 = layers.Conv2d(in_channels, stem, 7, stride=2, padding=3, bias=False, **place)
        self.bn1 = norm(stem)
        self.relu = layers.ReLU()
        self.maxpool = layers.MaxPool2d(3, stride=2, padding=1)
        table = [(scaled(c, width_mult), stride, n) for (c, stride), n in zip(STAGES, blocks, strict=True)]
        shortcut = partial(residual_blocks.projection, variant=variant, norm_layer=norm_layer, **place)
        options |= {"variant": variant, "norm_layer": norm_layer, **place}
        made = residual_blocks.stages(block, table, stem, shortcut, **options)
        self.layer1, self.layer2, self.layer3, self.layer4 = made
        channels = table[-1][0] * block.expansion
        self.final = residual_blocks.final_activation(channels, variant, norm)
        self.avgpool = layers.AdaptiveAvgPool2d((1, 1))
        self.fc = layers.Linear(channels, num_classes, **place)
        residual_blocks.start_as_relu_nets_do(self, zero_init_residual)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of images x (n, in_channels, h, w)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))  # (n, 64, h / 4, w / 4)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (n, 512 expansion, h / 32, w / 32)
        if self.final is not None:
            x = self.final(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


def resnet18(**options: Any) -> ResNet:
    """ResNet-18: BasicBlocks, 11,689,512 parameters. ``options``: keyword arguments of ``ResNet``."""
    return ResNet(*BLOCKS[18], **options)


def resnet34(**options: Any) -> ResNet:
    """ResNet-34: BasicBlocks, 21,797,672 parameters. ``options``: keyword arguments of ``ResNet``."""
    return ResNet(*BLOCKS[34], **options)


def resnet50(**options: Any) -> ResNet:
    """ResNet-50: Bottlenecks, 25,557,032 parameters. ``options``: keyword arguments of ``ResNet``."""
    return ResNet(*BLOCKS[50], **options)


def resnet101(**options: Any) -> ResNet:
    """ResNet-101: Bottlenecks, 44,549,160 parameters. ``options``: keyword arguments of ``ResNet``."""
    return ResNet(*BLOCKS[101], **options)


def resnet152(**options: Any) -> ResNet:
    """ResNet-152: Bottlenecks, 60,192,808 parameters. ``options``: keyword arguments of ``ResNet``."""
    return ResNet(*BLOCKS[152], **options)
