"""Fast R-CNN: one pass of the network over the whole image, then a small head for each proposed region.

Source: Girshick (2015), Fast R-CNN.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.models.detections import Target, batch_of, check_targets
from course_lib.models.detector_backbone import DetectorBackbone
from course_lib.models.region_heads import RegionHeads


class FastRCNN(nn.Module):
    """Detects objects among proposals that come from elsewhere.

    Args:
        backbone: turns images into a feature map; has ``out_channels`` and ``stride``.
        num_classes: with the background, which is class 0.
        heads: options of ``RegionHeads``.
    """

    def __init__(self, backbone: DetectorBackbone, num_classes: int, **heads: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.roi_heads = RegionHeads(backbone.out_channels, num_classes, backbone.stride, **heads)

    def forward(
        self,
        images: Tensor | Sequence[Tensor],
        proposals: Sequence[Tensor],
        targets: Sequence[Target] | None = None,
        generator: torch.Generator | None = None,
    ) -> Any:
        """Losses by name in training, where ``targets`` are needed; else a dictionary for each image.

        images (n, c, h, w), or a list; proposals: boxes (k, 4) for each. See ``RegionHeads`` for targets,
        losses and detections. Raises ValueError for another number of proposals or targets than of images.
        """
        x = batch_of("FastRCNN", images)
        if len(proposals) != len(x):
            raise ValueError(
                f"FastRCNN: proposals must be {len(x)}, one for each image, got {len(proposals)}"
            )
        features = self.backbone(x)
        if not self.training:
            return self.roi_heads.detect(features, proposals, (x.shape[2], x.shape[3]))
        targets = check_targets("FastRCNN", targets, x)
        return self.roi_heads.loss(features, proposals, targets, generator)


def fast_rcnn(
    num_classes: int,
    channels: Sequence[int] = (16, 32, 64, 64),
    strides: Sequence[int] = (1, 2, 2, 1),
    hidden: int = 128,
    **heads: Any,
) -> FastRCNN:
    """A Fast R-CNN for small pictures: a backbone of four blocks and stride 4, and a head of 128 units.

    It pools by ``vision.roi_pool``, as the paper does, unless ``pool="align"``.
    """
    return FastRCNN(
        DetectorBackbone(channels, strides), num_classes, **{"pool": "pool", "hidden": hidden} | heads
    )
