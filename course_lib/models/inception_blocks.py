"""What the Inception networks are made of: a convolution with its normalization, and branches side by side.

A table of a network is made of steps, and ``made_layer`` makes layers of them:

    Conv(channels, ...)          a convolution, with channels as the paper has them
    a function                   what it makes: a layer without parameters, a pooling
    [step, step, ...]            one behind the other: a Sequential
    {"name": step, ...}          side by side: Branches
    Named([{"name": step}, ...], ...)   side by side, with names of their own for all layers: Mixed
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks, initialization
from course_lib.layers.checks import Device, Dtype
from course_lib.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from course_lib.models.widths import scaled

Pair = tuple[int, int]


class Conv(NamedTuple):
    """A convolution in a table. The padding None is half the kernel: at stride 1 the map keeps its size."""

    channels: int
    kernel_size: int | Pair = 1
    stride: int = 1
    padding: int | None = None


class Named:
    """Branches, each a sequence of mappings from names to steps: what one mapping holds sees the same."""

    def __init__(self, *branches: "Sequence[Mapping[str, Step]]") -> None:
        self.branches = branches


Step = Conv | Named | Callable[[], nn.Module] | Sequence["Step"] | Mapping[str, "Step"]


class Options(NamedTuple):
    """What all convolutions of a network share."""

    width_mult: float = 1.0
    batch_norm: bool = True
    device: Device = None
    dtype: Dtype = None

    def width(self, channels: int) -> int:
        """The number of channels, or of hidden units, that stands for ``channels`` of the table."""
        return scaled(channels, self.width_mult)

    def linear(self, in_features: int, out_features: int) -> layers.Linear:
        """A dense layer of these sizes, not scaled."""
        return layers.Linear(in_features, out_features, device=self.device, dtype=self.dtype)


class BasicConv2d(nn.Sequential):
    """Convolution, batch normalization, ReLU: ``conv`` without a bias, ``bn``, ``relu``.

    Batch normalization takes away the mean, and a bias with it, so there is none. Without batch normalization
    it is a convolution with a bias, and a ReLU.
    """

    def __init__(self, in_channels: int, row: Conv, options: Options) -> None:
        self.out_channels = options.width(row.channels)
        kernel = row.kernel_size if isinstance(row.kernel_size, tuple) else (row.kernel_size,) * 2
        padding = (kernel[0] // 2, kernel[1] // 2) if row.padding is None else row.padding
        factory: dict[str, Any] = {"device": options.device, "dtype": options.dtype}
        sizes = (in_channels, self.out_channels, kernel, row.stride, padding)
        modules: dict[str, nn.Module] = {
            "conv": layers.Conv2d(*sizes, bias=not options.batch_norm, **factory)
        }
        if options.batch_norm:
            modules["bn"] = layers.BatchNorm2d(self.out_channels, eps=0.001, **factory)
        super().__init__(OrderedDict(modules, relu=layers.ReLU()))


class Branches(nn.Module):
    """Every branch sees x (n, c, h, w), and their outputs are concatenated: (n, sum of theirs, h', w')."""

    def __init__(self, in_channels: int, branches: Mapping[str, Step], options: Options) -> None:
        super().__init__()
        self.out_channels = 0
        for name, step in branches.items():
            branch, channels = made_layer(step, in_channels, options)
            self.add_module(name, branch)
            self.out_channels += channels

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate what the branches make of x."""
        return torch.cat([branch(x) for branch in self.children()], dim=1)


class Mixed(nn.Module):
    """Branches whose layers all have names of their own, and which can fork: x (n, c, h, w) as in Branches.

    Where several layers see the same, their outputs are concatenated.
    """

    def __init__(self, in_channels: int, table: Named, options: Options) -> None:
        super().__init__()
        self.names = [[list(fork) for fork in branch] for branch in table.branches]
        self.out_channels = 0
        for branch in table.branches:
            channels = in_channels
            for fork in branch:
                made = {name: made_layer(step, channels, options) for name, step in fork.items()}
                for name, (layer, _) in made.items():
                    self.add_module(name, layer)
                channels = sum(out_channels for _, out_channels in made.values())
            self.out_channels += channels

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate what the branches make of x."""
        return torch.cat([self._along(branch, x) for branch in self.names], dim=1)

    def _along(self, branch: list[list[str]], x: Tensor) -> Tensor:
        for fork in branch:
            made = [self.get_submodule(name)(x) for name in fork]
            x = made[0] if len(made) == 1 else torch.cat(made, dim=1)
        return x


def made_layer(step: Step, in_channels: int, options: Options) -> tuple[nn.Module, int]:
    """The layer of a table's step, and how many channels it has; a pooling keeps those of its input."""
    if callable(step):
        return step(), in_channels
    if isinstance(step, Conv):
        layer: BasicConv2d | Mixed | Branches = BasicConv2d(in_channels, step, options)
    elif isinstance(step, Named):
        layer = Mixed(in_channels, step, options)
    elif isinstance(step, Mapping):
        layer = Branches(in_channels, step, options)
    else:
        chain = []
        for each in step:
            link, in_channels = made_layer(each, in_channels, options)
            chain.append(link)
        return nn.Sequential(*chain), in_channels
    return layer, layer.out_channels


def check_images(owner: str, x: Tensor, smallest: int) -> None:
    """Raise unless x is (N, C, H, W) with sides that leave every layer something to see."""
    checks.tensor(owner, x, "images")
    if x.ndim != 4 or min(x.shape[2:]) < smallest:
        expected = f"(N, C, H, W) with H and W of {smallest} or more"
        raise ValueError(f"{owner}: images must be {expected}, got shape {tuple(x.shape)}")


def truncated_normal_(model: nn.Module, std: Callable[[nn.Module], float]) -> None:
    """Draw the weights of convolutions and dense layers from N(0, std(layer)^2), cut off at -2 and 2."""
    for module in model.modules():
        if isinstance(module, layers.Conv2d | layers.Linear):
            initialization.trunc_normal_(module.weight, std=std(module))


def imagenet_to_inception(x: Tensor) -> Tensor:
    """Colours (n, 3, h, w) standardized by ImageNet's mean and deviation -> colours from -1 to 1.

    The published weights come from TensorFlow, where the images of training were scaled from -1 to 1.
    """
    scale = x.new_tensor([2 * std for std in IMAGENET_STD]).view(1, 3, 1, 1)
    shift = x.new_tensor([2 * mean - 1 for mean in IMAGENET_MEAN]).view(1, 3, 1, 1)
    return x * scale + shift
