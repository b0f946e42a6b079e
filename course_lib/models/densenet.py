"""DenseNet: every layer sees the outputs of all layers before it in its block."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.widths import check_sizes, scaled

# Table 1: growth rate k, layers of the four dense blocks, channels of the stem. Every layer is a 1x1
# convolution to 4 k channels and a 3x3 one to k. After each block but the last, a 1x1 one halves the
# channels. (161 is in the table of the paper's earlier versions; the last one has 264 instead.)
DENSENETS: dict[int, tuple[int, tuple[int, ...], int]] = {
    121: (32, (6, 12, 24, 16), 64),
    169: (32, (6, 12, 32, 32), 64),
    201: (32, (6, 12, 48, 32), 64),
    161: (48, (6, 12, 36, 24), 96),
}


class DenseLayer(nn.Module):
    """Normalization, ReLU, 1x1 convolution to bn_size k channels, and the same with 3x3 to k channels.

    Shapes: a list of maps (n, c_i, h, w), whose c_i add up to ``in_channels`` -> (n, growth_rate, h, w). The
    1x1 convolution is the bottleneck: it keeps the 3x3 one cheap however many maps have gathered. With
    ``memory_efficient``, its input is not kept for the backward pass but computed again.
    """

    def __init__(
        self,
        in_channels: int,
        growth_rate: int,
        bn_size: int = 4,
        drop_rate: float = 0.0,
        memory_efficient: bool = False,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        wide = bn_size * growth_rate
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.norm1 = layers.BatchNorm2d(in_channels, **made)
        self.relu1 = layers.ReLU()
        self.conv1 = layers.Conv2d(in_channels, wide, 1, bias=False, **made)
        self.norm2 = layers.BatchNorm2d(wide, **made)
        self.relu2 = layers.ReLU()
        self.conv2 = layers.Conv2d(wide, growth_rate, 3, padding=1, bias=False, **made)
        self.dropout = layers.Dropout(drop_rate)
        self.memory_efficient = memory_efficient

    def bottleneck(self, *features: Tensor) -> Tensor:
        """Join the maps of all layers before, and reduce them to bn_size k channels."""
        return self.conv1(self.relu1(self.norm1(torch.cat(features, 1))))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Compute growth_rate new maps from all that there are."""
        if self.memory_efficient and torch.is_grad_enabled():
            wide = checkpoint(self.bottleneck, *features, use_reentrant=False, context_fn=self._contexts)
        else:
            wide = self.bottleneck(*features)
        return self.dropout(self.conv2(self.relu2(self.norm2(wide))))

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """What surrounds the bottleneck the first time, and when it is computed again."""
        return nullcontext(), _statistics_kept(self.norm1)


class DenseBlock(nn.Sequential):
    """Layers each of which gets the block's input and the outputs of all layers before it.

    Shapes: x (n, in_channels, h, w) -> (n, in_channels + num_layers * growth_rate, h, w), the input first,
    then the maps of each layer. ``options`` are DenseLayer's.
    """

    def __init__(self, num_layers: int, in_channels: int, growth_rate: int, **options: Any) -> None:
        super().__init__()
        for index in range(num_layers):
            layer = DenseLayer(in_channels + index * growth_rate, growth_rate, **options)
            self.add_module(f"denselayer{index + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        """Let the maps gather."""
        features = [x]
        for layer in self:
            features.append(layer(features))
        return torch.cat(features, 1)


class Transition(nn.Sequential):
    """Between two blocks: fewer channels by a 1x1 convolution, half the size by average pooling."""

    def __init__(
        self, in_channels: int, out_channels: int, device: Device = None, dtype: Dtype = None
    ) -> None:
        super().__init__()
        self.norm = layers.BatchNorm2d(in_channels, device=device, dtype=dtype)
        self.relu = layers.ReLU()
        self.conv = layers.Conv2d(in_channels, out_channels, 1, bias=False, device=device, dtype=dtype)
        self.pool = layers.AvgPool2d(2, 2)


class DenseNet(nn.Module):
    """Dense blocks with transitions between them: x (n, in_channels, h, w) -> logits (n, num_classes).

    A ResNet adds what a layer computes to what came before; here it is put beside it. So every layer can use
    the features of all others as they are, and each needs to add few: k = ``growth_rate`` channels. Gradients
    reach every layer of a block directly. The arguments are torchvision's, and so is the state_dict.

    Args:
        growth_rate: k, channels that each layer adds.
        block_config: layers in each block.
        num_init_features: channels of the stem.
        bn_size: the bottleneck's channels, in multiples of k.
        drop_rate: dropout after each layer; the paper has 0.2 where it does not augment the data.
        num_classes: of the logits.
        memory_efficient: keep no joined maps for the backward pass but join them again. As the maps of a
            block are joined anew for each of its L layers, keeping them costs memory like L^2, not L.
        in_channels: of the images.
        width_mult: factor on growth_rate and num_init_features.
        device: where the parameters live.
        dtype: of the parameters.

    The image must have 29 x 29 pixels at least (for four blocks; in general 2^(blocks + 1) - 3).

    Source: Huang, Liu, van der Maaten & Weinberger (2017), Densely connected convolutional networks, table 1;
    Pleiss et al. (2017), Memory-efficient implementation of DenseNets.

    Raises:
        ValueError: a size below 1, a rate outside 0 ... 1, an image too small or of other channels.
        TypeError: a size that is no integer.
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0.0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
        *,
        in_channels: int = 3,
        width_mult: float = 1.0,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        sizes = {"growth_rate": growth_rate, "num_init_features": num_init_features, "bn_size": bn_size}
        check_sizes("DenseNet", width_mult, **sizes, num_classes=num_classes, in_channels=in_channels)
        if not block_config:
            raise ValueError(f"DenseNet: block_config must hold one number or more, got {block_config!r}")
        for index, num_layers in enumerate(block_config):
            checks.positive_integer("DenseNet", f"block_config[{index}]", num_layers)
        checks.probability("DenseNet", "drop_rate", drop_rate)
        growth_rate, channels = scaled(growth_rate, width_mult), scaled(num_init_features, width_mult)
        self.smallest = 2 ** (len(block_config) + 1) - 3
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        options = {"bn_size": bn_size, "drop_rate": drop_rate, "memory_efficient": memory_efficient}

        self.features = nn.Sequential()
        self.features.add_module(
            "conv0", layers.Conv2d(in_channels, channels, 7, stride=2, padding=3, bias=False, **made)
        )
        self.features.add_module("norm0", layers.BatchNorm2d(channels, **made))
        self.features.add_module("relu0", layers.ReLU())
        self.features.add_module("pool0", layers.MaxPool2d(3, stride=2, padding=1))
        for number, num_layers in enumerate(block_config, start=1):
            block = DenseBlock(num_layers, channels, growth_rate, **options, **made)
            self.features.add_module(f"denseblock{number}", block)
            channels += num_layers * growth_rate
            if number < len(block_config):
                self.features.add_module(f"transition{number}", Transition(channels, channels // 2, **made))
                channels //= 2  # the paper's compression, theta = 1/2
        self.features.add_module("norm5", layers.BatchNorm2d(channels, **made))
        self.relu = layers.ReLU()
        self.pool = layers.AdaptiveAvgPool2d(1)
        self.classifier = layers.Linear(channels, num_classes, **made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the convolutions from N(0, 2 / fan_in), and set the bias of the classifier to 0."""
        for module in self.modules():
            if isinstance(module, layers.Conv2d):
                layers.kaiming_normal_(module.weight)
        layers.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of images x (n, in_channels, h, w)."""
        checks.float_tensor("DenseNet", x)
        checks.rank("DenseNet", x, "(N, C, H, W)")
        if min(x.shape[-2:]) < self.smallest:
            expected = f"at least {self.smallest} x {self.smallest}"
            raise ValueError(f"DenseNet: input must be {expected}, got shape {tuple(x.shape)}")
        return self.classifier(self.pool(self.relu(self.features(x))).flatten(1))


def densenet121(**options: Any) -> DenseNet:
    """DenseNet-121: k = 32, blocks of 6, 12, 24, 16 layers; 7,978,856 parameters. Options: DenseNet's."""
    return DenseNet(*DENSENETS[121], **options)


def densenet169(**options: Any) -> DenseNet:
    """DenseNet-169: k = 32, blocks of 6, 12, 32, 32 layers; 14,149,480 parameters. Options: DenseNet's."""
    return DenseNet(*DENSENETS[169], **options)


def densenet201(**options: Any) -> DenseNet:
    """DenseNet-201: k = 32, blocks of 6, 12, 48, 32 layers; 20,013,928 parameters. Options: DenseNet's."""
    return DenseNet(*DENSENETS[201], **options)


def densenet161(**options: Any) -> DenseNet:
    """DenseNet-161: k = 48, blocks of 6, 12, 36, 24 layers; 28,681,000 parameters. Options: DenseNet's."""
    return DenseNet(*DENSENETS[161], **options)


@contextmanager
def _statistics_kept(norm: layers.BatchNorm2d) -> Iterator[None]:
    """Let a batch that is computed again move copies: the running statistics have counted it already."""
    kept = dict(norm.named_buffers())
    for name, buffer in kept.items():
        setattr(norm, name, buffer.clone())
    try:
        yield
    finally:
        for name, buffer in kept.items():
            setattr(norm, name, buffer)
