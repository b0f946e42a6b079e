"""A sanity check of maps: layer by layer, what the net has learned is destroyed."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.visualize.probing import Layer, checked_model, found_layer


def randomize_layers(
    model: nn.Module, layers: Sequence[Layer] | None = None, *, seed: int = 0
) -> Iterator[tuple[str, nn.Module]]:
    """Yield copies of the model: the last layer randomized, the last two, and so on, each with its name.

    A map that explains what the net has learned has to change when that is gone; one that stays shows the
    image and the architecture (compare them with ``rank_correlation``). A layer is randomized by shuffling
    the entries of each of its parameters: so they keep their sizes, and signals their strength, where the
    paper draws them anew as before training. Buffers (running averages) stay. The model itself stays as it
    was, and so does PyTorch's random state.

    Args:
        model: the net; copied once a step.
        layers: by their names in ``model.named_modules()`` or themselves, in the order in which they are
            randomized, each with all its parts; default every module with parameters of its own, from the
            last to the first in the order in which the model lists them.
        seed: what the shuffling depends on. Each layer is shuffled alike in all copies.

    Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim (2018), Sanity checks for
    saliency maps, section 3.

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: no such layer, a layer without parameters, a model without any.
    """
    owner = "randomize_layers"
    model = checked_model(owner, model)
    checks.non_negative_integer(owner, "seed", seed)
    if layers is None:
        names = [name for name, module in model.named_modules() if list(module.parameters(recurse=False))]
        if not names:
            raise ValueError(f"{owner}: model must have parameters, got {type(model).__name__}")
        return _cascade(model, names[::-1], False, seed)
    if isinstance(layers, str | nn.Module) or not isinstance(layers, Sequence):
        raise TypeError(f"{owner}: layers must be a sequence of layers, got {type(layers).__name__}")
    names = [found_layer(owner, model, layer)[0] for layer in layers]
    for name in names:
        if next(model.get_submodule(name).parameters(), None) is None:
            raise ValueError(f"{owner}: layers must have parameters, got {name!r}, which has none")
    return _cascade(model, names, True, seed)


def _cascade(model: nn.Module, names: list[str], parts: bool, seed: int) -> Iterator[tuple[str, nn.Module]]:
    generator = torch.Generator().manual_seed(seed)
    changed = copy.deepcopy(model)
    shuffled: set[Any] = set()
    for name in names:
        for parameter in changed.get_submodule(name).parameters(recurse=parts):
            if parameter not in shuffled:  # one that two layers share is shuffled once
                shuffled.add(parameter)
                _shuffle(parameter, generator)
        yield name, copy.deepcopy(changed)


@torch.no_grad()
def _shuffle(parameter: Tensor, generator: torch.Generator) -> None:
    order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
    parameter.copy_(parameter.flatten()[order].view_as(parameter))
