"""Saliency maps: how much a class's score changes with each pixel."""

from typing import Any

import torch
from torch import Tensor, nn

from course_lib.visualize.class_scores import Classes, check_no_softmax, chosen_classes, scores_in
from course_lib.visualize.probing import checked_model, evaluating, images_for


def saliency(model: nn.Module, images: Any, classes: Classes = None) -> Tensor:
    """Size of the gradient of a class's score at each pixel: images (N, C, H, W) -> (N, H, W), from 0 on.

    Of the channels of a pixel, the one with the largest gradient counts. The model works in evaluation mode,
    and is left as it was; the result is on its device.

    Args:
        model: gives scores (N, classes), before the softmax.
        images: of the dtype of the model; they are moved to its device.
        classes: one for all images, or one for each; default the one of the highest score.

    Source: Simonyan, Vedaldi & Zisserman (2014), Deep inside convolutional networks, section 3.1.

    Raises:
        TypeError: an argument of the wrong type, a model that gives no tensor.
        ValueError: no such class, scores of another shape, or after a softmax, or not of these images.
    """
    owner = "saliency"
    model, images = checked_model(owner, model), images_for(owner, model, images)
    with evaluating(model):
        pixels = images.detach().requires_grad_()
        scores = scores_in(owner, model(pixels.clone()), len(pixels))
        check_no_softmax(owner, scores)
        chosen = scores.gather(1, chosen_classes(owner, classes, scores)[:, None])
        if not chosen.requires_grad:
            raise ValueError(f"{owner}: model must give scores that depend on the images")
        # In evaluation mode no image has a share in another's score: the sum has all their gradients.
        (gradient,) = torch.autograd.grad(chosen.sum(), pixels)
    return gradient.abs().amax(1)
