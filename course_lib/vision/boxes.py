"""Boxes: formats, areas and clipping, called as in ``torchvision.ops``.

A box is four numbers: xyxy (x1, y1, x2, y2), its upper left and lower right corners; xywh (x1, y1, w, h); or
cxcywh (cx, cy, w, h), its centre and sides. x runs right, y down, in pixels; a box is as wide as x2 - x1.
Nothing is checked here that only the numbers show: a box with x2 < x1 is computed with as it is. Gradients
flow to boxes of a floating-point dtype. Areas of half-precision boxes are computed in float32, those of small
integers in int32. The same in NumPy, with the gradients: ``course_lib.reference.boxes``.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.layers import checks as layer_checks
from course_lib.vision import checks


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Return boxes (..., 4) in another format: "xyxy", "xywh" or "cxcywh".

    Raises:
        ValueError: a shape that does not end in 4, or another format (those of rotated boxes included).
        TypeError: boxes that are no tensor of numbers.
    """
    checks.coordinates("box_convert", boxes)
    checks.box_format("box_convert", "in_fmt", in_fmt)
    checks.box_format("box_convert", "out_fmt", out_fmt)
    if in_fmt == out_fmt:
        return boxes.clone()
    a, b, c, d = boxes.unbind(dim=-1)
    if in_fmt == "cxcywh":
        x1, y1, x2, y2 = a - 0.5 * c, b - 0.5 * d, a + 0.5 * c, b + 0.5 * d
    elif in_fmt == "xywh":
        x1, y1, x2, y2 = a, b, a + c, b + d
    else:
        x1, y1, x2, y2 = a, b, c, d
    if out_fmt == "xyxy":
        return torch.stack((x1, y1, x2, y2), dim=-1)
    if out_fmt == "xywh":
        return torch.stack((x1, y1, x2 - x1, y2 - y1), dim=-1)
    return torch.stack(((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1), dim=-1)


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """Return the areas (...,) of boxes (..., 4): (x2 - x1)(y2 - y1), or w h.

    Raises ValueError and TypeError as ``box_convert`` does.
    """
    checks.coordinates("box_area", boxes)
    checks.box_format("box_area", "fmt", fmt)
    a, b, c, d = wide(boxes).unbind(dim=-1)
    return (c - a) * (d - b) if fmt == "xyxy" else c * d


def clip_boxes_to_image(boxes: Tensor, size: Sequence[int]) -> Tensor:
    """Return boxes (..., 4), xyxy, moved into an image of ``size`` = (height, width).

    Raises ValueError and TypeError as ``box_convert`` does, or if ``size`` is not two integers, 0 or more.
    """
    checks.coordinates("clip_boxes_to_image", boxes)
    height, width = checks.image_size("clip_boxes_to_image", "size", size)
    x1, y1, x2, y2 = boxes.unbind(dim=-1)
    return torch.stack(
        (x1.clamp(0, width), y1.clamp(0, height), x2.clamp(0, width), y2.clamp(0, height)), dim=-1
    )


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """Return the indices (K,) of the boxes (N, 4), xyxy, whose sides are both ``min_size`` or longer.

    Raises ValueError and TypeError as ``box_convert`` does, or if ``min_size`` is no number.
    """
    checks.rows("remove_small_boxes", boxes)
    layer_checks.finite_number("remove_small_boxes", "min_size", min_size)
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return ((x2 - x1 >= min_size) & (y2 - y1 >= min_size)).nonzero()[:, 0]


def wide(boxes: Tensor) -> Tensor:
    """Boxes in a dtype wide enough for areas: at least float32 or int32."""
    smallest = torch.float32 if boxes.is_floating_point() else torch.int32
    return boxes.to(torch.promote_types(boxes.dtype, smallest))
