"""The exercise on putting features on one scale without looking at what is held out."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "07_transfer_learning/feature_extraction"
Scaled = tuple[np.ndarray, np.ndarray]


def standardize(labelled: np.ndarray, others: np.ndarray) -> Scaled:
    """Mean and deviation of each feature over the labelled rows; a feature that is constant there gives 0."""
    mean, std = labelled.mean(axis=0), labelled.std(axis=0)
    alive = std > 0
    factor = np.where(alive, 1 / np.where(alive, std, 1.0), 0.0)
    return (labelled - mean) * factor, (others - mean) * factor


def _by_loop(labelled: np.ndarray, others: np.ndarray) -> Scaled:
    first, second = np.zeros(labelled.shape), np.zeros(others.shape)
    for j in range(labelled.shape[1]):
        mean, std = labelled[:, j].mean(), labelled[:, j].std()
        if std > 0:
            first[:, j] = (labelled[:, j] - mean) / std
            second[:, j] = (others[:, j] - mean) / std
    return first, second


def _with(
    ruler: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda labelled, others: labelled,
    axis: int | None = 0,
    power: float = 1.0,
    shift: bool = True,
    ddof: int = 0,
    dead: float = 0.0,
) -> Callable[..., Scaled]:
    """Both sets measured with another ruler; ``dead``: what a constant feature is multiplied by."""

    def answer(labelled: np.ndarray, others: np.ndarray) -> Scaled:
        measured = ruler(labelled, others)
        mean = measured.mean(axis=axis) * shift
        std = measured.std(axis=axis, ddof=ddof) ** power
        factor = np.where(std > 0, 1 / np.where(std > 0, std, 1.0), dead)
        return (labelled - mean) * factor, (others - mean) * factor

    return answer


def _own(labelled: np.ndarray, others: np.ndarray) -> Scaled:
    return standardize(labelled, labelled)[0], standardize(others, others)[0]


def _features(rng: np.random.Generator) -> list[Case]:
    def rows(n: int, d: int, center: float = 3.0) -> np.ndarray:
        return rng.integers(0, 9, (n, d)) / 2 + center

    dead = rows(4, 3)
    dead[:, 1] = 0.0
    return [
        case(np.array([[1.0], [3.0]]), np.array([[2.0], [7.0]]), label="one feature, two labelled rows"),
        case(rows(5, 2), rows(3, 2, 9.0), label="the others are larger"),
        case(rows(6, 3) * np.array([1.0, 10.0, 100.0]), rows(2, 3), label="features of unlike scale"),
        case(rows(4, 4), rows(1, 4), label="a single image to classify"),
        case(dead, rows(3, 3), label="a unit that is silent on all labelled images"),
    ]


STANDARDIZE = Exercise(
    id="feature_extraction/standardize",
    section=SECTION,
    title="Only the labelled rows have a say",
    reference=standardize,
    cases=_features,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _own,
            "Each set is measured with its own ruler: the same image gets other features in other company. Use the mean and the "
            "deviation of the labelled rows for both.",
        ),
        Mistake(
            _with(ruler=lambda labelled, others: np.concatenate([labelled, others])),
            "Mean and deviation are those of both sets together. That is the leak: the images to be judged have a say.",
        ),
        Mistake(
            _with(ruler=lambda labelled, others: others),
            "The ruler is made of the others. It is made of the labelled rows.",
        ),
        Mistake(
            _with(axis=None),
            "There is one mean and one deviation for all features. Each column has its own.",
        ),
        Mistake(
            _with(power=2.0),
            "This divides by the variance. Divide by the standard deviation, its root.",
        ),
        Mistake(_with(ddof=1), "The deviation is divided by n - 1. Here it is divided by n, as NumPy does."),
        Mistake(_with(shift=False), "The mean is not subtracted."),
        Mistake(
            _with(dead=1.0),
            "A unit that is constant on the labelled rows is divided by 1 and comes through. Nothing is known of it: set it to 0.",
        ),
        Mistake(
            _with(dead=1e8),
            "A unit that is constant on the labelled rows is divided by something tiny, and drowns all the others. Set it to 0.",
        ),
    ],
    hint="Compute mean and std once, from labelled. np.where(std > 0, ..., 0.0) deals with the silent units.",
)
