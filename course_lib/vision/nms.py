"""Non-maximum suppression, called as in ``torchvision.ops``: of boxes that overlap, keep the best scored.

Boxes are taken by falling score, and each that is kept suppresses all later ones whose IoU with it is greater
than the threshold. In a crowd, where each suppresses many, the best of the remaining boxes are compared with
all others, again and again. Where boxes spread, only ``Neighbours`` are compared. There is never a matrix of
all pairs, and a GPU is waited for only a few times.

Source: Girshick, Donahue, Darrell & Malik (2014), section 2.1; Felzenszwalb et al. (2010), Object detection
with discriminatively trained part-based models, section 7.
"""

import math

import numpy as np
import torch
from torch import Tensor

from course_lib.layers import checks as layer_checks
from course_lib.vision import checks
from course_lib.vision.candidates import Candidates
from course_lib.vision.neighbours import Neighbours

FIRST_HEAD, LARGEST_HEAD = 64, 512  # boxes that are taken at once
NEIGHBOURS_COST = 400  # to find the neighbours of a box takes as long as to compare so many pairs of a block
NEIGHBOUR_COST = 12  # and to compare it with one of them, as so many
PAIRS_AT_ONCE = {"cpu": 2**17}  # few enough for the cache
PAIRS_AT_ONCE_ELSEWHERE = 2**23


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Return the indices of the boxes that are kept, by falling score; of equal scores the first comes first.

    Shapes: boxes (N, 4) as (x1, y1, x2, y2), scores (N,) -> int64 (K,). A box goes if its IoU with a kept box
    is strictly greater than ``iou_threshold``. Nothing is differentiable here: index ``boxes`` with the
    result, and gradients flow to those that are kept.

    Raises:
        ValueError: a wrong shape, a threshold outside 0 to 1, x1 > x2 or y1 > y2, a coordinate or an area
            that is not finite, a score that is NaN.
        TypeError: boxes or scores that are no tensors of a floating-point dtype.
    """
    _check("nms", boxes, scores, iou_threshold)
    return _kept(boxes, scores, None, iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """Apply ``nms`` to each category apart: boxes of different ``idxs`` never suppress each other.

    Shapes: boxes (N, 4) as (x1, y1, x2, y2), scores (N,), idxs (N,) integers -> int64 (K,) by falling score.
    Raises what ``nms`` raises, and TypeError for ``idxs`` that are no integers.
    """
    _check("batched_nms", boxes, scores, iou_threshold)
    checks.one_for_each("batched_nms", idxs, "idxs", len(boxes))
    if idxs.is_floating_point() or idxs.is_complex():
        raise TypeError(f"batched_nms: idxs must have an integer dtype, got {idxs.dtype}")
    return _kept(boxes, scores, idxs, iou_threshold)


def _check(owner: str, boxes: Tensor, scores: Tensor, iou_threshold: float) -> None:
    checks.rows(owner, boxes, floating=True)
    layer_checks.float_tensor(owner, scores, "scores")
    checks.one_for_each(owner, scores, "scores", len(boxes))
    layer_checks.probability(owner, "iou_threshold", iou_threshold)
    checks.proper(owner, boxes)
    if scores.isnan().any():
        raise ValueError(f"{owner}: scores must be numbers, got nan")


@torch.no_grad()
def _kept(boxes: Tensor, scores: Tensor, groups: Tensor | None, iou_threshold: float) -> Tensor:
    rest = Candidates.of(boxes, groups)
    threshold = _round_down(iou_threshold, rest.corners.dtype)
    best, rest = _first_head(rest, scores, threshold)
    return torch.cat([best, *_by_heads(rest.sort(scores), threshold)])


def _first_head(rest: Candidates, scores: Tensor, threshold: float) -> tuple[Tensor, Candidates]:
    """Take the best boxes before all are sorted: of a dense crowd, they leave next to nothing to sort."""
    if len(rest) <= 4 * FIRST_HEAD:
        return rest.places[:0], rest
    best = scores > scores.topk(FIRST_HEAD + 1).values[-1]
    head = _resolved(rest.take(best.nonzero()[:, 0]).sort(scores), threshold)
    left = (_overlap(rest, head) <= threshold).logical_and_(~best)
    return head.places, rest.take(left.nonzero()[:, 0])


def _by_heads(rest: Candidates, threshold: float) -> list[Tensor]:
    """Take the boxes, best first, head by head, until none is left or comparing neighbours is cheaper."""
    kept, size, look_again = [], FIRST_HEAD, len(rest)
    while len(rest):
        head, rest = _resolved(rest[:size], threshold), rest[size:]
        kept.append(head.places)
        before, rest = len(rest), rest.take((_overlap(rest, head) <= threshold).nonzero()[:, 0])
        share = max(before - len(rest), 0.5) / max(before, 1)
        pairs = len(head) * len(rest) / share  # to come, if each head suppresses such a share
        if len(rest) <= look_again and pairs > NEIGHBOURS_COST * len(rest):
            look_again = len(rest) // 2
            neighbours = Neighbours(rest, threshold)
            if NEIGHBOUR_COST * neighbours.pairs < pairs:
                return [*kept, neighbours.kept()]
        size = min(2 * size, LARGEST_HEAD)
    return kept


def _resolved(head: Candidates, threshold: float) -> Candidates:
    """Return those of ``head`` that are kept: one after the other, on the host, a bit for each box."""
    suppresses = np.packbits((head.iou(head) > threshold).cpu().numpy(), axis=1, bitorder="little")
    suppressed, kept = 0, []
    for i, row in enumerate(suppresses):
        if not suppressed >> i & 1:
            suppressed |= int.from_bytes(row.tobytes(), "little")
            kept.append(i)
    return head.take(torch.tensor(kept, dtype=torch.int64, device=head.places.device))


def _overlap(rest: Candidates, head: Candidates) -> Tensor:
    """Return the greatest IoU of each box of ``rest`` with a box of ``head``, block by block."""
    if not len(head) or not len(rest):
        return rest.corners.new_zeros(len(rest))
    pairs = PAIRS_AT_ONCE.get(rest.corners.device.type, PAIRS_AT_ONCE_ELSEWHERE)
    width = max(1, pairs // len(head))
    blocks = [head.iou(rest[start : start + width]).amax(dim=0) for start in range(0, len(rest), width)]
    return torch.cat(blocks)


def _round_down(threshold: float, dtype: torch.dtype) -> float:
    """Return the largest number of ``dtype`` up to ``threshold``: no IoU of that dtype lies between them."""
    rounded = torch.tensor(threshold, dtype=dtype)
    if rounded.item() > threshold:
        rounded = torch.nextafter(rounded, torch.tensor(-math.inf, dtype=dtype))
    return rounded.item()
