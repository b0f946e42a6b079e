"""Soft non-maximum suppression: lower the scores of boxes that overlap, instead of dropping them."""

import torch
from torch import Tensor

from course_lib.layers import checks as layer_checks
from course_lib.vision import checks
from course_lib.vision.candidates import Candidates

METHODS = ("linear", "gaussian")
TAKEN = -1.0  # below any score, and so it stays


@torch.no_grad()
def soft_nms(
    boxes: Tensor,
    scores: Tensor,
    iou_threshold: float = 0.3,
    sigma: float = 0.5,
    score_threshold: float = 0.001,
    method: str = "linear",
) -> tuple[Tensor, Tensor]:
    """Return the indices of the boxes that are kept and their new scores, both by falling new score.

    Again and again the best of the remaining boxes is taken, and each other's score is multiplied by a factor
    that falls with its IoU with that box: with ``method`` "linear", by 1 - IoU if the IoU is at least
    ``iou_threshold``, else by 1; with "gaussian", by exp(-IoU^2 / ``sigma``), and the threshold plays no
    part. It ends when no score greater than ``score_threshold`` is left. Of equal scores the first box is
    taken first.

    Shapes: boxes (N, 4) as (x1, y1, x2, y2), scores (N,) -> int64 (K,), and (K,) of the dtype of ``scores``,
    without gradients. It takes K steps over the remaining boxes, on the CPU whatever the device.

    Raises:
        ValueError: a wrong shape, an iou_threshold outside 0 to 1, a sigma that is not positive, another
            method, x1 > x2 or y1 > y2, a coordinate or an area that is not finite, a negative or NaN score.
        TypeError: boxes or scores that are no tensors of a floating-point dtype.
    Source: Bodla, Singh, Chellappa & Davis (2017), section 3 and equations 3 and 4.
    """
    checks.rows("soft_nms", boxes, floating=True)
    layer_checks.float_tensor("soft_nms", scores, "scores")
    checks.one_for_each("soft_nms", scores, "scores", len(boxes))
    layer_checks.probability("soft_nms", "iou_threshold", iou_threshold)
    layer_checks.finite_number("soft_nms", "sigma", sigma, above=0)
    layer_checks.finite_number("soft_nms", "score_threshold", score_threshold, at_least=0)
    layer_checks.one_of("soft_nms", "method", method, METHODS)
    corners, left = boxes.cpu(), scores.cpu().to(torch.promote_types(scores.dtype, torch.float32))
    checks.proper("soft_nms", corners)
    if not (left >= 0).all():
        raise ValueError(f"soft_nms: scores must be 0 or more, got {left[~(left >= 0)][0].item()}")
    kept, new_scores = [], []
    everyone = Candidates.of(corners)
    while len(left):
        best = int(left.numpy().argmax())  # the first of equal ones, which torch.argmax does not promise
        if left[best] <= score_threshold:
            break
        kept.append(best)
        new_scores.append(left[best].item())
        iou = everyone[best : best + 1].iou(everyone)[0]
        if method == "linear":
            left = left * torch.where(iou < iou_threshold, 1, 1 - iou)
        else:
            left = left * torch.exp(-(iou**2) / sigma)
        left[best] = TAKEN
    return torch.tensor(kept, device=boxes.device, dtype=torch.int64), scores.new_tensor(new_scores)
