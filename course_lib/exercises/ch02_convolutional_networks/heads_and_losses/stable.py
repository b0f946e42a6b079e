"""Exercises on losses that must not overflow: log-softmax, and binary cross-entropy from logits."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/heads_and_losses"

# log-softmax


def log_softmax(z: np.ndarray) -> np.ndarray:
    """Shift by each row's largest logit, subtract the logarithm of the sum."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _quietly(f: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """The wrong answers overflow, and NumPy need not say so."""

    def answer(*args: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return f(*args)

    return answer


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _shifted_by(z: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return z - shift - np.log(np.exp(z - shift).sum(axis=-1, keepdims=True))


def _largest(z: np.ndarray) -> np.ndarray:
    return z.max(axis=-1, keepdims=True)


LOG_SOFTMAX = Exercise(
    id="heads_and_losses/log_softmax",
    section=SECTION,
    title="Log-softmax",
    reference=log_softmax,
    cases=[
        case(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), label="two examples, three classes"),
        case(np.array([[0.5, -1.0], [2.0, 1.0]]), label="as many examples as classes"),
        case(np.array([[1000.0, 1001.0, 999.0]]), label="large logits"),
        case(np.array([[-1000.0, -1001.0]]), label="large negative logits"),
        case(np.array([[0.0, 900.0, -3.0]]), label="a row that is sure"),
        case(
            np.array([[1.0, 2.0, 0.0], [1000.0, 1002.0, 1001.0]]),
            label="rows of very different size in one batch",
        ),
        case(np.array([[5000.0, 0.0, -3.0], [1e30, -1e30, 0.0]]), label="logits very far apart"),
        case(np.array([0.3, -0.2, 4.0]), label="one example alone, without a batch axis"),
        case(np.sin(np.arange(24.0)).reshape(2, 3, 4), label="three axes: classes are the last"),
    ],
    alternatives=[lambda z: z - np.logaddexp.reduce(z, axis=-1, keepdims=True)],
    mistakes=[
        Mistake(
            _quietly(lambda z: z - np.log(np.exp(z).sum(axis=-1, keepdims=True))),
            "This overflows for large logits: subtract each row's largest one before the exponential.",
        ),
        Mistake(
            _quietly(lambda z: np.log(_softmax(z))),
            "This is the logarithm of a finished softmax. Where a probability is too small for a number it becomes 0, "
            "and its logarithm minus infinity. Keep the logit outside: z - max - log(sum).",
        ),
        Mistake(
            _quietly(lambda z: _shifted_by(z, z.max())),
            "All rows are shifted by one number, the largest of the whole batch. A row far below it loses everything: "
            "shift each row by its own largest logit.",
        ),
        Mistake(
            _quietly(lambda z: _shifted_by(z, z.mean(axis=-1, keepdims=True))),
            "Each row is shifted by its mean. Where one logit stands far above the mean, its exponential still "
            "overflows: subtract the row's largest.",
        ),
        Mistake(
            _quietly(lambda z: z - np.log(np.exp(z - _largest(z)).sum(axis=-1, keepdims=True))),
            "The maximum was taken out of the sum and never put back: log-sum-exp is max + log(sum(exp(z - max))).",
        ),
        Mistake(_softmax, "This is the softmax. Its logarithm was asked for."),
        Mistake(
            _quietly(
                lambda z: (
                    np.moveaxis(log_softmax(np.moveaxis(z, 0, -1)), -1, 0) if z.ndim > 1 else log_softmax(z)
                )
            ),
            "This normalizes along the first axis, over the examples. Classes are the last axis.",
        ),
        Mistake(
            _quietly(lambda z: log_softmax(z.ravel()).reshape(z.shape)),
            "All entries were normalized together. Each row is a distribution of its own: axis=-1.",
        ),
        Mistake(
            _quietly(lambda z: -log_softmax(z)),
            "The sign is turned around: logarithms of probabilities are never above 0.",
        ),
        Mistake(
            _quietly(lambda z: log_softmax(z) / np.log(2)),
            "This is the logarithm to base 2. Losses use the natural one, np.log.",
        ),
        Mistake(
            _quietly(lambda z: z - _largest(z) - np.exp(z - _largest(z)).sum(axis=-1, keepdims=True)),
            "The sum of the exponentials was subtracted, not its logarithm.",
        ),
    ],
    hint="log(e^a / S) = a - log S. With m the row's largest logit, log S = m + log of the sum of e^(z - m).",
)

# binary cross-entropy from logits


def bce_with_logits(z: np.ndarray, t: np.ndarray) -> float:
    """Mean of softplus(z) - t z."""
    return float(np.mean(np.maximum(z, 0) - t * z + np.log1p(np.exp(-np.abs(z)))))


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def _naive(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    p = _sigmoid(z)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def _clipped(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    p = np.clip(_sigmoid(z), 1e-7, 1 - 1e-7)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


BCE = Exercise(
    id="heads_and_losses/bce_with_logits",
    section=SECTION,
    title="Binary cross-entropy that never overflows",
    reference=bce_with_logits,
    cases=[
        case(np.array([0.0, 2.0, -1.0]), np.array([1.0, 1.0, 0.0]), label="three questions"),
        case(np.array([1.5, -0.5]), np.array([0.0, 1.0]), label="two mistakes"),
        case(np.array([0.7, -2.0]), np.array([0.3, 0.9]), label="targets between 0 and 1"),
        case(np.array([40.0]), np.array([0.0]), label="a confident mistake"),
        case(np.array([-40.0, 40.0, 1.0]), np.array([1.0, 1.0, 0.0]), label="sure and right, sure and wrong"),
        case(np.array([1000.0, -1000.0]), np.array([1.0, 0.0]), label="large logits, both right"),
        case(np.array([-1000.0, 1000.0]), np.array([1.0, 0.0]), label="large logits, both wrong"),
        case(
            np.array([[0.2, -0.4], [3.0, -1.0]]),
            np.array([[1.0, 0.0], [0.0, 1.0]]),
            label="a table of questions",
        ),
    ],
    alternatives=[
        lambda z, t: np.mean(t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z)),
        lambda z, t: np.mean(np.logaddexp(0, z) - t * z),
    ],
    mistakes=[
        Mistake(
            _quietly(_naive),
            "The sigmoid rounds to exactly 0 or 1, and the logarithm of 0 follows. Write the loss with the logit "
            "itself: softplus(z) - t z.",
        ),
        Mistake(
            _quietly(_clipped),
            "Clipping the probability stops the overflow but caps the loss, and where it caps there is no gradient. "
            "Write the loss with the logit itself: softplus(z) - t z.",
        ),
        Mistake(
            _quietly(lambda z, t: np.mean(np.log(1 + np.exp(z)) - t * z)),
            "The formula is right, but e^z overflows for large z. softplus(z) = max(z, 0) + log(1 + e^(-|z|)).",
        ),
        Mistake(lambda z, t: np.sum(np.logaddexp(0, z) - t * z), "This is the sum. The mean was asked for."),
        Mistake(
            lambda z, t: np.logaddexp(0, z) - t * z,
            "These are the losses of the entries, one each. Their mean was asked for: a single number.",
        ),
        Mistake(
            lambda z, t: -np.mean(np.logaddexp(0, z) - t * z),
            "The sign is turned around: this is the log-likelihood, and the loss is minus that.",
        ),
        Mistake(
            lambda z, t: np.mean(t * np.logaddexp(0, -z)),
            "Only the questions answered with yes count here. Those with target 0 cost -log(1 - p).",
        ),
        Mistake(
            lambda z, t: np.mean(np.logaddexp(0, -z) + t * z),
            "The targets are exchanged: this is the loss for 1 - t.",
        ),
        Mistake(
            lambda z, t: np.mean(np.logaddexp(0, -t * z)),
            "log(1 + e^(-t z)) is the form for targets -1 and 1. With 0 and 1 it is softplus(z) - t z.",
        ),
        Mistake(
            lambda z, t: np.mean(np.logaddexp(0, z) - t * z, axis=0),
            "This averages over the first axis only. The mean over all entries is one number.",
        ),
    ],
    hint="With p the sigmoid of z: -log p = softplus(-z) and -log(1 - p) = softplus(z). np.logaddexp(0, z) is safe.",
)

EXERCISES = [LOG_SOFTMAX, BCE]
