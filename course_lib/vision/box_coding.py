"""Boxes as corrections of other boxes: what a detector's regression predicts.

With centres (x, y) and sides (w, h), and the box that is corrected marked a (a proposal, an anchor), the code
is t_x = (x - x_a) / w_a, t_y = (y - y_a) / h_a, t_w = log(w / w_a), t_h = log(h / h_a), each times a weight.

Source: Girshick et al. (2014), R-CNN, appendix C; Ren et al. (2015), Faster R-CNN, equation 2.
``BoxCoder`` is called as in ``torchvision.models.detection``.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.layers import checks as layer_checks
from course_lib.vision import checks

BBOX_XFORM_CLIP = math.log(1000.0 / 16)  # sides grow at most 62.5 times: exp never overflows
Weights = Sequence[float]


def encode(reference_boxes: Tensor, proposals: Tensor, weights: Weights = (1.0, 1.0, 1.0, 1.0)) -> Tensor:
    """Return the codes (N, 4) that correct ``proposals`` (N, 4) into ``reference_boxes`` (N, 4), both xyxy.

    A box without width or height has an infinite code, or NaN: remove such boxes before.

    Raises:
        ValueError: a wrong shape, another number of proposals than of boxes, weights that are not positive.
        TypeError: what is no tensor of a floating-point dtype.
    """
    checks.rows("encode", reference_boxes, "reference_boxes", floating=True)
    checks.rows("encode", proposals, "proposals", floating=True)
    checks.four_weights("encode", "weights", weights)
    if len(proposals) != len(reference_boxes):
        raise ValueError(
            f"encode: proposals must be as many as reference_boxes, {len(reference_boxes)}, "
            f"got {len(proposals)}"
        )
    x, y, w, h = _centred(reference_boxes)
    x_a, y_a, w_a, h_a = _centred(proposals)
    weight_x, weight_y, weight_w, weight_h = weights
    return torch.stack(
        (
            weight_x * (x - x_a) / w_a,
            weight_y * (y - y_a) / h_a,
            weight_w * torch.log(w / w_a),
            weight_h * torch.log(h / h_a),
        ),
        dim=1,
    )


def decode(
    rel_codes: Tensor,
    boxes: Tensor,
    weights: Weights = (1.0, 1.0, 1.0, 1.0),
    bbox_xform_clip: float = BBOX_XFORM_CLIP,
) -> Tensor:
    """Return ``boxes`` (N, 4), xyxy, corrected by ``rel_codes`` (N, 4 C): (N, 4 C), one box for each class.

    t_w and t_h, over their weights, are cut off at ``bbox_xform_clip`` before the exponential.

    Raises:
        ValueError: a wrong shape, another number of codes than of boxes, weights that are not positive, a
            clip that is no number.
        TypeError: what is no tensor of a floating-point dtype.
    """
    layer_checks.float_tensor("decode", rel_codes, "rel_codes")
    checks.rows("decode", boxes, floating=True)
    checks.four_weights("decode", "weights", weights)
    layer_checks.number("decode", "bbox_xform_clip", bbox_xform_clip)
    if rel_codes.ndim != 2 or len(rel_codes) != len(boxes) or rel_codes.shape[1] % 4:
        expected = f"({len(boxes)}, 4 for each class)"
        raise ValueError(f"decode: rel_codes must have shape {expected}, got {tuple(rel_codes.shape)}")
    x_a, y_a, w_a, h_a = (each[:, None] for each in _centred(boxes.to(rel_codes.dtype)))
    weight_x, weight_y, weight_w, weight_h = weights
    x = rel_codes[:, 0::4] / weight_x * w_a + x_a
    y = rel_codes[:, 1::4] / weight_y * h_a + y_a
    w = torch.exp((rel_codes[:, 2::4] / weight_w).clamp(max=bbox_xform_clip)) * w_a
    h = torch.exp((rel_codes[:, 3::4] / weight_h).clamp(max=bbox_xform_clip)) * h_a
    return torch.stack((x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h), dim=2).flatten(1)


class BoxCoder:
    """``encode`` and ``decode`` with fixed weights, for boxes by image.

    Raises:
        ValueError: weights that are not four positive numbers, a clip that is no number.
    """

    def __init__(self, weights: Weights, bbox_xform_clip: float = BBOX_XFORM_CLIP) -> None:
        checks.four_weights("BoxCoder", "weights", weights)
        layer_checks.number("BoxCoder", "bbox_xform_clip", bbox_xform_clip)
        self.weights = weights
        self.bbox_xform_clip = bbox_xform_clip

    def encode(self, reference_boxes: Sequence[Tensor], proposals: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the codes of each image (n, 4), from its boxes (n, 4) and its proposals (n, 4)."""
        checks.filled("BoxCoder", "reference_boxes", reference_boxes)
        checks.filled("BoxCoder", "proposals", proposals)
        counts = [len(each) for each in reference_boxes]
        if counts != [len(each) for each in proposals]:
            raise ValueError(
                f"BoxCoder: proposals must be as many as reference_boxes, {counts} by image, "
                f"got {[len(each) for each in proposals]}"
            )
        return self.encode_single(torch.cat(tuple(reference_boxes)), torch.cat(tuple(proposals))).split(
            counts
        )

    def encode_single(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """Return the codes (n, 4) of the boxes of one image."""
        return encode(reference_boxes, proposals, self.weights)

    def decode(self, rel_codes: Tensor, boxes: Sequence[Tensor]) -> Tensor:
        """Return the boxes (n, C, 4) of all images, from codes (n, 4 C) and each image's boxes (n_i, 4)."""
        checks.filled("BoxCoder", "boxes", boxes)
        joined = torch.cat(tuple(boxes))
        layer_checks.float_tensor("BoxCoder", rel_codes, "rel_codes")
        if len(joined) and rel_codes.numel() % len(joined) == 0:
            rel_codes = rel_codes.reshape(len(joined), -1)
        decoded = self.decode_single(rel_codes, joined)
        return decoded.unflatten(1, (decoded.shape[1] // 4, 4))

    def decode_single(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """Return the boxes (n, 4 C) of one image, from codes (n, 4 C) and boxes (n, 4)."""
        return decode(rel_codes, boxes, self.weights, self.bbox_xform_clip)


def _centred(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Centres and sides: x, y, w, h."""
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    w, h = x2 - x1, y2 - y1
    return x1 + 0.5 * w, y1 + 0.5 * h, w, h
