"""The exercise on the interval of a difference."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "04_metrics/curves_and_calibration"
Estimate = tuple[float, float, float]


def paired_interval(
    y: np.ndarray, a: np.ndarray, b: np.ndarray, draws: np.ndarray, level: float = 0.95
) -> Estimate:
    """The difference of the accuracies, and the quantiles of the differences on the draws."""
    gain = (b == y).astype(float) - (a == y)
    return _ends(gain.mean(), gain[draws].mean(axis=1), level)


def _ends(estimate: float, values: np.ndarray, level: float) -> Estimate:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(estimate), float(low), float(high)


def _draw_by_draw(
    y: np.ndarray, a: np.ndarray, b: np.ndarray, draws: np.ndarray, level: float = 0.95
) -> Estimate:
    values = [float(np.mean(b[rows] == y[rows]) - np.mean(a[rows] == y[rows])) for rows in draws]
    tail = 100 * (1 - level) / 2
    estimate = float(np.mean(b == y) - np.mean(a == y))
    return estimate, float(np.percentile(values, tail)), float(np.percentile(values, 100 - tail))


def _from(
    make: Callable[[np.ndarray, np.ndarray, np.ndarray, float], tuple[float, ...]],
) -> Callable[..., tuple[float, ...]]:
    """An answer made of (a right (n,), b right (n,), draws, level)."""

    def answer(
        y: np.ndarray, a: np.ndarray, b: np.ndarray, draws: np.ndarray, level: float = 0.95
    ) -> tuple[float, ...]:
        return make((a == y).astype(float), (b == y).astype(float), draws, level)

    return answer


def _values(a: np.ndarray, b: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.asarray((b - a)[draws].mean(axis=1))


def _separate(a: np.ndarray, b: np.ndarray, draws: np.ndarray, level: float) -> Estimate:
    _, low_a, high_a = _ends(0, a[draws].mean(axis=1), level)
    _, low_b, high_b = _ends(0, b[draws].mean(axis=1), level)
    return float(b.mean() - a.mean()), low_b - high_a, high_b - low_a


def _normal(a: np.ndarray, b: np.ndarray, draws: np.ndarray, level: float) -> Estimate:
    estimate, wide = float((b - a).mean()), 1.96 * _values(a, b, draws).std()
    return estimate, float(estimate - wide), float(estimate + wide)


def _of_the_mean(a: np.ndarray, b: np.ndarray, draws: np.ndarray, level: float) -> Estimate:
    values = _values(a, b, draws)
    wide = 1.96 * values.std() / np.sqrt(len(values))
    return float((b - a).mean()), float(values.mean() - wide), float(values.mean() + wide)


def _over_the_draws(a: np.ndarray, b: np.ndarray, draws: np.ndarray, level: float) -> Estimate:
    return _ends((b - a).mean(), (b - a)[draws].mean(axis=0), level)


def _without_sign(a: np.ndarray, b: np.ndarray, draws: np.ndarray, level: float) -> Estimate:
    return _ends(np.abs(b - a).mean(), np.abs(b - a)[draws].mean(axis=1), level)


def _mirrored(a: np.ndarray, b: np.ndarray, draws: np.ndarray, level: float) -> Estimate:
    estimate, low, high = _ends((b - a).mean(), _values(a, b, draws), level)
    return estimate, 2 * estimate - high, 2 * estimate - low


def _of_the_examples(a: np.ndarray, b: np.ndarray, draws: np.ndarray, level: float) -> Estimate:
    return _ends((b - a).mean(), b - a, level)


def _studies(rng: np.random.Generator) -> list[Case]:
    def study(n: int, times: int, classes: int, right_a: float, right_b: float) -> tuple[np.ndarray, ...]:
        y = rng.integers(0, classes, n)
        luck = rng.random(n)  # hard images are hard for both
        flip = rng.random(n) < 0.1
        wrong = (y + rng.integers(1, classes, n)) % classes
        a = np.where(luck < right_a, y, wrong)
        b = np.where((luck < right_b) ^ flip, y, wrong)
        return y, a, b, rng.integers(0, n, (times, n))

    return [
        case(
            np.array([0, 1, 1, 0]),
            np.array([0, 1, 0, 1]),
            np.array([0, 1, 1, 1]),
            np.array([[0, 1, 2, 3], [2, 2, 0, 1], [0, 0, 1, 3], [2, 3, 2, 2], [1, 3, 0, 0]]),
            0.5,
            label="four examples, five draws",
        ),
        case(*study(30, 40, 3, 0.6, 0.8), label="thirty examples, b better"),
        case(*study(30, 41, 3, 0.9, 0.5), label="a better"),
        case(*study(50, 60, 10, 0.7, 0.75), 0.9, label="a level of 90%"),
        case(*study(80, 100, 2, 0.8, 0.8), 0.8, label="two about equal"),
        case(*study(60, 200, 4, 0.5, 0.6), 0.99, label="a level of 99%"),
        case(*study(5, 20, 3, 0.6, 0.6), label="five examples"),
    ]


PAIRED = Exercise(
    id="curves_and_calibration/paired_interval",
    section=SECTION,
    title="Is b better than a?",
    reference=paired_interval,
    cases=_studies,
    alternatives=[_draw_by_draw],
    mistakes=[
        Mistake(
            _from(lambda a, b, draws, level: _ends((a - b).mean(), (a - b)[draws].mean(axis=1), level)),
            "This is a less b. Take b less a, so that a positive number speaks for b.",
        ),
        Mistake(
            _from(
                lambda a, b, draws, level: _ends(
                    (b - a).mean(), b[draws].mean(axis=1) - a[draws[::-1]].mean(axis=1), level
                )
            ),
            "The two models are judged on different draws, as if they had different test images. Use the same rows for both.",
        ),
        Mistake(
            _from(_separate),
            "The ends of two intervals are subtracted, which is much too wide. Take the difference on each draw, then its "
            "quantiles.",
        ),
        Mistake(
            _from(
                lambda a, b, draws, level: (
                    float((b - a).mean()),
                    *map(float, np.quantile(_values(a, b, draws), [1 - level, level])),
                )
            ),
            "The quantiles are 1 - level and level, so twice the share is left outside. Leave half of 1 - level on each side.",
        ),
        Mistake(
            _from(
                lambda a, b, draws, level: (
                    float((b - a).mean()),
                    float(np.quantile(_values(a, b, draws), (1 + level) / 2)),
                    float(np.quantile(_values(a, b, draws), (1 - level) / 2)),
                )
            ),
            "The ends are exchanged. Return the difference, the low end, the high end.",
        ),
        Mistake(
            _from(lambda a, b, draws, level: _ends((b - a).mean(), _values(a, b, draws), 0.95)),
            "This is right for a level of 95% only. Use the argument.",
        ),
        Mistake(
            _from(lambda a, b, draws, level: _ends(_values(a, b, draws).mean(), _values(a, b, draws), level)),
            "The first number is the mean over the draws. Return the difference on the examples themselves.",
        ),
        Mistake(
            _from(_normal),
            "These are 1.96 standard deviations to each side. Take quantiles of the differences, at the given level.",
        ),
        Mistake(
            _from(_of_the_mean),
            "This is an interval for the mean of the draws, which shrinks as you draw more. Take quantiles of the differences.",
        ),
        Mistake(
            _from(_over_the_draws),
            "The mean is taken over the draws, for each column. A row is one draw: take it over each row.",
        ),
        Mistake(
            _from(_without_sign),
            "This counts where only one of the two is right, whichever. Where only a is right must count -1.",
        ),
        Mistake(
            _from(_mirrored),
            "These ends are mirrored at the difference (the basic bootstrap). Take the quantiles themselves.",
        ),
        Mistake(
            _from(_of_the_examples),
            "These are quantiles of single examples, which are -1, 0 or 1. Take the mean over each draw first.",
        ),
        Mistake(
            _from(
                lambda a, b, draws, level: (
                    float((b - a).mean()),
                    float(_values(a, b, draws).min()),
                    float(_values(a, b, draws).max()),
                )
            ),
            "These are the least and the largest difference of all draws. Take the quantiles that the level asks for.",
        ),
        Mistake(
            _from(lambda a, b, draws, level: _ends((b - a).sum(), (b - a)[draws].sum(axis=1), level)),
            "These are numbers of examples. Divide by n, for a difference of accuracies.",
        ),
        Mistake(
            _from(
                lambda a, b, draws, level: _ends(
                    100 * (b - a).mean(), 100 * (b - a)[draws].mean(axis=1), level
                )
            ),
            "These are percentage points. Return shares, between -1 and 1.",
        ),
    ],
    hint="First one number for each example: 1 where only b is right, -1 where only a is, else 0.",
)
