"""The exercise on a test for memorization."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/evaluation"
Array = np.ndarray


def _nearest(x: Array, y: Array) -> Array:
    return np.sqrt(((x[:, None] - y[None]) ** 2).sum(axis=2)).min(axis=1)


def _share(near: Array, far: Array) -> float:
    """Share of pairs in which the first is smaller; equal ones count half."""
    less = near[:, None] < far[None]
    return float((less + 0.5 * (near[:, None] == far[None])).mean())


def nearer(samples: Array, training: Array, held_out: Array) -> float:
    """P(distance of a sample < distance of a held-out row), each to its nearest training row."""
    return _share(_nearest(samples, training), _nearest(held_out, training))


def _by_ranks(samples: Array, training: Array, held_out: Array) -> float:
    a, b = _nearest(samples, training), _nearest(held_out, training)
    wins = sum((y > x) + 0.5 * (y == x) for x in a for y in b)
    return float(wins / (len(a) * len(b)))


def _of(first: Callable[..., Array], second: Callable[..., Array]) -> Callable[..., float]:
    """Other distances compared."""

    def answer(samples: Array, training: Array, held_out: Array) -> float:
        return _share(first(samples, training, held_out), second(samples, training, held_out))

    return answer


def _to_training(samples: Array, training: Array, held_out: Array) -> Array:
    return _nearest(samples, training)


def _null(samples: Array, training: Array, held_out: Array) -> Array:
    return _nearest(held_out, training)


def _ties(weight: float) -> Callable[..., float]:
    def answer(samples: Array, training: Array, held_out: Array) -> float:
        a, b = _nearest(samples, training)[:, None], _nearest(held_out, training)[None]
        return float(((a < b) + weight * (a == b)).mean())

    return answer


def _below_the_mean(samples: Array, training: Array, held_out: Array) -> float:
    return float((_nearest(samples, training) < _nearest(held_out, training).mean()).mean())


def _ratio(samples: Array, training: Array, held_out: Array) -> float:
    return float(_nearest(samples, training).mean() / _nearest(held_out, training).mean())


def _in_pairs(samples: Array, training: Array, held_out: Array) -> float:
    n = min(len(samples), len(held_out))
    a, b = _nearest(samples, training)[:n], _nearest(held_out, training)[:n]
    return float(((a < b) + 0.5 * (a == b)).mean())


def _second_nearest(x: Array, training: Array) -> Array:
    return np.sort(np.sqrt(((x[:, None] - training[None]) ** 2).sum(axis=2)), axis=1)[:, 1]


def _sets(rng: np.random.Generator) -> list[Case]:
    def drawn(n: int, d: int, scale: float = 10.0) -> Array:
        return (scale * rng.normal(size=(n, d))).round()  # whole numbers: equal distances are equal exactly

    line = np.array([[0.0], [4.0], [10.0]])
    training = drawn(12, 3)
    on_a_line = np.array([[1.0], [5], [7]]), line, np.array([[2.0], [11], [6], [13]])
    grid = np.array([[0.0, 0], [3, 3], [9, 9]])
    beside = np.array([[0.0, 1], [0, 1], [3, 3]]), grid, np.array([[1.0, 0], [3, 3], [8, 9], [5, 5]])
    return [
        case(*on_a_line, label="on a line, with ties"),
        case(training[:5].copy(), training, drawn(7, 3), label="a copier"),
        case(training[:6] + 1, training, drawn(9, 3), label="a copier who moves every number by 1"),
        case(drawn(8, 3), training, drawn(6, 3), label="fresh rows from the source"),
        case(drawn(6, 3, 30.0), training, drawn(10, 3), label="far from everything"),
        case(*beside, label="many ties"),
    ]


NEARER = Exercise(
    id="evaluation/copying",
    section=SECTION,
    title="A test for copying without a threshold",
    reference=nearer,
    cases=_sets,
    alternatives=[_by_ranks],
    mistakes=[
        Mistake(
            lambda samples, training, held_out: 1 - nearer(samples, training, held_out),
            "This is the share of pairs in which the held-out row is nearer. A copier should come near 1.",
        ),
        Mistake(_ties(0.0), "Ties do not count. Each counts half, or a fair model would come out below 1/2."),
        Mistake(
            _ties(1.0), "Ties count in full. Each counts half, or a fair model would come out above 1/2."
        ),
        Mistake(
            _of(lambda s, t, h: _nearest(s, h), _null),
            "The samples are held against the held-out rows. Both are to be held against the training rows.",
        ),
        Mistake(
            _of(_to_training, lambda s, t, h: _nearest(s, h)),
            "You compare a sample's distance to the training rows with that to the held-out rows. The null is how near held-out rows come to training rows.",
        ),
        Mistake(
            _of(lambda s, t, h: _nearest(t, s), lambda s, t, h: _nearest(t, h)),
            "These are distances from each training row to the nearest sample. Search the other way: for each sample the nearest training row.",
        ),
        Mistake(
            _of(
                lambda s, t, h: np.linalg.norm(s[:, None] - t[None], axis=2).mean(axis=1),
                lambda s, t, h: np.linalg.norm(h[:, None] - t[None], axis=2).mean(axis=1),
            ),
            "These are mean distances to all training rows. A copy is near to one: take the smallest.",
        ),
        Mistake(
            _of(lambda s, t, h: _second_nearest(s, t), lambda s, t, h: _second_nearest(h, t)),
            "The nearest training row was skipped. Samples are no training rows, so that distance 0 is a copy, not the row itself.",
        ),
        Mistake(
            _below_the_mean,
            "The samples are compared with the mean of the null. Compare with every held-out row, which needs no threshold.",
        ),
        Mistake(_ratio, "This is a ratio of mean distances, which one far sample can spoil. Count pairs."),
        Mistake(
            _in_pairs,
            "Only pairs of the same index are compared. Compare every sample with every held-out row.",
        ),
        Mistake(
            lambda samples, training, held_out: 2 * nearer(samples, training, held_out) - 1,
            "This is the share of pairs won less the share lost, from -1 to 1: a fair model gets 0. Asked for is the probability, 1/2 for a fair model.",
        ),
    ],
    hint="First two vectors: nearest training distance of each sample, and of each held-out row. Then all pairs of them.",
)
