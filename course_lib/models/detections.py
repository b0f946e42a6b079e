"""What every detector takes and gives: images, targets, and the best of what it has found."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from course_lib import vision
from course_lib.layers import checks

Target = Mapping[str, Tensor]
Detections = dict[str, Tensor]


def batch_of(owner: str, images: Tensor | Sequence[Tensor]) -> Tensor:
    """Return images as one tensor (n, c, h, w), from that or from a list of (c, h, w) of one size.

    Raises:
        ValueError: another shape, no image, or images of several sizes.
        TypeError: what is no floating-point tensor.
    """
    if not isinstance(images, Tensor):
        if not isinstance(images, Sequence) or not images:
            raise ValueError(f"{owner}: images must be a tensor (n, c, h, w) or a list, got {images!r}")
        for image in images:
            checks.float_tensor(owner, image, "images")
        if len({image.shape for image in images}) > 1:
            sizes = sorted({tuple(image.shape) for image in images})
            raise ValueError(f"{owner}: images must be of one size, got {sizes}")
        images = torch.stack(list(images))
    checks.float_tensor(owner, images, "images")
    checks.rank(owner, images, "(N, C, H, W)", name="images")
    return images


def check_targets(
    owner: str, targets: Sequence[Target] | None, images: Tensor | Sequence[Tensor]
) -> Sequence[Target]:
    """Return ``targets``, of which there must be one for each image; else raise ValueError."""
    if targets is None:
        raise ValueError(f"{owner}: targets must be given in training, got None")
    if len(targets) != len(images):
        raise ValueError(f"{owner}: targets must be {len(images)}, one for each image, got {len(targets)}")
    return targets


def keep_best(
    boxes: Tensor, scores: Tensor, labels: Tensor, score_threshold: float, nms_iou: float, most: int
) -> Detections:
    """Return at most ``most`` detections, "boxes" (d, 4), "labels" and "scores" (d,), by falling score.

    Left out are scores of ``score_threshold`` or less, boxes thinner than a hundredth of a pixel, and those
    whose IoU with a better one of the same class is above ``nms_iou``.
    """
    kept = (scores > score_threshold).nonzero()[:, 0]
    kept = kept[vision.remove_small_boxes(boxes[kept], 1e-2)]
    kept = kept[vision.batched_nms(boxes[kept], scores[kept], labels[kept], nms_iou)][:most]
    return {"boxes": boxes[kept], "labels": labels[kept], "scores": scores[kept]}
