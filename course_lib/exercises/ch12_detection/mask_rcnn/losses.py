"""The exercise on the mask loss."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/mask_rcnn"
Array = np.ndarray


def _bce(z: Array, y: Array) -> Array:
    return np.logaddexp(0, z) - y * z


def loss(z: Array, labels: Array, y: Array) -> float:
    """Mean binary cross-entropy of the masks of the own classes of regions with an object."""
    shown = np.flatnonzero(labels > 0)
    if not len(shown):
        return 0.0
    return float(_bce(z[shown, labels[shown]], y[shown]).mean())


def _by_loops(z: Array, labels: Array, y: Array) -> float:
    total, count = 0.0, 0
    for masks, c, true in zip(z, labels, y, strict=True):
        if c > 0:
            signed = np.where(true > 0, -masks[c], masks[c])
            total += float(np.sum(np.maximum(signed, 0) + np.log1p(np.exp(-np.abs(signed)))))
            count += true.size
    return total / count if count else 0.0


def _lost(
    own: Callable[[Array, Array], Array] = lambda z, c: z[np.arange(len(c)), c],
    each: Callable[[Array, Array], Array] = _bce,
    keep: Callable[[Array], Array] = lambda labels: np.flatnonzero(labels > 0),
    mean: Callable[[Array, Array], float] = lambda values, labels: values.mean(),
    nothing: float = 0.0,
) -> Callable[[Array, Array, Array], float]:
    """Other masks, another loss of a pixel, other regions, or another mean."""

    def answer(z: Array, labels: Array, y: Array) -> float:
        rows = keep(labels)
        if not len(rows):
            return nothing
        with np.errstate(all="ignore"):
            return float(mean(each(own(z[rows], labels[rows]), y[rows]), labels))

    return answer


def _all_classes(z: Array, labels: Array, y: Array) -> float:
    rows = np.flatnonzero(labels > 0)
    if not len(rows):
        return 0.0
    wanted = np.zeros(z[rows].shape)
    wanted[np.arange(len(rows)), labels[rows]] = y[rows]
    return float(_bce(z[rows], wanted).mean())


def _softmax(z: Array, labels: Array, y: Array) -> float:
    rows = np.flatnonzero(labels > 0)
    if not len(rows):
        return 0.0
    kind = np.where(y[rows] > 0, labels[rows, None, None], 0)
    score = z[rows] - z[rows].max(axis=1, keepdims=True)
    log_p = score - np.log(np.exp(score).sum(axis=1, keepdims=True))
    return float(-np.take_along_axis(log_p, kind[:, None], axis=1).mean())


def _overflowing(z: Array, y: Array) -> Array:
    p = 1 / (1 + np.exp(-z))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def _regions(rng: np.random.Generator) -> list[Case]:
    def draw(k: int, classes: int, m: int, labels: list[int], label: str) -> Case:
        y = (rng.random((k, m, m)) < 0.5).astype(float)
        return case(rng.normal(0, 2, (k, classes, m, m)).round(2), np.array(labels), y, label=label)

    sure = np.zeros((1, 2, 2, 2))
    sure[0, 1] = [[900, -900], [900, -900]]
    return [
        case(np.zeros((1, 3, 2, 2)), np.array([2]), np.array([[[1.0, 0], [0, 1]]]), label="no idea"),
        draw(1, 4, 3, [2], "one region"),
        draw(3, 3, 2, [1, 2, 2], "three regions"),
        draw(4, 4, 2, [3, 0, 1, 0], "two of background"),
        case(sure, np.array([1]), np.array([[[0.0, 0], [1, 1]]]), label="sure, and half of it wrong"),
        draw(2, 3, 2, [0, 0], "background alone"),
        draw(5, 7, 4, [6, 1, 0, 3, 3], "seven classes"),
    ]


LOSS = Exercise(
    id="mask_rcnn/mask_loss",
    section=SECTION,
    title="The mask loss",
    reference=loss,
    cases=_regions,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _all_classes,
            "All masks are trained, those of other classes to be empty. Only the mask of the region's own class is.",
        ),
        Mistake(
            _softmax,
            "This is a softmax over the classes at each pixel. Each mask is a binary question of its own.",
        ),
        Mistake(
            _lost(own=lambda z, c: z.max(axis=1)),
            "The strongest mask at each pixel is taken. Take the mask of the region's class.",
        ),
        Mistake(
            _lost(own=lambda z, c: z[np.arange(len(c)), c - 1]),
            "The classes are counted from 0 here: the mask of class c has index c, as there is one of the background, too.",
        ),
        Mistake(
            _lost(keep=lambda labels: np.arange(len(labels))),
            "Regions of background (0) are trained, too. They have no mask.",
        ),
        Mistake(
            _lost(mean=lambda values, labels: values.sum(axis=(1, 2)).mean()),
            "The loss of a region is the sum over its pixels. Take the mean over the pixels, too.",
        ),
        Mistake(
            _lost(mean=lambda values, labels: values.sum() / len(labels) / values[0].size),
            "The mean is over all regions. Only those with an object count.",
        ),
        Mistake(
            _lost(each=_overflowing),
            "At a logit of 900 the logarithm of 0 is taken. Use the logits: np.logaddexp.",
        ),
        Mistake(
            _lost(each=lambda z, y: _bce(np.clip(z, -30, 30), y)),
            "Large logits are clipped, or a little is added in the logarithm: a loss of 900 must be 900. Use np.logaddexp.",
        ),
        Mistake(
            _lost(each=lambda z, y: np.logaddexp(0, z) - (1 - y) * z),
            "Object and background are exchanged: where y is 1 the logit should grow.",
        ),
        Mistake(
            _lost(each=lambda z, y: ((np.tanh(z / 2) + 1) / 2 - y) ** 2),
            "This is the squared error of the probability. The mask loss is the binary cross-entropy.",
        ),
        Mistake(
            _lost(nothing=float("nan")),
            "Without any object this is the mean of nothing. The loss is 0 then.",
        ),
    ],
    hint="Choose rows, then z[rows, labels[rows]]; log(1 + e^z) - y z is the loss of a pixel.",
)
