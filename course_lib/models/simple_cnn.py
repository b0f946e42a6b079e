"""The smallest convolutional network that does everything the large ones do."""

from collections.abc import Callable

from torch import nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype


def simple_cnn(
    in_channels: int = 1,
    num_classes: int = 10,
    width: int = 16,
    norm: Callable[[int], nn.Module] | None = None,
    device: Device = None,
    dtype: Dtype = None,
) -> nn.Sequential:
    """Four 3x3 convolutions, two poolings, a global average, a dense layer: x (n, c, h, w) -> logits (n, k).

    c is ``in_channels`` and k ``num_classes``. The first two convolutions have ``width`` channels, the last
    two twice as many. The global average lets the net take images of any size from 4x4 on. ``norm`` makes a
    normalization for a number of channels, such as ``layers.BatchNorm2d``, between each convolution and its
    ReLU. Parameters are named by position, as in any Sequential.

    Raises:
        ValueError: a size below 1.
        TypeError: a size that is no integer, a norm that makes no module.
    """
    for name, size in (("in_channels", in_channels), ("num_classes", num_classes), ("width", width)):
        checks.positive_integer("simple_cnn", name, size)
    modules: list[nn.Module] = []
    channels = in_channels
    for out_channels in (width, 2 * width):
        for _ in range(2):
            modules.append(layers.Conv2d(channels, out_channels, 3, padding=1, device=device, dtype=dtype))
            if norm is not None:
                modules.append(_made_by(norm, out_channels))
            modules.append(layers.ReLU())
            channels = out_channels
        modules.append(layers.MaxPool2d(2))
    modules.append(layers.AdaptiveAvgPool2d(1))
    modules.append(nn.Flatten())
    modules.append(layers.Linear(channels, num_classes, device=device, dtype=dtype))
    return nn.Sequential(*modules)


def _made_by(norm: Callable[[int], nn.Module], channels: int) -> nn.Module:
    if not callable(norm) or isinstance(norm, nn.Module):  # one module would be shared by all convolutions
        raise TypeError(f"simple_cnn: norm must be a class or a function of the channels, got {norm!r}")
    module = norm(channels)
    if not isinstance(module, nn.Module):
        raise TypeError(f"simple_cnn: norm must make a torch.nn.Module, got {type(module).__name__}")
    return module
