"""The exercises of chapter 12, Detection and segmentation."""

SECTIONS = (
    "boxes_and_metrics",
    "region_proposals",
    "rcnn",
    "fast_rcnn",
    "faster_rcnn",
    "mask_rcnn",
    "one_shot_detectors",
)
