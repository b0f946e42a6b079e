"""The images that excite a unit most, and the patch that it sees of each."""

from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import models
from course_lib.layers import checks
from course_lib.models.receptive_field import LayerField
from course_lib.visualize.probing import (
    Layer,
    Unit,
    checked_model,
    evaluating,
    found_layer,
    images_for,
    index_of,
    watched,
)


class Strongest(NamedTuple):
    """The k images with the highest activation of a unit, from the highest down."""

    rows: Tensor  # (k,) which images
    values: Tensor  # (k,) the activations
    places: Tensor  # (k, 2) row and column of the unit in its map; (k, 0) for a neuron, which has no place
    windows: Tensor  # (k, 4) top, left, bottom, right of what the unit sees; padding included, ends excluded
    patches: Tensor  # (k, C, h, w) what it sees

    def cut(self, images: Tensor) -> Tensor:
        """Cut the windows out of k other images (k, C, H, W), such as projections of these: (k, C, h, w)."""
        checks.tensor("Strongest.cut", images, "images")
        if images.ndim != 4 or len(images) != len(self.windows):
            raise ValueError(
                f"Strongest.cut: images must be ({len(self.windows)}, C, H, W), one for each window, "
                f"got shape {tuple(images.shape)}"
            )
        return _cut(images, self.windows)


def strongest(
    model: nn.Module, images: Any, layer: Layer, unit: Unit, k: int = 9, *, batch_size: int = 256
) -> Strongest:
    """Find the k images in which a unit is most active, with the place and the patch that it sees.

    An image counts once, with the place of its map where the activation is highest: those are the places that
    ``deconvnet`` projects. In a chain of layers that starts with the image (a Sequential such as the model or
    its ``features``) the patch is the window of ``models.receptive_field``, with 0 where it hangs over the
    edge of the image; elsewhere the whole image. Look at the values too: a unit that is always off has 0 in
    all images, and none of them excites it.

    The model works in evaluation mode, and is left as it was. The tensors are on its device.

    Args:
        model: the net.
        images: (N, C, H, W) of the dtype of the model, on any device.
        layer: by its name in ``model.named_modules()`` or itself; used once a pass.
        unit: a map or a neuron c; (c, row, column), a unit at one place; or a tensor (N,) with a c an image.
        k: how many images; all if there are fewer.
        batch_size: images shown to the model at a time.

    Source: Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, figure 2.

    Raises:
        TypeError: an argument of the wrong type, a layer that gives no tensor.
        ValueError: no such layer or unit, a layer that is used several times, a size below 1.
    """
    owner = "strongest"
    model = checked_model(owner, model)
    checks.positive_integer(owner, "k", k)
    checks.positive_integer(owner, "batch_size", batch_size)
    images = images_for(owner, model, images)
    found, at = [], []
    with evaluating(model), torch.no_grad():
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            activation, _ = watched(owner, model, layer, images[part])
            index = index_of(owner, activation, unit[part] if isinstance(unit, Tensor) else unit)
            found.append(activation[index])
            at.append(torch.stack(index[2:], 1) if len(index) > 2 else activation.new_zeros(len(index[0]), 0))
        values, rows = torch.cat(found).sort(descending=True, stable=True)
        values, rows = values[:k], rows[:k]
        places = torch.cat(at)[rows].long()
        windows = _windows(model, found_layer(owner, model, layer)[0], places, images)
    return Strongest(rows, values, places, windows, _cut(images[rows], windows))


def _windows(model: nn.Module, name: str, places: Tensor, images: Tensor) -> Tensor:
    """What the units of a layer see, (k, 4): a window in a chain, and else everything."""
    height, width = images.shape[2:]
    field = _field(model, name, images) if places.shape[1] else None
    if field is None:
        return places.new_tensor([[0, 0, height, width]] * len(places))
    return places.new_tensor([field.window(*place) for place in places.tolist()])


def _field(model: nn.Module, name: str, images: Tensor) -> LayerField | None:
    """The receptive field of a layer, if it lies in a chain that is shown the image itself."""
    parts = name.split(".") if name else []
    outer = [".".join(parts[:count]) for count in range(len(parts) + 1)]  # "", "features", "features.3"
    inputs, (height, width) = _inputs(model, outer, images[:1]), images.shape[2:]
    for around in outer:
        if isinstance(inputs.get(around), Tensor) and torch.equal(inputs[around], images[:1]):
            with suppress(ValueError):  # no chain
                fields = models.receptive_field(model.get_submodule(around), (height, width))
                inner = name[len(around) :].lstrip(".")
                inside = [each for each in fields if not inner or f"{each.name}.".startswith(f"{inner}.")]
                return inside[-1]
    return None


def _inputs(model: nn.Module, names: list[str], images: Tensor) -> dict[str, Any]:
    """What each of these modules is given when the model is shown the images."""
    given: dict[str, Any] = {}

    def keep(name: str, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        given[name] = inputs[0].clone() if inputs and isinstance(inputs[0], Tensor) else None

    with ExitStack() as until_done:
        for name in names:
            hook = model.get_submodule(name).register_forward_pre_hook(partial(keep, name))
            until_done.callback(hook.remove)
        model(images.clone())
    return given


def _cut(images: Tensor, windows: Tensor) -> Tensor:
    height, width = images.shape[2:]
    patches = []
    for image, (top, left, bottom, right) in zip(images, windows.tolist(), strict=True):
        above, before = max(0, -top), max(0, -left)
        around = F.pad(image, (before, max(0, right - width), above, max(0, bottom - height)))
        patches.append(around[:, top + above : bottom + above, left + before : right + before])
    return torch.stack(patches)
