"""Regions cut out of images and stretched to squares of one size, as a network for whole images wants them.

Source: Girshick, Donahue, Darrell & Malik (2014), R-CNN, section 2.1 and appendix A.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.layers import checks as layer_checks
from course_lib.vision import checks
from course_lib.vision.roi_align import roi_align


def with_context(boxes: Tensor, size: int, context: int) -> Tensor:
    """Return boxes (N, 4) grown around their centres, so that ``context`` of ``size`` pixels a side are new.

    Raises:
        ValueError: a wrong shape, or a context that leaves nothing of the box.
        TypeError: boxes that are no floating-point tensor, numbers that are no integers.
    """
    checks.rows("with_context", boxes, floating=True)
    layer_checks.positive_integer("with_context", "size", size)
    layer_checks.non_negative_integer("with_context", "context", context)
    if 2 * context >= size:
        raise ValueError(f"with_context: context must be less than half of size, {size}, got {context}")
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    half = half * size / (size - 2 * context)
    return torch.cat([centre - half, centre + half], dim=1)


def warp_boxes(images: Tensor, boxes: Sequence[Tensor], size: int, context: int = 0) -> Tensor:
    """Return the regions (K, c, size, size) of images (n, c, h, w), those of the first image first.

    ``boxes`` has a tensor (k, 4) for each image. A box is stretched to the square, whatever its shape, with
    ``context`` pixels of what surrounds it on each side of the square; what lies outside the image is filled
    with the image's mean colour. Each pixel averages 2 x 2 bilinear samples. Gradients flow to the images.

    Raises:
        ValueError: a wrong shape, another number of tensors than of images, or what ``with_context`` raises.
        TypeError: what is no floating-point tensor.
    """
    layer_checks.float_tensor("warp_boxes", images, "images")
    layer_checks.rank("warp_boxes", images, "(N, C, H, W)", name="images")
    if len(boxes) != len(images):
        raise ValueError(f"warp_boxes: boxes must be {len(images)}, one for each image, got {len(boxes)}")
    grown = [with_context(each, size, context) for each in boxes]
    mean = images.mean(dim=(2, 3), keepdim=True)
    warped = roi_align(images - mean, grown, size, sampling_ratio=2, aligned=True)
    counts = torch.tensor([len(each) for each in boxes], device=images.device)
    return warped + mean.repeat_interleave(counts, dim=0)
