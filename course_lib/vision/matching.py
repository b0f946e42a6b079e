"""Which box a candidate (an anchor, a proposal) is to become in training, and which candidates train at all.

Source: Girshick et al. (2014), R-CNN, sections 2.3 and 3.1; Ren et al. (2015), Faster R-CNN, sections 3.1.2
and 3.1.3. Numbers and rules are those of ``torchvision.models.detection``.
"""

import torch
from torch import Tensor

from course_lib.layers import checks as layer_checks

BACKGROUND, BETWEEN = -1, -2


def match_boxes(iou: Tensor, foreground_iou: float, background_iou: float, keep_best: bool = False) -> Tensor:
    """Return for each of N candidates the row of its box, -1 for background, -2 for neither: (N,), int64.

    ``iou`` (M, N) is that of M true boxes with the candidates. A candidate belongs to the box with which its
    IoU is greatest (the first of equal ones), if that is ``foreground_iou`` or more; it is background if it
    is less than ``background_iou``; what lies between is -2, and is not trained on. With ``keep_best`` the
    candidates that are as good as any for some box belong to their own best box, however low the IoU, so
    that no box is left without one. Without boxes all candidates are background.

    Raises:
        ValueError: iou that is not (M, N), thresholds outside 0 to 1 or in the wrong order.
        TypeError: iou that is no floating-point tensor.
    """
    owner = "match_boxes"
    layer_checks.float_tensor(owner, iou, "iou")
    layer_checks.rank(owner, iou, "(M, N)", name="iou")
    layer_checks.probability(owner, "foreground_iou", foreground_iou)
    layer_checks.probability(owner, "background_iou", background_iou)
    if background_iou > foreground_iou:
        raise ValueError(
            f"{owner}: background_iou must be at most foreground_iou, {foreground_iou:g}, "
            f"got {background_iou:g}"
        )
    if not len(iou):
        return torch.full((iou.shape[1],), BACKGROUND, device=iou.device)
    highest, row = iou.max(dim=0)
    matched = torch.where(highest >= foreground_iou, row, BETWEEN)
    matched = torch.where(highest < background_iou, BACKGROUND, matched)
    if keep_best and iou.shape[1]:
        best = (iou == iou.amax(dim=1, keepdim=True)).any(dim=0)
        matched = torch.where(best, row, matched)
    return matched


def sample_matches(
    matched: Tensor,
    batch_size: int,
    positive_fraction: float,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw the candidates to train on: the indices of those with a box, and of background, both int64.

    ``matched`` (N,) is that of ``match_boxes``. Of ``batch_size`` candidates at most ``positive_fraction``
    have a box, rounded down; background fills the rest, as far as there is any. Without this, the background
    would drown the few candidates that show something.

    Raises:
        ValueError: matched that is not (N), a batch_size below 1, a fraction outside 0 to 1.
        TypeError: what is no int64 tensor, no integer, no number or no generator.
    """
    owner = "sample_matches"
    layer_checks.tensor(owner, matched, "matched")
    layer_checks.rank(owner, matched, "(N)", name="matched")
    if matched.dtype != torch.int64:
        raise TypeError(f"{owner}: matched must be of dtype torch.int64, got {matched.dtype}")
    layer_checks.positive_integer(owner, "batch_size", batch_size)
    layer_checks.probability(owner, "positive_fraction", positive_fraction)
    layer_checks.generator(owner, generator, like=matched)
    positive, negative = (matched >= 0).nonzero()[:, 0], (matched == BACKGROUND).nonzero()[:, 0]
    positives = min(len(positive), int(batch_size * positive_fraction))
    return (
        _some(positive, positives, generator),
        _some(negative, min(len(negative), batch_size - positives), generator),
    )


def _some(indices: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    return indices[torch.randperm(len(indices), device=indices.device, generator=generator)[:count]]
