"""Exercises on sparse codes: the price of one, the rate of a unit, the largest few."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/sparse_and_contractive"
Array = np.ndarray

# the best code at a price


def priced_code(x: Array, D: Array, price: float) -> Array:
    """Soft threshold of D^T x at half the price, for orthonormal columns."""
    matches = D.T @ x
    return np.sign(matches) * np.maximum(np.abs(matches) - price / 2, 0)


def _by_cases(x: Array, D: Array, price: float) -> Array:
    half = price / 2
    return np.array([m - half if m > half else m + half if m < -half else 0.0 for m in x @ D])


def _wrong(change: Callable[[Array, float], Array]) -> Callable[[Array, Array, float], Array]:
    """change(D^T x, price)."""

    def answer(x: Array, D: Array, price: float) -> Array:
        return change(D.T @ x, price)

    return answer


def _soft(m: Array, threshold: float) -> Array:
    return np.sign(m) * np.maximum(np.abs(m) - threshold, 0)


def _dictionaries(rng: np.random.Generator) -> list[Case]:
    def directions(d: int, k: int) -> Array:
        return np.linalg.qr(rng.normal(size=(d, k)))[0]

    x = np.array([3.0, -2.0, 0.5, -0.25])
    return [
        case(x, np.eye(4), 1.0, label="the directions are the axes"),
        case(x, np.eye(4)[:, :2], 5.0, label="two of the axes, a high price"),
        case(rng.normal(size=5).round(1) * 3, directions(5, 5), 1.5, label="five directions, turned"),
        case(
            rng.normal(size=6).round(1) * 3, directions(6, 3), 0.8, label="three directions in six dimensions"
        ),
        case(rng.normal(size=4).round(1), directions(4, 3), 0.0, label="no price"),
    ]


PRICE = Exercise(
    id="sparse_and_contractive/price",
    section=SECTION,
    title="The best code at a price",
    reference=priced_code,
    cases=_dictionaries,
    alternatives=[_by_cases],
    mistakes=[
        Mistake(
            _wrong(_soft),
            "The threshold is the whole price. The error here has no factor 1/2, so its slope is twice the distance.",
        ),
        Mistake(
            _wrong(lambda m, price: _soft(m, 2 * price)),
            "The threshold is twice the price. Set the slope to zero again: 2 (h - m) + price = 0.",
        ),
        Mistake(
            _wrong(lambda m, price: np.where(abs(m) > price / 2, m, 0)),
            "Small entries are dropped, which is right, but the others are kept whole. They pay as well.",
        ),
        Mistake(
            _wrong(lambda m, price: np.maximum(m - price / 2, 0)),
            "Negative entries are all zero. This code has no ReLU: they move towards zero from below.",
        ),
        Mistake(
            _wrong(lambda m, price: np.maximum(abs(m) - price / 2, 0)),
            "The sizes are right, but the signs are lost.",
        ),
        Mistake(
            _wrong(lambda m, price: m - price / 2 * np.sign(m)),
            "Small entries go past zero and come out on the other side. They stop at zero.",
        ),
        Mistake(
            _wrong(lambda m, price: m / (1 + price)),
            "Every entry is divided by the same number. That is what a price on the squares does, and it makes no zeros.",
        ),
        Mistake(_wrong(lambda m, price: m), "This is the code without a price."),
    ],
    hint="With orthonormal columns the error is a sum over units, (h_j - m_j)^2 with m = D^T x, and a constant.",
)

# the KL penalty


def rate_penalty(h: Array, rho: float) -> float:
    """Sum over units of KL(rho || rho_j), where rho_j is the mean of column j."""
    rates = h.mean(axis=0)
    return float((rho * np.log(rho / rates) + (1 - rho) * np.log((1 - rho) / (1 - rates))).sum())


def _as_entropies(h: Array, rho: float) -> float:
    total = 0.0
    for unit in h.T:
        rate = sum(unit) / len(unit)
        cross = -rho * np.log(rate) - (1 - rho) * np.log(1 - rate)
        total += cross + rho * np.log(rho) + (1 - rho) * np.log(1 - rho)
    return float(total)


def _kl(p: Array | float, q: Array | float) -> Array:
    return np.asarray(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))


def _codes(rng: np.random.Generator) -> list[Case]:
    def code(n: int, k: int) -> Array:
        return rng.uniform(0.02, 0.9, (n, k)).round(2)

    return [
        case(np.array([[0.1, 0.7], [0.3, 0.5]]), 0.2, label="two units, one at its rate"),
        case(code(1, 3), 0.1, label="a single example"),
        case(code(5, 1), 0.05, label="a single unit"),
        case(code(6, 4), 0.3, label="four units, six examples"),
        case(code(3, 3) * 0.05, 0.5, label="units that are nearly silent"),
    ]


KL = Exercise(
    id="sparse_and_contractive/kl",
    section=SECTION,
    title="The price of a rate",
    reference=rate_penalty,
    cases=_codes,
    alternatives=[_as_entropies],
    mistakes=[
        Mistake(
            lambda h, rho: float(_kl(rho, h.mean()) * h.shape[1]),
            "All units share one mean here. A busy unit and a silent one then make up for each other: take a mean for each unit.",
        ),
        Mistake(
            lambda h, rho: float(_kl(rho, h.mean(axis=1)).sum()),
            "The means run over the units of one example. A unit's rate is its mean over the examples, axis 0.",
        ),
        Mistake(
            lambda h, rho: float(_kl(h.mean(axis=0), rho).sum()),
            "The two rates have changed places: the penalty is KL(rho || rho_j), with the target in front.",
        ),
        Mistake(
            lambda h, rho: float(_kl(rho, h.mean(axis=0)).mean()),
            "This is the mean over the units. The penalty is their sum.",
        ),
        Mistake(
            lambda h, rho: float((rho * np.log(rho / h.mean(axis=0))).sum()),
            "Only the first half of the divergence is here. It can be negative: add the term for the unit being silent.",
        ),
        Mistake(
            lambda h, rho: (
                rate_penalty(h, rho) - h.shape[1] * float(rho * np.log(rho) + (1 - rho) * np.log(1 - rho))
            ),
            "This is the cross-entropy. It is not 0 at the target: the logarithms are those of rho / rate, not of the rate alone.",
        ),
        Mistake(
            lambda h, rho: float(_kl(rho, h).sum(axis=1).mean()),
            "The divergence is taken for each activation and then averaged. First the mean, then the divergence.",
        ),
        Mistake(
            lambda h, rho: float((_kl(rho, h.mean(axis=0)) / np.log(2)).sum()),
            "These are bits, from log2. The penalty uses the natural logarithm.",
        ),
        Mistake(
            lambda h, rho: float(((h.mean(axis=0) - rho) ** 2).sum()),
            "This is the squared distance of the rates. The divergence also knows that 0 and 1 are far away.",
        ),
        Mistake(
            lambda h, rho: -rate_penalty(h, rho),
            "The sign is turned round: a divergence is never negative.",
        ),
    ],
    hint="h.mean(axis=0) holds a rate for each unit. Two terms: the unit is active, the unit is silent.",
)

# the k largest


def top_k(z: Array, k: int) -> Array:
    """Keep the k largest entries of every row, and set the others to zero."""
    kept = np.zeros_like(z)
    places = np.argsort(z, axis=1)[:, -k:]
    np.put_along_axis(kept, places, np.take_along_axis(z, places, axis=1), axis=1)
    return kept


def _by_threshold(z: Array, k: int) -> Array:
    return np.where(z >= np.sort(z, axis=1)[:, [-k]], z, 0)


def _sums(rng: np.random.Generator) -> list[Case]:
    def sums(n: int, units: int) -> Array:
        return (rng.permutation(n * units) - n * units // 3).reshape(n, units) / 4

    return [
        case(np.array([[0.5, 2.0, -3.0, 1.0]]), 2, label="one example, two of four units"),
        case(sums(3, 5), 1, label="three examples, one unit each"),
        case(sums(4, 6), 3, label="half of the units"),
        case(-1 - np.arange(8.0).reshape(2, 4), 2, label="all sums are negative"),
        case(sums(5, 4), 4, label="all units are kept"),
    ]


def _only(change: Callable[[Array], Array], z: Array, k: int) -> Array:
    """The k entries of each row for which change(z) is largest."""
    places = np.argsort(change(z), axis=1)[:, -k:]
    kept = np.zeros_like(z)
    np.put_along_axis(kept, places, np.take_along_axis(z, places, axis=1), axis=1)
    return kept


TOP_K = Exercise(
    id="sparse_and_contractive/top_k",
    section=SECTION,
    title="The k largest",
    reference=top_k,
    cases=_sums,
    alternatives=[_by_threshold],
    mistakes=[
        Mistake(
            lambda z, k: _only(np.abs, z, k),
            "The k entries largest in size are kept, negative ones too. Take the largest values.",
        ),
        Mistake(lambda z, k: _only(np.negative, z, k), "These are the k smallest entries of each row."),
        Mistake(
            lambda z, k: top_k(z.T, min(k, len(z))).T,
            "The k largest are chosen in every column, among examples. Choose among the units of each row.",
        ),
        Mistake(
            lambda z, k: np.where(z >= np.sort(z, axis=None)[-k * len(z)], z, 0),
            "One threshold for the whole batch: on the average k units are kept, but not k in each row.",
        ),
        Mistake(
            lambda z, k: np.where(z > np.sort(z, axis=1)[:, [-k]], z, 0),
            "One unit too few in each row: the k-th largest entry stays as well, so compare with >=, not with >.",
        ),
        Mistake(
            lambda z, k: (top_k(z - z.min() + 1, k) > 0).astype(float),
            "This says which units are kept. Return their values.",
        ),
        Mistake(
            lambda z, k: np.maximum(top_k(z, k), 0),
            "There is a ReLU in here as well: negative values among the k largest are lost.",
        ),
        Mistake(
            lambda z, k: -np.sort(-z, axis=1)[:, :k],
            "The k values are right, but a code has a place for every unit: leave them where they were, with zeros elsewhere.",
        ),
        Mistake(
            lambda z, k: z - top_k(z, k),
            "The k largest are set to zero and the others are kept: just the other way round.",
        ),
    ],
    hint="np.argsort(z, axis=1)[:, -k:] are the places; np.put_along_axis writes to them.",
)
