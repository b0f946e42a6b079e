"""The exercise on the loss of teacher forcing, which learns the end and no padding."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/sequence_to_sequence"
Array = np.ndarray


def log_softmax(logits: Array, axis: int = 2) -> Array:
    """Logarithms of the softmax, the largest logit subtracted first."""
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def chosen(values: Array, y: Array) -> Array:
    """The entries (n, t) of values (n, t, V) at the tokens."""
    return np.take_along_axis(values, y[:, :, None], axis=2)[:, :, 0]


def counted(y: Array) -> Array:
    """Whether a token counts: up to the first 0, and it as well."""
    return np.cumsum(y == 0, axis=1) - (y == 0) == 0


def forced_loss(logits: Array, y: Array) -> float:
    """Mean cross-entropy of the tokens up to each target's end."""
    return float(-chosen(log_softmax(logits), y)[counted(y)].mean())


def _by_loops(logits: Array, y: Array) -> float:
    total, count = 0.0, 0
    for row, tokens in zip(logits, y, strict=True):
        for scores, token in zip(row, tokens, strict=True):
            largest = scores.max()
            total += largest + np.log(np.exp(scores - largest).sum()) - scores[token]
            count += 1
            if token == 0:
                break
    return float(total / count)


def _wrong(
    which: Callable[[Array], Array] = counted,
    surprise: Callable[[Array, Array], Array] = lambda logits, y: -chosen(log_softmax(logits), y),
    mean: Callable[[Array, Array], float] = lambda each, mask: each[mask].mean(),
) -> Callable[[Array, Array], float]:
    """The loss with one part changed."""

    def answer(logits: Array, y: Array) -> float:
        with np.errstate(all="ignore"):
            return float(mean(surprise(logits, y), which(y)))

    return answer


def _overflowing(logits: Array, y: Array) -> Array:
    e = np.exp(logits)
    return -np.log(chosen(e / e.sum(axis=2, keepdims=True), y))


def _log_of_softmax(logits: Array, y: Array) -> Array:
    e = np.exp(logits - logits.max(axis=2, keepdims=True))
    return -np.log(chosen(e / e.sum(axis=2, keepdims=True), y))


def _one_maximum(logits: Array, y: Array) -> Array:
    shifted = logits - logits.max()
    return np.log(np.exp(shifted).sum(axis=2)) - chosen(shifted, y)


def _second_zero(y: Array) -> Array:
    zeros = np.cumsum(y == 0, axis=1)
    return zeros - (y == 0) < 2


def _shifted(logits: Array, y: Array) -> Array:
    late = np.concatenate([y[:, 1:], np.zeros_like(y[:, :1])], axis=1)
    return -chosen(log_softmax(logits), late)


def _batches(rng: np.random.Generator) -> list[Case]:
    def draw(y: list[list[int]], label: str, scale: float = 1.0, shift: float = 0.0) -> Case:
        logits = (scale * rng.normal(size=(*np.shape(y), 5))).round(2) + shift
        return case(logits, np.array(y), label=label)

    return [
        draw([[3, 1, 0]], "one target and its end"),
        draw([[2, 4, 1], [1, 1, 3]], "no end in sight"),
        draw([[3, 1, 4, 2, 0], [2, 0, 0, 0, 0]], "a long one and a short one"),
        draw([[0, 0, 0], [1, 2, 0], [4, 0, 0]], "an empty one"),
        draw([[3, 0, 0, 0], [2, 1, 0, 0], [4, 4, 2, 0]], "large logits", scale=20.0, shift=1000.0),
        draw([[1, 0, 0, 0, 0, 0]], "mostly padding"),
        draw([[2, 1, 0], [3, 0, 0]], "logits far apart", scale=2000.0),
    ]


FORCED = Exercise(
    id="sequence_to_sequence/forced_loss",
    section=SECTION,
    title="Learn the end, not the padding",
    reference=forced_loss,
    cases=_batches,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _wrong(which=lambda y: np.ones(y.shape, bool)),
            "All places count, padding as well. Easy zeros make the loss look small: stop at the first 0.",
        ),
        Mistake(
            _wrong(which=lambda y: y != 0),
            "No 0 counts, so the net never learns to stop. The first 0 of a target is its end, and counts.",
        ),
        Mistake(_wrong(which=_second_zero), "The second 0 counts as well. Only the first one ends a target."),
        Mistake(
            _wrong(mean=lambda each, mask: ((each * mask).sum(axis=1) / mask.sum(axis=1)).mean()),
            "This is the mean of the targets' means: a token of a short target counts more. Take one mean over all tokens.",
        ),
        Mistake(
            _wrong(mean=lambda each, mask: (each * mask).sum()),
            "This is the sum. Divide by the number of tokens that count.",
        ),
        Mistake(
            _wrong(mean=lambda each, mask: (each * mask).mean()),
            "The sum is right, but it is divided by all places, padding included.",
        ),
        Mistake(
            _wrong(mean=lambda each, mask: (each * mask).sum() / len(each)),
            "The sum is divided by the number of targets. Divide by the number of tokens that count.",
        ),
        Mistake(
            _wrong(surprise=_overflowing),
            "Large logits overflow. Subtract the largest one of each place first.",
        ),
        Mistake(
            _wrong(surprise=_log_of_softmax),
            "The probability of an unlikely token underflows to 0. Take log-sum-exp less the token's logit, without a quotient.",
        ),
        Mistake(
            _wrong(surprise=_one_maximum),
            "One maximum is subtracted from all logits, and at other places all exponentials underflow. Each place has its own.",
        ),
        Mistake(
            _wrong(surprise=lambda logits, y: -np.exp(chosen(log_softmax(logits), y))),
            "The logarithm is missing: this is minus the mean probability.",
        ),
        Mistake(
            _wrong(surprise=lambda logits, y: chosen(log_softmax(logits), y)),
            "The sign is wrong: a loss is minus the log-probability.",
        ),
        Mistake(
            _wrong(surprise=lambda logits, y: -chosen(log_softmax(logits, axis=1), y)),
            "The softmax runs over the places. At each place, the probabilities of the tokens sum to 1.",
        ),
        Mistake(
            _wrong(surprise=_shifted),
            "The targets are shifted once more. The logits at a place are of the token at that very place.",
        ),
    ],
    hint="A token counts if no 0 stands before it. Take the log-softmax of the logits at the tokens that count, and the mean.",
)
