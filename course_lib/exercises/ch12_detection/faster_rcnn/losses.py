"""The exercise on the loss of a region proposal network."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/faster_rcnn"
Array = np.ndarray


def _bce(s: Array, y: Array) -> Array:
    """Binary cross-entropy of logits."""
    return np.logaddexp(0, s) - y * s


def _smooth(d: Array, beta: float) -> Array:
    """Smooth L1 of differences."""
    return np.where(np.abs(d) < beta, d**2 / (2 * beta), np.abs(d) - beta / 2)


def loss(s: Array, t: Array, wanted: Array, y: Array, beta: float) -> float:
    """Objectness and box loss of the anchors drawn, over their number."""
    drawn, shown = y >= 0, y == 1
    objectness = _bce(s[drawn], y[drawn]).sum()
    return float((objectness + _smooth(t[shown] - wanted[shown], beta).sum()) / drawn.sum())


def _by_loops(s: Array, t: Array, wanted: Array, y: Array, beta: float) -> float:
    total, drawn = 0.0, 0
    for logit, code, right, kind in zip(s, t, wanted, y, strict=True):
        if kind < 0:
            continue
        drawn += 1
        signed = -logit if kind == 1 else logit
        total += max(signed, 0) + np.log1p(np.exp(-abs(signed)))
        if kind == 1:
            for d in np.abs(code - right):
                total += d * d / 2 / beta if d < beta else d - beta / 2
    return total / drawn


Piece = Callable[[Array, Array], Array]


def _lost(
    objectness: Piece = _bce,
    box: Callable[[Array, float], Array] = _smooth,
    is_drawn: Callable[[Array], Array] = lambda y: y >= 0,
    is_shown: Callable[[Array], Array] = lambda y: y == 1,
    result: Callable[[Array, Array, Array], float] = lambda o, b, y: (o.sum() + b.sum()) / (y >= 0).sum(),
) -> Callable[..., float]:
    """Other terms, other anchors, or another mean."""

    def answer(s: Array, t: Array, wanted: Array, y: Array, beta: float) -> float:
        drawn, shown = is_drawn(y), is_shown(y)
        with np.errstate(all="ignore"):
            return float(result(objectness(s[drawn], y[drawn]), box(t[shown] - wanted[shown], beta), y))

    return answer


def _overflowing(s: Array, y: Array) -> Array:
    p = 1 / (1 + np.exp(-s))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def _clipped(s: Array, y: Array) -> Array:
    p = np.clip(1 / (1 + np.exp(-s)), 1e-6, 1 - 1e-6)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def _samples(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, beta: float, spread: float, label: str) -> Case:
        y = rng.permutation(np.concatenate([[1, 1, 0], rng.integers(-1, 2, n - 3)]))
        t, wanted = rng.normal(0, spread, (2, n, 4))
        return case(rng.normal(0, 2, n), t, wanted, y, beta, label=label)

    zeros = np.zeros((2, 4))
    return [
        case(np.zeros(2), zeros, zeros, np.array([1, 0]), 1.0, label="no idea"),
        case(np.array([2.0, -1.0]), zeros, zeros, np.array([1, 0]), 1.0, label="objectness alone"),
        case(np.zeros(2), zeros + 0.5, zeros, np.array([1, 0]), 0.25, label="one box to correct"),
        case(
            np.zeros(3), np.ones((3, 4)), np.zeros((3, 4)), np.array([1, 0, -1]), 1.0, label="one not drawn"
        ),
        case(np.array([800.0, -800.0]), zeros, zeros, np.array([0, 1]), 1.0, label="sure, and wrong"),
        draw(8, 1 / 9, 0.2, "eight anchors"),
        draw(20, 0.5, 0.5, "twenty anchors"),
    ]


LOSS = Exercise(
    id="faster_rcnn/loss",
    section=SECTION,
    title="The loss of a sample",
    reference=loss,
    cases=_samples,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _lost(objectness=_overflowing),
            "At a logit of 800 the exponential overflows, or the logarithm of 0 is taken. Use the logits: np.logaddexp.",
        ),
        Mistake(
            _lost(objectness=_clipped),
            "A clipped probability caps the loss of a sure mistake. Use the logits: np.logaddexp.",
        ),
        Mistake(
            _lost(objectness=lambda s, y: np.logaddexp(0, s) - (1 - y) * s),
            "Objects and background are exchanged: y = 1 should push the logit up.",
        ),
        Mistake(
            _lost(objectness=lambda s, y: (1 / (1 + np.exp(-s)) - y) ** 2),
            "That is the squared error of the probability. Objectness has the binary cross-entropy.",
        ),
        Mistake(
            _lost(box=lambda d, beta: np.abs(d)),
            "The box loss is the absolute error. Below beta it is a parabola.",
        ),
        Mistake(
            _lost(box=lambda d, beta: d**2 / 2),
            "The box loss is the squared error. From beta on it is a straight line.",
        ),
        Mistake(
            _lost(box=lambda d, beta: np.where(np.abs(d) < beta, d**2 / 2, np.abs(d) - beta / 2)),
            "The parabola has to be divided by beta, or it does not meet the line.",
        ),
        Mistake(
            _lost(box=lambda d, beta: np.where(np.abs(d) < beta, d**2 / (2 * beta), np.abs(d) - 0.5)),
            "The line begins at the wrong height: it is |d| minus half of beta.",
        ),
        Mistake(
            _lost(is_drawn=lambda y: y == y, objectness=lambda s, y: _bce(s, np.maximum(y, 0))),
            "Anchors that were not drawn (-1) count as background. They count nothing.",
        ),
        Mistake(
            _lost(is_shown=lambda y: y >= 0),
            "The background has to learn corrections too. Only positives have any.",
        ),
        Mistake(
            _lost(result=lambda o, b, y: o.sum() / len(y) + b.sum() / len(y)),
            "The sums are divided by the number of all anchors. Divide by the number drawn.",
        ),
        Mistake(
            _lost(result=lambda o, b, y: o.mean() + b.sum() / max((y == 1).sum(), 1)),
            "The box loss is divided by the number of positives. Here both are divided by the number drawn.",
        ),
        Mistake(
            _lost(result=lambda o, b, y: o.mean() + b.sum() / 4 / (y >= 0).sum()),
            "The box loss is a mean over the four codes. It is their sum.",
        ),
        Mistake(
            _lost(result=lambda o, b, y: o.sum() + b.sum()),
            "This is the sum over the sample. Divide by the number drawn.",
        ),
    ],
    hint="log(1 + e^s) - y s is the cross-entropy of a logit, and np.logaddexp(0, s) its first part.",
)
