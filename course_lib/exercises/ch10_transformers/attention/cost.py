"""The exercise on the online softmax: two halves become one."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/attention"
Array = np.ndarray
State = tuple[Array, Array]  # output (l, e), and log of the sum of the exponentials (l,)


def merge(y1: Array, lse1: Array, y2: Array, lse2: Array) -> State:
    """Weigh each half by its sum of exponentials, relative to the larger one."""
    lse = np.logaddexp(lse1, lse2)
    return np.exp(lse1 - lse)[:, None] * y1 + np.exp(lse2 - lse)[:, None] * y2, lse


def _by_maximum(y1: Array, lse1: Array, y2: Array, lse2: Array) -> State:
    m = np.maximum(lse1, lse2)
    a, b = np.exp(lse1 - m), np.exp(lse2 - m)
    z = a + b
    return (a[:, None] * y1 + b[:, None] * y2) / z[:, None], m + np.log(z)


def _by_sigmoid(y1: Array, lse1: Array, y2: Array, lse2: Array) -> State:
    with np.errstate(over="ignore"):
        share = (1 / (1 + np.exp(lse2 - lse1)))[:, None]
    return y2 + share * (y1 - y2), np.logaddexp(lse2, lse1)


def _wrong(
    output: Callable[..., Array] | None = None, total: Callable[[Array, Array], Array] | None = None
) -> Callable[..., State]:
    """Another output, or another sum."""

    def answer(y1: Array, lse1: Array, y2: Array, lse2: Array) -> State:
        with np.errstate(all="ignore"):
            y, lse = merge(y1, lse1, y2, lse2)
            return output(y1, lse1, y2, lse2) if output else y, total(lse1, lse2) if total else lse

    return answer


def _shares(y1: Array, a: Array, y2: Array, b: Array) -> Array:
    return (a[:, None] * y1 + b[:, None] * y2) / (a + b)[:, None]


def _winner(y1: Array, lse1: Array, y2: Array, lse2: Array) -> Array:
    return np.where(lse1[:, None] > lse2[:, None], y1, y2)


def _plain(y1: Array, lse1: Array, y2: Array, lse2: Array) -> State:
    with np.errstate(all="ignore"):
        a, b = np.exp(lse1), np.exp(lse2)
        return _shares(y1, a, y2, b), np.log(a + b)


def _sums(y1: Array, lse1: Array, y2: Array, lse2: Array) -> State:
    m = np.maximum(lse1, lse2)
    return merge(y1, lse1, y2, lse2)[0], np.exp(lse1 - m) + np.exp(lse2 - m)


def _one_maximum(y1: Array, lse1: Array, y2: Array, lse2: Array) -> State:
    m = max(lse1.max(), lse2.max())
    with np.errstate(all="ignore"):
        a, b = np.exp(lse1 - m), np.exp(lse2 - m)
        return _shares(y1, a, y2, b), m + np.log(a + b)


def _from_the_first(y1: Array, lse1: Array, y2: Array, lse2: Array) -> State:
    with np.errstate(all="ignore"):
        ratio = np.exp(lse2 - lse1)
        return _by_sigmoid(y1, lse1, y2, lse2)[0], lse1 + np.log(1 + ratio)


def _halves(rng: np.random.Generator) -> list[Case]:
    def draw(
        n_queries: int, e: int, first: int, second: int, label: str, shift: float = 0.0, gap: float = 0.0
    ) -> Case:
        parts: list[Array] = []
        for n, more in ((first, 0.0), (second, gap)):
            s = rng.normal(size=(n_queries, n)) + shift + more
            lse = np.logaddexp.reduce(s, axis=1)
            parts += [(np.exp(s - lse[:, None]) @ rng.normal(size=(n, e))).round(3), lse.round(3)]
        return case(*parts, label=label)

    return [
        case(
            np.array([[1.0]]),
            np.zeros(1),
            np.array([[3.0]]),
            np.log([3.0]),
            label="1 key, and 3 with score 0",
        ),
        draw(2, 3, 4, 4, "two queries"),
        draw(3, 2, 1, 9, "halves of unlike size"),
        draw(4, 1, 5, 2, "the second half fits much better", gap=3.0),
        draw(2, 2, 3, 3, "scores around 1000", shift=1000.0),
        draw(2, 2, 3, 3, "scores around -1000", shift=-1000.0),
        case(
            np.array([[1.0, 2], [3, 4], [5, 6]]),
            np.array([1000.0, -1000, 1500]),
            np.array([[3.0, 3], [1, 0], [2, 2]]),
            np.array([1001.0, -1002, -1500]),
            label="one query scores high, one low, one fits the first half only",
        ),
        case(
            np.array([[1.0, 2]]),
            np.array([-800.0]),
            np.array([[3.0, 4]]),
            np.array([800.0]),
            label="it fits the second half only",
        ),
    ]


MERGE = Exercise(
    id="attention/merge",
    section=SECTION,
    title="Two halves become one",
    reference=merge,
    cases=_halves,
    alternatives=[_by_maximum, _by_sigmoid],
    mistakes=[
        Mistake(
            _wrong(lambda y1, a, y2, b: (y1 + y2) / 2),
            "Both halves count the same. The one with the larger sum of exponentials holds more of the weight.",
        ),
        Mistake(
            _wrong(lambda y1, a, y2, b: y1 + y2),
            "The outputs are added. Each is an average already, so that their sum is no average: weigh them.",
        ),
        Mistake(
            _wrong(lambda y1, a, y2, b: _shares(y1, a, y2, b)),
            "The weights are the logarithms themselves. Take the exponential first.",
        ),
        Mistake(
            _wrong(lambda y1, a, y2, b: merge(y1, b, y2, a)[0]),
            "The weights are exchanged: the first half is weighed by the sum of the second.",
        ),
        Mistake(
            _wrong(_winner),
            "Only the half with the larger sum counts. The other has a share as well, if a smaller one.",
        ),
        Mistake(
            _wrong(
                lambda y1, a, y2, b: (
                    np.exp(a - np.maximum(a, b))[:, None] * y1 + np.exp(b - np.maximum(a, b))[:, None] * y2
                )
            ),
            "The weights of the two halves do not sum to 1. Divide by their sum.",
        ),
        Mistake(
            _wrong(total=lambda a, b: a + b),
            "The logarithms are added, which multiplies the sums. Add the sums.",
        ),
        Mistake(
            _wrong(total=np.maximum),
            "The second result is the larger of the two logarithms. The smaller sum has to be added to it.",
        ),
        Mistake(
            _wrong(total=lambda a, b: np.logaddexp(a, b) - np.log(2)),
            "The second result is the logarithm of the mean of the sums. Take that of their sum.",
        ),
        Mistake(
            _sums,
            "The second result is a sum relative to the larger one. Return the logarithm of the whole sum.",
        ),
        Mistake(
            _one_maximum,
            "One largest logarithm is subtracted for all queries: those far below it become 0 / 0. Each has its own.",
        ),
        Mistake(
            _from_the_first,
            "The sum is taken relative to the first half. Where the second is far larger, the quotient overflows: "
            "subtract the larger of the two.",
        ),
        Mistake(
            _wrong(lambda y1, a, y2, b: _shares(y1, np.exp(a), y2, np.exp(b))),
            "The second result is right. The weights overflow, or become 0 / 0: subtract the logarithm of the whole "
            "sum before the exponential.",
        ),
        Mistake(
            _plain,
            "This overflows, or divides 0 by 0, where scores are far from 0. Subtract the larger logarithm first.",
        ),
    ],
    hint="A half's weights were divided by exp(lse) of that half. Now they must be divided by the sum of both.",
)
