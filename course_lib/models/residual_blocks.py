"""Residual blocks: a few convolutions compute what is to be added to their input, H(x) = F(x) + x.

Two kinds, BasicBlock of two 3x3 convolutions and Bottleneck of 1x1, 3x3, 1x1, each with normalizations (BN)
and ReLUs in one of five arrangements, VARIANTS. Sources: He, Zhang, Ren & Sun (2015), Deep residual learning
for image recognition, figure 5, for the kinds; the same (2016), Identity mappings in deep residual networks,
figure 4, for the arrangements.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype

Norm = Callable[[int], nn.Module]


class Order(NamedTuple):
    """Which layers a block applies, one after the other, each named as its attribute."""

    before: str  # to x, where the block begins with an activation
    branch: str  # F: what is added to x
    after: str  # to the sum


VARIANTS = (
    "original",
    "bn_after_addition",
    "relu_before_addition",
    "relu_only_pre_activation",
    "full_pre_activation",
)
FULL = VARIANTS[-1]


class ResidualBlock(nn.Module):
    """What the blocks have in common: x (n, in_channels, h, w) -> after(shortcut(x) + branch(x)).

    The shortcut is x itself, or ``downsample`` of it where the sizes of x and of the branch differ. Where the
    block begins with an activation, ``downsample`` gets the activated x, and the identity x as it came.
    """

    expansion: int  # channels of the output, as a multiple of ``channels``
    orders: Mapping[str, Order]
    downsample: nn.Module | None

    def __init__(self, variant: str, downsample: nn.Module | None) -> None:
        super().__init__()
        checks.one_of(type(self).__name__, "variant", variant, VARIANTS)
        self.variant = variant
        self.order = self.orders[variant]

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to x (n, in_channels, h, w)."""
        activated = self.through(self.order.before, x)
        shortcut = x if self.downsample is None else self.downsample(activated)
        return self.through(self.order.after, shortcut + self.through(self.order.branch, activated))

    def through(self, names: str, x: Tensor) -> Tensor:
        """Apply the layers of these names, one after the other."""
        for name in names.split():
            x = getattr(self, name)(x)
        return x

    def last_of_branch(self) -> Tensor:
        """The weight of the last layer of the branch that has one: if it is zero, so is the branch."""
        weights = [getattr(getattr(self, name), "weight", None) for name in self.order.branch.split()]
        return [weight for weight in weights if weight is not None][-1]


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions: x (n, in_channels, h, w) -> (n, channels, ceil(h / stride), ceil(w / stride)).

    ``orders`` says what a ``variant`` does. A new block without ``downsample``, whose convolutions are set to
    0, is the identity if it is "relu_before_addition", "relu_only_pre_activation" or "full_pre_activation";
    the "original" is for x >= 0, which is what it gets, from a ReLU; "bn_after_addition" normalizes x.

    Args:
        in_channels: channels of x.
        channels: of both convolutions.
        stride: of the first convolution.
        downsample: makes what the branch is added to, if its shape is not that of x.
        norm_layer: makes a normalization for a number of channels; None: ``layers.BatchNorm2d``.
        variant: one of VARIANTS.
        activated: x has been through a normalization and a ReLU already, so that bn1 of
            "full_pre_activation" is none: the first block of a net.
        device: where the parameters live.
        dtype: of the parameters.

    Raises:
        ValueError: a size below 1, a variant that is none.
        TypeError: a size that is no integer, a norm_layer that makes no module.
    """

    expansion = 1
    orders = {
        "original": Order("", "conv1 bn1 relu conv2 bn2", "relu"),
        "bn_after_addition": Order("", "conv1 bn1 relu conv2", "bn2 relu"),
        "relu_before_addition": Order("", "conv1 bn1 relu conv2 bn2 relu", ""),
        "relu_only_pre_activation": Order("relu", "conv1 bn1 relu conv2 bn2", ""),
        "full_pre_activation": Order("bn1 relu", "conv1 bn2 relu conv2", ""),
    }

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        norm_layer: Norm | None = None,
        *,
        variant: str = "original",
        activated: bool = False,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__(variant, downsample)
        norm = norms(type(self).__name__, norm_layer, device, dtype)
        c1, c2 = (in_channels, channels) if variant == FULL else (channels, channels)
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.conv1 = layers.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False, **place)
        self.bn1 = nn.Identity() if activated and variant == FULL else norm(c1)
        self.relu = layers.ReLU()
        self.conv2 = layers.Conv2d(channels, channels, 3, padding=1, bias=False, **place)
        self.bn2 = norm(c2)
        self.downsample = downsample


class PlainBlock(BasicBlock):
    """The layers of a BasicBlock without its addition, to see what that is good for."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers to x (n, in_channels, h, w)."""
        return self.through(" ".join(self.order), x)


class Bottleneck(ResidualBlock):
    """1x1 to few channels, 3x3 there, 1x1 back: x (n, in_channels, h, w) -> (n, 4 channels, h', w').

    h' = ceil(h / stride). It costs about what a BasicBlock of ``channels`` channels does, with x four times
    as wide. Arguments not named here are ``BasicBlock``'s, as are the errors and when it is the identity.

    Args:
        in_channels: channels of x.
        channels: a quarter of the channels of the output; the 3x3 has as many, unless the next two differ.
        groups: of the 3x3, which then has groups * (channels * width_per_group / 64) channels: the block of
            Xie et al. (2017), Aggregated residual transformations for deep neural networks.
        width_per_group: see ``groups``.
        stride: of one convolution.
        stride_on: which one: "3x3", as in torchvision, a net known as ResNet v1.5; or the first "1x1", as in
            the paper: at stride 2 it does not look at three of four places of x.
    """

    expansion = 4
    orders = {
        "original": Order("", "conv1 bn1 relu conv2 bn2 relu conv3 bn3", "relu"),
        "bn_after_addition": Order("", "conv1 bn1 relu conv2 bn2 relu conv3", "bn3 relu"),
        "relu_before_addition": Order("", "conv1 bn1 relu conv2 bn2 relu conv3 bn3 relu", ""),
        "relu_only_pre_activation": Order("relu", "conv1 bn1 relu conv2 bn2 relu conv3 bn3", ""),
        "full_pre_activation": Order("bn1 relu", "conv1 bn2 relu conv2 bn3 relu conv3", ""),
    }

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        norm_layer: Norm | None = None,
        *,
        groups: int = 1,
        width_per_group: int = 64,
        stride_on: str = "3x3",
        variant: str = "original",
        activated: bool = False,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__(variant, downsample)
        sizes = {"channels": channels, "groups": groups, "width_per_group": width_per_group}
        for name, size in sizes.items():
            checks.positive_integer("Bottleneck", name, size)
        checks.one_of("Bottleneck", "stride_on", stride_on, ("3x3", "1x1"))
        stride1, stride2 = (1, stride) if stride_on == "3x3" else (stride, 1)
        norm = norms("Bottleneck", norm_layer, device, dtype)
        width = max(1, channels * width_per_group // 64) * groups
        out = channels * self.expansion
        c1, c2, c3 = (in_channels, width, width) if variant == FULL else (width, width, out)
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        self.conv1 = layers.Conv2d(in_channels, width, 1, stride1, bias=False, **place)
        self.bn1 = nn.Identity() if activated and variant == FULL else norm(c1)
        self.conv2 = layers.Conv2d(width, width, 3, stride2, padding=1, groups=groups, bias=False, **place)
        self.bn2 = norm(c2)
        self.conv3 = layers.Conv2d(width, out, 1, bias=False, **place)
        self.bn3 = norm(c3)
        self.relu = layers.ReLU()
        self.downsample = downsample


def stages(
    block: type[BasicBlock] | type[Bottleneck],
    table: Sequence[tuple[int, int, int]],
    in_channels: int,
    shortcut: Callable[[int, int, int], nn.Module] | None,
    **options: Any,
) -> list[nn.Sequential]:
    """The blocks of a net, whose input of ``in_channels`` channels has been through an activation.

    A row of ``table`` is a stage: channels of its blocks, stride of the first one, how many they are.
    ``shortcut`` makes a ``downsample`` for channels before and after and a stride, where they change; None:
    nowhere. ``options`` go to every block.
    """
    made: list[nn.Sequential] = []
    for channels, stride, count in table:
        stage = nn.Sequential()
        for _ in range(count):
            out_channels = channels * block.expansion
            downsample = None
            if shortcut is not None and (stride != 1 or in_channels != out_channels):
                downsample = shortcut(in_channels, out_channels, stride)
            first = not made and len(stage) == 0
            stage.append(block(in_channels, channels, stride, downsample, activated=first, **options))
            in_channels, stride = out_channels, 1
        made.append(stage)
    return made


def projection(
    in_channels: int,
    out_channels: int,
    stride: int,
    variant: str,
    norm_layer: Norm | None,
    device: Device,
    dtype: Dtype,
) -> nn.Sequential:
    """A shortcut that learns: a strided 1x1 convolution and, where they follow convolutions, a normalization.

    In "full_pre_activation" they come before.
    """
    conv = layers.Conv2d(in_channels, out_channels, 1, stride, bias=False, device=device, dtype=dtype)
    if variant == FULL:
        return nn.Sequential(conv)
    return nn.Sequential(conv, norms("projection", norm_layer, device, dtype)(out_channels))


def final_activation(channels: int, variant: str, norm: Norm) -> nn.Module | None:
    """What follows the last block: the activation that the next would begin with, if blocks do so."""
    if variant == FULL:
        return nn.Sequential(norm(channels), layers.ReLU())
    return layers.ReLU() if variant == "relu_only_pre_activation" else None


def norms(owner: str, norm_layer: Norm | None, device: Device, dtype: Dtype) -> Norm:
    """A function that makes the normalization of so many channels, with its parameters where they belong."""
    make = layers.BatchNorm2d if norm_layer is None else norm_layer
    if not callable(make) or isinstance(make, nn.Module):  # one module would be shared by all convolutions
        raise TypeError(f"{owner}: norm_layer must be a class or a function of the channels, got {make!r}")

    def norm(channels: int) -> nn.Module:
        module = make(channels)
        if not isinstance(module, nn.Module):
            raise TypeError(f"{owner}: norm_layer must make a torch.nn.Module, got {type(module).__name__}")
        return module.to(device=device, dtype=dtype)

    return norm


def start_as_relu_nets_do(net: nn.Module, zero_init_residual: bool) -> None:
    """Draw the convolutions anew from N(0, 2 / fan_out), which keeps the variance of gradients through ReLUs.

    With ``zero_init_residual`` every branch begins as 0, and so every block as its shortcut. It can't where a
    ReLU ends the branch: its slope at 0 is 0, and the branch would never learn.
    Sources: He, Zhang, Ren & Sun (2015), Delving deep into rectifiers, section 2.2; Goyal et al. (2017),
    Accurate, large minibatch SGD, section 5.1.
    """
    for module in net.modules():
        if isinstance(module, layers.Conv2d):
            layers.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    if zero_init_residual:
        for module in net.modules():
            if isinstance(module, ResidualBlock):
                if module.order.branch.endswith("relu"):
                    option = f"zero_init_residual with variant={module.variant!r}"
                    raise ValueError(f"{type(net).__name__}: {option} would keep every branch at 0")
                layers.zeros_(module.last_of_branch())
