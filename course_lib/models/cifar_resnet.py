"""The residual nets for small images, and the plain nets that show what the residual ones are good for."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models import residual_blocks
from course_lib.models.residual_blocks import BasicBlock, Norm, PlainBlock
from course_lib.models.widths import check_sizes, scaled

# Section 4.2 of the paper: a 3x3 convolution, three stages of n blocks of two 3x3 convolutions, a global
# average and a dense layer: 6 n + 2 layers with weights.
STEM = 16
STAGES = ((16, 1), (32, 2), (64, 2))  # channels, stride of the first convolution


class CifarResNet(nn.Module):
    """Many narrow layers for small images: x (n, in_channels, h, w) -> logits (n, num_classes).

    With ``residual=False`` it has the same layers and, with shortcut="zeros", the same parameters by the same
    names, but adds nothing. In the paper, 56 plain layers have a higher error than 20, in training too, and
    56 residual ones a lower one. Of CIFAR's images, 32x32, the stages make 32x32, 16x16 and 8x8. Any size
    from 1x1 on is taken; in training, more than one image if they are 4x4 or less, since batch normalization
    needs more than one value a channel.

    Parameters of depth 20, 32, 44, 56 and 110: 269,722, 464,154, 658,586, 853,018 and 1,727,962.

    Source: He, Zhang, Ren & Sun (2015), Deep residual learning for image recognition, section 4.2, table 6;
    variants: the same (2016), Identity mappings in deep residual networks, figure 4.

    Args:
        depth: 6 n + 2: convolutions and the dense layer, not counting shortcuts.
        residual: whether blocks add their input to what they make of it; if not, there are no shortcuts.
        shortcut: where sizes change, the blocks' input becomes every second entry in both directions, with
            channels of "zeros" added (option A), or a 1x1 convolution of stride 2, a "projection" (option B).
        variant: where normalization and ReLU stand, one of ``residual_blocks.VARIANTS``.
        num_classes: number of logits.
        zero_init_residual: whether every branch begins as 0, and so every block as its shortcut.
        norm_layer: makes a normalization for a number of channels; None: ``layers.BatchNorm2d``.
        in_channels: channels of x.
        width_mult: factor on the 16, 32 and 64 channels.
        device: where the parameters live.
        dtype: of the parameters.

    Raises:
        ValueError: another depth, a size below 1, an option that is none, or that needs ``residual``, or
            zero_init_residual with "relu_before_addition".
        TypeError: a size that is no integer, a norm_layer that makes no module.
    """

    def __init__(
        self,
        depth: int = 20,
        residual: bool = True,
        shortcut: str = "zeros",
        variant: str = "original",
        num_classes: int = 10,
        zero_init_residual: bool = False,
        norm_layer: Norm | None = None,
        *,
        in_channels: int = 3,
        width_mult: float = 1.0,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        check_sizes("CifarResNet", width_mult, depth=depth, num_classes=num_classes, in_channels=in_channels)
        if depth < 8 or depth % 6 != 2:
            raise ValueError(f"CifarResNet: depth must be 6 n + 2 with n of 1 or more, got {depth}")
        checks.one_of("CifarResNet", "shortcut", shortcut, ("zeros", "projection"))
        if not residual and (shortcut != "zeros" or zero_init_residual):
            raise ValueError("CifarResNet: shortcut='projection' and zero_init_residual need residual=True")
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        norm = residual_blocks.norms("CifarResNet", norm_layer, device, dtype)
        stem = scaled(STEM, width_mult)
        self.conv1 = layers.Conv2d(in_channels, stem, 3, padding=1, bias=False, **place)
        self.bn1 = norm(stem)
        self.relu = layers.ReLU()
        options = {"variant": variant, "norm_layer": norm_layer, **place}
        ways: dict[str, Callable[[int, int, int], nn.Module]]
        ways = {"zeros": PaddedIdentity, "projection": partial(residual_blocks.projection, **options)}
        block, way = (BasicBlock, ways[shortcut]) if residual else (PlainBlock, None)
        table = [(scaled(channels, width_mult), stride, (depth - 2) // 6) for channels, stride in STAGES]
        made = residual_blocks.stages(block, table, stem, way, **options)
        self.layer1, self.layer2, self.layer3 = made
        channels = table[-1][0]
        self.final = residual_blocks.final_activation(channels, variant, norm)
        self.avgpool = layers.AdaptiveAvgPool2d((1, 1))
        self.fc = layers.Linear(channels, num_classes, **place)
        residual_blocks.start_as_relu_nets_do(self, zero_init_residual)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of images x (n, in_channels, h, w)."""
        x = self.relu(self.bn1(self.conv1(x)))  # (n, 16, h, w)
        x = self.layer3(self.layer2(self.layer1(x)))  # (n, 64, h / 4, w / 4)
        if self.final is not None:
            x = self.final(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class PaddedIdentity(nn.Module):
    """Option A: every stride-th row and column of x, and zeros as the channels that are missing.

    x (n, in_channels, h, w) -> (n, out_channels, ceil(h / stride), ceil(w / stride)); no parameters.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride = in_channels, out_channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """Apply the shortcut to x (n, in_channels, h, w)."""
        missing = self.out_channels - self.in_channels
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, missing))

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"{self.in_channels}, {self.out_channels}, stride={self.stride}"


def cifar_resnet(depth: int = 20, **options: Any) -> CifarResNet:
    """Make a ``CifarResNet`` of so many layers; ``options`` are its other arguments, by keyword."""
    return CifarResNet(depth, **options)
