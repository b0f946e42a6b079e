"""A detector of one stage: each cell of a grid says whether an object's centre lies in it, which, and where.

Sources: Redmon, Divvala, Girshick & Farhadi (2016), You only look once; the codes of boxes are those of
Redmon & Farhadi (2017), YOLO9000, section 2, with a single prior; the loss of objectness is the focal loss
of Lin et al. (2017).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from course_lib import layers, vision
from course_lib.layers import checks
from course_lib.models.detections import Detections, Target, batch_of, check_targets, keep_best
from course_lib.models.detector_backbone import DetectorBackbone


class GridTarget(NamedTuple):
    """What each cell is to say: classes (n, h, w), 0 for no object, and boxes (n, h, w, 4) of objects."""

    labels: Tensor
    boxes: Tensor


class Cells(NamedTuple):
    """What each cell says: objectness logits (n, h, w), class logits (n, h, w, C - 1), boxes (n, h, w, 4)."""

    objectness: Tensor
    classes: Tensor
    boxes: Tensor


def grid_target(targets: Sequence[Target], grid_size: tuple[int, int], stride: int) -> GridTarget:
    """Give every object to the cell in which its centre lies; of several in one cell, to the last of them.

    targets: "boxes" (k, 4) and "labels" (k,) of each of n images; cells are ``stride`` pixels wide and high.
    """
    h, w = grid_size
    labels = torch.zeros(len(targets), h, w, dtype=torch.int64)
    boxes = torch.zeros(len(targets), h, w, 4)
    for image, target in enumerate(targets):
        for box, label in zip(target["boxes"].cpu(), target["labels"].tolist(), strict=True):
            column, row = ((box[:2] + box[2:]) / 2 / stride).long().tolist()
            row, column = min(row, h - 1), min(column, w - 1)  # a centre on the far edge is in the last cell
            labels[image, row, column] = label
            boxes[image, row, column] = box
    return GridTarget(labels, boxes)


class TinyYOLO(nn.Module):
    """Detects by one convolution over the feature map, without proposals.

    A cell in row i and column j, with outputs t, has its box's centre at stride (j + sigmoid(t_x),
    i + sigmoid(t_y)) and the sides ``prior`` exp(t_w), ``prior`` exp(t_h).

    Args:
        backbone: turns images into the feature map, whose places are the cells.
        num_classes: with the background, which is class 0, as in the other detectors.
        prior: side of a typical box, in pixels.
        score_threshold, nms_iou, most: see ``RegionHeads``.

    As the other detectors, it returns losses in training and detections in evaluation.

    Raises:
        ValueError: fewer than 2 classes, a prior that is not positive, thresholds outside 0 to 1.
        TypeError: what is no integer, or no number.
    """

    def __init__(
        self,
        backbone: DetectorBackbone,
        num_classes: int,
        prior: float,
        score_threshold: float = 0.05,
        nms_iou: float = 0.5,
        most: int = 100,
    ) -> None:
        super().__init__()
        owner = "TinyYOLO"
        checks.positive_integer(owner, "num_classes", num_classes)
        checks.finite_number(owner, "num_classes", num_classes, at_least=2)
        checks.finite_number(owner, "prior", prior, above=0)
        checks.probability(owner, "score_threshold", score_threshold)
        checks.probability(owner, "nms_iou", nms_iou)
        checks.positive_integer(owner, "most", most)
        self.backbone, self.num_classes, self.prior = backbone, num_classes, prior
        self.score_threshold, self.nms_iou, self.most = score_threshold, nms_iou, most
        channels = backbone.out_channels
        self.hidden = layers.Conv2d(channels, channels, 3, padding=1)
        self.out = layers.Conv2d(channels, 1 + 4 + num_classes - 1, 1)
        layers.normal_(self.out.weight, std=0.01)
        layers.zeros_(self.out.bias)
        with torch.no_grad():  # most cells are empty: begin by saying so (Lin et al. 2017, section 4.1)
            self.out.bias[0] = -4.6  # sigmoid: 0.01

    def cells(self, images: Tensor) -> Cells:
        """What the cells say of images (n, c, height, width)."""
        out = self.out(torch.relu(self.hidden(self.backbone(images)))).permute(0, 2, 3, 1)
        objectness, codes, classes = out.split([1, 4, self.num_classes - 1], dim=3)
        h, w = out.shape[1:3]
        rows, columns = torch.meshgrid(
            torch.arange(h, device=out.device), torch.arange(w, device=out.device), indexing="ij"
        )
        corner = torch.stack([columns, rows], dim=2)
        centre = self.backbone.stride * (corner + codes[..., :2].sigmoid())
        half = self.prior * codes[..., 2:].clamp(max=4).exp() / 2
        return Cells(objectness[..., 0], classes, torch.cat([centre - half, centre + half], dim=3))

    def forward(self, images: Tensor | Sequence[Tensor], targets: Sequence[Target] | None = None) -> Any:
        """Losses by name in training, else detections; images (n, c, h, w), or a list of one size.

        "loss_objectness" is the focal loss of all cells, summed, over the number of objects (or 1);
        "loss_classifier" the mean cross-entropy, and "loss_box_reg" the mean complete-IoU loss, of the cells
        with an object. Raises ValueError where targets are missing in training, or not one for each image.
        """
        x = batch_of("TinyYOLO", images)
        if not self.training:
            with torch.no_grad():
                cells = self.cells(x)
            size = (x.shape[2], x.shape[3])
            return [self._best(*each, size) for each in zip(*cells, strict=True)]
        targets = check_targets("TinyYOLO", targets, x)
        cells = self.cells(x)
        labels, boxes = grid_target(
            targets, (cells.classes.shape[1], cells.classes.shape[2]), self.backbone.stride
        )
        labels, boxes = labels.to(x.device), boxes.to(x)
        full = labels > 0
        focal = vision.sigmoid_focal_loss(cells.objectness, full.to(x.dtype), reduction="sum")
        losses = {"loss_objectness": focal / full.sum().clamp(min=1)}
        if not full.any():
            nothing = 0 * (cells.classes.sum() + cells.boxes.sum())
            return losses | {"loss_classifier": nothing, "loss_box_reg": nothing}
        losses["loss_classifier"] = layers.cross_entropy(cells.classes[full], labels[full] - 1)
        losses["loss_box_reg"] = vision.complete_box_iou_loss(cells.boxes[full], boxes[full], "mean")
        return losses

    def _best(
        self, objectness: Tensor, classes: Tensor, boxes: Tensor, image_size: tuple[int, int]
    ) -> Detections:
        """One image's detections: a cell's score is that of an object, times that of its likeliest class."""
        probability, label = classes.softmax(dim=2).max(dim=2)
        scores = (objectness.sigmoid() * probability).flatten()
        labels, boxes = label.flatten() + 1, vision.clip_boxes_to_image(boxes.flatten(0, 1), image_size)
        return keep_best(boxes, scores, labels, self.score_threshold, self.nms_iou, self.most)


def tiny_yolo(
    num_classes: int,
    channels: Sequence[int] = (16, 32, 64, 128),
    strides: Sequence[int] = (1, 2, 2, 2),
    prior: float = 18.0,
    **options: Any,
) -> TinyYOLO:
    """A one-stage detector for small pictures: four blocks, and cells of 8 pixels. See ``TinyYOLO``."""
    return TinyYOLO(DetectorBackbone(channels, strides), num_classes, prior, **options)
