"""The exercise on guidance, with classes whose best guesses are known."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/diffusion"
Array = np.ndarray


def _guesses(x: Array, left: float, centres: Array, std: float) -> tuple[Array, Array]:
    """The best guess for every class (n, k), and the probability of every class (n, k)."""
    variance = left * std**2 + 1 - left
    away = x[:, None] - np.sqrt(left) * centres
    logits = -(away**2) / (2 * variance)
    r = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.sqrt(1 - left) / variance * away, r / r.sum(axis=1, keepdims=True)


def guided_guess(x: Array, left: float, centres: Array, std: float, y: Array, weight: float) -> Array:
    """eps_0 + weight (eps_y - eps_0)."""
    every, r = _guesses(x, left, centres, std)
    without = (r * every).sum(axis=1)
    return without + weight * (every[np.arange(len(x)), y] - without)


def _by_scores(x: Array, left: float, centres: Array, std: float, y: Array, weight: float) -> Array:
    variance = left * std**2 + 1 - left
    out = []
    for point, label in zip(x, y, strict=True):
        scores = -(point - np.sqrt(left) * centres) / variance
        logs = -((point - np.sqrt(left) * centres) ** 2) / (2 * variance)
        p = np.exp(logs - np.logaddexp.reduce(logs))
        mixed = float(np.dot(p, scores))
        out.append(-np.sqrt(1 - left) * (weight * scores[label] + (1 - weight) * mixed))
    return np.array(out)


def _other(
    combine: Callable[[Array, Array, float], Array] = lambda free, told, w: free + w * (told - free),
    free: Callable[..., Array] = lambda every, r: (r * every).sum(axis=1),
) -> Callable[..., Array]:
    """Another combination, or another guess without the class."""

    def answer(x: Array, left: float, centres: Array, std: float, y: Array, weight: float) -> Array:
        every, r = _guesses(x, left, centres, std)
        return combine(free(every, r), every[np.arange(len(x)), y], weight)

    return answer


def _changed(
    std: Callable[[float], float] = lambda std: std,
    centres: Callable[[Array, float], Array] = lambda centres, left: centres,
) -> Callable[..., Array]:
    """The right answer for another spread or other centres."""

    def answer(x: Array, left: float, middle: Array, spread: float, y: Array, weight: float) -> Array:
        return guided_guess(x, left, centres(middle, left), std(spread), y, weight)

    return answer


def _score(x: Array, left: float, centres: Array, std: float, y: Array, weight: float) -> Array:
    return -guided_guess(x, left, centres, std, y, weight) / np.sqrt(1 - left)


def _no_root(x: Array, left: float, centres: Array, std: float, y: Array, weight: float) -> Array:
    return guided_guess(x, left, centres, std, y, weight) * np.sqrt(1 - left)


def _first_class(x: Array, left: float, centres: Array, std: float, y: Array, weight: float) -> Array:
    return guided_guess(x, left, centres, std, np.full(len(x), y[0]), weight)


def _clean_variance(x: Array, left: float, centres: Array, std: float, y: Array, weight: float) -> Array:
    away = x[:, None] - np.sqrt(left) * centres
    logits = -(away**2) / (2 * std**2)
    r = np.exp(logits - logits.max(axis=1, keepdims=True))
    every = np.sqrt(1 - left) / (left * std**2 + 1 - left) * away
    free = (r / r.sum(axis=1, keepdims=True) * every).sum(axis=1)
    return free + weight * (every[np.arange(len(x)), y] - free)


def _sharp(x: Array, left: float, centres: Array, std: float, y: Array, weight: float) -> Array:
    every, r = _guesses(x, left, centres, std)
    free = (r**2 * every).sum(axis=1) / (r**2).sum(axis=1)
    return free + weight * (every[np.arange(len(x)), y] - free)


def _vanishing(x: Array, left: float, centres: Array, std: float, y: Array, weight: float) -> Array:
    variance = left * std**2 + 1 - left
    away = x[:, None] - np.sqrt(left) * centres
    r = np.exp(-(away**2) / (2 * variance))
    with np.errstate(invalid="ignore"):
        r = r / r.sum(axis=1, keepdims=True)
    every = np.sqrt(1 - left) / variance * away
    free = (r * every).sum(axis=1)
    return free + weight * (every[np.arange(len(x)), y] - free)


def _classes(rng: np.random.Generator) -> list[Case]:
    def points(n: int, left: float, centres: list[float], std: float, weight: float, label: str) -> Case:
        x, y = rng.normal(size=n).round(2), rng.integers(0, len(centres), n)
        return case(x, left, np.array(centres), std, y, weight, label=label)

    return [
        points(3, 0.5, [-1.0, 1.0], 0.5, 1.0, "weight 1"),
        points(4, 0.5, [-1.0, 1.0], 0.5, 3.0, "weight 3"),
        points(4, 0.2, [-1.0, 0.0, 2.0], 0.8, 0.0, "weight 0, three classes"),
        points(5, 0.8, [-1.5, 0.5, 1.0], 0.3, 2.5, "three classes, little noise"),
        case(
            np.array([90.0, -85.0]),
            0.9,
            np.array([-40.0, 50.0]),
            0.1,
            np.array([0, 1]),
            1.5,
            label="far away",
        ),
    ]


GUIDED = Exercise(
    id="diffusion/guided_guess",
    section=SECTION,
    title="A guided guess",
    reference=guided_guess,
    cases=_classes,
    alternatives=[_by_scores],
    mistakes=[
        Mistake(
            _other(combine=lambda free, told, w: told + w * (told - free)),
            "The weight counts from 0, as in the paper: 0 gives the conditional guess here. In this course 1 does.",
        ),
        Mistake(
            _other(combine=lambda free, told, w: told + w * (free - told)),
            "The two guesses are exchanged: a weight of 1 ignores the class here.",
        ),
        Mistake(
            _other(combine=lambda free, told, w: free - w * (told - free)),
            "The sign is turned round: this leads away from the class.",
        ),
        Mistake(
            _other(combine=lambda free, told, w: w * told),
            "This is the weight times the conditional guess. What is exaggerated is its difference from the other guess.",
        ),
        Mistake(
            _other(combine=lambda free, told, w: free + w * told),
            "The conditional guess is added, not the difference of the two.",
        ),
        Mistake(
            _other(free=lambda every, r: every.mean(axis=1)),
            "Without the class, all classes count alike here. Weigh each by its probability, given x.",
        ),
        Mistake(
            _other(free=lambda every, r: every[np.arange(len(r)), r.argmax(axis=1)]),
            "Without the class, this is the guess for the likeliest class alone. Take the mean, weighed by probability.",
        ),
        Mistake(
            _clean_variance,
            "The probabilities of the classes use the spread of clean data. x is noisy: its variance is left * std^2 + 1 - left.",
        ),
        Mistake(
            _sharp,
            "The exponent is -distance^2 / v here. A Gaussian has -distance^2 / (2 v).",
        ),
        Mistake(
            _changed(centres=lambda centres, left: centres / np.sqrt(left)),
            "The centres are where clean data have them. In x they are shrunk by sqrt(left).",
        ),
        Mistake(
            _changed(std=lambda std: 0.0),
            "The classes have no width here: left * std^2 is missing in the variance.",
        ),
        Mistake(
            _changed(std=np.sqrt),
            "std is taken for a variance. Square it.",
        ),
        Mistake(
            _vanishing,
            "Right where centres are near. Far away all exponentials are 0, and 0 / 0 is no number: subtract the largest exponent first.",
        ),
        Mistake(_score, "This is the score. The noise is the score times -sqrt(1 - left)."),
        Mistake(_no_root, "The guess has the factor 1 - left. It is sqrt(1 - left)."),
        Mistake(_first_class, "All points have the class of the first. Each has its own."),
    ],
    hint="For each class, sqrt(1 - left) / v * (x - sqrt(left) * centre). Without the class, their mean weighed by exp(-distance^2 / 2 v); subtract the largest exponent first.",
)
