"""Looking into a model while it works, and leaving it as it was."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.layers import checks

Layer = str | nn.Module
Unit = int | tuple[int, int, int] | Tensor
Index = tuple[Tensor, ...]


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """In the block the model is in evaluation mode; after it, each module is in the mode it was in.

    Gradients are recorded, whatever the caller has switched off. A model that is no module has no mode.
    """
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    modes = [module.training for module in modules]
    try:
        if modules:
            model.eval()
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for module, training in zip(modules, modes, strict=True):
            module.training = training


def checked_model(owner: str, model: Any) -> nn.Module:
    """Raise unless the model is a module."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"{owner}: model must be a torch.nn.Module, got {type(model).__name__}")
    return model


def images_for(owner: str, model: Any, images: Any) -> Tensor:
    """Return images (N, C, H, W), N >= 1, on the model's device, free of the graph they come from."""
    checks.float_tensor(owner, images, "images")
    checks.rank(owner, images, "(N, C, H, W)", name="images")
    if 0 in images.shape:
        raise ValueError(f"{owner}: images must have no empty dimension, got shape {tuple(images.shape)}")
    if isinstance(model, nn.Module):
        parameter = next(model.parameters(), None)
        images = images if parameter is None else images.to(parameter.device)
    images = images.detach()
    if images.is_inference():  # no graph can hang on such a tensor, but on its copy made outside
        with torch.inference_mode(False):
            images = images.clone()
    return images


def found_layer(owner: str, model: nn.Module, layer: Any) -> tuple[str, nn.Module]:
    """Return a layer's name in ``model.named_modules()``, and the layer, from either.

    Raises:
        TypeError: neither a name nor a module.
        ValueError: the model has no such layer.
    """
    named = dict(model.named_modules())
    if isinstance(layer, str):
        if layer in named:
            return layer, named[layer]
        near = difflib.get_close_matches(layer, named, n=3) or [name for name in named if name][-5:]
        raise ValueError(
            f"{owner}: layer must be a name in model.named_modules(), such as "
            f"{', '.join(map(repr, near))}; got {layer!r}"
        )
    if not isinstance(layer, nn.Module):
        raise TypeError(f"{owner}: layer must be a name or a torch.nn.Module, got {type(layer).__name__}")
    for name, module in named.items():
        if module is layer:
            return name, module
    raise ValueError(f"{owner}: layer must be a part of the model, got a {type(layer).__name__} that is none")


def watched(owner: str, model: nn.Module, layer: Layer, images: Tensor) -> tuple[Tensor, Any]:
    """Show the model its images, and return what the layer gave and what the model gave.

    Raises:
        TypeError: the layer gives no tensor.
        ValueError: the layer was not used once in this pass.
    """
    name, module = found_layer(owner, model, layer)
    given: list[Any] = []

    def keep(module: nn.Module, inputs: Any, output: Any) -> Any:
        given.append(output)
        # What follows gets a copy: it may overwrite its input, as ReLU(inplace=True) does.
        return output.clone() if isinstance(output, Tensor) else output

    handle = module.register_forward_hook(keep)
    try:
        output = model(images.clone())  # the first layer may overwrite its input too
    finally:
        handle.remove()
    if len(given) != 1:
        raise ValueError(
            f"{owner}: layer must be one that is used once a pass, got {name!r}, which is used "
            f"{len(given)} times; what stands around it may do"
        )
    if not isinstance(given[0], Tensor):
        raise TypeError(
            f"{owner}: layer must be one that gives a tensor, got {name!r}: {type(given[0]).__name__}"
        )
    return given[0], output


def index_of(owner: str, activation: Tensor, unit: Unit) -> Index:
    """Return the index of one unit an image in what a layer gave, (N, C, H, W) or (N, C).

    ``unit`` is a map or a neuron c, of whose units the strongest in each image is meant; or (c, row, column);
    or a tensor (N,) with a c for each image.

    Raises:
        TypeError: a number that is no integer.
        ValueError: there is no such unit, or the layer has neither maps nor neurons.
    """
    if activation.ndim not in (2, 4):
        expected = "maps (N, C, H, W) or neurons (N, C)"
        raise ValueError(f"{owner}: layer must give {expected}, got shape {tuple(activation.shape)}")
    n, shape = len(activation), activation.shape[1:]
    rows = torch.arange(n, device=activation.device)
    if isinstance(unit, Tensor):
        channels = _one_each(owner, unit, n, shape[0]).to(activation.device)
    elif isinstance(unit, tuple):
        if len(unit) != len(shape):
            expected = "(map, row, column)" if len(shape) == 3 else "a neuron"
            raise ValueError(
                f"{owner}: unit must be {expected} in a layer of shape {tuple(shape)}, got {unit}"
            )
        for number, units in zip(unit, shape, strict=True):
            _check_number(owner, number, units, shape)
        return rows, *(torch.full_like(rows, number) for number in unit)
    else:
        _check_number(owner, unit, shape[0], shape)
        channels = torch.full_like(rows, unit)
    if activation.ndim == 2:
        return rows, channels
    places = activation[rows, channels].flatten(1).argmax(1)
    return rows, channels, places // shape[2], places % shape[2]


def _check_number(owner: str, number: Any, units: int, shape: torch.Size) -> None:
    checks.non_negative_integer(owner, "unit", number)
    if number >= units:
        raise ValueError(
            f"{owner}: unit must be from 0 to {units - 1} in a layer of shape {tuple(shape)}, got {number}"
        )


def _one_each(owner: str, unit: Tensor, n: int, units: int) -> Tensor:
    if unit.shape != (n,) or unit.is_floating_point() or unit.dtype == torch.bool:
        raise ValueError(
            f"{owner}: unit must be a number, (map, row, column), or a tensor of {n} integers, one an image; "
            f"got a tensor of shape {tuple(unit.shape)} and {unit.dtype}"
        )
    if int(unit.min()) < 0 or int(unit.max()) >= units:
        raise ValueError(f"{owner}: unit must be from 0 to {units - 1}, got {unit.tolist()}")
    return unit.long()
