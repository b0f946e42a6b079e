"""The region proposal network: which of the anchors show something, and where exactly it lies.

Source: Ren, He, Girshick & Sun (2015), Faster R-CNN, section 3.1; the numbers of today's use are those of
``torchvision.models.detection.rpn``.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.layers import checks as layer_checks
from course_lib.vision import checks
from course_lib.vision.anchors import anchors, grid_anchors
from course_lib.vision.box_coding import decode, encode
from course_lib.vision.boxes import clip_boxes_to_image, remove_small_boxes
from course_lib.vision.matching import match_boxes, sample_matches
from course_lib.vision.nms import nms
from course_lib.vision.overlaps import box_iou


class Proposals(NamedTuple):
    """What a region proposal network proposes for each image: boxes (k, 4), by falling score (k,), 0 to 1."""

    boxes: list[Tensor]
    scores: list[Tensor]


class RegionProposalNetwork(nn.Module):
    """Slides over a feature map: at each place, objectness and a corrected box for each of A anchors.

    A 3x3 convolution with ReLU, then two 1x1 convolutions, ``cls_logits`` (A channels) and ``bbox_pred``
    (4 A channels, codes as of ``vision.encode``). Weights begin normal with deviation 0.01, biases at 0.

    Args:
        in_channels: of the feature map.
        sizes, aspect_ratios: of the anchors, see ``vision.anchors``; A is the product of their numbers.
        stride: of the feature map in the image, in pixels.
        foreground_iou, background_iou: see ``match_boxes``; each true box keeps its best anchors.
        batch_size, positive_fraction: anchors of an image that are trained on, see ``sample_matches``.
        pre_nms, post_nms: how many of the best scored anchors enter, and leave, non-maximum suppression.
        nms_iou: its threshold.

    Raises:
        ValueError: a size or number out of range.
        TypeError: a size that is no integer, or what is no number.
    """

    def __init__(
        self,
        in_channels: int,
        sizes: Sequence[float],
        aspect_ratios: Sequence[float] = (0.5, 1.0, 2.0),
        stride: int = 16,
        *,
        foreground_iou: float = 0.7,
        background_iou: float = 0.3,
        batch_size: int = 256,
        positive_fraction: float = 0.5,
        pre_nms: int = 1000,
        post_nms: int = 300,
        nms_iou: float = 0.7,
    ) -> None:
        super().__init__()
        owner = "RegionProposalNetwork"
        for name, value in (("stride", stride), ("pre_nms", pre_nms), ("post_nms", post_nms)):
            layer_checks.positive_integer(owner, name, value)
        layer_checks.probability(owner, "nms_iou", nms_iou)
        self.stride, self.pre_nms, self.post_nms, self.nms_iou = stride, pre_nms, post_nms, nms_iou
        self.foreground_iou, self.background_iou = foreground_iou, background_iou
        self.batch_size, self.positive_fraction = batch_size, positive_fraction
        self.sizes, self.aspect_ratios = tuple(sizes), tuple(aspect_ratios)
        per_place = len(anchors(sizes, aspect_ratios))
        self.conv = layers.Conv2d(in_channels, in_channels, 3, padding=1)
        self.cls_logits = layers.Conv2d(in_channels, per_place, 1)
        self.bbox_pred = layers.Conv2d(in_channels, 4 * per_place, 1)
        for layer in (self.conv, self.cls_logits, self.bbox_pred):
            layers.normal_(layer.weight, std=0.01)
            layers.zeros_(layer.bias)

    def anchors(self, features: Tensor) -> Tensor:
        """All anchors (h w A, 4) of a feature map (..., h, w), place by place."""
        grid = (features.shape[-2], features.shape[-1])
        of_one_place = anchors(self.sizes, self.aspect_ratios, dtype=features.dtype, device=features.device)
        return grid_anchors(of_one_place, grid, (self.stride, self.stride))

    def predict(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Objectness logits (n, h w A) and codes (n, h w A, 4) for features (n, c, h, w)."""
        layer_checks.float_tensor("RegionProposalNetwork", features, "features")
        layer_checks.rank("RegionProposalNetwork", features, "(N, C, H, W)", name="features")
        hidden = F.relu(self.conv(features))
        logits = self.cls_logits(hidden).permute(0, 2, 3, 1).flatten(1)
        codes = self.bbox_pred(hidden)
        n, _, h, w = codes.shape
        return logits, codes.view(n, -1, 4, h, w).permute(0, 3, 4, 1, 2).reshape(n, -1, 4)

    def forward(self, features: Tensor, image_size: Sequence[int]) -> Proposals:
        """Propose boxes in images of ``image_size`` (height, width) with features (n, c, h, w).

        Nothing is differentiable here; train by ``loss``.
        """
        size = checks.image_size("RegionProposalNetwork", "image_size", image_size)
        with torch.no_grad():
            return self.propose(*self.predict(features), self.anchors(features), size)

    @torch.no_grad()
    def propose(
        self, logits: Tensor, codes: Tensor, anchors: Tensor, image_size: tuple[int, int]
    ) -> Proposals:
        """Turn predictions into proposals: the best, corrected, cut to the image, none twice."""
        boxes, scores = [], []
        for logit, code in zip(logits, codes, strict=True):
            logit, best = logit.topk(min(self.pre_nms, len(logit)))
            corrected = clip_boxes_to_image(decode(code[best], anchors[best]), image_size)
            large = remove_small_boxes(corrected, 1e-3)
            corrected, score = corrected[large], logit[large].sigmoid()
            kept = nms(corrected, score, self.nms_iou)[: self.post_nms]
            boxes.append(corrected[kept])
            scores.append(score[kept])
        return Proposals(boxes, scores)

    def loss(
        self,
        logits: Tensor,
        codes: Tensor,
        anchors: Tensor,
        targets: Sequence[Mapping[str, Tensor]],
        generator: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The two losses of the predictions, for targets with "boxes" (k, 4), one for each image.

        "loss_objectness" is the mean binary cross-entropy of the anchors drawn; "loss_rpn_box_reg" the smooth
        L1 loss (beta 1/9) of the codes of those with a box, summed, over the number of all drawn.

        Raises ValueError if there is not one target for each image.
        """
        if len(targets) != len(logits):
            raise ValueError(
                f"RegionProposalNetwork: targets must be {len(logits)}, one for each image, "
                f"got {len(targets)}"
            )
        chosen, positive, wanted = [], [], []
        for image, target in enumerate(targets):
            iou = box_iou(target["boxes"], anchors)
            matched = match_boxes(iou, self.foreground_iou, self.background_iou, keep_best=True)
            some, others = sample_matches(matched, self.batch_size, self.positive_fraction, generator)
            offset = image * len(anchors)
            chosen.append(torch.cat([some, others]) + offset)
            positive.append(some + offset)
            wanted.append(encode(target["boxes"][matched[some]].to(anchors), anchors[some]))
        drawn, right = torch.cat(chosen), torch.cat(positive)
        shows = torch.zeros(logits.numel(), dtype=logits.dtype, device=logits.device).index_fill(0, right, 1)
        objectness = layers.binary_cross_entropy_with_logits(logits.flatten()[drawn], shows[drawn])
        boxes = layers.smooth_l1_loss(
            codes.flatten(0, 1)[right], torch.cat(wanted), reduction="sum", beta=1 / 9
        )
        return {"loss_objectness": objectness, "loss_rpn_box_reg": boxes / len(drawn)}
