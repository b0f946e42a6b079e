"""Grad-CAM: where in an image a layer's maps speak for a class."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.visualize.class_scores import Classes, check_no_softmax, chosen_classes, scores_in
from course_lib.visualize.probing import Layer, checked_model, evaluating, images_for, watched


def grad_cam(model: nn.Module, images: Any, layer: Layer, classes: Classes = None) -> Tensor:
    """Heat map of a class over each image: images (N, C, H, W) -> (N, H, W), from 0 on.

    With A_k the maps of the layer, of h rows and w columns, and y the score of the class,

        L = ReLU(sum_k a_k A_k),    a_k = 1 / (h w) sum_ij dy / dA_kij,

    enlarged to the image bilinearly. Behind the maps there may be any layers. If they are a global average
    and a dense layer, a_k is the dense layer's weight over h w, and L is the class activation map (Zhou et
    al., 2016), rectified, over h w. The model works in evaluation mode, and is left as it was; the result is
    on its device. The enlarged map spreads evenly from edge to edge, though units at the edge of a map may
    have their centres elsewhere: ``models.receptive_field`` tells where.

    Args:
        model: gives scores (N, classes), before the softmax.
        images: of the dtype of the model; they are moved to its device.
        layer: whose maps, by its name in ``model.named_modules()`` or itself; used once a pass. The last one
            that has maps is usual.
        classes: one for all images, or one for each; default the one of the highest score.

    Source: Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra (2017), Grad-CAM, equations 1 and 2.

    Raises:
        TypeError: an argument of the wrong type, a model or layer that gives no tensor.
        ValueError: no such layer or class, a layer that has no maps, or is used several times, or on which
            the scores do not depend; scores of another shape, or after a softmax.
    """
    owner = "grad_cam"
    model, images = checked_model(owner, model), images_for(owner, model, images)
    with evaluating(model):
        maps, output = watched(owner, model, layer, images.detach().requires_grad_())
        if maps.ndim != 4:
            raise ValueError(f"{owner}: layer must give maps (N, C, h, w), got shape {tuple(maps.shape)}")
        scores = scores_in(owner, output, len(images))
        check_no_softmax(owner, scores)
        chosen = scores.gather(1, chosen_classes(owner, classes, scores)[:, None])
        slopes = None
        if maps.requires_grad and chosen.requires_grad:
            # In evaluation mode no image has a share in another's score: the sum has all their gradients.
            (slopes,) = torch.autograd.grad(chosen.sum(), maps, allow_unused=True)
    if slopes is None:
        raise ValueError(f"{owner}: layer must be one on which the scores depend")
    heat = (slopes.mean((2, 3), keepdim=True) * maps.detach()).sum(1, keepdim=True).relu()
    return F.interpolate(heat, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
