"""Losses for boxes, called as in ``torchvision.ops``: one minus an overlap of each box with its target.

Boxes are xyxy, (..., 4) and of equal shapes; the losses have shape (...,). ``reduction`` "mean" averages them
(of no boxes: 0), "sum" adds them up, "none" leaves them; ``eps`` is added to denominators. Boxes that just
touch count as apart: the gradient of their intersection is 0. A wrong shape, reduction or eps raises
ValueError, TypeError is for what is no floating-point tensor.
"""

import torch
from torch import Tensor

from course_lib.layers import checks as layer_checks
from course_lib.vision import checks
from course_lib.vision.overlaps import Pairs


def generalized_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """1 - generalized IoU, from 0 to 2: it pulls boxes together even when they do not meet.

    Source: Rezatofighi et al. (2019), algorithm 2.
    """
    pairs = _matched("generalized_box_iou_loss", boxes1, boxes2, reduction, eps)
    return _reduced(1 - pairs.generalized_iou(eps), reduction)


def distance_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """1 - distance IoU: it pulls the centres together. Source: Zheng et al. (2020), section 3."""
    pairs = _matched("distance_box_iou_loss", boxes1, boxes2, reduction, eps)
    return _reduced(1 - pairs.iou(eps) + pairs.distance(eps), reduction)


def complete_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """1 - complete IoU: it makes the shapes alike too. Source: Zheng et al. (2020), section 3."""
    pairs = _matched("complete_box_iou_loss", boxes1, boxes2, reduction, eps)
    iou = pairs.iou(eps)
    return _reduced(1 - iou + pairs.distance(eps) + pairs.shape_penalty(iou, eps), reduction)


def _matched(owner: str, boxes1: Tensor, boxes2: Tensor, reduction: str, eps: float) -> Pairs:
    """Each box with its target."""
    for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2)):
        layer_checks.float_tensor(owner, boxes, name)
        checks.coordinates(owner, boxes, name)
    if boxes1.shape != boxes2.shape:
        raise ValueError(
            f"{owner}: boxes2 must have the shape of boxes1, {tuple(boxes1.shape)}, got {tuple(boxes2.shape)}"
        )
    layer_checks.one_of(owner, "reduction", reduction, ("none", "mean", "sum"))
    layer_checks.finite_number(owner, "eps", eps, at_least=0)
    pairs = Pairs(boxes1, boxes2)
    pairs.intersection = torch.where(pairs.intersection > 0, pairs.intersection, 0)
    return pairs


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "sum" or (reduction == "mean" and loss.numel() == 0):
        return loss.sum()
    return loss.mean() if reduction == "mean" else loss
