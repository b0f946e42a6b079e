"""Exercises on the best judge, and on what the game is worth against it."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/adversarial_networks"
Array = np.ndarray

# unequal batches and smoothed labels


def best(p: Array, q: Array, share: float, smoothing: float) -> Array:
    """(1 - smoothing) share p / (share p + (1 - share) q)."""
    real, made = share * p, (1 - share) * q
    return (1 - smoothing) * real / (real + made)


def _by_logit(p: Array, q: Array, share: float, smoothing: float) -> Array:
    with np.errstate(divide="ignore"):
        logit = np.log(share) - np.log1p(-share) + np.log(p) - np.log(q)
    return (1 - smoothing) / (1 + np.exp(-logit))


def _by_odds(p: Array, q: Array, share: float, smoothing: float) -> Array:
    return (1 - smoothing) * (1 - (1 - share) * q / (share * p + (1 - share) * q))


def _two_sided(p: Array, q: Array, share: float, smoothing: float) -> Array:
    real, made = share * p, (1 - share) * q
    return ((1 - smoothing) * real + smoothing * made) / (real + made)


def _below(p: Array, q: Array, share: float, smoothing: float) -> Array:
    real, made = (1 - smoothing) * share * p, (1 - share) * q
    return real / (real + made)


def _cut(p: Array, q: Array, share: float, smoothing: float) -> Array:
    return np.minimum(share * p / (share * p + (1 - share) * q), 1 - smoothing)


def _logit(p: Array, q: Array, share: float, smoothing: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.log(share * p) - np.log((1 - share) * q)


def _mean(p: Array, q: Array, share: float, smoothing: float) -> Array:
    real, made = share * p, (1 - share) * q
    return (1 - smoothing) * real / ((real + made) / 2)


def _densities(rng: np.random.Generator) -> list[Case]:
    def draw(n: int) -> tuple[Array, Array]:
        return rng.integers(1, 20, n) / 16, rng.integers(1, 20, n) / 16

    return [
        case(np.array([0.5, 0.25, 0.125]), np.array([0.125, 0.25, 0.75]), 0.5, 0.0, label="the plain game"),
        case(*draw(4), 0.5, 0.1, label="smoothed labels"),
        case(*draw(4), 0.25, 0.0, label="three made examples for each real one"),
        case(*draw(5), 0.8, 0.2, label="many real ones, and smoothed"),
        case(np.array([0.5, 0.0, 1.0]), np.array([0.0, 0.5, 1.0]), 0.6, 0.3, label="places of one kind only"),
    ]


BEST = Exercise(
    id="adversarial_networks/best",
    section=SECTION,
    title="The best judge of unequal batches",
    reference=best,
    cases=_densities,
    alternatives=[_by_logit, _by_odds],
    mistakes=[
        Mistake(
            lambda p, q, share, smoothing: (1 - smoothing) * p / (p + q),
            "The share does not count here. Where real examples come more often, more of what is seen is real.",
        ),
        Mistake(
            lambda p, q, share, smoothing: best(p, q, 1 - share, smoothing),
            "The shares are exchanged: a share of share is real, and 1 - share is made.",
        ),
        Mistake(
            lambda p, q, share, smoothing: best(p, q, share, 0.0),
            "The smoothing does not count: with it, even where all is real the best answer is 1 - smoothing.",
        ),
        Mistake(
            _two_sided,
            "The made examples are smoothed, too. One-sided: their target stays 0, so no smoothing in that term.",
        ),
        Mistake(
            _below,
            "The factor 1 - smoothing is below the line as well. A smoothed example is still one that was seen: only above.",
        ),
        Mistake(
            _cut,
            "The plain answer is cut off at 1 - smoothing. The derivative says that all of it is scaled.",
        ),
        Mistake(
            lambda p, q, share, smoothing: (1 - smoothing) * best(q, p, 1 - share, 0.0),
            "This is the probability of being made. Real is 1: p belongs above the line.",
        ),
        Mistake(_logit, "This is the logit of the plain judge. A probability is asked for."),
        Mistake(
            lambda p, q, share, smoothing: (
                (1 - smoothing) * (share * p > (1 - share) * q) + (share * p == (1 - share) * q) / 2
            ),
            "This judge decides for one side. The loss asks for a probability, and being sure costs dearly.",
        ),
        Mistake(
            lambda p, q, share, smoothing: (1 - smoothing) * share * p / (share * p + q),
            "Only p is weighted by its share. The made examples come with 1 - share: weigh q, too.",
        ),
        Mistake(
            lambda p, q, share, smoothing: (1 - smoothing) * share * p / (p + q),
            "The share stands above the line only. Below it is the density of all that is seen, both terms weighted.",
        ),
        Mistake(
            lambda p, q, share, smoothing: best(p, q, share, 0.0) - smoothing,
            "The smoothing is subtracted. Solve for t: the plain answer comes out multiplied by 1 - smoothing.",
        ),
        Mistake(_mean, "The denominator is halved, as in p / m. Divide by the sum of both terms."),
        Mistake(
            lambda p, q, share, smoothing: best(p, q, share, smoothing) + smoothing / 2,
            "smoothing / 2 is added, as with two classes whose targets are both moved. Only real targets move here.",
        ),
    ],
    hint="At one place the loss is -share p [(1 - s) log t + s log(1 - t)] - (1 - share) q log(1 - t). Set its derivative to 0.",
)

# Jensen-Shannon, and the value

Two = tuple[float, float]


def value(p: Array, q: Array) -> Two:
    """The divergence, and 2 JSD - log 4."""
    jsd = (_kl(p, (p + q) / 2) + _kl(q, (p + q) / 2)) / 2
    return jsd, 2 * jsd - np.log(4)


def _kl(p: Array, q: Array) -> float:
    there = p > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(p[there] * np.log(p[there] / q[there])))


def _by_entropies(p: Array, q: Array) -> Two:
    def entropy(r: Array) -> float:
        return float(-np.sum(r * np.log(np.where(r > 0, r, 1))))

    jsd = entropy((p + q) / 2) - entropy(p) / 2 - entropy(q) / 2
    return jsd, 2 * jsd - 2 * float(np.log(2))


def _by_judge(p: Array, q: Array) -> Two:
    at_best = sum(a * np.log(a / (a + b)) for a, b in zip(p, q, strict=True) if a > 0)
    at_best += sum(b * np.log(b / (a + b)) for a, b in zip(p, q, strict=True) if b > 0)
    return (at_best + np.log(4)) / 2, at_best


def _of(jsd: Callable[[Array, Array], float]) -> Callable[[Array, Array], Two]:
    """Another divergence, and the value that follows from it."""

    def answer(p: Array, q: Array) -> Two:
        return jsd(p, q), 2 * jsd(p, q) - np.log(4)

    return answer


def _worth(worth: Callable[[float], float]) -> Callable[[Array, Array], Two]:
    """The right divergence, and another value."""

    def answer(p: Array, q: Array) -> Two:
        jsd = value(p, q)[0]
        return jsd, worth(jsd)

    return answer


def _shared(p: Array, q: Array) -> float:
    both = (p > 0) & (q > 0)
    m = (p + q) / 2
    parts = p[both] * np.log(p[both] / m[both]) + q[both] * np.log(q[both] / m[both])
    return float(parts.sum() / 2)


def _with_nan(p: Array, q: Array) -> float:
    m = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sum(p * np.log(p / m) + q * np.log(q / m)) / 2)


def _distributions(rng: np.random.Generator) -> list[Case]:
    def draw(k: int) -> Array:
        return rng.dirichlet(np.ones(k)).round(3) + np.eye(k)[0] * 1e-3

    def normed(p: Array) -> Array:
        return p / p.sum()

    return [
        case(np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5]), label="three places"),
        case(np.array([0.5, 0.5]), np.array([0.5, 0.5]), label="equal"),
        case(normed(draw(5)), normed(draw(5)), label="five places"),
        case(np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5]), label="half in common"),
        case(np.array([1.0, 0.0]), np.array([0.0, 1.0]), label="nothing in common"),
        case(np.array([0.9, 0.1, 0, 0]), np.array([0.0, 1, 0, 0]), label="a collapsed generator"),
    ]


VALUE = Exercise(
    id="adversarial_networks/value",
    section=SECTION,
    title="What the game is worth",
    reference=value,
    cases=_distributions,
    alternatives=[_by_entropies, _by_judge],
    mistakes=[
        Mistake(
            _of(lambda p, q: 2 * value(p, q)[0]),
            "The divergence is twice as large: JSD is the mean of the two KLs, not their sum.",
        ),
        Mistake(
            _of(lambda p, q: value(p, q)[0] / float(np.log(2))),
            "The divergence is in bits. The logarithm of this course is natural.",
        ),
        Mistake(
            _of(lambda p, q: (_kl(p, q) + _kl(q, p)) / 2),
            "This is the mean of KL(p || q) and KL(q || p), infinite where one is 0. Compare each with the mixture.",
        ),
        Mistake(
            _of(lambda p, q: _kl(p, (p + q) / 2)),
            "Only p is compared with the mixture. Take the mean with KL(q || m), too.",
        ),
        Mistake(
            _of(lambda p, q: (_kl((p + q) / 2, p) + _kl((p + q) / 2, q)) / 2),
            "The arguments of KL are exchanged: the expectation is under p and under q, not under the mixture.",
        ),
        Mistake(
            _of(lambda p, q: float(np.sqrt(max(value(p, q)[0], 0)))),
            "This is the root of the divergence, the Jensen-Shannon distance, which SciPy's jensenshannon returns. Square it.",
        ),
        Mistake(
            _of(lambda p, q: float(np.abs(p - q).sum() / 2)),
            "This is the total variation, half the sum of absolute differences. The divergence has logarithms.",
        ),
        Mistake(
            _of(_shared),
            "Places where one of the two is 0 are left out. There the other term is p log 2: only 0 log 0 is 0.",
        ),
        Mistake(
            lambda p, q: value(p, q)[::-1],
            "The two results are in the wrong order: the divergence first, the value second.",
        ),
        Mistake(
            _of(_with_nan),
            "0 times the logarithm of 0 is NaN here. Such a term is 0: leave the place out before the logarithm is taken.",
        ),
        Mistake(
            _of(lambda p, q: (_kl(p, p + q) + _kl(q, p + q)) / 2),
            "The mixture is p + q here, which sums to 2. It is their mean: each log is too small by log 2.",
        ),
        Mistake(
            _of(lambda p, q: value(p, q)[0] / len(p)),
            "The terms are averaged over the places. p and q are the weights already: take the sum.",
        ),
        Mistake(
            _worth(lambda jsd: 2 * jsd),
            "The value lacks - log 4: two equal densities are worth -2 log 2, as two coins are, not 0.",
        ),
        Mistake(
            _worth(lambda jsd: -np.log(4)),
            "The value is -log 4 whatever the two are. That holds for p = q only: add twice the divergence.",
        ),
        Mistake(
            _worth(lambda jsd: 2 * jsd + np.log(4)),
            "The sign of log 4: two equal densities are worth -log 4.",
        ),
        Mistake(_worth(lambda jsd: jsd - np.log(4)), "The value holds the divergence twice: 2 JSD - log 4."),
        Mistake(
            _worth(lambda jsd: 2 * jsd - np.log(2)),
            "One log 2 is missing: there is one from each of the two expectations.",
        ),
        Mistake(
            _worth(lambda jsd: np.log(4) - 2 * jsd),
            "The second number is the loss of the best discriminator. Its value has the other sign.",
        ),
    ],
    hint="m = (p + q) / 2, and a sum over the places where the first argument of KL is above 0.",
)
