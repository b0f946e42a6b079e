"""How much boxes overlap: IoU and its relatives, called as in ``torchvision.ops``.

Boxes are xyxy. Where two boxes do not meet, the IoU is 0, and so is its gradient; its relatives go on telling
how far apart they are. Two boxes without area have the IoU 0/0, NaN. Half-precision boxes are computed with
in float32, small integers in int32. A wrong shape raises ValueError; TypeError is for what is no tensor of
numbers. The same in NumPy, with the gradients: ``course_lib.reference.boxes``.
"""

import math
from functools import cached_property

import torch
from torch import Tensor

from course_lib.layers import checks as layer_checks
from course_lib.vision import checks
from course_lib.vision.boxes import box_convert, wide


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Return the IoU of each box of the first set with each of the second: intersection over union, 0 to 1.

    Shapes: boxes1 (..., N, 4), boxes2 (..., M, 4), both of format ``fmt`` -> (..., N, M).
    Source: Jaccard (1901), for sets.
    """
    checks.box_format("box_iou", "fmt", fmt)
    return _crossed("box_iou", boxes1, boxes2, fmt).iou()


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Return the generalized IoU of each pair: IoU - (hull - union) / hull, from -1 to 1.

    The hull is the smallest box around both. Shapes: boxes1 (..., N, 4), boxes2 (..., M, 4) -> (..., N, M).
    Source: Rezatofighi et al. (2019), algorithm 1.
    """
    return _crossed("generalized_box_iou", boxes1, boxes2).generalized_iou()


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """Return the distance IoU of each pair: IoU - d^2 / (c^2 + eps).

    d is the distance of the centres, c the diagonal of the smallest box around both.
    Shapes: boxes1 (..., N, 4), boxes2 (..., M, 4) -> (..., N, M).
    Source: Zheng et al. (2020), Distance-IoU loss, section 3.
    """
    layer_checks.finite_number("distance_box_iou", "eps", eps, at_least=0)
    pairs = _crossed("distance_box_iou", boxes1, boxes2)
    return pairs.iou() - pairs.distance(eps)


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """Return the complete IoU of each pair: the distance IoU less alpha v, which compares the shapes.

    v = 4 / pi^2 (atan(w1 / h1) - atan(w2 / h2))^2 and alpha = v / (1 - IoU + v + eps), which the gradient
    takes for a constant. Shapes: boxes1 (..., N, 4), boxes2 (..., M, 4) -> (..., N, M).
    Source: Zheng et al. (2020), Distance-IoU loss, section 3.
    """
    layer_checks.finite_number("complete_box_iou", "eps", eps, at_least=0)
    pairs = _crossed("complete_box_iou", boxes1, boxes2)
    iou = pairs.iou()
    return iou - pairs.distance(eps) - pairs.shape_penalty(iou, eps)


class Pairs:
    """Pairs of boxes (..., 4) whose shapes broadcast, and what the overlaps are made of."""

    def __init__(self, boxes1: Tensor, boxes2: Tensor) -> None:
        self.x1, self.y1, self.x2, self.y2 = wide(boxes1).unbind(dim=-1)
        self.other_x1, self.other_y1, self.other_x2, self.other_y2 = wide(boxes2).unbind(dim=-1)

    @cached_property
    def intersection(self) -> Tensor:
        """The area that two boxes share."""
        width = torch.minimum(self.x2, self.other_x2) - torch.maximum(self.x1, self.other_x1)
        height = torch.minimum(self.y2, self.other_y2) - torch.maximum(self.y1, self.other_y1)
        return width.clamp(min=0) * height.clamp(min=0)

    @cached_property
    def union(self) -> Tensor:
        """The area that they cover together."""
        area = (self.x2 - self.x1) * (self.y2 - self.y1)
        other_area = (self.other_x2 - self.other_x1) * (self.other_y2 - self.other_y1)
        return area + other_area - self.intersection

    @cached_property
    def hull(self) -> tuple[Tensor, Tensor]:
        """The width and height of the smallest box around both."""
        width = torch.maximum(self.x2, self.other_x2) - torch.minimum(self.x1, self.other_x1)
        height = torch.maximum(self.y2, self.other_y2) - torch.minimum(self.y1, self.other_y1)
        return width.clamp(min=0), height.clamp(min=0)

    def iou(self, eps: float = 0.0) -> Tensor:
        """Intersection over union; ``eps`` is added to the union."""
        return self.intersection / (self.union + eps if eps else self.union)

    def generalized_iou(self, eps: float = 0.0) -> Tensor:
        """IoU less the part of the hull that neither box covers; ``eps`` is added to the denominators."""
        width, height = self.hull
        area = width * height
        return self.iou(eps) - (area - self.union) / (area + eps if eps else area)

    def distance(self, eps: float) -> Tensor:
        """The squared distance of the centres over the squared diagonal of the hull."""
        width, height = self.hull
        across = (self.x1 + self.x2) / 2 - (self.other_x1 + self.other_x2) / 2
        down = (self.y1 + self.y2) / 2 - (self.other_y1 + self.other_y2) / 2
        return (across**2 + down**2) / (width**2 + height**2 + eps)

    def shape_penalty(self, iou: Tensor, eps: float) -> Tensor:
        """The alpha v of the complete IoU."""
        angle = torch.atan((self.x2 - self.x1) / (self.y2 - self.y1))
        other_angle = torch.atan((self.other_x2 - self.other_x1) / (self.other_y2 - self.other_y1))
        v = 4 / math.pi**2 * (angle - other_angle) ** 2
        return (v / (1 - iou + v + eps)).detach() * v


def _crossed(owner: str, boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Pairs:
    """Each box of the first set with each of the second."""
    for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2)):
        checks.coordinates(owner, boxes, name)
        if boxes.ndim < 2:
            raise ValueError(f"{owner}: {name} must have shape (..., N, 4), got {tuple(boxes.shape)}")
    if fmt != "xyxy":
        boxes1, boxes2 = box_convert(boxes1, fmt, "xyxy"), box_convert(boxes2, fmt, "xyxy")
    return Pairs(boxes1.unsqueeze(-2), boxes2.unsqueeze(-3))
