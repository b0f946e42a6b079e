"""Boxes in NumPy: overlaps, codes, suppression and anchors, a pair of boxes at a time.

A box is (x1, y1, x2, y2): its upper left and lower right corners, x to the right and y down, x2 - x1 wide.
Arrays are float64; ``_backward`` functions turn the gradient of what comes out into those of what goes in.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

Pair = Callable[[np.ndarray, np.ndarray], float]


def box_convert(boxes: np.ndarray, in_fmt: str, out_fmt: str) -> np.ndarray:
    """Boxes (n, 4) from one format to another: "xyxy", "xywh" (corner, sides) or "cxcywh" (centre, sides)."""
    return boxes @ (np.linalg.inv(_FROM_XYXY[in_fmt]) @ _FROM_XYXY[out_fmt])


def box_convert_backward(grad_out: np.ndarray, in_fmt: str, out_fmt: str) -> np.ndarray:
    """dE/dboxes (n, 4): the conversion is a matrix product, and this is one with the transpose."""
    return grad_out @ (np.linalg.inv(_FROM_XYXY[in_fmt]) @ _FROM_XYXY[out_fmt]).T


# Columns: what each number of the format is made of, x1, y1, x2 and y2 being the rows.
_FROM_XYXY = {
    "xyxy": np.eye(4),
    "xywh": np.array([[1, 0, -1, 0], [0, 1, 0, -1], [0, 0, 1, 0], [0, 0, 0, 1.0]]),
    "cxcywh": np.array([[0.5, 0, -1, 0], [0, 0.5, 0, -1], [0.5, 0, 1, 0], [0, 0.5, 0, 1]]),
}


def box_area(boxes: np.ndarray) -> np.ndarray:
    """Areas (n,) of boxes (n, 4): (x2 - x1)(y2 - y1)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def box_area_backward(grad_out: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """dE/dboxes (n, 4): an edge that moves outwards sweeps the length of that edge."""
    return grad_out[:, None] * np.array([_area_gradient(box) for box in boxes]).reshape(-1, 4)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes (4,), in 0 to 1."""
    intersection, union, _ = _areas(a, b)
    return intersection / union


def iou_backward(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """d iou / da and d iou / db, (4,) each: (I / U)' = (I' U - I U') / U^2, with U' = A' - I'."""
    intersection, union, _ = _areas(a, b)
    gradients = []
    for box, d_intersection in zip((a, b), _intersection_gradients(a, b), strict=True):
        d_union = _area_gradient(box) - d_intersection
        gradients.append((d_intersection * union - intersection * d_union) / union**2)
    return gradients[0], gradients[1]


def generalized_iou(a: np.ndarray, b: np.ndarray) -> float:
    """IoU less the share of the hull that neither box covers, in -1 to 1. Rezatofighi et al. (2019)."""
    _, union, hull = _areas(a, b)
    return iou(a, b) - (hull - union) / hull


def generalized_iou_backward(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of ``generalized_iou``: -(H - U) / H = U / H - 1, and (U / H)' = (U' H - U H') / H^2."""
    _, union, hull = _areas(a, b)
    gradients = []
    for box, other, d_iou, d_intersection in zip(
        (a, b), (b, a), iou_backward(a, b), _intersection_gradients(a, b), strict=True
    ):
        d_union = _area_gradient(box) - d_intersection
        around = np.concatenate([np.minimum(a, b)[:2], np.maximum(a, b)[2:]])
        outermost = np.concatenate([box[:2] < other[:2], box[2:] > other[2:]])
        d_hull = _area_gradient(around) * outermost
        gradients.append(d_iou + (d_union * hull - union * d_hull) / hull**2)
    return gradients[0], gradients[1]


def distance_iou(a: np.ndarray, b: np.ndarray, eps: float = 1e-7) -> float:
    """IoU less (distance of the centres / diagonal of the hull)^2. Zheng et al. (2020), section 3."""
    centres = (a[:2] + a[2:]) / 2 - (b[:2] + b[2:]) / 2
    diagonal = np.maximum(a, b)[2:] - np.minimum(a, b)[:2]
    return float(iou(a, b) - centres @ centres / (diagonal @ diagonal + eps))


def complete_iou(a: np.ndarray, b: np.ndarray, eps: float = 1e-7) -> float:
    """Distance IoU less alpha v, where the shapes differ. Zheng et al. (2020), section 3."""
    angles = [math.atan((x2 - x1) / (y2 - y1)) for x1, y1, x2, y2 in (a, b)]
    v = 4 / math.pi**2 * (angles[0] - angles[1]) ** 2
    alpha = v / (1 - iou(a, b) + v + eps)
    return distance_iou(a, b, eps) - alpha * v


def pairwise(overlap: Pair, boxes1: np.ndarray, boxes2: np.ndarray) -> np.ndarray:
    """``overlap`` of each of boxes1 (n, 4) with each of boxes2 (m, 4): (n, m)."""
    return np.array([[overlap(a, b) for b in boxes2] for a in boxes1]).reshape(len(boxes1), len(boxes2))


def pairwise_backward(
    grad_out: np.ndarray, overlap_backward: Callable, boxes1: np.ndarray, boxes2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """dE/dboxes1 (n, 4) and dE/dboxes2 (m, 4) from dE/doverlaps (n, m)."""
    d_boxes1, d_boxes2 = np.zeros_like(boxes1), np.zeros_like(boxes2)
    for i, a in enumerate(boxes1):
        for j, b in enumerate(boxes2):
            d_a, d_b = overlap_backward(a, b)
            d_boxes1[i] += grad_out[i, j] * d_a
            d_boxes2[j] += grad_out[i, j] * d_b
    return d_boxes1, d_boxes2


def nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> list[int]:
    """Which boxes are kept, best first: those whose IoU with no kept better one exceeds the threshold."""
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        if all(not iou(boxes[k], boxes[i]) > iou_threshold for k in kept):
            kept.append(int(i))
    return kept


def soft_nms(
    boxes: np.ndarray, scores: np.ndarray, factor: Callable[[float], float], score_threshold: float
) -> tuple[list[int], list[float]]:
    """Which boxes are kept and their new scores, best first. Bodla et al. (2017), figure 2.

    ``factor`` of the IoU with a box that is kept multiplies the score of a box that is not kept yet.
    """
    rest = {i: float(score) for i, score in enumerate(scores)}
    kept, new_scores = [], []
    while rest and max(rest.values()) > score_threshold:
        best = max(rest, key=lambda i: rest[i])
        kept.append(best)
        new_scores.append(rest.pop(best))
        rest = {i: score * factor(iou(boxes[best], boxes[i])) for i, score in rest.items()}
    return kept, new_scores


def encode(boxes: np.ndarray, proposals: np.ndarray, weights: Sequence[float] = (1, 1, 1, 1)) -> np.ndarray:
    """Codes (n, 4) that correct proposals into boxes, (n, 4) each. Girshick et al. (2014), appendix C."""
    x, y, w, h = box_convert(boxes, "xyxy", "cxcywh").T
    x_a, y_a, w_a, h_a = box_convert(proposals, "xyxy", "cxcywh").T
    return np.stack([(x - x_a) / w_a, (y - y_a) / h_a, np.log(w / w_a), np.log(h / h_a)], axis=1) * weights


def encode_backward(
    grad_out: np.ndarray, boxes: np.ndarray, proposals: np.ndarray, weights: Sequence[float] = (1, 1, 1, 1)
) -> np.ndarray:
    """dE/dboxes (n, 4) from dE/dcodes (n, 4)."""
    _, _, w, h = box_convert(boxes, "xyxy", "cxcywh").T
    _, _, w_a, h_a = box_convert(proposals, "xyxy", "cxcywh").T
    d_centred = grad_out * weights / np.stack([w_a, h_a, w, h], axis=1)
    return box_convert_backward(d_centred, "xyxy", "cxcywh")


def decode(
    codes: np.ndarray,
    proposals: np.ndarray,
    weights: Sequence[float] = (1, 1, 1, 1),
    clip: float = math.log(1000 / 16),
) -> np.ndarray:
    """Proposals (n, 4) corrected by codes (n, 4); the codes of the sides are cut off at ``clip``."""
    x_a, y_a, w_a, h_a = box_convert(proposals, "xyxy", "cxcywh").T
    t_x, t_y, t_w, t_h = (codes / weights).T
    w, h = w_a * np.exp(np.minimum(t_w, clip)), h_a * np.exp(np.minimum(t_h, clip))
    return box_convert(np.stack([t_x * w_a + x_a, t_y * h_a + y_a, w, h], axis=1), "cxcywh", "xyxy")


def decode_backward(
    grad_out: np.ndarray,
    codes: np.ndarray,
    proposals: np.ndarray,
    weights: Sequence[float] = (1, 1, 1, 1),
    clip: float = math.log(1000 / 16),
) -> np.ndarray:
    """dE/dcodes (n, 4) from dE/dboxes (n, 4)."""
    _, _, w_a, h_a = box_convert(proposals, "xyxy", "cxcywh").T
    _, _, t_w, t_h = (codes / weights).T
    d_centred = box_convert_backward(grad_out, "cxcywh", "xyxy")
    slopes = [w_a, h_a, w_a * np.exp(t_w) * (t_w <= clip), h_a * np.exp(t_h) * (t_h <= clip)]
    return d_centred * np.stack(slopes, axis=1) / weights


def anchors(sizes: Sequence[float], aspect_ratios: Sequence[float]) -> np.ndarray:
    """Anchors around (0, 0), ratio by ratio: s / sqrt(r) wide, s sqrt(r) high, in whole pixels."""
    boxes = []
    for r in aspect_ratios:
        for s in sizes:
            w, h = s / math.sqrt(r), s * math.sqrt(r)
            boxes.append([round(-w / 2), round(-h / 2), round(w / 2), round(h / 2)])
    return np.array(boxes, dtype=np.float64)


def grid_anchors(cell_anchors: np.ndarray, grid_size: Sequence[int], stride: Sequence[int]) -> np.ndarray:
    """Anchors (a, 4) at each place of a map (h, w), ``stride`` (y, x) apart: (h w a, 4)."""
    places = [(j * stride[1], i * stride[0]) for i in range(grid_size[0]) for j in range(grid_size[1])]
    moved = [anchor + np.array([x, y, x, y]) for x, y in places for anchor in cell_anchors]
    return np.array(moved).reshape(-1, 4)


def _areas(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Areas of the intersection, the union and the hull of two boxes."""
    width, height = np.maximum(np.minimum(a, b)[2:] - np.maximum(a, b)[:2], 0)
    intersection = width * height
    union = box_area(a[None])[0] + box_area(b[None])[0] - intersection
    hull_width, hull_height = np.maximum(a, b)[2:] - np.minimum(a, b)[:2]
    return intersection, union, hull_width * hull_height


def _area_gradient(box: np.ndarray) -> np.ndarray:
    """D area / d (x1, y1, x2, y2)."""
    width, height = box[2:] - box[:2]
    return np.array([-height, -width, height, width])


def _intersection_gradients(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """D intersection / da and / db: its edges belong to the box whose edge is further in."""
    shared = np.concatenate([np.maximum(a, b)[:2], np.minimum(a, b)[2:]])
    if np.any(shared[2:] <= shared[:2]):
        return np.zeros(4), np.zeros(4)
    a_is_inner = np.concatenate([a[:2] > b[:2], a[2:] < b[2:]])
    return _area_gradient(shared) * a_is_inner, _area_gradient(shared) * ~a_is_inner
