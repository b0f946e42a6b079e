"""Exercises on mixtures: a density that must not underflow, and EM that is told some labels."""

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/why_generate"
Array = np.ndarray

# the log density of a mixture


def log_mixture(x: Array, w: Array, means: Array, std: Array) -> Array:
    """log sum_j w_j N(x; m_j, s_j^2 I) for every row, by log-sum-exp."""
    squares = ((x[:, None] - means) ** 2).sum(axis=2)
    normal = -squares / (2 * std**2) - x.shape[1] * np.log(std * np.sqrt(2 * np.pi))
    return logsumexp(np.log(w) + normal, axis=1)


def _by_hand(x: Array, w: Array, means: Array, std: Array) -> Array:
    answers = []
    for row in x:
        terms = []
        for weight, mean, s in zip(w, means, std, strict=True):
            z = (row - mean) / s
            terms.append(np.log(weight) - np.sum(z * z + np.log(2 * np.pi * s**2)) / 2)
        top = max(terms)
        answers.append(top + np.log(sum(np.exp(term - top) for term in terms)))
    return np.array(answers)


def _with(
    squares: Callable[[Array, Array], Array] = lambda s, std: s / (2 * std**2),
    constant: Callable[[int, Array], Array] = lambda d, std: d * np.log(std * np.sqrt(2 * np.pi)),
    join: Callable[[Array, Array], Array] = lambda w, normal: logsumexp(np.log(w) + normal, axis=1),
) -> Callable[..., Array]:
    """Another exponent, another constant, or another way to join the components."""

    def answer(x: Array, w: Array, means: Array, std: Array) -> Array:
        distances = ((x[:, None] - means) ** 2).sum(axis=2)
        return join(w, -squares(distances, std) - constant(x.shape[1], std))

    return answer


def _underflow(w: Array, normal: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.log((w * np.exp(normal)).sum(axis=1))


def _mixtures(rng: np.random.Generator) -> list[Case]:
    def mixture(n: int, d: int, k: int, label: str, scale: float = 1.0) -> Case:
        w = rng.integers(1, 6, k).astype(float)
        std = rng.integers(2, 9, k) / 4
        means = scale * rng.normal(size=(k, d)).round(2)
        return case(scale * rng.normal(size=(n, d)).round(2), w / w.sum(), means, std, label=label)

    return [
        mixture(3, 1, 2, "two components on a line"),
        mixture(5, 2, 3, "three in the plane"),
        mixture(2, 4, 1, "a single component"),
        mixture(4, 900, 3, "pictures of 900 pixels"),
        mixture(3, 3, 4, "points far from everything", scale=60.0),
    ]


LOG_MIXTURE = Exercise(
    id="why_generate/log_mixture",
    section=SECTION,
    title="A mixture that does not underflow",
    reference=log_mixture,
    cases=_mixtures,
    alternatives=[_by_hand],
    mistakes=[
        Mistake(
            _with(join=_underflow),
            "Right on paper, and minus infinity where every density is too small for a float. Take the largest logarithm out before the exponential.",
        ),
        Mistake(
            _with(constant=lambda d, std: np.log(std) + d * np.log(2 * np.pi) / 2),
            "The logarithm of the standard deviation is subtracted once. There is one for each of the d coordinates.",
        ),
        Mistake(
            _with(constant=lambda d, std: d * np.log(std) + np.log(2 * np.pi) / 2),
            "The factor (2 pi)^(-1/2) is taken once. There is one for each of the d coordinates.",
        ),
        Mistake(
            _with(constant=lambda d, std: 0 * std),
            "The constant of the normal density is missing: wide components would win everywhere.",
        ),
        Mistake(
            _with(squares=lambda s, std: s / (2 * std)),
            "The squared distance is divided by the standard deviation. Divide by the variance.",
        ),
        Mistake(
            _with(squares=lambda s, std: s / std**2),
            "The factor 1/2 in front of the squared distance is missing.",
        ),
        Mistake(
            _with(squares=lambda s, std: np.sqrt(s) / (2 * std**2)),
            "The distance is not squared. The exponent of a normal density has the square of it.",
        ),
        Mistake(
            _with(join=lambda w, normal: logsumexp(normal, axis=1)),
            "The components are added without their weights.",
        ),
        Mistake(
            _with(join=lambda w, normal: logsumexp(normal, axis=1) - np.log(len(w))),
            "All components count alike. Use the weights w.",
        ),
        Mistake(
            _with(join=lambda w, normal: normal @ w),
            "This is the weighted mean of the logarithms. The mixture is the logarithm of the weighted sum.",
        ),
        Mistake(
            _with(join=lambda w, normal: (np.log(w) + normal).max(axis=1)),
            "Only the component that contributes most is counted. Add the others, too.",
        ),
        Mistake(
            _with(join=lambda w, normal: np.exp(logsumexp(np.log(w) + normal, axis=1))),
            "This is the density. Its logarithm is asked for.",
        ),
    ],
    hint="log sum_j exp(a_j) = top + log sum_j exp(a_j - top), with top the largest a_j, and a_j the logarithm of w_j N_j.",
)

# one round of EM with some labels


def labelled_round(x: Array, y: Array, w: Array, m: Array, std: float) -> tuple[Array, Array]:
    """Weights and means after one round; points with y >= 0 belong to that component."""
    r = _responsibilities(x, w, m, std)
    known = y >= 0
    r[known] = np.eye(len(w))[y[known]]
    N = r.sum(axis=0)
    return N / len(x), x @ r / N


def _responsibilities(x: Array, w: Array, m: Array, std: float) -> Array:
    a = np.log(w) - (x[:, None] - m) ** 2 / (2 * std**2)
    return np.exp(a - logsumexp(a, axis=1, keepdims=True))


def _by_points(x: Array, y: Array, w: Array, m: Array, std: float) -> tuple[Array, Array]:
    k = len(w)
    counts, sums = np.zeros(k), np.zeros(k)
    for point, label in zip(x, y, strict=True):
        share = w * np.exp(-((point - m) ** 2) / (2 * std**2))
        share = share / share.sum() if label < 0 else np.arange(k) == label
        counts, sums = counts + share, sums + share * point
    return counts / counts.sum(), sums / counts


def _round(
    expect: Callable[..., Array] = _responsibilities,
    told: Callable[[Array, Array], Array] | None = None,
    maximize: Callable[[Array, Array], tuple[Array, Array]] = lambda x, r: (
        r.sum(axis=0) / len(x),
        x @ r / r.sum(axis=0),
    ),
) -> Callable[..., tuple[Array, Array]]:
    """Another E step, another use of the labels, or another M step."""

    def answer(x: Array, y: Array, w: Array, m: Array, std: float) -> tuple[Array, Array]:
        r = expect(x, w, m, std)
        r = (told or _one_hot)(r, y)
        return maximize(x, r)

    return answer


def _one_hot(r: Array, y: Array) -> Array:
    return np.where((y >= 0)[:, None], np.eye(r.shape[1])[np.maximum(y, 0)], r)


def _hard(x: Array, w: Array, m: Array, std: float) -> Array:
    return np.eye(len(w))[_responsibilities(x, w, m, std).argmax(axis=1)]


def _over_points(x: Array, w: Array, m: Array, std: float) -> Array:
    r = w * np.exp(-((x[:, None] - m) ** 2) / (2 * std**2))
    return r / r.sum(axis=0)


def _labels_alone(x: Array, y: Array, w: Array, m: Array, std: float) -> tuple[Array, Array]:
    r = np.eye(len(w))[y[y >= 0]]
    return r.mean(axis=0), x[y >= 0] @ r / r.sum(axis=0)


def _swapped(x: Array, y: Array, w: Array, m: Array, std: float) -> tuple[Array, Array]:
    weights, means = labelled_round(x, y, w, m, std)
    return means, weights


def _series(rng: np.random.Generator) -> list[Case]:
    def series(k: int, n: int, known: int, std: float, label: str) -> Case:
        y = np.full(n, -1)
        y[: max(known, k)] = np.arange(max(known, k)) % k
        x = (2 * rng.integers(0, k, n) + rng.normal(size=n)).round(2)
        order = rng.permutation(n)
        w = rng.integers(1, 5, k).astype(float)
        m = (2 * np.arange(k) + rng.normal(size=k) / 2).round(2)
        return case(x[order], y[order], w / w.sum(), m, std, label=label)

    unsorted = case(
        np.array([3.5, -0.5, 0.75, 2.5, 1.25]),
        np.array([0, -1, 1, -1, -1]),
        np.array([0.25, 0.75]),
        np.array([3.0, 0.25]),
        1.25,
        label="the first component lies to the right",
    )
    return [
        series(2, 6, 2, 1.0, "two components, a label each"),
        series(3, 20, 3, 0.5, "three components"),
        series(2, 9, 7, 1.5, "mostly labelled"),
        series(3, 12, 5, 2.0, "wide components"),
        series(4, 30, 4, 0.75, "four components"),
        unsorted,
    ]


LABELS = Exercise(
    id="why_generate/labels",
    section=SECTION,
    title="EM that is told some labels",
    reference=labelled_round,
    cases=_series,
    alternatives=[_by_points],
    mistakes=[
        Mistake(
            _round(told=lambda r, y: r),
            "The labels change nothing. A point with a label belongs to its component with responsibility 1.",
        ),
        Mistake(
            _round(told=lambda r, y: np.where((y > 0)[:, None], np.eye(r.shape[1])[y], r)),
            "Points with label 0 are taken for unlabelled ones. 0 is a component as any other; only -1 says unknown.",
        ),
        Mistake(
            _labels_alone,
            "Only the labelled points count: nothing is learned from the others. Let them count with their responsibilities.",
        ),
        Mistake(
            _round(told=lambda r, y: np.eye(r.shape[1])[y]),
            "A label of -1 is taken for the last component, as Python counts from the end. It says that the component is unknown.",
        ),
        Mistake(
            _round(told=lambda r, y: r + np.where((y >= 0)[:, None], np.eye(r.shape[1])[y], 0)),
            "A labelled point counts twice: by its label and by its responsibilities. The label replaces these.",
        ),
        Mistake(
            _round(expect=_hard),
            "Each unlabelled point goes to its most probable component as a whole. EM splits it by responsibility.",
        ),
        Mistake(
            _round(expect=lambda x, w, m, std: _responsibilities(x, np.ones_like(w), m, std)),
            "The responsibilities leave out the weights: a frequent component is the more probable one.",
        ),
        Mistake(
            _round(expect=lambda x, w, m, std: _responsibilities(x, w, m, np.sqrt(std))),
            "The squares are divided by the standard deviation. Divide by twice the variance.",
        ),
        Mistake(
            _round(expect=_over_points),
            "The responsibilities sum to 1 over the points. For each point they should sum to 1 over the components.",
        ),
        Mistake(
            _round(maximize=lambda x, r: (r.sum(axis=0) / len(x), x @ r / len(x))),
            "The means are divided by the number of points. Divide by the component's own share N_j of them.",
        ),
        Mistake(
            _round(maximize=lambda x, r: (r.sum(axis=0), x @ r / r.sum(axis=0))),
            "The weights are counts here. Divide by the number of points, so that they sum to 1.",
        ),
        Mistake(_swapped, "The two results are in the wrong order: weights first, then means."),
    ],
    hint="Compute all responsibilities; overwrite the rows of labelled points with a 1 and zeros; then the M step.",
)
