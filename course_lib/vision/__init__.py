"""Boxes and regions: what detectors are built of, called as in ``torchvision.ops``.

Boxes are (x1, y1, x2, y2) in pixels unless a format is named.
"""

from course_lib.vision.anchors import AnchorGenerator, anchors, grid_anchors
from course_lib.vision.box_coding import BoxCoder, decode, encode
from course_lib.vision.box_losses import (
    complete_box_iou_loss,
    distance_box_iou_loss,
    generalized_box_iou_loss,
)
from course_lib.vision.boxes import box_area, box_convert, clip_boxes_to_image, remove_small_boxes
from course_lib.vision.focal_loss import sigmoid_focal_loss
from course_lib.vision.masks import masks_to_boxes, paste_masks_in_image
from course_lib.vision.matching import match_boxes, sample_matches
from course_lib.vision.nms import batched_nms, nms
from course_lib.vision.overlaps import box_iou, complete_box_iou, distance_box_iou, generalized_box_iou
from course_lib.vision.region_proposal_network import Proposals, RegionProposalNetwork
from course_lib.vision.roi_align import RoIAlign, roi_align
from course_lib.vision.roi_pool import RoIPool, roi_pool
from course_lib.vision.selective_search import selective_search
from course_lib.vision.soft_nms import soft_nms
from course_lib.vision.warp import warp_boxes, with_context

__all__ = [
    "AnchorGenerator",
    "BoxCoder",
    "Proposals",
    "RegionProposalNetwork",
    "RoIAlign",
    "RoIPool",
    "anchors",
    "batched_nms",
    "box_area",
    "box_convert",
    "box_iou",
    "clip_boxes_to_image",
    "complete_box_iou",
    "complete_box_iou_loss",
    "decode",
    "distance_box_iou",
    "distance_box_iou_loss",
    "encode",
    "generalized_box_iou",
    "generalized_box_iou_loss",
    "grid_anchors",
    "masks_to_boxes",
    "match_boxes",
    "nms",
    "paste_masks_in_image",
    "remove_small_boxes",
    "roi_align",
    "roi_pool",
    "sample_matches",
    "selective_search",
    "sigmoid_focal_loss",
    "soft_nms",
    "warp_boxes",
    "with_context",
]
