"""The exercise on the overlap of masks."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/mask_rcnn"
Array = np.ndarray


def _flat(p: Array, threshold: float) -> Array:
    return (p > threshold).reshape(len(p), -1).astype(float)


def mask_iou(said: Array, true: Array, threshold: float) -> Array:
    """IoU (d, g) of each mask said with each true one."""
    a, b = _flat(said, threshold), _flat(true, 0)
    both = a @ b.T
    either = a.sum(axis=1)[:, None] + b.sum(axis=1) - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def _by_sets(said: Array, true: Array, threshold: float) -> Array:
    found = np.zeros((len(said), len(true)))
    for i, p in enumerate(said):
        for j, t in enumerate(true):
            a, b = set(np.flatnonzero(p > threshold)), set(np.flatnonzero(t))
            found[i, j] = len(a & b) / len(a | b) if a | b else 0
    return found


def _overlap(
    cut: Callable[[Array, float], Array] = _flat,
    whole: Callable[[Array, Array, Array], Array] = lambda a, b, both: a[:, None] + b - both,
    times: float = 1.0,
    empty: float = 0.0,
) -> Callable[[Array, Array, float], Array]:
    """Another cut, or another set to divide by."""

    def answer(said: Array, true: Array, threshold: float) -> Array:
        a, b = cut(said, threshold), _flat(true, 0)
        both = a @ b.T
        either = whole(a.sum(axis=1), b.sum(axis=1), both) + 0 * both
        return times * np.divide(both, either, out=np.full(both.shape, empty), where=either > 0)

    return answer


def _in_bytes(said: Array, true: Array, threshold: float) -> Array:
    a, b = _flat(said, threshold).astype(np.uint8), _flat(true, 0).astype(np.uint8)
    both = a @ b.T
    either = a.sum(axis=1, dtype=np.uint8)[:, None] + b.sum(axis=1, dtype=np.uint8) - both
    return np.divide(both, either, out=np.zeros(both.shape), where=either > 0)


def _accuracy(said: Array, true: Array, threshold: float) -> Array:
    a, b = _flat(said, threshold), _flat(true, 0)
    return (a[:, None] == b[None]).mean(axis=2)


def _edges(mask: Array) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else (0, 0, 0, 0)


def _of_boxes(said: Array, true: Array, threshold: float) -> Array:
    def fill(masks: Array) -> Array:
        filled = np.zeros(masks.shape)
        for one, mask in zip(filled, masks, strict=True):
            x1, y1, x2, y2 = _edges(mask)
            one[y1:y2, x1:x2] = 1
        return filled

    return mask_iou(fill(said > threshold), fill(true > 0), 0.5)


def _masks(rng: np.random.Generator) -> list[Case]:
    def draw(d: int, g: int, h: int, w: int, threshold: float, label: str) -> Case:
        true = (rng.random((g, h, w)) < 0.4).astype(np.uint8)
        return case(rng.random((d, h, w)).round(1), true, threshold, label=label)

    square = np.zeros((1, 4, 4))
    square[0, 1:3, 1:3] = 1
    corner = np.zeros((1, 4, 4), dtype=np.uint8)
    corner[0, :2, :2] = 1
    ring = np.ones((1, 4, 4)) - square
    return [
        case(0.9 * square, square.astype(np.uint8), 0.5, label="the same"),
        case(0.8 * square, corner, 0.5, label="one pixel in common"),
        case(0.9 * square, np.ones((1, 4, 4), dtype=np.uint8), 0.5, label="a part of a large object"),
        case(ring, square.astype(np.uint8), 0.5, label="a ring and its hole"),
        case(0.5 * square, corner, 0.5, label="exactly the threshold"),
        case(
            np.zeros((2, 3, 3)),
            np.array([np.zeros((3, 3)), np.eye(3)], dtype=np.uint8),
            0.5,
            label="empty masks",
        ),
        draw(3, 2, 5, 6, 0.5, "three with two"),
        draw(2, 5, 20, 20, 0.3, "400 pixels: more than a byte can count"),
    ]


MASK_IOU = Exercise(
    id="mask_rcnn/mask_iou",
    section=SECTION,
    title="The overlap of masks",
    reference=mask_iou,
    cases=_masks,
    alternatives=[_by_sets],
    mistakes=[
        Mistake(
            _of_boxes,
            "This is the overlap of the boxes around the masks. Count pixels.",
        ),
        Mistake(
            _accuracy,
            "This is the share of pixels on which both agree; the empty ground counts as success. Divide what they share by what they cover.",
        ),
        Mistake(
            _overlap(cut=lambda p, threshold: p.reshape(len(p), -1)),
            "Probabilities are summed as they are. Cut them at the threshold first.",
        ),
        Mistake(
            _overlap(cut=lambda p, threshold: (p >= threshold).reshape(len(p), -1).astype(float)),
            "A probability of exactly the threshold counts as the object. Only greater ones do.",
        ),
        Mistake(
            _overlap(cut=lambda p, threshold: (p > 0.5).reshape(len(p), -1).astype(float)),
            "The masks are cut at one half. Cut them at the given threshold.",
        ),
        Mistake(
            _overlap(whole=lambda a, b, both: a[:, None] + b),
            "What they share is counted twice in the union. Take it off once.",
        ),
        Mistake(
            _overlap(whole=lambda a, b, both: a[:, None] + b, times=2),
            "That is the Dice coefficient. Divide by the union.",
        ),
        Mistake(
            _in_bytes,
            "Pixels are counted in uint8, which begins again at 0 after 255. Count in float or int64.",
        ),
        Mistake(
            _overlap(whole=lambda a, b, both: b[None] + 0 * both),
            "This divides by the true mask alone, so that a mask that covers all is perfect. Divide by the union.",
        ),
        Mistake(
            _overlap(empty=float("nan")),
            "Two empty masks give 0 / 0. Here that is to be 0.",
        ),
        Mistake(
            _overlap(empty=1.0),
            "Two empty masks count as equal. Here they have the overlap 0.",
        ),
        Mistake(
            lambda said, true, threshold: mask_iou(said, true, threshold).T,
            "Rows and columns are exchanged: a row for each mask said, a column for each true one.",
        ),
    ],
    hint="Flatten the masks; a product of matrices counts the common pixels of all pairs.",
)
