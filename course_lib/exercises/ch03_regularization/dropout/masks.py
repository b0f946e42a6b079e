"""Exercises on masks: inverted dropout, and training against test."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/dropout"

# inverted dropout


def inverted(a: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
    """Keep where u is at least p, and divide by the probability to keep; nothing is kept at p = 1."""
    if p == 1:
        return np.zeros(a.shape)
    return np.where(u >= p, a / (1 - p), 0.0)


def _by_mask(a: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
    mask = (u >= p).astype(float)
    return a * mask / max(1 - p, 1e-9)


def _naive(a: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        return a * (u >= p) / (1 - p)


def _divided_by_p(a: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        return a * (u >= p) / p


def _kept_by_p(a: np.ndarray, keep: np.ndarray, p: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        return a * keep / p


def _scaled_by(scale: Callable[[float], float]) -> Callable[..., np.ndarray]:
    """A wrong answer: what is kept is multiplied by another number."""

    def answer(a: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
        return np.where(u >= p, a * scale(p), 0.0)

    return answer


def _keep_with_p(a: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
    return np.where(u < p, a / p, 0.0) if p > 0 else np.zeros(a.shape)


def _exchanged(a: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
    return np.where(u < p, a / (1 - p), 0.0) if p < 1 else np.zeros(a.shape)


def _rescaled_by_count(a: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
    keep = u >= p
    return a * keep * (keep.size / keep.sum()) if keep.any() else np.zeros(a.shape)


_A = np.array([[1.0, 2.0, 3.0, 4.0], [0.5, -1.0, 2.0, 8.0]])
_U = np.array([[0.1, 0.6, 0.9, 0.3], [0.7, 0.25, 0.55, 0.05]])

INVERTED = Exercise(
    id="dropout/inverted",
    section=SECTION,
    title="Inverted dropout",
    reference=inverted,
    cases=[
        case(_A, _U, 0.5, label="p = 0.5"),
        case(_A, _U, 0.2, label="p = 0.2: few are dropped"),
        case(_A, _U, 0.8, label="p = 0.8: most are dropped"),
        case(_A, _U, 0.0, label="p = 0 drops nothing"),
        case(np.array([3.0, -2.0]), np.array([0.25, 0.75]), 0.25, label="u exactly at p is kept"),
        case(_A, _U, 1.0, label="p = 1 drops everything"),
    ],
    alternatives=[_by_mask],
    mistakes=[
        Mistake(
            _scaled_by(lambda p: 1.0),
            "The right entries are dropped, but those kept are not scaled: the next layer hears less than it will at test "
            "time. Divide by the probability of keeping.",
        ),
        Mistake(
            _scaled_by(lambda p: 1 - p),
            "What is kept is multiplied by 1 - p. That is the paper's correction at test time; inverted dropout divides by "
            "1 - p in training.",
        ),
        Mistake(
            _scaled_by(lambda p: 1 / p if p > 0 else 1.0),
            "What is kept is divided by p, the probability of dropping. Divide by that of keeping, 1 - p.",
        ),
        Mistake(
            _divided_by_p,
            "What is kept is divided by p, the probability of dropping, and at p = 0 that is a division by zero. Divide by "
            "1 - p.",
        ),
        Mistake(
            _keep_with_p,
            "Here p is the probability of keeping, as in the paper. In this exercise, as in PyTorch, it is that of dropping.",
        ),
        Mistake(
            _exchanged,
            "The kept entries are those that should be dropped: an entry is dropped where u is less than p.",
        ),
        Mistake(
            _rescaled_by_count,
            "The scale is the share that happened to be kept in this draw. Divide by the probability 1 - p, the same for "
            "every draw.",
        ),
        Mistake(
            _naive,
            "At p = 1 this divides by zero. Everything is dropped there: the answer is zeros.",
        ),
    ],
    hint="Compare u with p for a mask of True and False. What is the expectation of the mask, and what undoes it?",
)

# training and test


def train_and_test(
    x: np.ndarray, W1: np.ndarray, W2: np.ndarray, u: np.ndarray, p: float, training: bool
) -> np.ndarray:
    """ReLU layer, inverted dropout of its activations in training only, output layer."""
    a = np.maximum(x @ W1.T, 0.0)
    if training:
        a = a * (u >= p) / (1 - p)
    return a @ W2.T


def _compact(
    x: np.ndarray, W1: np.ndarray, W2: np.ndarray, u: np.ndarray, p: float, training: bool
) -> np.ndarray:
    scale = np.where(u >= p, 1 / (1 - p), 0.0) if training else np.ones_like(u)
    return np.einsum("nh,nh,oh->no", np.clip(x @ W1.T, 0, None), scale, W2)


def _two_layers(
    in_training: Callable[[np.ndarray, np.ndarray, float], np.ndarray] = lambda a, keep, p: (
        a * keep / (1 - p)
    ),
    in_test: Callable[[np.ndarray, np.ndarray, float], np.ndarray] = lambda a, keep, p: a,
) -> Callable[..., np.ndarray]:
    """A wrong network: other activations in one of the two modes."""

    def answer(
        x: np.ndarray, W1: np.ndarray, W2: np.ndarray, u: np.ndarray, p: float, training: bool
    ) -> np.ndarray:
        a = np.maximum(x @ W1.T, 0.0)
        return (in_training if training else in_test)(a, u >= p, p) @ W2.T

    return answer


def _linear(
    x: np.ndarray, W1: np.ndarray, W2: np.ndarray, u: np.ndarray, p: float, training: bool
) -> np.ndarray:
    a = x @ W1.T
    return (a * (u >= p) / (1 - p) if training else a) @ W2.T


def _strict(
    x: np.ndarray, W1: np.ndarray, W2: np.ndarray, u: np.ndarray, p: float, training: bool
) -> np.ndarray:
    a = np.maximum(x @ W1.T, 0.0)
    return (a * (u > p) / (1 - p) if training else a) @ W2.T


def _networks(rng: np.random.Generator) -> list:
    def made(n: int, d: int, h: int, o: int) -> tuple:
        return rng.normal(size=(n, d)), rng.normal(size=(h, d)), rng.normal(size=(o, h)), rng.random((n, h))

    first, wide, single = made(2, 3, 4, 2), made(5, 4, 12, 3), made(1, 2, 6, 1)
    single[-1][0, np.argmax(single[0] @ single[1].T)] = 0.0  # exactly at p, for a unit that is on
    return [
        case(*first, 0.5, False, label="test: the whole network"),
        case(*first, 0.5, True, label="training, p = 0.5"),
        case(*wide, 0.2, True, label="training, p = 0.2"),
        case(*wide, 0.2, False, label="test after p = 0.2"),
        case(*wide, 0.75, True, label="training, p = 0.75"),
        case(*wide, 0.75, False, label="test after p = 0.75"),
        case(*single, 0.0, True, label="p = 0, and one u is 0"),
    ]


TRAIN_AND_TEST = Exercise(
    id="dropout/train_and_test",
    section=SECTION,
    title="A network that knows whether it trains",
    reference=train_and_test,
    cases=_networks,
    alternatives=[_compact],
    mistakes=[
        Mistake(
            _two_layers(in_test=lambda a, keep, p: a * keep / (1 - p)),
            "This network drops units at test time too. When `training` is False nothing is dropped.",
        ),
        Mistake(
            _two_layers(in_test=lambda a, keep, p: (1 - p) * a),
            "At test time the activations are multiplied by 1 - p, although training divided by it already: that scales "
            "twice. Inverted dropout changes nothing at test time.",
        ),
        Mistake(
            _two_layers(in_training=lambda a, keep, p: a * keep, in_test=lambda a, keep, p: (1 - p) * a),
            "This is the paper's way: no scale in training, 1 - p at test time. The expectation is right, but the exercise "
            "asks for inverted dropout.",
        ),
        Mistake(
            _two_layers(in_training=lambda a, keep, p: a * keep),
            "In training the kept units are not scaled, and at test time the network is whole: its output layer then hears "
            "too much. Divide by 1 - p in training.",
        ),
        Mistake(
            _two_layers(in_training=lambda a, keep, p: a, in_test=lambda a, keep, p: a * keep / (1 - p)),
            "The flag is the wrong way round: units are dropped when `training` is False.",
        ),
        Mistake(
            _two_layers(in_training=lambda a, keep, p: a * ~keep / (1 - p)),
            "The kept units are those that should be dropped: a unit is dropped where u is less than p.",
        ),
        Mistake(
            _two_layers(in_training=lambda a, keep, p: a * keep / (p or 1)),
            "What is kept is divided by p, the probability of dropping. Divide by 1 - p.",
        ),
        Mistake(
            _two_layers(in_training=_kept_by_p),
            "What is kept is divided by p, the probability of dropping, and at p = 0 that is a division by zero. Divide by "
            "1 - p.",
        ),
        Mistake(
            _strict,
            "A unit is dropped where u is less than p. Where u is exactly p it is kept.",
        ),
        Mistake(
            _two_layers(in_training=lambda a, keep, p: a * keep[:1] / (1 - p)),
            "One mask serves the whole batch here, that of its first example. Each example has its own row of u.",
        ),
        Mistake(
            _linear,
            "The ReLU is missing: the hidden activations are the positive part of x @ W1.T.",
        ),
    ],
    hint="Compute the hidden activations first. Only then does it matter whether `training` is True.",
)
