"""Exercise on a softmax that never overflows."""

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "01_neural_networks/multilayer_perceptrons"


def softmax(z: np.ndarray) -> np.ndarray:
    """Softmax along the last axis, the largest logit subtracted first."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _naive(z: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        e = np.exp(z)
        return e / e.sum(axis=-1, keepdims=True)


def _shifted_by(shift: np.ndarray, z: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return _naive(z - shift)


def _by_logarithm(z: np.ndarray) -> np.ndarray:
    return np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))


def _over_all(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum()


def _over_first(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


def _sums_only(z: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return z / z.sum(axis=-1, keepdims=True)


def _unnormalised(z: np.ndarray) -> np.ndarray:
    return np.exp(z - z.max(axis=-1, keepdims=True))


def _logarithm(z: np.ndarray) -> np.ndarray:
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


SOFTMAX = Exercise(
    id="multilayer_perceptrons/softmax",
    section=SECTION,
    title="A softmax that never overflows",
    reference=softmax,
    cases=[
        case(np.array([1.0, 2.0, 3.0]), label="three logits"),
        case(np.array([5.0, 5.0, 5.0, 5.0]), label="equal logits"),
        case(np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]]), label="a batch (2, 3)"),
        case(np.array([[[0.0, 1.0], [2.0, -1.0]], [[0.5, 0.5], [-3.0, 1.0]]]), label="three axes"),
        case(np.array([1000.0, 1001.0, 1002.0]), label="logits around 1000"),
        case(np.array([-1000.0, -1001.0]), label="logits around -1000"),
        case(np.array([[1000.0, 1001.0], [-1000.0, -1001.0]]), label="both in one batch"),
        case(np.array([0.0, 0.0, 0.0, 4000.0]), label="one logit far above the others"),
        case(np.array([0.0, 0.0, 0.0, -2000.0]), label="one logit far below the others"),
        case(np.array([0.0, -np.inf, 0.0]), label="a class ruled out by a logit of minus infinity"),
    ],
    alternatives=[_by_logarithm],
    mistakes=[
        Mistake(
            _naive,
            "The exponential of 1000 is infinite, and infinite / infinite is not a number. Subtract the "
            "largest logit first: it changes no probability.",
        ),
        Mistake(
            lambda z: _shifted_by(z.max(), z),
            "The largest logit of the whole batch is subtracted. A row far below it becomes 0 / 0: take the "
            "largest of each row, max(axis=-1, keepdims=True).",
        ),
        Mistake(
            lambda z: _shifted_by(z.mean(axis=-1, keepdims=True), z),
            "Subtracting the mean is not enough: one logit far above it still overflows. Subtract the largest.",
        ),
        Mistake(
            lambda z: _shifted_by(z.min(axis=-1, keepdims=True), z),
            "Subtracting the smallest logit makes all the others positive, and their exponentials may overflow. "
            "Subtract the largest.",
        ),
        Mistake(
            _over_all,
            "The whole batch sums to 1 here. Each row must: sum over the last axis and keep it (keepdims=True).",
        ),
        Mistake(
            _over_first,
            "This normalises along the first axis, over the examples of a batch. The classes are the last axis.",
        ),
        Mistake(
            _unnormalised,
            "These are the exponentials, with a largest of 1. Divide them by their sum.",
        ),
        Mistake(
            _sums_only,
            "The logits themselves are divided by their sum. Take exponentials first: logits may be negative.",
        ),
        Mistake(_logarithm, "This is the logarithm of the softmax. Its exponential is asked for."),
    ],
    hint="Let m be the largest entry along the last axis (keepdims=True). What does e^(z - m) never exceed?",
)
