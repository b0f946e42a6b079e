"""The multilayer perceptron."""

from collections.abc import Callable, Sequence

from torch import nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype


def mlp(
    sizes: Sequence[int],
    activation: Callable[[], nn.Module] = layers.ReLU,
    output: Callable[[], nn.Module] | None = None,
    bias: bool = True,
    device: Device = None,
    dtype: Dtype = None,
) -> nn.Sequential:
    """Dense layers with an activation between them: x (..., sizes[0]) -> y (..., sizes[-1]).

    ``sizes`` = (inputs, hidden units..., outputs): ``mlp([64, 32, 10])`` has one hidden layer of 32 units.
    ``activation`` makes a new activation after each hidden layer: a class, or a function such as
    ``lambda: layers.LeakyReLU(0.2)``. ``output`` does so after the last; None leaves it linear, as losses on
    logits want it. Parameters are named by position, as in any Sequential: "0.weight", "0.bias", "2.weight".

    Source: Rumelhart, Hinton & Williams (1986), Learning representations by back-propagating errors.

    Raises:
        ValueError: fewer than two sizes, or a size below 1.
        TypeError: a size that is no integer, an activation that makes no module.
    """
    sizes = list(sizes)
    if len(sizes) < 2:
        raise ValueError(f"mlp: sizes must hold at least inputs and outputs, got {sizes}")
    for position, size in enumerate(sizes):
        checks.positive_integer("mlp", f"sizes[{position}]", size)
    modules: list[nn.Module] = []
    for layer in range(1, len(sizes)):
        modules.append(layers.Linear(sizes[layer - 1], sizes[layer], bias=bias, device=device, dtype=dtype))
        if layer < len(sizes) - 1:
            modules.append(_made_by("activation", activation))
        elif output is not None:
            modules.append(_made_by("output", output))
    return nn.Sequential(*modules)


def _made_by(name: str, factory: Callable[[], nn.Module]) -> nn.Module:
    if not callable(factory) or isinstance(factory, nn.Module):  # one module would be shared by all layers
        raise TypeError(f"mlp: {name} must be a class or a function that makes a module, got {factory!r}")
    module = factory()
    if not isinstance(module, nn.Module):
        raise TypeError(f"mlp: {name} must make a torch.nn.Module, got {type(module).__name__}")
    return module
