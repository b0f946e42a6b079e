"""The deconvnet: what in an image excited a unit, projected back to the pixels."""

from typing import Any

from torch import Tensor, nn

from course_lib import layers
from course_lib.visualize.probing import Layer, Unit
from course_lib.visualize.rectifier_rules import project


def deconvnet(model: nn.Module, images: Any, layer: Layer, unit: Unit) -> Tensor:
    """Project a unit's activation back to the pixels of each image: (N, C, H, W) -> (N, C, H, W).

    All other activations of the layer are set to 0. Then what the net does is undone layer by layer, down to
    the pixels: unpool (each value goes to the place where max pooling found it, the switch), rectify, and
    filter with the transpose of the convolution, without its bias. That is a backward pass that starts with
    the activation, and in which a ReLU passes on the positive part of what comes from above, not the part
    for which it was active on the way up:

        backpropagation    signal * (x > 0)
        deconvnet          max(signal, 0)
        guided backprop    max(signal, 0) * (x > 0)

    The net is any graph of convolutions, ReLUs (or ReLU6), max and average pooling, batch normalization,
    dropout, dense layers, sums and concatenations. LocalResponseNorm layers are passed straight through, as
    the paper has it. Where pooling windows overlap and share a maximum, what comes from them is added up
    (``layers.MaxUnpool2d`` would keep one of them). The net works in evaluation mode, and is left as it was.
    A ReLU is known by its name (``layers.ReLU``, ``torch.relu``, ...): one written as a clamp is not.

    Args:
        model: the net, float32 or float64.
        images: of the dtype of the model; they are moved to its device, where the result is.
        layer: whose activation, by its name in ``model.named_modules()`` or itself; used once a pass.
        unit: a map or a neuron c, whose strongest activation in each image is projected; (c, row, column), a
            unit at one place; or a tensor (N,) with a c for each image. ``strongest`` finds images for it.

    Source: Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, section 2.1.

    Raises:
        TypeError: an argument of the wrong type, a layer that gives no tensor.
        ValueError: no such layer or unit, a layer that is used several times, another activation than ReLU on
            the way back.
    """
    return project(
        "deconvnet",
        model,
        images,
        layer,
        unit,
        rule=lambda signal, active: signal.clamp(min=0),
        start=lambda activation: activation,
        straight=(layers.LocalResponseNorm, nn.LocalResponseNorm),
    )
