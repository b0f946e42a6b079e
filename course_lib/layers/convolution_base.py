"""What a convolution and its transpose have in common: arguments, parameters and checks."""

import math

import torch
from torch import Tensor, nn

from course_lib.layers import checks, initialization
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.convolution_ways import Pair

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class Convolution(nn.Module):
    """Conv2d or ConvTranspose2d, but for what they compute."""

    transposed = False
    way = "native"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair,
        padding: int | Pair | str,
        output_padding: int | Pair,
        dilation: int | Pair,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Device,
        dtype: Dtype,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        checks.positive_integer(owner, "groups", groups)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            checks.positive_integer(owner, name, channels)
            if channels % groups:
                raise ValueError(f"{owner}: {name} must be a multiple of groups={groups}, got {channels}")
        checks.one_of(owner, "padding_mode", padding_mode, PADDING_MODES)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = checks.pair(owner, "kernel_size", kernel_size)
        self.stride = checks.pair(owner, "stride", stride)
        self.padding = padding_of(owner, padding, self.stride)
        self.output_padding = checks.pair(owner, "output_padding", output_padding, at_least=0)
        self.dilation = checks.pair(owner, "dilation", dilation)
        self.groups, self.padding_mode = groups, padding_mode
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, both from U(-1/sqrt(fan_in), 1/sqrt(fan_in)).

        fan_in is the number of entries of weight[0]. The draws are torch.nn's: the same seed gives the same
        numbers, whatever the memory layout of the weight.
        """
        drawn = torch.empty_like(self.weight, memory_format=torch.contiguous_format)
        initialization.kaiming_uniform_(drawn, a=math.sqrt(5))  # with this a, the bound is 1/sqrt(fan_in)
        with torch.no_grad():
            self.weight.copy_(drawn)
        if self.bias is not None:
            bound = 1 / math.sqrt(initialization.fan_in_and_fan_out(self.weight)[0])
            initialization.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Arguments shown by repr: sizes, stride, and whatever differs from its default."""
        value_and_default = {
            "padding": (self.padding, (0, 0)),
            "dilation": (self.dilation, (1, 1)),
            "output_padding": (self.output_padding, (0, 0)),
            "groups": (self.groups, 1),
            "bias": (self.bias is not None, True),
            "padding_mode": (self.padding_mode, "zeros"),
            "way": (self.way, "native"),
        }
        shown = [f"{self.in_channels}, {self.out_channels}"]
        shown += [f"kernel_size={self.kernel_size}, stride={self.stride}"]
        for name, (value, default) in value_and_default.items():
            if value != default:
                shown.append(f"{name}={value}")
        return ", ".join(shown)


def padding_of(owner: str, padding: int | Pair | str, stride: Pair) -> Pair | str:
    """Return the padding of height and width, or "same" or "valid"; raise if it is none of them."""
    if not isinstance(padding, str):
        return checks.pair(owner, "padding", padding, at_least=0)
    checks.one_of(owner, "padding", padding, ("same", "valid"))
    if padding == "same" and stride != (1, 1):
        raise ValueError(f"{owner}: stride must be 1 for padding='same', got {stride}")
    return padding


def check_image(owner: str, x: Tensor, weight: Tensor, in_channels: int) -> None:
    """Raise unless ``x`` is a float image (N, in_channels, H, W), or one without N, that suits the weight."""
    checks.float_tensor(owner, x)
    checks.same_precision(owner, x, weight)
    if x.ndim not in (3, 4) or x.shape[-3] != in_channels:
        expected = f"(N, {in_channels}, H, W) or ({in_channels}, H, W)"
        raise ValueError(f"{owner}: input must have shape {expected}, got {tuple(x.shape)}")


def check_weight(owner: str, weight: Tensor, layout: str, groups: int) -> None:
    """Raise unless ``weight`` is a float tensor of ``layout`` whose first dimension splits into groups."""
    checks.float_tensor(owner, weight, "weight")
    checks.rank(owner, weight, layout, name="weight")
    if len(weight) % groups or 0 in weight.shape:
        expected = f"{layout} without empty dimensions, the first a multiple of groups={groups}"
        raise ValueError(f"{owner}: weight must be {expected}, got shape {tuple(weight.shape)}")


def check_bias(owner: str, bias: Tensor | None, out_channels: int) -> None:
    """Raise unless ``bias`` is None or holds a number for each output channel."""
    if bias is not None:
        checks.float_tensor(owner, bias, "bias")
        if bias.shape != (out_channels,):
            raise ValueError(f"{owner}: bias must have shape ({out_channels},), got {tuple(bias.shape)}")
