"""The exercise on the Inception score."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/evaluation"
Array = np.ndarray


def _entropy(p: Array) -> Array:
    """-sum p log p along the last axis, with 0 log 0 = 0."""
    safe = np.where(p > 0, p, 1.0)
    return -(p * np.log(safe)).sum(axis=-1)


def score(p: Array) -> float:
    """exp of the entropy of the mean less the mean entropy."""
    return float(np.exp(_entropy(p.mean(axis=0)) - _entropy(p).mean()))


def _by_divergences(p: Array) -> float:
    mean = p.mean(axis=0)
    total = 0.0
    for row in p:
        total += sum(a * np.log(a / b) for a, b in zip(row, mean, strict=True) if a > 0)
    return float(np.exp(total / len(p)))


def _with(combine: Callable[[Array], float]) -> Callable[[Array], float]:
    return lambda p: float(combine(p))


def _reverse(p: Array) -> float:
    mean, tiny = p.mean(axis=0), 1e-12
    kl = (mean * (np.log(mean + tiny) - np.log(p + tiny))).sum(axis=1)
    return float(np.exp(kl.mean()))


def _hard(p: Array) -> float:
    return score(np.eye(p.shape[1])[p.argmax(axis=1)])


def _mean_of_exp(p: Array) -> float:
    mean = p.mean(axis=0)
    safe = np.where(p > 0, p / np.where(mean > 0, mean, 1.0), 1.0)
    return float(np.exp((p * np.log(safe)).sum(axis=1)).mean())


def _over_entries(p: Array) -> float:
    return float(np.exp((_entropy(p.mean(axis=0)) - _entropy(p).mean()) / p.shape[1]))


def _predictions(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, k: int, sharp: float) -> Array:
        p = rng.random((n, k)) ** sharp
        return (p / p.sum(axis=1, keepdims=True)).round(3) + 0.0

    def proper(p: Array) -> Array:
        return p / p.sum(axis=1, keepdims=True)

    return [
        case(np.eye(4), label="sure, and every class once"),
        case(np.full((3, 5), 0.2), label="never sure"),
        case(np.array([[1.0, 0, 0], [1, 0, 0], [1, 0, 0]]), label="sure, and always the same"),
        case(proper(draw(6, 3, 3.0)), label="fairly sure"),
        case(
            np.vstack([np.eye(3)[[0, 0, 1]], [[0.5, 0.5, 0.0]]]), label="zeros, and a class that never comes"
        ),
        case(proper(draw(20, 10, 8.0)), label="twenty pictures of ten classes"),
    ]


SCORE = Exercise(
    id="evaluation/inception",
    section=SECTION,
    title="The Inception score",
    reference=score,
    cases=_predictions,
    alternatives=[_by_divergences],
    mistakes=[
        Mistake(
            _with(lambda p: np.log(score(p))),
            "The exponential is missing. With it, the score counts classes: from 1 to k.",
        ),
        Mistake(
            _with(lambda p: 2 ** (_entropy(p.mean(axis=0)) - _entropy(p).mean())),
            "Logarithms are natural and the power is one of 2. Take both of one base.",
        ),
        Mistake(
            _with(lambda p: np.exp(_entropy(p.mean(axis=0)))),
            "Only the mean prediction counts: how many classes there are, however unsure each picture is.",
        ),
        Mistake(
            _with(lambda p: np.exp(-_entropy(p).mean())),
            "Only the sureness of each picture counts. A model that draws one digit for ever would do as well.",
        ),
        Mistake(
            _with(lambda p: np.exp(_entropy(p).mean() - _entropy(p.mean(axis=0)))),
            "The two entropies are subtracted the wrong way round: the score is 1 at least.",
        ),
        Mistake(
            _with(lambda p: np.exp(_entropy(p.mean(axis=0)) + _entropy(p).mean())),
            "The two entropies are added. Being unsure must lower the score.",
        ),
        Mistake(
            _reverse,
            "The divergence goes from the mean to the picture. It is that of the picture from the mean: weigh by the picture's own probabilities.",
        ),
        Mistake(
            _mean_of_exp,
            "The exponential is taken of each picture's divergence. Take the mean first, then the exponential.",
        ),
        Mistake(
            _over_entries,
            "The terms are averaged over pictures and classes. Sum over the classes, then average over the pictures.",
        ),
        Mistake(_hard, "Each prediction was rounded to its likeliest class first. Then nobody is unsure."),
        Mistake(
            _with(lambda p: np.exp(np.log(p.shape[1]) - _entropy(p).mean())),
            "You compare with the uniform distribution. Compare with the mean of the predictions: a missing class must cost.",
        ),
        Mistake(
            _with(lambda p: np.exp((_entropy(p.mean(axis=0)) - _entropy(p).mean()) / np.log(p.shape[1]))),
            "The divergence is divided by log k. The score is not normalized.",
        ),
    ],
    hint="Mean divergence of the rows from their mean = entropy of the mean - mean of the entropies. And 0 log 0 is 0.",
)
