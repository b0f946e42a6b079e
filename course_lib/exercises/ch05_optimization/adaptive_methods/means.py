"""The exercise on the running mean that is corrected for its start at zero."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "05_optimization/adaptive_methods"
Array = np.ndarray


def corrected_means(gradients: Array, beta: float) -> Array:
    """Running means from zero, each divided by the weight that its gradients have in all."""
    mean, means = np.zeros_like(gradients[0]), []
    for t, g in enumerate(gradients, start=1):
        mean = beta * mean + (1 - beta) * g
        means.append(mean / (1 - beta**t))
    return np.array(means)


def _weighted(gradients: Array, beta: float) -> Array:
    """For each step the mean with the weights beta**0, beta**1, ... back from the last gradient."""
    means = []
    for t in range(1, len(gradients) + 1):
        weights = float(beta) ** np.arange(t)[::-1]
        means.append(weights @ gradients[:t] / weights.sum())
    return np.array(means)


def _oldest_first(gradients: Array, beta: float) -> Array:
    means = []
    for t in range(1, len(gradients) + 1):
        weights = float(beta) ** np.arange(t)
        means.append(weights @ gradients[:t] / weights.sum())
    return np.array(means)


def _means(
    divisor: Callable[[int, float, int], float], exchanged: bool = False, kept: bool = False
) -> Callable[[Array, float], Array]:
    """Wrong means: another divisor of (t, beta, number of steps), other weights, or correction fed back."""

    def answer(gradients: Array, beta: float) -> Array:
        mean, means = np.zeros_like(gradients[0]), []
        for t, g in enumerate(gradients, start=1):
            old, new = (1 - beta, beta) if exchanged else (beta, 1 - beta)
            mean = old * mean + new * g
            with np.errstate(all="ignore"):
                out = mean / np.float64(divisor(t, beta, len(gradients)))
            mean = out if kept else mean
            means.append(out)
        return np.array(means)

    return answer


def _from_first(gradients: Array, beta: float) -> Array:
    mean, means = gradients[0], []
    for g in gradients:
        mean = beta * mean + (1 - beta) * g
        means.append(mean)
    return np.array(means)


def _mean_cases(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([[2.0]]), 0.9, label="a single gradient"),
        case(np.array([[1.0], [3.0]]), 0.5, label="two gradients"),
        case(
            rng.integers(-6, 7, (6, 3)).astype(float),
            0.9,
            label="six gradients of three weights, Adam's beta1",
        ),
        case(rng.integers(1, 7, (20, 2)).astype(float), 0.999, label="squares, with Adam's beta2"),
        case(np.array([[4.0], [1.0], [-2.0]]), 0.0, label="no memory: the mean is the last gradient"),
    ]


CORRECTED = Exercise(
    id="adaptive_methods/corrected_means",
    section=SECTION,
    title="The corrected mean",
    reference=corrected_means,
    cases=_mean_cases,
    alternatives=[_weighted],
    mistakes=[
        Mistake(
            _means(lambda t, beta, n: 1.0),
            "These means are not corrected: the first is (1 - beta) g_1 and should be g_1.",
        ),
        Mistake(
            _means(lambda t, beta, n: 1 - beta ** (t - 1)),
            "The steps are counted from 0, so the first mean is divided by 1 - 1 = 0. Count from 1.",
        ),
        Mistake(
            _means(lambda t, beta, n: 1 - beta),
            "The divisor is that of the first step at all steps. The missing weight shrinks: beta to the power of t.",
        ),
        Mistake(
            _means(lambda t, beta, n: 1 - beta**n),
            "All means are divided by the correction of the last step. Each has its own t.",
        ),
        Mistake(
            _means(lambda t, beta, n: 1 - beta * t),
            "beta is multiplied by t. It is raised to the power of t.",
        ),
        Mistake(
            _means(lambda t, beta, n: (1 - beta) ** t),
            "The power is in the wrong place: 1 - beta**t, not (1 - beta)**t.",
        ),
        Mistake(
            _means(lambda t, beta, n: 1 - beta**t, kept=True),
            "The corrected mean is carried on to the next step. Carry the plain one, and correct a copy.",
        ),
        Mistake(
            _means(lambda t, beta, n: 1 - beta**t, exchanged=True),
            "The weights of the mean are exchanged: beta is the share of the past, 1 - beta that of the new.",
        ),
        Mistake(
            _means(lambda t, beta, n: (1 - beta) * (1 - beta**t)),
            "The gradients enter with the weight 1. They enter with 1 - beta, or the sum of the weights is another.",
        ),
        Mistake(
            _means(lambda t, beta, n: 1 / (1 - beta**t)),
            "The means are multiplied by 1 - beta**t, which makes them smaller still. Divide.",
        ),
        Mistake(
            _means(lambda t, beta, n: 1 - beta ** (t + 1)),
            "The correction counts one step too many: t is 1 for the first gradient.",
        ),
        Mistake(
            _oldest_first,
            "The oldest gradient has the largest weight here, and the newest the smallest. The newest has the weight 1 "
            "before the division: turn the weights round.",
        ),
        Mistake(
            _from_first,
            "The mean starts at the first gradient. No correction is needed then, but the first gradient counts far "
            "too much. Start at zero and correct.",
        ),
        Mistake(
            lambda gradients, beta: gradients.cumsum(axis=0) / np.arange(1, len(gradients) + 1)[:, None],
            "This is the plain mean of all gradients so far: nothing is forgotten, and beta is not used.",
        ),
    ],
    hint="What is the weight of all gradients together after t steps? For t = 1 it is 1 - beta.",
)
