"""Exercises on drawing: one point after its component, and what is hidden after what is seen."""

from collections.abc import Callable

import numpy as np
from scipy.special import expit, ndtri

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/why_generate"
Array = np.ndarray

# ancestral sampling by inverse transform


def ancestral(u: Array, v: Array, w: Array, m: Array, s: Array) -> tuple[Array, Array]:
    """The component for each u, and the logistic quantile of it for each v."""
    j = np.searchsorted(np.cumsum(w), u, side="right")
    return j, m[j] + s[j] * np.log(v / (1 - v))


def _by_loop(u: Array, v: Array, w: Array, m: Array, s: Array) -> tuple[Array, Array]:
    chosen = []
    for number in u:
        j = 0
        while number >= w[: j + 1].sum():
            j += 1
        chosen.append(j)
    return np.array(chosen), np.array(
        [m[j] - s[j] * np.log(1 / q - 1) for j, q in zip(chosen, v, strict=True)]
    )


def _component(u: Array, w: Array) -> Array:
    return np.searchsorted(np.cumsum(w), u, side="right")


def _drawn(
    component: Callable[[Array, Array], Array] = _component,
    quantile: Callable[[Array, Array, Array], Array] = lambda v, m, s: m + s * np.log(v / (1 - v)),
) -> Callable[..., tuple[Array, Array]]:
    """Another choice of the component, or another quantile."""

    def answer(u: Array, v: Array, w: Array, m: Array, s: Array) -> tuple[Array, Array]:
        j = component(u, w)
        return j, quantile(v, m[j], s[j])

    return answer


def _one_number(u: Array, v: Array, w: Array, m: Array, s: Array) -> tuple[Array, Array]:
    j = _component(u, w)
    return j, m[j] + s[j] * np.log(u / (1 - u))


def _exchanged(u: Array, v: Array, w: Array, m: Array, s: Array) -> tuple[Array, Array]:
    return ancestral(v, u, w, m, s)


def _mixed_values(u: Array, v: Array, w: Array, m: Array, s: Array) -> tuple[Array, Array]:
    return _component(u, w), m @ w + (s @ w) * np.log(v / (1 - v))


def _swapped(u: Array, v: Array, w: Array, m: Array, s: Array) -> tuple[Array, Array]:
    return ancestral(u, v, w, m, s)[::-1]


def _uniforms(rng: np.random.Generator) -> list[Case]:
    def uniforms(n: int, sixteenths: list[int], label: str) -> Case:
        k = len(sixteenths)
        u, v = (rng.integers(1, 64, (2, n)) * 2 + 1) / 128
        m, s = rng.normal(size=k).round(1) * 3, rng.integers(1, 9, k) / 4
        return case(u, v, np.array(sixteenths) / 16, m, s, label=label)

    border = case(
        np.array([0.25, 0.75, 0.125, 0.5]),
        np.array([0.75, 0.125, 0.625, 0.25]),
        np.array([0.25, 0.5, 0.25]),
        np.array([-4.0, 1, 6]),
        np.array([0.5, 2.0, 1.5]),
        label="on the borders between components",
    )
    return [
        uniforms(4, [4, 12], "two components"),
        uniforms(8, [10, 1, 5], "a rare component"),
        border,
        uniforms(20, [3, 3, 2, 8], "four components"),
        uniforms(12, [0, 9, 0, 7], "components of weight 0"),
    ]


ANCESTRAL = Exercise(
    id="why_generate/ancestral",
    section=SECTION,
    title="Two numbers make a draw",
    reference=ancestral,
    cases=_uniforms,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _drawn(component=lambda u, w: np.floor(u * len(w)).astype(int)),
            "The components are equally likely here. Component j has probability w[j]: compare u with the running sums of w.",
        ),
        Mistake(
            _drawn(component=lambda u, w: np.searchsorted(np.cumsum(w), u, side="left")),
            "At a border, where u equals a running sum of w, this takes the component before it. u must be below the running sum, not equal to it.",
        ),
        Mistake(
            _drawn(component=lambda u, w: np.full(len(u), w.argmax())),
            "Every point comes from the most probable component. The others have their share of the draws, too.",
        ),
        Mistake(
            _one_number,
            "One number decides on component and place, so that these are tied to one another. Use v for the place.",
        ),
        Mistake(_exchanged, "u and v are exchanged: u chooses the component, and v the place in it."),
        Mistake(
            _mixed_values,
            "Means and scales are averaged over the components: that is one wide hill in the middle. A draw comes from one component.",
        ),
        Mistake(
            _drawn(quantile=lambda v, m, s: expit((v - m) / s)),
            "This is F itself at v. Solve F(x) = v for x.",
        ),
        Mistake(
            _drawn(quantile=lambda v, m, s: m + s * np.log((1 - v) / v)),
            "The place is mirrored at the mean: a v near 1 must give a large x.",
        ),
        Mistake(
            _drawn(quantile=lambda v, m, s: m + np.log(v / (1 - v))),
            "The scale s is missing.",
        ),
        Mistake(
            _drawn(quantile=lambda v, m, s: m + np.log(v / (1 - v)) / s),
            "The scale divides. A larger s must spread the draws.",
        ),
        Mistake(
            _drawn(quantile=lambda v, m, s: m + s * ndtri(v)),
            "This is the quantile of a normal distribution. The components are logistic.",
        ),
        Mistake(_swapped, "The two results are in the wrong order: the components first, then the points."),
    ],
    hint="j is the first component whose running sum of weights is above u. Then solve v = 1 / (1 + exp(-(x - m) / s)) for x.",
)

# the hidden part of a normal distribution, given the seen one


def conditional(x: Array, m: Array, S: Array) -> tuple[Array, Array]:
    """Mean and covariance of the entries that are NaN, given the others."""
    h = np.isnan(x)
    s = ~h
    gain = S[np.ix_(h, s)] @ np.linalg.inv(S[np.ix_(s, s)])
    return m[h] + gain @ (x[s] - m[s]), S[np.ix_(h, h)] - gain @ S[np.ix_(s, h)]


def _by_precision(x: Array, m: Array, S: Array) -> tuple[Array, Array]:
    h = np.isnan(x)
    P = np.linalg.inv(S)
    cov = np.linalg.inv(P[h][:, h])
    return m[h] - cov @ P[h][:, ~h] @ (x[~h] - m[~h]), cov


def _one_by_one(x: Array, m: Array, S: Array) -> tuple[Array, Array]:
    """Condition on the seen entries one after the other."""
    m, S = m.copy(), S.copy()
    for i in np.flatnonzero(~np.isnan(x)):
        column = S[:, i] / S[i, i]
        m, S = m + column * (x[i] - m[i]), S - np.outer(column, S[i])
    h = np.isnan(x)
    return m[h], S[np.ix_(h, h)]


def _guess(
    gain: Callable[[Array, Array, Array], Array] = lambda S, h, s: (
        S[np.ix_(h, s)] @ np.linalg.inv(S[np.ix_(s, s)])
    ),
    mean: Callable[[Array, Array, Array, Array, Array], Array] = lambda G, x, m, h, s: (
        m[h] + G @ (x[s] - m[s])
    ),
    cov: Callable[[Array, Array, Array, Array], Array] = lambda G, S, h, s: (
        S[np.ix_(h, h)] - G @ S[np.ix_(s, h)]
    ),
) -> Callable[..., tuple[Array, Array]]:
    """Another gain, mean or covariance."""

    def answer(x: Array, m: Array, S: Array) -> tuple[Array, Array]:
        h, s = np.isnan(x), ~np.isnan(x)
        G = gain(S, h, s)
        return mean(G, x, m, h, s), cov(G, S, h, s)

    return answer


def _whole(x: Array, m: Array, S: Array) -> tuple[Array, Array]:
    mean, cov = conditional(x, m, S)
    filled = x.copy()
    filled[np.isnan(x)] = mean
    return filled, cov


def _holes(rng: np.random.Generator) -> list[Case]:
    def hole(d: int, hidden: list[int], label: str) -> Case:
        A = rng.normal(size=(d, d)).round(1) + np.eye(d)
        x = rng.normal(size=d).round(2) * 2
        x[hidden] = np.nan
        return case(x, rng.normal(size=d).round(2), A @ A.T + 0.5 * np.eye(d), label=label)

    plain = case(
        np.array([2.0, np.nan]),
        np.array([1.0, 5.0]),
        np.array([[4.0, 2.0], [2.0, 3.0]]),
        label="two numbers, the second lost",
    )
    return [
        plain,
        hole(3, [1], "the middle one of three is lost"),
        hole(5, [0, 3], "two of five are lost"),
        hole(6, [0, 1, 2, 4], "most are lost"),
        hole(4, [2, 3], "as many seen as lost"),
    ]


CONDITIONAL = Exercise(
    id="why_generate/conditional",
    section=SECTION,
    title="Fill in what is lost",
    reference=conditional,
    cases=_holes,
    alternatives=[_by_precision, _one_by_one],
    mistakes=[
        Mistake(
            _guess(mean=lambda G, x, m, h, s: m[h] + G @ x[s]),
            "The seen part is used as it is. What tells something is how far it is from its mean.",
        ),
        Mistake(
            _guess(mean=lambda G, x, m, h, s: G @ (x[s] - m[s])),
            "The mean of the hidden part is missing: this is only its change.",
        ),
        Mistake(
            _guess(mean=lambda G, x, m, h, s: m[h] - G @ (x[s] - m[s])),
            "The change has the wrong sign: with a positive covariance, a seen number above its mean lifts the hidden one.",
        ),
        Mistake(
            _guess(mean=lambda G, x, m, h, s: m[h]),
            "The mean is that of the hidden part when nothing is seen. Move it by what is seen.",
        ),
        Mistake(
            _guess(gain=lambda S, h, s: S[np.ix_(h, s)]),
            "The covariance with the seen part is not divided by that part's own: the inverse of S_ss is missing.",
        ),
        Mistake(
            _guess(gain=lambda S, h, s: S[np.ix_(h, s)] @ np.linalg.inv(S)[np.ix_(s, s)]),
            "The block is taken from the inverse of S. Take the block S_ss first, then invert it.",
        ),
        Mistake(
            _guess(gain=lambda S, h, s: S[np.ix_(h, s)] / np.diag(S)[s]),
            "Each seen number corrects by itself, as if the seen ones were independent. What two of them say alike counts once: invert all of S_ss.",
        ),
        Mistake(
            _guess(cov=lambda G, S, h, s: S[np.ix_(h, h)]),
            "The covariance is that of the hidden part when nothing is seen. Seeing makes it smaller.",
        ),
        Mistake(
            _guess(cov=lambda G, S, h, s: S[np.ix_(h, h)] + G @ S[np.ix_(s, h)]),
            "The covariance grows here. What the seen part explains is subtracted.",
        ),
        Mistake(
            _guess(cov=lambda G, S, h, s: np.linalg.inv(S)[np.ix_(h, h)]),
            "This block of the inverse of S is the inverse of the covariance that is asked for.",
        ),
        Mistake(
            _guess(cov=lambda G, S, h, s: np.diag(np.diag(S[np.ix_(h, h)] - G @ S[np.ix_(s, h)]))),
            "Only the variances are returned. Hidden numbers depend on one another, too: return the whole matrix.",
        ),
        Mistake(_whole, "The first result is the whole vector. Only the hidden entries are asked for."),
    ],
    hint="np.ix_(rows, columns) with two masks picks a block: S[np.ix_(hidden, seen)].",
)
