"""Exercises on normal codes: what they cost, and how a gradient gets through a draw."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/variational_autoencoders"
Array = np.ndarray

# the divergence of two normals


def kl(m1: Array, v1: Array, m2: Array, v2: Array) -> float:
    """KL(N(m1, diag v1) || N(m2, diag v2)) for variances v1, v2."""
    return float((((m1 - m2) ** 2 + v1) / v2 - 1 - np.log(v1 / v2)).sum() / 2)


def _by_loop(m1: Array, v1: Array, m2: Array, v2: Array) -> float:
    total = 0.0
    for a, s, b, t in zip(m1, v1, m2, v2, strict=True):
        total += float(np.log(np.sqrt(t) / np.sqrt(s)) + (s + (a - b) ** 2) / (2 * t) - 0.5)
    return total


def _terms(
    square: Callable[..., Array] = lambda m1, v1, m2, v2: (m1 - m2) ** 2 / v2,
    spread: Callable[..., Array] = lambda v1, v2: v1 / v2 - 1 - np.log(v1 / v2),
    factor: float = 0.5,
) -> Callable[..., float]:
    """The sum with another term, or another factor."""

    def answer(m1: Array, v1: Array, m2: Array, v2: Array) -> float:
        return float(factor * (square(m1, v1, m2, v2) + spread(v1, v2)).sum())

    return answer


def _turned(m1: Array, v1: Array, m2: Array, v2: Array) -> float:
    return kl(m2, v2, m1, v1)


def _both_ways(m1: Array, v1: Array, m2: Array, v2: Array) -> float:
    return (kl(m1, v1, m2, v2) + kl(m2, v2, m1, v1)) / 2


def _to_standard(m1: Array, v1: Array, m2: Array, v2: Array) -> float:
    return kl(m1, v1, np.zeros_like(m1), np.ones_like(v1))


def _as_deviations(m1: Array, v1: Array, m2: Array, v2: Array) -> float:
    return kl(m1, v1**2, m2, v2**2)


def _as_logarithms(m1: Array, v1: Array, m2: Array, v2: Array) -> float:
    return kl(m1, np.exp(v1), m2, np.exp(v2))


def _mean(m1: Array, v1: Array, m2: Array, v2: Array) -> float:
    return kl(m1, v1, m2, v2) / len(m1)


def _pairs(rng: np.random.Generator) -> list[Case]:
    def pair(size: int, label: str) -> Case:
        m1, m2 = rng.normal(size=(2, size)).round(2)
        v1, v2 = rng.uniform(0.2, 3, size=(2, size)).round(2)
        return case(m1, v1, m2, v2, label=label)

    one, zero = np.ones(2), np.zeros(2)
    return [
        case(np.array([1.0, -2.0]), one, zero, one, label="only the means differ"),
        case(zero, np.array([0.25, 4.0]), zero, one, label="only the variances differ"),
        pair(1, "one number"),
        pair(3, "three numbers"),
        pair(8, "eight numbers"),
        case(
            np.array([1.0, 0.5]), np.array([1e-6, 2.0]), zero, np.array([0.5, 2.0]), label="a very sharp code"
        ),
    ]


KL = Exercise(
    id="variational_autoencoders/kl",
    section=SECTION,
    title="The divergence of two normals",
    reference=kl,
    cases=_pairs,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _turned,
            "This is KL(second || first). The mean is taken over the first: its variance stands on top.",
        ),
        Mistake(
            _terms(factor=1.0),
            "The factor 1/2 of the exponent of a normal density is missing in front of the sum.",
        ),
        Mistake(
            _terms(square=lambda m1, v1, m2, v2: (m1 - m2) ** 2 / v1),
            "The squared distance is divided by v1. The density in the exponent is the second: divide by v2.",
        ),
        Mistake(
            _terms(square=lambda m1, v1, m2, v2: (m1 - m2) ** 2),
            "The squared distance is not divided by v2: a far mean is cheap if the second normal is wide.",
        ),
        Mistake(
            _terms(square=lambda m1, v1, m2, v2: abs(m1 - m2) / v2),
            "The distance of the means is not squared.",
        ),
        Mistake(
            _terms(spread=lambda v1, v2: v1 / v2 - np.log(v1 / v2)),
            "The -1 is missing: two equal normals would have a divergence above 0.",
        ),
        Mistake(
            _terms(spread=lambda v1, v2: v1 / v2 - 1 + np.log(v1 / v2)),
            "The logarithm has the wrong sign: a very sharp code would get cheaper, and the sum negative.",
        ),
        Mistake(
            _terms(spread=lambda v1, v2: v1 / v2 - 1 - np.log(v1 / v2) / 2),
            "The logarithm is halved twice: the 1/2 in front of the sum is the one that makes deviations of variances.",
        ),
        Mistake(
            _to_standard,
            "This is the divergence from N(0, I). Use the mean and variance of the second normal.",
        ),
        Mistake(_as_deviations, "The variances are squared, as if they were standard deviations."),
        Mistake(_as_logarithms, "Here v1 and v2 are the variances, not their logarithms: no exp is needed."),
        Mistake(
            _mean, "The mean over the coordinates is taken. They are independent: their divergences add."
        ),
        Mistake(
            lambda m1, v1, m2, v2: ((m1 - m2) ** 2 / v2 + v1 / v2 - 1 - np.log(v1 / v2)) / 2,
            "These are the divergences of the single coordinates. They are independent: sum.",
        ),
        Mistake(_both_ways, "This is the mean of both directions. Only KL(first || second) is asked for."),
    ],
    hint="Take E_q[log q - log p] for one coordinate; under q the mean of (z - m2)^2 is v1 + (m1 - m2)^2.",
)

# a draw, forward and backward

Parts = tuple[Array, Array, Array]


def draw(mean: Array, log_variance: Array, noise: Array, dz: Array) -> Parts:
    """z, and the gradients for mean and log_variance when dz is that for z."""
    spread = np.exp(log_variance / 2) * noise
    return mean + spread, dz, dz * spread / 2


def _by_difference(mean: Array, log_variance: Array, noise: Array, dz: Array) -> Parts:
    z = mean + np.sqrt(np.exp(log_variance)) * noise
    return z, dz.copy(), 0.5 * dz * (z - mean)


def _draw(
    std: Callable[[Array], Array] = lambda v: np.exp(v / 2),
    to_mean: Callable[..., Array] = lambda m, v, e, dz: dz,
    to_log: Callable[..., Array] = lambda m, v, e, dz: dz * np.exp(v / 2) * e / 2,
) -> Callable[..., Parts]:
    """Another deviation, or another gradient."""

    def answer(mean: Array, log_variance: Array, noise: Array, dz: Array) -> Parts:
        gradients = (way(mean, log_variance, noise, dz) for way in (to_mean, to_log))
        return (mean + std(log_variance) * noise, *gradients)

    return answer


def _exchanged(mean: Array, log_variance: Array, noise: Array, dz: Array) -> Parts:
    z, dmean, dlog = draw(mean, log_variance, noise, dz)
    return z, dlog, dmean


def _scaled_whole(mean: Array, log_variance: Array, noise: Array, dz: Array) -> Parts:
    s = np.exp(log_variance / 2)
    return s * (mean + noise), s * dz, dz * s * (mean + noise) / 2


def _with_cost(mean: Array, log_variance: Array, noise: Array, dz: Array) -> Parts:
    z, dmean, dlog = draw(mean, log_variance, noise, dz)
    return z, dmean + mean, dlog + (np.exp(log_variance) - 1) / 2


def _noiseless(mean: Array, log_variance: Array, noise: Array, dz: Array) -> Parts:
    return mean.copy(), dz, np.zeros_like(dz)


def _codes(rng: np.random.Generator) -> list[Case]:
    def codes(n: int, k: int, level: float, label: str) -> Case:
        parts = (rng.normal(size=(n, k)).round(2) for _ in range(4))
        mean, log_variance, noise, dz = parts
        return case(mean, log_variance + level, noise, dz, label=label)

    return [
        codes(1, 1, 0.7, "one number"),
        codes(2, 3, 0.0, "two codes of three numbers"),
        codes(4, 2, -4.0, "sharp codes"),
        codes(3, 3, 2.0, "wide codes"),
        codes(3, 5, -1.0, "three codes of five numbers"),
    ]


REPARAMETERIZE = Exercise(
    id="variational_autoencoders/reparameterize",
    section=SECTION,
    title="A draw, forward and backward",
    reference=draw,
    cases=_codes,
    alternatives=[_by_difference],
    mistakes=[
        Mistake(
            _draw(std=np.exp, to_log=lambda m, v, e, dz: dz * np.exp(v) * e),
            "The noise is scaled by the variance. The standard deviation is exp(log_variance / 2).",
        ),
        Mistake(
            _draw(std=lambda v: v, to_log=lambda m, v, e, dz: dz * e),
            "The noise is multiplied by the log-variance itself, as if that were a standard deviation.",
        ),
        Mistake(
            _draw(std=lambda v: np.exp(2 * v), to_log=lambda m, v, e, dz: 2 * dz * np.exp(2 * v) * e),
            "The square root of exp(v) is exp(v / 2), and not exp(2 v).",
        ),
        Mistake(
            _draw(to_log=lambda m, v, e, dz: dz * np.exp(v / 2) * e),
            "The gradient for the log-variance lacks the 1/2, the inner derivative of exp(v / 2).",
        ),
        Mistake(
            _draw(to_log=lambda m, v, e, dz: dz * e / 2),
            "The gradient for the log-variance lacks the factor exp(v / 2): an exponential is its own derivative.",
        ),
        Mistake(
            _draw(to_log=lambda m, v, e, dz: dz * e),
            "The last gradient is that for the standard deviation. Multiply by its derivative for the log-variance.",
        ),
        Mistake(
            _draw(to_log=lambda m, v, e, dz: dz * np.exp(v / 2) / 2),
            "The gradient for the log-variance lacks the noise: a draw above the mean moves up when the code widens, one below moves down.",
        ),
        Mistake(
            _draw(to_mean=lambda m, v, e, dz: dz * np.exp(v / 2)),
            "The gradient for the mean is scaled by the deviation. z moves by as much as the mean does: dz/dmean is 1.",
        ),
        Mistake(
            _draw(to_mean=lambda m, v, e, dz: np.ones_like(dz)),
            "The gradient for the mean is 1 throughout: that is dz/dmean. Multiply by what comes from above.",
        ),
        Mistake(
            _draw(to_log=lambda m, v, e, dz: np.zeros_like(dz)),
            "The gradient for the log-variance is 0, as if the draw had been cut off. It flows through the scaled noise.",
        ),
        Mistake(_exchanged, "The two gradients are in the wrong order: mean first, then log-variance."),
        Mistake(_scaled_whole, "The mean is scaled, too. Only the noise is: z = mean + deviation * noise."),
        Mistake(_with_cost, "The gradient of the KL is added. Only what comes through z is asked for."),
        Mistake(_noiseless, "z is the mean: nothing is drawn."),
    ],
    hint="z = mean + exp(log_variance / 2) * noise. Differentiate it for each of the two, and use the chain rule.",
)
