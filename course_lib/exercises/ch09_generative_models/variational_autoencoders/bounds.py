"""Exercises on the bound: its sign and its sums, and how to tighten it."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/variational_autoencoders"
Array = np.ndarray

# the loss


def negative_elbo(logits: Array, x: Array, mean: Array, log_variance: Array) -> float:
    """Cross-entropy summed over pixels plus KL, mean over the batch."""
    return float((_surprise(logits, x).sum(axis=1) + _cost(mean, log_variance).sum(axis=1)).mean())


def _surprise(logits: Array, x: Array) -> Array:
    """-log-probability of each pixel."""
    return np.maximum(logits, 0) - logits * x + np.log1p(np.exp(-np.abs(logits)))


def _cost(mean: Array, log_variance: Array) -> Array:
    return (mean**2 + np.exp(log_variance) - log_variance - 1) / 2


def _by_logaddexp(logits: Array, x: Array, mean: Array, log_variance: Array) -> float:
    log_p = -x * np.logaddexp(0, -logits) - (1 - x) * np.logaddexp(0, logits)
    kl = 0.5 * np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance)
    return (kl - log_p.sum()) / len(x)


def _loss(
    join: Callable[[Array, Array], Array] = lambda surprise, cost: (
        surprise.sum(axis=1) + cost.sum(axis=1)
    ).mean(),
    surprise: Callable[[Array, Array], Array] = _surprise,
    cost: Callable[[Array, Array], Array] = _cost,
) -> Callable[..., float]:
    """Another sum, or other terms."""

    def answer(logits: Array, x: Array, mean: Array, log_variance: Array) -> float:
        return float(join(surprise(logits, x), cost(mean, log_variance)))

    return answer


def _clipped(logits: Array, x: Array) -> Array:
    p = np.clip(1 / (1 + np.exp(-np.clip(logits, -30, 30))), 1e-7, 1 - 1e-7)
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))


def _squares(logits: Array, x: Array) -> Array:
    return (1 / (1 + np.exp(-np.clip(logits, -500, 500))) - x) ** 2


def _batches(rng: np.random.Generator) -> list[Case]:
    def batch(n: int, d: int, k: int, size: float, label: str) -> Case:
        logits = (size * rng.normal(size=(n, d))).round(2)
        x = rng.integers(0, 2, size=(n, d)).astype(float)
        mean, log_variance = rng.normal(size=(2, n, k)).round(2)
        return case(logits, x, mean, log_variance - 0.5, label=label)

    return [
        batch(1, 3, 1, 1.0, "one picture, one latent number"),
        batch(3, 4, 2, 1.0, "three pictures"),
        batch(4, 2, 5, 2.0, "more latent numbers than pixels"),
        batch(2, 9, 3, 0.5, "nine pixels"),
        batch(2, 3, 2, 900.0, "logits so large that exp overflows"),
    ]


LOSS = Exercise(
    id="variational_autoencoders/negative_elbo",
    section=SECTION,
    title="The loss of a VAE",
    reference=negative_elbo,
    cases=_batches,
    alternatives=[_by_logaddexp],
    mistakes=[
        Mistake(
            _loss(lambda s, c: -(s.sum(axis=1) + c.sum(axis=1)).mean()),
            "This is the ELBO itself. A loss is made small: turn the sign round.",
        ),
        Mistake(
            _loss(lambda s, c: (s.sum(axis=1) - c.sum(axis=1)).mean()),
            "The KL has the wrong sign: this loss rewards codes far from the prior. In a loss, the KL is added.",
        ),
        Mistake(
            _loss(lambda s, c: (c.sum(axis=1) - s.sum(axis=1)).mean()),
            "The log-likelihood has the wrong sign: this loss rewards pictures that are rebuilt badly.",
        ),
        Mistake(
            _loss(lambda s, c: (s.mean(axis=1) + c.sum(axis=1)).mean()),
            "The log-likelihood is averaged over pixels, the KL is not: that is a beta as large as the number of pixels.",
        ),
        Mistake(
            _loss(lambda s, c: (s.sum(axis=1) + c.mean(axis=1)).mean()),
            "The KL is averaged over the latent numbers. They are independent: sum.",
        ),
        Mistake(
            _loss(lambda s, c: s.mean() + c.mean()),
            "Both terms are averaged over everything. Sum over pixels and over latent numbers, and average over pictures.",
        ),
        Mistake(
            _loss(lambda s, c: s.sum() + c.sum()),
            "This is the sum over the batch. Take the mean over pictures.",
        ),
        Mistake(
            lambda logits, x, mean, log_variance: (
                _surprise(logits, x).sum(axis=1) + _cost(mean, log_variance).sum(axis=1)
            ),
            "This is one loss for each picture. Take their mean.",
        ),
        Mistake(
            _loss(lambda s, c: (s.sum(axis=1) + 2 * c.sum(axis=1)).mean()),
            "The 1/2 of the KL is missing.",
        ),
        Mistake(
            _loss(lambda s, c: s.sum(axis=1).mean()),
            "The KL is missing: this is a plain autoencoder with noise in its code, which it will learn to make small.",
        ),
        Mistake(
            _loss(surprise=lambda logits, x: _surprise(logits, 1 - x)),
            "Ink and paper are exchanged: sigmoid(logit) is the probability of 1.",
        ),
        Mistake(
            _loss(surprise=_clipped),
            "Right for moderate logits. Clipped probabilities hide how wrong a sure decoder is: work with the logits, by logaddexp.",
        ),
        Mistake(
            _loss(surprise=_squares),
            "This is a squared error of probabilities. For pixels of 0 or 1 the log-likelihood is that of a coin.",
        ),
        Mistake(
            _loss(cost=lambda m, v: (m**2 + np.exp(2 * v) - 2 * v - 1) / 2),
            "The last argument is taken for the logarithm of the standard deviation. It is that of the variance.",
        ),
        Mistake(
            _loss(cost=lambda m, v: (m**2 + np.exp(v) - v) / 2),
            "The -1 of the KL is missing: a silent code should cost nothing.",
        ),
    ],
    hint="-log p(x | z) is np.logaddexp(0, -logit) for ink and np.logaddexp(0, logit) for paper. Then the KL, then the mean over pictures.",
)

# many weights


def importance_bound(log_joint: Array, log_q: Array) -> Array:
    """log of the mean weight of each picture."""
    log_w = log_joint - log_q
    top = log_w.max(axis=0)
    return top + np.log(np.exp(log_w - top).mean(axis=0))


def _by_logaddexp_reduce(log_joint: Array, log_q: Array) -> Array:
    return np.logaddexp.reduce(log_joint - log_q, axis=0) - np.log(len(log_q))


def _total(log_w: Array) -> Array:
    return np.logaddexp.reduce(log_w, axis=0)


def _weighed(log_joint: Array, log_q: Array) -> Array:
    log_w = log_joint - log_q
    return (np.exp(log_w - _total(log_w)) * log_w).sum(axis=0)


def _underflown(log_joint: Array, log_q: Array) -> Array:
    return np.log(np.exp(np.minimum(log_joint - log_q, 700)).mean(axis=0) + 1e-300)


def _one_largest(log_joint: Array, log_q: Array) -> Array:
    log_w = log_joint - log_q
    with np.errstate(divide="ignore"):
        return log_w.max() + np.log(np.exp(log_w - log_w.max()).mean(axis=0))


def _weights(rng: np.random.Generator) -> list[Case]:
    def weights(draws: int, n: int, level: float, spread: float, label: str) -> Case:
        log_joint = level + spread * rng.normal(size=(draws, n)).round(2)
        return case(log_joint, rng.normal(size=(draws, n)).round(2) - 0.5, label=label)

    return [
        weights(1, 2, -3.0, 1.0, "one draw: the ELBO"),
        weights(4, 1, -2.0, 1.0, "four draws for one picture"),
        weights(5, 3, -40.0, 3.0, "five draws for three pictures"),
        weights(3, 3, -10.0, 0.5, "as many draws as pictures"),
        weights(6, 2, -3000.0, 20.0, "probabilities too small for a float"),
        case(
            np.array([[-40.0, -3000.0], [-42.0, -3001.0]]),
            np.zeros((2, 2)),
            label="one picture far more likely than the other",
        ),
    ]


IMPORTANCE = Exercise(
    id="variational_autoencoders/importance_bound",
    section=SECTION,
    title="A tighter bound",
    reference=importance_bound,
    cases=_weights,
    alternatives=[_by_logaddexp_reduce],
    mistakes=[
        Mistake(
            lambda log_joint, log_q: (log_joint - log_q).mean(axis=0),
            "This is the mean of the logarithms, the ELBO. Take the logarithm of the mean weight.",
        ),
        Mistake(
            lambda log_joint, log_q: _total(log_joint - log_q),
            "This is the logarithm of the sum of the weights. Divide by their number: subtract log K.",
        ),
        Mistake(
            lambda log_joint, log_q: (log_joint - log_q).max(axis=0),
            "This is the largest weight alone. The others count as well, and it is a mean.",
        ),
        Mistake(
            lambda log_joint, log_q: _total(log_joint) - np.log(len(log_q)),
            "The draws come from q, not from the prior: without dividing by q(z | x), places where q draws often count too often.",
        ),
        Mistake(
            lambda log_joint, log_q: _total(log_joint + log_q) - np.log(len(log_q)),
            "p(x, z) is multiplied by q(z | x). Divide by it: subtract its logarithm.",
        ),
        Mistake(
            lambda log_joint, log_q: _total(log_joint) - _total(log_q),
            "This is the ratio of two sums. Divide draw by draw, and then sum.",
        ),
        Mistake(
            _weighed,
            "This is a mean of log-weights with the weights as shares. Take the logarithm of the mean weight.",
        ),
        Mistake(
            lambda log_joint, log_q: -(_total(log_joint - log_q) - np.log(len(log_q))),
            "The sign is turned round: the bound is on log p(x) itself.",
        ),
        Mistake(
            lambda log_joint, log_q: _total(log_joint - log_q) - np.log(log_q.shape[1]),
            "The number of pictures is divided by, in place of the number of draws: axis 0 holds the draws.",
        ),
        Mistake(
            lambda log_joint, log_q: _total((log_joint - log_q).T) - np.log(log_q.shape[1]),
            "The sum runs over the pictures. Each picture has a bound of its own: sum over the draws, axis 0.",
        ),
        Mistake(
            lambda log_joint, log_q: np.exp(_total(log_joint - log_q) - np.log(len(log_q))),
            "This is the mean weight, an estimate of p(x). Its logarithm is asked for.",
        ),
        Mistake(
            _underflown,
            "Right while exp does not come to 0. Take the largest log-weight out of the sum, or use np.logaddexp.reduce.",
        ),
        Mistake(
            _one_largest,
            "One maximum is taken out for all pictures, and the weights of an unlikely one underflow. Each picture needs its own.",
        ),
    ],
    hint="The weights are exp(log_joint - log_q). np.logaddexp.reduce adds numbers that are given by their logarithms.",
)
