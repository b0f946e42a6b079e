"""The second stage of a detector: what is in each proposed region, where exactly, and which of its pixels.

Sources: Girshick (2015), Fast R-CNN, section 2; He et al. (2017), Mask R-CNN, section 3. Numbers and rules
are those of ``torchvision.models.detection.roi_heads``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers, vision
from course_lib.layers import checks
from course_lib.models.detections import Detections, Target, keep_best

CODE_WEIGHTS = (10.0, 10.0, 5.0, 5.0)  # codes of good proposals, times these, have a variance of about 1
POOLS = ("align", "pool")


class Sampled(NamedTuple):
    """An image's regions to train on: boxes (k, 4), classes (k,), rows of true boxes; -1 for background."""

    boxes: Tensor
    labels: Tensor
    rows: Tensor


class BoxHead(nn.Module):
    """Class scores and box corrections of pooled regions (k, c, s, s): two hidden layers, and two outputs.

    ``cls_score`` gives (k, C) with the background as class 0, ``bbox_pred`` (k, 4 C): codes for each class.
    """

    def __init__(self, in_features: int, num_classes: int, hidden: int) -> None:
        super().__init__()
        self.fc6 = layers.Linear(in_features, hidden)
        self.fc7 = layers.Linear(hidden, hidden)
        self.cls_score = layers.Linear(hidden, num_classes)
        self.bbox_pred = layers.Linear(hidden, 4 * num_classes)

    def forward(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (k, C) and codes (k, 4 C)."""
        hidden = F.relu(self.fc7(F.relu(self.fc6(pooled.flatten(1)))))
        return self.cls_score(hidden), self.bbox_pred(hidden)


class RegionHeads(nn.Module):
    """Classifies regions of a feature map and corrects their boxes; ``with_masks`` it outlines objects, too.

    Args:
        channels: of the feature map.
        num_classes: with the background, which is class 0.
        stride: of the feature map in the image, in pixels.
        pool: how a region becomes a grid of fixed size, "align" (``vision.roi_align``) or "pool"
            (``vision.roi_pool``).
        output_size: side of that grid for boxes; masks have twice the side of theirs, ``mask_size``.
        hidden: units in the hidden layers of the box head.
        with_masks: whether there is a mask head, of four 3x3 convolutions of ``channels`` each.
        foreground_iou: proposals with at least this IoU to a true box are of its class, others background.
        batch_size, positive_fraction: regions of an image that are trained on, see ``sample_matches``.
        score_threshold, nms_iou, most: a detection's least probability, the suppression among detections of
            one class, and how many detections an image has at most.

    Raises:
        ValueError: a size or number out of range, an unknown pool.
        TypeError: what is no integer, or no number.
    """

    def __init__(
        self,
        channels: int,
        num_classes: int,
        stride: int,
        *,
        pool: str = "align",
        output_size: int = 7,
        hidden: int = 1024,
        with_masks: bool = False,
        mask_size: int = 14,
        foreground_iou: float = 0.5,
        batch_size: int = 512,
        positive_fraction: float = 0.25,
        score_threshold: float = 0.05,
        nms_iou: float = 0.5,
        most: int = 100,
    ) -> None:
        super().__init__()
        owner = "RegionHeads"
        sizes = {"channels": channels, "num_classes": num_classes, "stride": stride}
        sizes |= {"output_size": output_size, "hidden": hidden, "mask_size": mask_size, "most": most}
        for name, value in sizes.items():
            checks.positive_integer(owner, name, value)
        checks.one_of(owner, "pool", pool, POOLS)
        checks.probability(owner, "score_threshold", score_threshold)
        checks.probability(owner, "nms_iou", nms_iou)
        self.num_classes, self.stride, self.pool = num_classes, stride, pool
        self.output_size, self.mask_size = output_size, mask_size
        self.foreground_iou, self.batch_size = foreground_iou, batch_size
        self.positive_fraction, self.score_threshold = positive_fraction, score_threshold
        self.nms_iou, self.most = nms_iou, most
        self.box_head = BoxHead(channels * output_size**2, num_classes, hidden)
        self.mask_head = mask_head(channels, num_classes) if with_masks else None

    def pooled(self, features: Tensor, boxes: Sequence[Tensor], size: int) -> Tensor:
        """Regions (k, c, size, size) of features (n, c, h, w), all images' boxes one after the other."""
        if self.pool == "pool":
            return vision.roi_pool(features, list(boxes), size, 1 / self.stride)
        return vision.roi_align(features, list(boxes), size, 1 / self.stride, sampling_ratio=2, aligned=True)

    @torch.no_grad()
    def sample(
        self, proposals: Sequence[Tensor], targets: Sequence[Target], generator: torch.Generator | None = None
    ) -> list[Sampled]:
        """Draw each image's regions to train on, from its proposals and its true boxes."""
        drawn = []
        for boxes, target in zip(proposals, targets, strict=True):
            candidates = torch.cat([boxes, target["boxes"].to(boxes)])
            iou = vision.box_iou(target["boxes"].to(boxes), candidates)
            matched = vision.match_boxes(iou, self.foreground_iou, self.foreground_iou)
            parts = vision.sample_matches(matched, self.batch_size, self.positive_fraction, generator)
            chosen = torch.cat(parts).sort().values
            rows = matched[chosen]
            labels = rows.new_zeros(len(rows))
            labels[rows >= 0] = target["labels"][rows[rows >= 0]]
            drawn.append(Sampled(candidates[chosen], labels, rows))
        return drawn

    def loss(
        self,
        features: Tensor,
        proposals: Sequence[Tensor],
        targets: Sequence[Target],
        generator: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The losses for targets with "boxes" (k, 4), "labels" (k,) and, with a mask head, "masks" (k, h, w).

        "loss_classifier" is the mean cross-entropy of the regions drawn, "loss_box_reg" the smooth L1 loss
        (beta 1/9) of the codes of their own class, summed over those with a box, over the number of all;
        "loss_mask" the mean binary cross-entropy of the masks of their own class.
        """
        drawn = self.sample(proposals, targets, generator)
        labels = torch.cat([each.labels for each in drawn])
        logits, codes = self.box_head(self.pooled(features, [each.boxes for each in drawn], self.output_size))
        wanted = [
            vision.encode(
                target["boxes"][each.rows[each.rows >= 0]], each.boxes[each.rows >= 0], CODE_WEIGHTS
            )
            for each, target in zip(drawn, targets, strict=True)
        ]
        shown = labels.nonzero()[:, 0]
        own = codes.unflatten(1, (self.num_classes, 4))[shown, labels[shown]]
        box_loss = layers.smooth_l1_loss(own, torch.cat(wanted).to(own), reduction="sum", beta=1 / 9)
        losses = {
            "loss_classifier": layers.cross_entropy(logits, labels),
            "loss_box_reg": box_loss / len(labels),
        }
        if self.mask_head is not None:
            losses["loss_mask"] = self.mask_loss(features, drawn, targets)
        return losses

    def mask_loss(self, features: Tensor, drawn: Sequence[Sampled], targets: Sequence[Target]) -> Tensor:
        """Mean binary cross-entropy of the masks of the regions with an object, each in its own class."""
        assert self.mask_head is not None
        regions = [each.boxes[each.rows >= 0] for each in drawn]
        rows = [each.rows[each.rows >= 0] for each in drawn]
        labels = torch.cat([each.labels[each.rows >= 0] for each in drawn])
        logits = self.mask_head(self.pooled(features, regions, self.mask_size))
        if not len(labels):
            return 0 * logits.sum()
        side = logits.shape[-1]
        wanted = torch.cat(
            [
                vision.roi_align(
                    target["masks"][:, None].to(logits), torch.cat([row[:, None].to(box), box], dim=1), side
                )[:, 0]
                for target, row, box in zip(targets, rows, regions, strict=True)
                if len(row)
            ]
        )
        own = logits[torch.arange(len(labels), device=labels.device), labels]
        return layers.binary_cross_entropy_with_logits(own, wanted)

    @torch.no_grad()
    def detect(
        self, features: Tensor, proposals: Sequence[Tensor], image_size: tuple[int, int]
    ) -> list[Detections]:
        """Return each image's detections: "boxes" (d, 4), "labels" (d,), "scores" (d,), by falling score.

        With a mask head also "masks" (d, 1, height, width), the probability that a pixel is the object's.
        """
        logits, codes = self.box_head(self.pooled(features, proposals, self.output_size))
        counts = [len(each) for each in proposals]
        found = [
            self._best(probability, code, boxes, image_size)
            for probability, code, boxes in zip(
                logits.softmax(dim=1).split(counts), codes.split(counts), proposals, strict=True
            )
        ]
        if self.mask_head is not None:
            boxes = [each["boxes"] for each in found]
            masks = self.mask_head(self.pooled(features, boxes, self.mask_size)).sigmoid()
            for each, mask in zip(found, masks.split([len(box) for box in boxes]), strict=True):
                own = mask[torch.arange(len(mask), device=mask.device), each["labels"]]
                each["masks"] = vision.paste_masks_in_image(own[:, None], each["boxes"], image_size)
        return found

    def _best(
        self, probability: Tensor, codes: Tensor, proposals: Tensor, image_size: tuple[int, int]
    ) -> Detections:
        """One image's detections, from probabilities (k, C), codes (k, 4 C) and proposals (k, 4)."""
        decoded = vision.decode(codes, proposals, CODE_WEIGHTS).unflatten(1, (self.num_classes, 4))
        boxes = vision.clip_boxes_to_image(decoded[:, 1:].flatten(0, 1), image_size)
        scores = probability[:, 1:].flatten()
        labels = torch.arange(1, self.num_classes, device=scores.device).repeat(len(proposals))
        return keep_best(boxes, scores, labels, self.score_threshold, self.nms_iou, self.most)


def mask_head(channels: int, num_classes: int) -> nn.Sequential:
    """Mask logits (k, C, 2 s, 2 s) of pooled regions (k, channels, s, s), a mask for each class.

    Four 3x3 convolutions, one transposed 2x2 convolution that doubles the side, and a 1x1 convolution.
    """
    convolutions = [
        each for _ in range(4) for each in (layers.Conv2d(channels, channels, 3, padding=1), nn.ReLU())
    ]
    double = layers.ConvTranspose2d(channels, channels, 2, stride=2)
    head = nn.Sequential(*convolutions, double, nn.ReLU(), layers.Conv2d(channels, num_classes, 1))
    for layer in head:
        if isinstance(layer, layers.Conv2d | layers.ConvTranspose2d):
            layers.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            layers.zeros_(layer.bias)
    return head
