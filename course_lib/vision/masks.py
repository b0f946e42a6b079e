"""Masks: the boxes around them, and small masks of boxes pasted into the image, called as in torchvision."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks as layer_checks
from course_lib.vision import checks


def masks_to_boxes(masks: Tensor) -> Tensor:
    """Return the box (N, 4) around each mask (N, H, W), as xyxy in float32.

    x1 is the first column that is not 0 and x2 the last one, not one more: a mask of one pixel has a box
    without area. Called as in ``torchvision.ops``; it waits for a GPU.

    Raises:
        ValueError: a wrong shape, or a mask that is 0 everywhere and so has no box.
        TypeError: masks that are no tensor.
    """
    layer_checks.tensor("masks_to_boxes", masks, "masks")
    layer_checks.rank("masks_to_boxes", masks, "(N, H, W)", name="masks")
    if masks.numel() == 0:
        return torch.zeros(0, 4, device=masks.device)
    filled = masks != 0
    columns, rows = filled.any(dim=1), filled.any(dim=2)
    if not columns.is_meta and not (full := columns.any(dim=1)).all():
        empty = int(full.int().argmin())
        raise ValueError(f"masks_to_boxes: masks must have a pixel that is not 0, got none in mask {empty}")
    (x1, x2), (y1, y2) = _ends(columns), _ends(rows)
    return torch.stack([x1, y1, x2, y2], dim=1).float()


def paste_masks_in_image(masks: Tensor, boxes: Tensor, img_shape: Sequence[int], padding: int = 1) -> Tensor:
    """Return each mask (M x M) stretched over its box, in an image of zeros: (N, 1, height, width).

    masks (N, 1, M, M) are probabilities, boxes (N, 4) xyxy, and ``img_shape`` is (height, width). The mask is
    padded with ``padding`` zeros on each side and its box grown in proportion, so that its edges interpolate
    to 0; the box is cut to whole pixels (towards 0) and holds its last pixel; the mask is then resized to it
    bilinearly. What falls outside the image is lost. Called as in
    ``torchvision.models.detection.roi_heads``. Gradients flow to the masks.

    Raises:
        ValueError: a wrong shape, another number of boxes than of masks, an image size below 0, a negative
            padding, coordinates that are not finite.
        TypeError: what is no tensor of a floating-point dtype.
    """
    owner = "paste_masks_in_image"
    layer_checks.float_tensor(owner, masks, "masks")
    if masks.ndim != 4 or masks.shape[1] != 1 or masks.shape[2] != masks.shape[3] or masks.shape[3] == 0:
        raise ValueError(f"{owner}: masks must have shape (N, 1, M, M), got {tuple(masks.shape)}")
    checks.rows(owner, boxes, floating=True)
    if len(boxes) != len(masks):
        raise ValueError(f"{owner}: boxes must be {len(masks)}, as many as masks, got {len(boxes)}")
    height, width = checks.image_size(owner, "img_shape", img_shape)
    layer_checks.non_negative_integer(owner, "padding", padding)
    if not boxes.isfinite().all():
        raise ValueError(f"{owner}: boxes must be finite, got {boxes[~boxes.isfinite().all(1)][0].tolist()}")
    side = masks.shape[-1]
    padded = F.pad(masks, (padding,) * 4)
    grown = _grown(boxes, (side + 2 * padding) / side).tolist()
    pasted = [_pasted(mask, box, height, width) for mask, box in zip(padded, grown, strict=True)]
    return torch.stack(pasted)[:, None] if pasted else masks.new_zeros(0, 1, height, width)


def _ends(filled: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first and the last place of each row of ``filled`` (N, L) that is true."""
    places = torch.arange(filled.shape[1], device=filled.device)
    first = torch.where(filled, places, filled.shape[1]).amin(dim=1)
    return first, torch.where(filled, places, -1).amax(dim=1)


def _grown(boxes: Tensor, scale: float) -> Tensor:
    """Boxes ``scale`` times as wide and high around their centres, in whole pixels."""
    x1, y1, x2, y2 = boxes.detach().unbind(dim=1)
    x, y = (x1 + x2) * 0.5, (y1 + y2) * 0.5
    half_w, half_h = (x2 - x1) * 0.5 * scale, (y2 - y1) * 0.5 * scale
    return torch.stack([x - half_w, y - half_h, x + half_w, y + half_h], dim=1).long()


def _pasted(mask: Tensor, box: list[int], height: int, width: int) -> Tensor:
    """Resize a mask (1, m, m) to its box and put it where that is in the image (height, width)."""
    x1, y1, x2, y2 = box
    size = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
    resized = F.interpolate(mask[None], size, mode="bilinear", align_corners=False)[0, 0]
    left, top = min(max(x1, 0), width), min(max(y1, 0), height)
    right, bottom = max(min(x1 + size[1], width), left), max(min(y1 + size[0], height), top)
    inside = resized[top - y1 : bottom - y1, left - x1 : right - x1]
    return F.pad(inside, (left, width - right, top, height - bottom))
