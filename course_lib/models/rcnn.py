"""R-CNN: every proposal is stretched to a square and goes through a network of its own; the rest is fitted.

Source: Girshick, Donahue, Darrell & Malik (2014), Rich feature hierarchies for accurate object detection and
semantic segmentation.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from course_lib import layers, vision
from course_lib.layers import checks
from course_lib.models.detections import Detections, Target, batch_of, check_targets, keep_best
from course_lib.models.detector_backbone import DetectorBackbone

# Features are scaled to this mean length, so that one C suits all layers; from released code, not the paper.
NORM = 20.0


class RCNN(nn.Module):
    """Detects objects among proposals in three steps that are trained one after the other.

    A network, trained elsewhere, describes each stretched region (k, c, size, size) by d numbers. For each
    class a linear support vector machine scores it (``fit_svms``), and a ridge regression corrects its box
    (``fit_boxes``).

    Args:
        network: regions (k, c, size, size) -> features (k, d).
        features: d.
        num_classes: with the background, which is class 0.
        size, context: of the stretched regions, see ``vision.warp_boxes``.
        score_threshold: the least margin of a detection.
        nms_iou, most: see ``RegionHeads``.
        at_once: regions that go through the network at a time.

    Raises:
        ValueError: a size or number out of range.
        TypeError: what is no integer, or no number.
    """

    svm_weight: Tensor
    svm_bias: Tensor
    box_weight: Tensor
    box_bias: Tensor
    scale: Tensor

    def __init__(
        self,
        network: nn.Module,
        features: int,
        num_classes: int,
        *,
        size: int = 32,
        context: int = 2,
        score_threshold: float = -0.5,
        nms_iou: float = 0.3,
        most: int = 100,
        at_once: int = 512,
    ) -> None:
        super().__init__()
        numbers = {"features": features, "num_classes": num_classes, "size": size}
        for name, value in (numbers | {"most": most, "at_once": at_once}).items():
            checks.positive_integer("RCNN", name, value)
        checks.non_negative_integer("RCNN", "context", context)
        checks.finite_number("RCNN", "score_threshold", score_threshold)
        checks.probability("RCNN", "nms_iou", nms_iou)
        self.network, self.size, self.context = network, size, context
        self.score_threshold, self.nms_iou, self.most, self.at_once = score_threshold, nms_iou, most, at_once
        objects = num_classes - 1
        self.register_buffer("svm_weight", torch.zeros(objects, features))
        self.register_buffer("svm_bias", torch.zeros(objects))
        self.register_buffer("box_weight", torch.zeros(objects, 4, features))
        self.register_buffer("box_bias", torch.zeros(objects, 4))
        self.register_buffer("scale", torch.ones(()))

    @torch.no_grad()
    def describe(self, images: Tensor | Sequence[Tensor], boxes: Sequence[Tensor]) -> list[Tensor]:
        """Return the features (k, d) of each image's boxes (k, 4): a pass of the network for every box."""
        regions = vision.warp_boxes(batch_of("RCNN", images), boxes, self.size, self.context)
        features = [self.network(part) for part in regions.split(self.at_once)]
        counts = [len(each) for each in boxes]
        joined = torch.cat(features) if features else regions.new_zeros(0, self.svm_weight.shape[1])
        return list(joined.split(counts))

    def fit_svms(
        self,
        features: Sequence[Tensor],
        boxes: Sequence[Tensor],
        targets: Sequence[Target],
        negative_iou: float = 0.3,
        C: float = 1e-3,
    ) -> None:
        """Fit a machine for each class to described boxes, the true ones among them.

        Right examples of a class are its true boxes (IoU 1), wrong ones all boxes whose IoU with every object
        of the class is below ``negative_iou``; what lies between is left out.
        """
        check_targets("RCNN.fit_svms", targets, features)
        x = torch.cat(list(features))
        self.scale = NORM / x.norm(dim=1).mean()
        x = x * self.scale
        for number in range(len(self.svm_weight)):
            best = torch.cat([_best_iou(b, t, number + 1) for b, t in zip(boxes, targets, strict=True)])
            chosen = (best < negative_iou) | (best > 0.999)
            if not (best > 0.999).any():
                raise ValueError(f"RCNN.fit_svms: boxes must hold the true boxes, none of class {number + 1}")
            machine = LinearSVC(C=C, dual=False)  # squared hinge: no random order, and it converges
            machine.fit(_array(x[chosen]), (best[chosen] > 0.999).cpu().numpy())
            self.svm_weight[number] = torch.from_numpy(machine.coef_[0])
            self.svm_bias[number] = float(machine.intercept_[0])

    def fit_boxes(
        self,
        features: Sequence[Tensor],
        boxes: Sequence[Tensor],
        targets: Sequence[Target],
        least_iou: float = 0.6,
        alpha: float = 1000.0,
    ) -> None:
        """Fit a regression of the codes for each class, to boxes with ``least_iou`` to one of its objects."""
        check_targets("RCNN.fit_boxes", targets, features)
        for number in range(len(self.box_weight)):
            seen, wanted = [], []
            for x, box, target in zip(features, boxes, targets, strict=True):
                own = target["boxes"][target["labels"] == number + 1]
                if not len(own):
                    continue
                iou, row = vision.box_iou(own, box).max(dim=0)
                near = iou >= least_iou
                seen.append(x[near] * self.scale)
                wanted.append(vision.encode(own[row[near]], box[near]))
            if sum(len(each) for each in seen) < 2:
                continue  # too few to learn from: boxes of this class stay as they are
            regression = Ridge(alpha=alpha).fit(_array(torch.cat(seen)), _array(torch.cat(wanted)))
            self.box_weight[number] = torch.from_numpy(regression.coef_)
            self.box_bias[number] = torch.from_numpy(np.asarray(regression.intercept_))

    def forward(self, images: Tensor | Sequence[Tensor], proposals: Sequence[Tensor]) -> list[Detections]:
        """Detections among the proposals (k, 4) of each image; "scores" are margins, not probabilities."""
        x = batch_of("RCNN", images)
        return self.detect(self.describe(x, proposals), proposals, (x.shape[2], x.shape[3]))

    @torch.no_grad()
    def detect(
        self, features: Sequence[Tensor], proposals: Sequence[Tensor], image_size: tuple[int, int]
    ) -> list[Detections]:
        """The same from features that are there already, as they may have been kept on a disk."""
        found = []
        for each, boxes in zip(features, proposals, strict=True):
            x = each * self.scale
            scores = x @ self.svm_weight.T + self.svm_bias  # (k, C - 1)
            codes = torch.einsum("kd,cfd->kcf", x, self.box_weight) + self.box_bias
            decoded = vision.decode(codes.flatten(1), boxes).unflatten(1, (-1, 4))
            corrected = vision.clip_boxes_to_image(decoded.flatten(0, 1), image_size)
            labels = torch.arange(1, scores.shape[1] + 1, device=scores.device).repeat(len(boxes))
            limits = (self.score_threshold, self.nms_iou, self.most)
            found.append(keep_best(corrected, scores.flatten(), labels, *limits))
        return found


def rcnn(
    num_classes: int,
    channels: Sequence[int] = (16, 32, 64),
    strides: Sequence[int] = (2, 2, 2),
    features: int = 64,
    size: int = 32,
    **options: Any,
) -> RCNN:
    """An R-CNN for small pictures: three blocks that halve a region of 32 pixels, and 64 features.

    Args:
        num_classes: with the background, which is class 0.
        channels, strides: of the network's blocks.
        features: that the machines and the regressions are fitted to.
        size: of the stretched regions, in pixels, divisible by the blocks' stride.
        options: of ``RCNN``.
    """
    backbone = DetectorBackbone(channels, strides)
    map_size = size // backbone.stride
    describe = layers.Linear(backbone.out_channels * map_size**2, features)
    network = nn.Sequential(backbone, nn.Flatten(), describe, layers.ReLU())
    return RCNN(network, features, num_classes, size=size, **options)


def _best_iou(boxes: Tensor, target: Target, label: int) -> Tensor:
    """The largest IoU of each box (k,) with the objects of a class; 0 where there is none."""
    own = target["boxes"][target["labels"] == label]
    return vision.box_iou(own, boxes).amax(dim=0) if len(own) else boxes.new_zeros(len(boxes))


def _array(x: Tensor) -> NDArray[np.float64]:
    return x.detach().double().cpu().numpy()
