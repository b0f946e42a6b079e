"""Exercises on what an Inception module hands on, and on the loss of a network with auxiliary heads."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/inception"

Columns = tuple[int, int, int, int, int, int]

# channels


def channels_after(c_in: int, modules: Sequence[Columns]) -> list[int]:
    """Add up what the branches end with; without a 1x1 behind it the pooling hands on its input."""
    found = []
    for one, _, three, _, five, pool_proj in modules:
        c_in = one + three + five + (pool_proj or c_in)
        found.append(c_in)
    return found


def _each(step: Callable[[int, Columns], int]) -> Callable[[int, Sequence[Columns]], list[int]]:
    """A wrong count: what a module makes of its input's channels and its columns."""

    def answer(c_in: int, modules: Sequence[Columns]) -> list[int]:
        found = []
        for row in modules:
            c_in = step(c_in, row)
            found.append(c_in)
        return found

    return answer


CHANNELS = Exercise(
    id="inception/channels",
    section=SECTION,
    title="Channels through a chain of modules",
    reference=channels_after,
    cases=[
        case(192, [(64, 96, 128, 16, 32, 32)], label="module 3a"),
        case(192, [(64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)], label="modules 3a and 3b"),
        case(50, [(30, 10, 20, 5, 10, 0)], label="a pooling without a 1x1"),
        case(10, [(1, 2, 3, 4, 5, 0), (1, 2, 3, 4, 5, 0), (1, 2, 3, 4, 5, 0)], label="three of these"),
        case(
            20,
            [(4, 2, 6, 1, 3, 2), (0, 8, 16, 4, 8, 0), (5, 3, 7, 2, 4, 1)],
            label="a module without a 1x1 branch",
        ),
        case(7, [], label="no module"),
    ],
    mistakes=[
        Mistake(
            _each(lambda c, row: sum(row) + (0 if row[5] else c)),
            "All columns are added up. The 1x1 convolutions in front feed the 3x3 and the 5x5; only what a branch ends with is concatenated.",
        ),
        Mistake(
            _each(lambda c, row: row[0] + row[2] + row[4] + row[5]),
            "A pooling without a 1x1 counts nothing here. It hands on all channels of its input.",
        ),
        Mistake(
            _each(lambda c, row: row[0] + row[2] + row[4] + row[5] + c),
            "The module's input is added always. The pooling hands it on only where no 1x1 follows, pool_proj = 0.",
        ),
        Mistake(
            lambda c_in, modules: [m[0] + m[2] + m[4] + (m[5] or c_in) for m in modules],
            "Every pooling hands on the channels of the first input. It sees the module before it: carry the number along.",
        ),
        Mistake(
            _each(lambda c, row: row[2] + row[4] + (row[5] or c)),
            "The branch of the 1x1 alone, the first column, is missing.",
        ),
        Mistake(
            _each(lambda c, row: row[0] + row[1] + row[3] + (row[5] or c)),
            "The columns of the 1x1 in front are taken for those of the 3x3 and the 5x5. A branch ends with its large kernel.",
        ),
        Mistake(
            _each(lambda c, row: max(row[0], row[2], row[4], row[5] or c)),
            "This is the widest branch. Maps of the branches are put on top of one another, so their channels add up.",
        ),
    ],
    hint="Four branches, four terms. Keep the current number of channels in a variable.",
)

# the loss

Array = NDArray[np.float64]


def _mean_cross_entropy(logits: Array, labels: Array) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return float((log_sum - shifted[np.arange(len(labels)), labels]).mean())


def total_loss(logits: Array, heads: Sequence[Array], labels: Array, weight: float = 0.3) -> float:
    """The main loss, and the weighted sum of the heads'."""
    extra = sum(_mean_cross_entropy(head, labels) for head in heads)
    return _mean_cross_entropy(logits, labels) + weight * extra


def _by_hand(logits: Array, heads: Sequence[Array], labels: Array, weight: float = 0.3) -> float:
    total = 0.0
    for factor, z in zip([1.0, *[weight] * len(heads)], [logits, *heads], strict=True):
        for row, label in zip(z, labels, strict=True):
            total += factor * (np.logaddexp.reduce(row) - row[label]) / len(labels)
    return total


def _of(
    combine: Callable[[float, list[float], float], float],
    loss: Callable[[Array, Array], float] = _mean_cross_entropy,
) -> Callable[[Array, Sequence[Array], Array, float], float]:
    """A wrong total: how the losses are combined, or what each loss is."""

    def answer(logits: Array, heads: Sequence[Array], labels: Array, weight: float = 0.3) -> float:
        with np.errstate(all="ignore"):
            return combine(loss(logits, labels), [loss(head, labels) for head in heads], weight)

    return answer


def _right(main: float, others: list[float], weight: float) -> float:
    return main + weight * sum(others)


def _overflowing(logits: Array, labels: Array) -> float:
    return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]).mean())


def _mean_probability(logits: Array, labels: Array) -> float:
    return 1 - float(np.exp(-_each_loss(logits, labels)).mean())


def _each_loss(logits: Array, labels: Array) -> Array:
    return np.array([_mean_cross_entropy(z[None], labels[i : i + 1]) for i, z in enumerate(logits)])


def _batches(rng: np.random.Generator) -> list[Case]:
    def drawn(n: int, k: int, heads: int, scale: float = 2.0) -> tuple[Array, list[Array], NDArray[np.int64]]:
        z = scale * rng.normal(size=(1 + heads, n, k))
        return z[0], list(z[1:]), rng.integers(0, k, n)

    return [
        case(*drawn(1, 3, 2), label="one image"),
        case(*drawn(5, 4, 2), label="five images, GoogLeNet's two heads"),
        case(*drawn(6, 10, 1), 0.4, label="one head of weight 0.4, as in Inception v3"),
        case(*drawn(4, 3, 3), 0.5, label="three heads"),
        case(*drawn(4, 3, 0), label="no heads"),
        case(*drawn(4, 5, 2), 0.0, label="a weight of 0"),
        case(*drawn(5, 4, 2, 1000.0), label="logits in the thousands"),
    ]


TOTAL_LOSS = Exercise(
    id="inception/total_loss",
    section=SECTION,
    title="The loss with auxiliary heads",
    reference=total_loss,
    cases=_batches,
    alternatives=[_by_hand],
    mistakes=[
        Mistake(
            _of(lambda main, others, w: main + w * (sum(others) / len(others) if others else 0.0)),
            "The heads' losses are averaged. They are added up, each with the weight.",
        ),
        Mistake(
            _of(lambda main, others, w: w * (main + sum(others))),
            "The weight is on the main loss, too. That one counts in full.",
        ),
        Mistake(
            _of(lambda main, others, w: (1 - w) * main + w * sum(others)),
            "The main loss is multiplied by 1 - weight. It counts in full; the heads' losses come on top.",
        ),
        Mistake(
            _of(lambda main, others, w: main + sum(others)),
            "The heads' losses count in full. Multiply them by the weight.",
        ),
        Mistake(
            _of(lambda main, others, w: main + w * sum(others[:1])),
            "Only the first head is counted.",
        ),
        Mistake(
            _of(lambda main, others, w: main),
            "The heads are left out.",
        ),
        Mistake(
            _of(_right, lambda z, y: _mean_cross_entropy(z, y) * len(y)),
            "The loss is summed over the images of the batch. It is their mean.",
        ),
        Mistake(
            _of(_right, _overflowing),
            "Right on paper, but the exponential of a large logit overflows. Subtract each row's largest logit first.",
        ),
        Mistake(
            _of(_right, _mean_probability),
            "This is one minus the label's probability. Cross-entropy is the negative logarithm of that probability.",
        ),
        Mistake(
            _of(_right, lambda z, y: -_mean_cross_entropy(z, y)),
            "The sign is wrong: a loss is the negative logarithm of the label's probability.",
        ),
    ],
    hint="Write a function for the mean cross-entropy of one array of logits, and call it for the network and for each head.",
)
