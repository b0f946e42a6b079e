"""Exercises on the two losses of Fast R-CNN."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/fast_rcnn"
Array = np.ndarray

# smooth L1


def smooth_l1(x: Array, beta: float) -> tuple[Array, Array]:
    """Loss and slope of each error."""
    small = np.abs(x) < beta
    return np.where(small, x**2 / (2 * beta), np.abs(x) - beta / 2), np.where(small, x / beta, np.sign(x))


def _from_the_slope(x: Array, beta: float) -> tuple[Array, Array]:
    slope = np.clip(x / beta, -1, 1)
    return slope * x - beta / 2 * slope**2, slope


def _smooth(
    near: Callable[[Array, float], Array] = lambda x, beta: x**2 / (2 * beta),
    far: Callable[[Array, float], Array] = lambda x, beta: np.abs(x) - beta / 2,
    slope: Callable[[Array, float], Array] = lambda x, beta: np.clip(x / beta, -1, 1),
    border: Callable[[float], float] = lambda beta: beta,
) -> Callable[[Array, float], tuple[Array, Array]]:
    """Another parabola, other straight lines, another slope, or another border between them."""
    return lambda x, beta: (np.where(np.abs(x) < border(beta), near(x, beta), far(x, beta)), slope(x, beta))


def _error_cases(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([-2.0, -0.5, 0.0, 0.5, 2.0]), 1.0, label="beta 1"),
        case(np.array([-1.0, -0.1, 0.05, 0.3]), 0.25, label="a small beta"),
        case(np.array([-3.0, 1.5, 2.5, 0.7]), 2.0, label="a large beta"),
        case(rng.normal(0, 1, (3, 4)).round(2), 0.5, label="a table"),
    ]


SMOOTH_L1 = Exercise(
    id="fast_rcnn/smooth_l1",
    section=SECTION,
    title="Smooth L1, and its slope",
    reference=smooth_l1,
    cases=_error_cases,
    alternatives=[_from_the_slope],
    mistakes=[
        Mistake(
            _smooth(far=lambda x, beta: np.abs(x)),
            "The loss jumps at beta. Take beta / 2 off the straight lines, so that they meet the parabola.",
        ),
        Mistake(
            _smooth(far=lambda x, beta: np.abs(x) - 0.5),
            "The straight lines are those of beta = 1. Take beta / 2 off.",
        ),
        Mistake(
            _smooth(far=lambda x, beta: x - beta / 2),
            "Large negative errors get a negative loss. Take the absolute value.",
        ),
        Mistake(
            _smooth(near=lambda x, beta: x**2 / 2),
            "The parabola is that of beta = 1. Divide it by beta.",
        ),
        Mistake(
            _smooth(near=lambda x, beta: x**2 / beta),
            "The parabola is twice too high: it lacks a half.",
        ),
        Mistake(
            _smooth(border=lambda beta: 1.0),
            "The parabola ends at 1 whatever beta is. It ends at beta.",
        ),
        Mistake(
            lambda x, beta: tuple(beta * part for part in smooth_l1(x, beta)),
            "That is Huber's loss, beta times this one. Here the slope far out is 1 for every beta.",
        ),
        Mistake(
            _smooth(slope=lambda x, beta: x / beta),
            "The slope grows without end. Beyond beta it is 1 or -1: that is the point of this loss.",
        ),
        Mistake(
            _smooth(slope=lambda x, beta: np.sign(x)),
            "The slope is that of the absolute value. Within beta it falls to 0 in a straight line.",
        ),
        Mistake(
            _smooth(slope=lambda x, beta: np.abs(np.clip(x / beta, -1, 1))),
            "The slope has lost its sign. It is negative for negative errors.",
        ),
        Mistake(
            _smooth(slope=lambda x, beta: np.clip(x, -1, 1)),
            "The slope is that of beta = 1. Within beta it is x / beta.",
        ),
        Mistake(
            lambda x, beta: tuple(part.sum() for part in smooth_l1(x, beta)),
            "The errors are added up. Return the loss and the slope of each.",
        ),
    ],
    hint="What is the slope of the parabola at beta? It should be that of the line that follows.",
)

# both losses together


def _soft(logits: Array) -> Array:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _bend(x: Array) -> Array:
    return np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5)


def _rows(labels: Array) -> Array:
    return np.arange(len(labels))


def loss(logits: Array, codes: Array, labels: Array, targets: Array, weight: float) -> float:
    """Mean cross-entropy, and the corrections of what shows an object."""
    surprise = -np.log(_soft(logits)[_rows(labels), labels]).mean()
    off = _bend(codes[_rows(labels), labels] - targets)[labels > 0]
    return float(surprise + weight * off.sum() / len(labels))


def _region_by_region(logits: Array, codes: Array, labels: Array, targets: Array, weight: float) -> float:
    total = 0.0
    for z, t, c, goal in zip(logits, codes, labels, targets, strict=True):
        total += z.max() + np.log(np.exp(z - z.max()).sum()) - z[c]
        if c:
            total += weight * sum(0.5 * d * d if abs(d) < 1 else abs(d) - 0.5 for d in t[c] - goal)
    return total / len(labels)


def _loss(
    naming: Callable[[Array, Array], Any] = lambda p, labels: -np.log(p[_rows(labels), labels]).mean(),
    chosen: Callable[[Array, Array, Array], Array] = lambda codes, labels, p: codes[_rows(labels), labels],
    counted: Callable[[Array], Array] = lambda labels: labels > 0,
    bend: Callable[[Array], Array] = _bend,
    divisor: Callable[[Array], float] = len,
    both: Callable[[Any, Any, float], Any] = lambda naming, placing, weight: naming + weight * placing,
) -> Callable[[Array, Array, Array, Array, float], float]:
    """Another loss of the names, other codes, other regions, another loss of boxes, or another sum."""

    def answer(logits: Array, codes: Array, labels: Array, targets: Array, weight: float) -> float:
        p = _soft(logits)
        off = bend(chosen(codes, labels, p) - targets)[counted(labels)]
        return float(both(naming(p, labels), off.sum() / max(divisor(labels), 1), weight))

    return answer


def _loss_cases(rng: np.random.Generator) -> list[Case]:
    def draw(labels: list[int], classes: int, weight: float, label: str) -> Case:
        k = len(labels)
        logits, codes = rng.normal(0, 2, (k, classes)).round(1), rng.normal(0, 1, (k, classes, 4)).round(1)
        goal = rng.normal(0, 1, (k, 4)).round(1) * (np.array(labels) > 0)[:, None]
        return case(logits, codes, np.array(labels), goal, weight, label=label)

    return [
        draw([1, 1], 2, 1.0, "two objects of one class"),
        draw([2, 0, 1], 3, 1.0, "objects and background"),
        draw([0, 3, 0, 1, 0], 4, 0.5, "mostly background"),
        draw([0, 0], 3, 1.0, "background only"),
        draw([2, 2, 1, 0, 0, 0, 3, 1], 4, 2.0, "eight regions"),
    ]


LOSS = Exercise(
    id="fast_rcnn/loss",
    section=SECTION,
    title="Two losses in one",
    reference=loss,
    cases=_loss_cases,
    alternatives=[_region_by_region],
    mistakes=[
        Mistake(
            _loss(counted=lambda labels: labels >= 0),
            "Background has a box loss, too. It has no true box: leave it out of the second part.",
        ),
        Mistake(
            _loss(divisor=lambda labels: (labels > 0).sum()),
            "The box loss is divided by the regions with an object. Divide by all regions, so that every object weighs alike.",
        ),
        Mistake(
            _loss(divisor=lambda labels: 4 * len(labels)),
            "The box loss is the mean of the four corrections. It is their sum.",
        ),
        Mistake(
            _loss(divisor=lambda labels: 1),
            "The box loss is summed over the regions and not divided by their number.",
        ),
        Mistake(
            _loss(chosen=lambda codes, labels, p: codes[_rows(labels), p.argmax(axis=1)]),
            "The corrections are those of the class that the net believes in. Take those of the true class.",
        ),
        Mistake(
            _loss(chosen=lambda codes, labels, p: codes[:, 0]),
            "The corrections are those of class 0. Take those of the true class of each region.",
        ),
        Mistake(
            _loss(chosen=lambda codes, labels, p: codes[_rows(labels), labels - 1]),
            "The corrections are those of the class before. Background has a row, too, the first one.",
        ),
        Mistake(
            _loss(bend=np.abs),
            "The box loss is the absolute value. Within 1 of the target it is a parabola.",
        ),
        Mistake(
            _loss(bend=lambda x: x**2 / 2),
            "The box loss is a parabola all the way. Beyond 1 it goes on as a straight line.",
        ),
        Mistake(
            _loss(naming=lambda p, labels: -np.log(p[_rows(labels), labels]).sum()),
            "The cross-entropy is summed over the regions. Take the mean.",
        ),
        Mistake(
            _loss(
                naming=lambda p, labels: (
                    -np.log(p[_rows(labels), labels])[labels > 0].mean() if labels.any() else 0.0
                )
            ),
            "The cross-entropy leaves background out. To name it is half of the job.",
        ),
        Mistake(
            _loss(naming=lambda p, labels: (1 - p[_rows(labels), labels]).mean()),
            "The first part is one minus the probability. Take minus its logarithm.",
        ),
        Mistake(
            _loss(both=lambda naming, placing, weight: weight * naming + placing),
            "The weight is on the names. It belongs to the corrections.",
        ),
        Mistake(
            _loss(both=lambda naming, placing, weight: naming + placing),
            "The weight is not used. Multiply the box loss by it.",
        ),
    ],
    hint="codes[np.arange(k), labels] has a row for each region: its own class's corrections.",
)
