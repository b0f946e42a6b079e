"""Exercises on codes that fall silent: a floor that keeps them talking, and why they stopped."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/variational_autoencoders"
Array = np.ndarray

# free bits


def free_bits(mean: Array, log_variance: Array, floor: float) -> float:
    """Sum over the latent numbers of the larger of floor and the number's mean KL."""
    return float(np.maximum(_each(mean, log_variance).mean(axis=0), floor).sum())


def _each(mean: Array, log_variance: Array) -> Array:
    return (mean**2 + np.exp(log_variance) - log_variance - 1) / 2


def _by_loop(mean: Array, log_variance: Array, floor: float) -> float:
    total = 0.0
    for m, v in zip(mean.T, log_variance.T, strict=True):
        nats = np.average(0.5 * (np.square(m) + np.exp(v)) - 0.5 * (v + 1))
        total += nats if nats > floor else floor
    return float(total)


def _floored(way: Callable[[Array, float], float]) -> Callable[..., float]:
    """Another rule for the KLs (n, k) of each picture and latent number."""

    def answer(mean: Array, log_variance: Array, floor: float) -> float:
        return float(way(_each(mean, log_variance), floor))

    return answer


def _codes(rng: np.random.Generator) -> list[Case]:
    def codes(n: int, k: int, floor: float, label: str) -> Case:
        talks = rng.uniform(0, 1.2, size=k)
        mean = talks * rng.normal(size=(n, k))
        log_variance = np.log1p(-0.7 * np.minimum(talks, 1)) + 0.2 * rng.normal(size=(n, k))
        return case(mean.round(2), log_variance.round(2), floor, label=label)

    return [
        codes(1, 4, 0.2, "one picture"),
        codes(6, 3, 0.25, "six pictures"),
        codes(5, 8, 0.3, "eight latent numbers"),
        codes(4, 4, 0.0, "a floor of 0"),
        codes(3, 3, 5.0, "a floor above all"),
        codes(20, 6, 0.1, "twenty pictures"),
    ]


FREE = Exercise(
    id="variational_autoencoders/free_bits",
    section=SECTION,
    title="Free bits",
    reference=free_bits,
    cases=_codes,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _floored(lambda kl, floor: np.maximum(kl, floor).sum(axis=1).mean()),
            "The floor is applied to each picture. A latent number may be silent on some pictures: average over the batch first.",
        ),
        Mistake(
            _floored(lambda kl, floor: max(kl.sum(axis=1).mean(), floor)),
            "The floor is applied to the whole code. Each latent number has a floor of its own.",
        ),
        Mistake(
            _floored(lambda kl, floor: max(kl.sum(axis=1).mean(), floor * kl.shape[1])),
            "One talkative latent number can pay for all others here. Apply the floor to each, then sum.",
        ),
        Mistake(
            _floored(lambda kl, floor: np.minimum(kl.mean(axis=0), floor).sum()),
            "This is a ceiling: min in place of max. Above it nats would be free.",
        ),
        Mistake(
            _floored(lambda kl, floor: np.maximum(kl.mean(axis=0) - floor, 0).sum()),
            "The free nats are subtracted. The gradient is the same, but the value is lower by the floor where that is exceeded: use max(KL, floor).",
        ),
        Mistake(
            _floored(lambda kl, floor: (kl.mean(axis=0) + floor).sum()),
            "The floor is added. That is a constant, and has no gradient at all.",
        ),
        Mistake(
            _floored(lambda kl, floor: (kl.mean(axis=0) * (kl.mean(axis=0) > floor)).sum()),
            "Latent numbers below the floor count 0. They count as much as the floor, so that the cost has no jump.",
        ),
        Mistake(
            _floored(lambda kl, floor: kl.mean(axis=0).sum()),
            "There is no floor: this is the plain KL.",
        ),
        Mistake(
            _floored(lambda kl, floor: np.maximum(kl.mean(axis=0), floor).mean()),
            "The mean over the latent numbers is taken. Sum.",
        ),
        Mistake(
            _floored(lambda kl, floor: np.maximum(kl.sum(axis=0), floor).sum()),
            "The KLs are summed over the batch before the floor. Take their mean over the batch.",
        ),
        Mistake(
            _floored(lambda kl, floor: np.maximum(2 * kl.mean(axis=0), floor).sum()),
            "The 1/2 of the KL is missing.",
        ),
    ],
    hint="First the KL of each picture and latent number (n, k), then the mean over n, then the floor, then the sum.",
)

# why it collapsed


def rates(variances: Array, std: float, beta: float) -> Array:
    """KL at the optimum of a linear VAE, nats for each principal direction."""
    return np.maximum(0, np.log(variances / (beta * std**2))) / 2


def _by_posterior(variances: Array, std: float, beta: float) -> Array:
    noise = beta * std**2
    squares = np.maximum(variances - noise, 0)  # w^2
    slope = np.sqrt(squares) / (squares + noise)
    s2 = noise / (squares + noise)
    return (slope**2 * variances + s2 - np.log(s2) - 1) / 2


def _rate(ratio: Callable[[Array, float, float], Array]) -> Callable[..., Array]:
    """Half the logarithm of another ratio, where positive."""

    def answer(variances: Array, std: float, beta: float) -> Array:
        return np.log(np.maximum(ratio(variances, std, beta), 1)) / 2

    return answer


def _unclipped(variances: Array, std: float, beta: float) -> Array:
    return np.log(variances / (beta * std**2)) / 2


def _magnitude(variances: Array, std: float, beta: float) -> Array:
    return abs(_unclipped(variances, std, beta))


def _talking(variances: Array, std: float, beta: float) -> Array:
    return (variances > beta * std**2).astype(float)


def _mean_only(variances: Array, std: float, beta: float) -> Array:
    return np.maximum(0, 1 - beta * std**2 / variances) / 2


def _variance_only(variances: Array, std: float, beta: float) -> Array:
    s2 = np.minimum(1, beta * std**2 / variances)
    return (s2 - np.log(s2) - 1) / 2


def _settings(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([4.0, 2.0, 1.0, 0.5]), 1.0, 1.0, label="noise of variance 1"),
        case(np.array([9.0, 1.0, 0.25, 0.01]), 0.5, 1.0, label="less noise"),
        case(np.array([9.0, 1.0, 0.25, 0.01]), 0.5, 8.0, label="a high price"),
        case(np.array([3.0, 0.2]), 2.0, 1.0, label="more noise than picture"),
        case(np.sort(rng.exponential(size=6)).round(3)[::-1] + 0.01, 0.3, 0.5, label="a low price"),
    ]


RATES = Exercise(
    id="variational_autoencoders/rates",
    section=SECTION,
    title="Find why it collapsed",
    reference=rates,
    cases=_settings,
    alternatives=[_by_posterior],
    mistakes=[
        Mistake(
            _rate(lambda v, std, beta: v / (beta * std)),
            "The standard deviation of the pixels is not squared.",
        ),
        Mistake(
            _rate(lambda v, std, beta: v / std**2), "The price beta is left out. It acts as a larger noise."
        ),
        Mistake(
            _rate(lambda v, std, beta: v * beta / std**2),
            "A higher price makes the code talk more here. It multiplies the noise, and so divides the ratio.",
        ),
        Mistake(
            _rate(lambda v, std, beta: v / (beta * std) ** 2),
            "Beta is squared along with the deviation. The noise counts as beta * std^2.",
        ),
        Mistake(
            _rate(lambda v, std, beta: 1 + v / (beta * std**2)),
            "This is the KL for w^2 = variance. The best w^2 is smaller, by the noise, so the 1 + goes.",
        ),
        Mistake(
            _rate(lambda v, std, beta: (v - beta * std**2) / (beta * std**2)),
            "The ratio has w^2 on top. The posterior's variance is noise / (w^2 + noise): the whole variance is on top.",
        ),
        Mistake(
            lambda variances, std, beta: 2 * rates(variances, std, beta),
            "The 1/2 of the KL is missing.",
        ),
        Mistake(
            lambda variances, std, beta: rates(variances, std, beta) / np.log(2),
            "These are bits. Take the natural logarithm.",
        ),
        Mistake(
            _unclipped,
            "A KL below 0: where the variance is smaller than the noise, w is 0, the code is silent and its KL is 0.",
        ),
        Mistake(
            _magnitude,
            "The absolute value makes silent codes talk. Where the logarithm is negative, the KL is 0.",
        ),
        Mistake(
            _mean_only,
            "Only the spread of the means is counted. The KL also has exp(v) - v - 1 for the variance of q.",
        ),
        Mistake(
            _variance_only,
            "The means of the codes are left out: their mean square is slope^2 * variance.",
        ),
        Mistake(_talking, "This says which codes talk. Say how many nats each of them tells."),
    ],
    hint="Put the best slope and variance of q into half of (mean square + s^2 - log s^2 - 1); much of it cancels.",
)
