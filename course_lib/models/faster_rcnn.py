"""Faster R-CNN and Mask R-CNN: proposals, classes, boxes and masks from one feature map, trained together.

Sources: Ren, He, Girshick & Sun (2015), Faster R-CNN (trained jointly, as in its section 3.2 (ii)); He et al.
(2017), Mask R-CNN.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.models.detections import Target, batch_of, check_targets
from course_lib.models.detector_backbone import DetectorBackbone
from course_lib.models.region_heads import RegionHeads
from course_lib.vision import RegionProposalNetwork


class FasterRCNN(nn.Module):
    """Proposes regions of an image and detects objects in them.

    Args:
        backbone: turns images into a feature map; has ``out_channels`` and ``stride``.
        rpn: proposes regions, see ``vision.RegionProposalNetwork``.
        roi_heads: looks into them, see ``RegionHeads``; with a mask head it is a Mask R-CNN.

    As in torchvision, called in training with images and targets it returns the losses by name, and in
    evaluation, with images alone, a dictionary with "boxes", "labels", "scores" (and "masks") for each image.
    """

    def __init__(
        self, backbone: DetectorBackbone, rpn: RegionProposalNetwork, roi_heads: RegionHeads
    ) -> None:
        super().__init__()
        self.backbone, self.rpn, self.roi_heads = backbone, rpn, roi_heads

    def forward(
        self,
        images: Tensor | Sequence[Tensor],
        targets: Sequence[Target] | None = None,
        generator: torch.Generator | None = None,
    ) -> Any:
        """Losses by name in training, else detections; images (n, c, h, w), or a list of one size.

        Raises ValueError where targets are missing in training, or not one for each image.
        """
        x = batch_of("FasterRCNN", images)
        size = (x.shape[2], x.shape[3])
        features = self.backbone(x)
        if not self.training:
            return self.roi_heads.detect(features, self.rpn(features, size).boxes, size)
        targets = check_targets("FasterRCNN", targets, x)
        logits, codes = self.rpn.predict(features)
        anchors = self.rpn.anchors(features)
        losses = self.rpn.loss(logits, codes, anchors, targets, generator)
        proposals = self.rpn.propose(logits, codes, anchors, size).boxes
        return losses | self.roi_heads.loss(features, proposals, targets, generator)


def faster_rcnn(
    num_classes: int,
    channels: Sequence[int] = (16, 32, 64, 64),
    strides: Sequence[int] = (1, 2, 2, 1),
    sizes: Sequence[float] = (12.0, 18.0, 26.0),
    aspect_ratios: Sequence[float] = (0.5, 1.0, 2.0),
    hidden: int = 128,
    rpn: dict[str, Any] | None = None,
    **heads: Any,
) -> FasterRCNN:
    """A Faster R-CNN for small pictures, 64 pixels a side, say: a backbone of stride 4 and nine anchors.

    Args:
        num_classes: with the background, which is class 0.
        channels, strides: of the backbone's blocks.
        sizes, aspect_ratios: of the anchors.
        hidden: units of the box head.
        rpn: options of ``RegionProposalNetwork``; a sample of 64 anchors and 60 proposals unless given.
        heads: options of ``RegionHeads``; a sample of 32 regions unless given.
    """
    backbone = DetectorBackbone(channels, strides)
    of_rpn = {"batch_size": 64, "pre_nms": 300, "post_nms": 60} | (rpn or {})
    of_heads = {"hidden": hidden, "batch_size": 32} | heads
    return FasterRCNN(
        backbone,
        RegionProposalNetwork(backbone.out_channels, sizes, aspect_ratios, backbone.stride, **of_rpn),
        RegionHeads(backbone.out_channels, num_classes, backbone.stride, **of_heads),
    )


def mask_rcnn(num_classes: int, **options: Any) -> FasterRCNN:
    """A Mask R-CNN for small pictures: ``faster_rcnn`` with a mask head, whose masks are 28 pixels a side."""
    return faster_rcnn(num_classes, with_masks=True, **options)
