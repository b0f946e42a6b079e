"""Which detection found which object: overlaps, and COCO's rule for handing out objects."""

import numpy as np
import torch
from torch import Tensor


def box_overlaps(detected: np.ndarray, true: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (d, 4) and (g, 4), as (x, y, width, height): (d, g).

    A crowd (g,) is many objects in one box: a detection inside it is right however small it is, so there the
    intersection is divided by the detection's area.
    """
    low = np.maximum(detected[:, None, :2], true[None, :, :2])
    high = np.minimum((detected[:, :2] + detected[:, 2:])[:, None], (true[:, :2] + true[:, 2:])[None])
    shared = (high - low).clip(min=0).prod(axis=2)
    return _shares(shared, detected[:, 2:].prod(axis=1), true[:, 2:].prod(axis=1), crowd)


def mask_overlaps(detected: Tensor, true: Tensor, crowd: np.ndarray) -> np.ndarray:
    """The same for boolean masks (d, h, w) and (g, h, w)."""
    if len(detected) == 0 or len(true) == 0:
        return np.zeros((len(detected), len(true)))
    detected, true = detected.flatten(1), true.to(detected.device).flatten(1)
    exact = torch.float32 if detected.shape[1] <= 2**24 else torch.float64  # counts up to there
    shared = (detected.to(exact) @ true.to(exact).T).double().cpu().numpy()
    sizes = [x.sum(dim=1).double().cpu().numpy() for x in (detected, true)]
    return _shares(shared, sizes[0], sizes[1], crowd)


def _shares(shared: np.ndarray, detected: np.ndarray, true: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    whole = np.where(crowd, detected[:, None], detected[:, None] + true - shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=shared > 0)


def match(
    overlaps: np.ndarray, crowd: np.ndarray, ignored: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give each detection of one class and image an object, as COCO does.

    Detections come by falling score: overlaps (d, g). Each takes, of the objects that are free and overlap it
    by the threshold, the one it overlaps most (of equals, the last): one that counts if there is any, else
    one that is to be ignored. Crowds stay free. ``ignored`` (a, g) has a row for each range of areas.

    Returns whether detections are matched, and whether to an object that is ignored: (a, t, d) each, for t
    thresholds.
    """
    shape = (len(ignored), len(thresholds), *overlaps.shape)
    matched, to_ignored = np.zeros(shape[:3], dtype=bool), np.zeros(shape[:3], dtype=bool)
    if overlaps.size == 0:
        return matched, to_ignored
    ignored, least = ignored[:, None], np.minimum(thresholds, 1 - 1e-10)[:, None]
    free = np.ones((*shape[:2], shape[3]), dtype=bool)
    area_range, threshold = np.ogrid[: shape[0], : shape[1]]
    for d in np.flatnonzero(overlaps.max(axis=1) >= least.min()):
        possible = free & (overlaps[d] >= least)
        counting = possible & ~ignored
        choice = np.where(counting.any(axis=2, keepdims=True), counting, possible)
        taken = shape[3] - 1 - np.where(choice, overlaps[d], -1.0)[..., ::-1].argmax(axis=2)
        matched[:, :, d] = choice[area_range, threshold, taken]
        to_ignored[:, :, d] = matched[:, :, d] & ignored[area_range, 0, taken]
        free[area_range, threshold, taken] &= ~matched[:, :, d] | crowd[taken]
    return matched, to_ignored
