"""Guided backpropagation: the gradient, of which each ReLU passes on only what excites."""

from typing import Any

import torch
from torch import Tensor, nn

from course_lib.visualize.probing import Layer, Unit
from course_lib.visualize.rectifier_rules import project


def guided_backprop(model: nn.Module, images: Any, layer: Layer, unit: Unit) -> Tensor:
    """Guided gradient of a unit with respect to the pixels: images (N, C, H, W) -> (N, C, H, W).

    A backward pass from the unit, starting with 1, in which a ReLU passes on what is positive from above
    (as in ``deconvnet``) where it was active on the way up (as in backpropagation). All else, local response
    normalization too, has its gradient. For a class, ask the last layer for the unit of that number; a
    tensor (N,) asks for another one in each image. Where ``unit`` is the number of a map, its strongest
    activation in each image is meant.

    Arguments, errors, and the nets it is for are those of ``deconvnet``.

    Source: Springenberg, Dosovitskiy, Brox & Riedmiller (2015), Striving for simplicity: the all
    convolutional net, section 3.4.
    """
    return project(
        "guided_backprop",
        model,
        images,
        layer,
        unit,
        rule=lambda signal, active: signal.clamp(min=0) * active,
        start=torch.ones_like,
    )
