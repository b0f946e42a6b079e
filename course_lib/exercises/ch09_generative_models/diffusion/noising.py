"""Exercises on the way into noise, and on the distribution of the step before."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/diffusion"
Array = np.ndarray

# q(x_t | x_0), for a time of its own in every row


def drown(x0: Array, t: Array, eps: Array, betas: Array) -> Array:
    """sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps, row by row."""
    left = np.cumprod(1 - betas)[t][:, None]
    return np.sqrt(left) * x0 + np.sqrt(1 - left) * eps


def _by_steps(x0: Array, t: Array, eps: Array, betas: Array) -> Array:
    rows = []
    for row, time, noise in zip(x0, t, eps, strict=True):
        shrink, variance = 1.0, 0.0
        for beta in betas[: time + 1]:
            shrink, variance = shrink * (1 - beta) ** 0.5, variance * (1 - beta) + beta
        rows.append(shrink * row + variance**0.5 * noise)
    return np.array(rows)


def _mixed(
    left: Callable[[Array, Array], Array] = lambda betas, t: np.cumprod(1 - betas)[t],
    signal: Callable[[Array], Array] = np.sqrt,
    noise: Callable[[Array], Array] = lambda left: np.sqrt(1 - left),
) -> Callable[..., Array]:
    """Another share of the signal, or other factors made from it."""

    def answer(x0: Array, t: Array, eps: Array, betas: Array) -> Array:
        share = left(betas, t)[:, None]
        return signal(share) * x0 + noise(share) * eps

    return answer


def _exchanged(x0: Array, t: Array, eps: Array, betas: Array) -> Array:
    return drown(eps, t, x0, betas)


def _last_noise(x0: Array, t: Array, eps: Array, betas: Array) -> Array:
    return np.sqrt(np.cumprod(1 - betas)[t][:, None]) * x0 + np.sqrt(betas[t][:, None]) * eps


def _points(rng: np.random.Generator) -> list[Case]:
    def points(n: int, d: int, betas: Any, t: Any, label: str) -> Case:
        x0, eps = rng.normal(size=(2, n, d)).round(2)
        return case(x0 + 1, np.array(t), eps, np.array(betas), label=label)

    return [
        points(1, 2, [0.1, 0.2, 0.4], [1], "one point, t = 1"),
        points(3, 2, [0.1, 0.2, 0.4], [2, 0, 1], "three points at three times"),
        points(2, 3, [0.5], [0, 0], "a schedule of one step"),
        points(4, 1, np.linspace(1e-4, 0.02, 50), [0, 49, 20, 35], "fifty steps"),
        points(2, 2, [0.01, 0.3, 0.999], [2, 1], "an end of hardly any signal"),
    ]


SAMPLE = Exercise(
    id="diffusion/drown",
    section=SECTION,
    title="Drowned at once",
    reference=drown,
    cases=_points,
    alternatives=[_by_steps],
    mistakes=[
        Mistake(
            _mixed(left=lambda betas, t: 1 - betas[t]),
            "Only step t is taken: this uses 1 - beta_t. All steps up to t count, so multiply them.",
        ),
        Mistake(
            _mixed(left=lambda betas, t: np.cumprod(betas)[t]),
            "The betas themselves are multiplied. What is left of the signal's power is the product of 1 - beta.",
        ),
        Mistake(
            _mixed(left=lambda betas, t: 1 - np.cumsum(betas)[t], signal=lambda left: np.sqrt(abs(left))),
            "The betas are summed and taken from 1. Steps multiply: what is left is the product of 1 - beta.",
        ),
        Mistake(
            _mixed(left=lambda betas, t: np.append(1.0, np.cumprod(1 - betas))[t]),
            "These points are one step behind: at t = 0 the first step has been taken already.",
        ),
        Mistake(
            _mixed(left=lambda betas, t: np.cumprod(1 - betas)[t[:1]] * np.ones(len(t))),
            "All rows are at the time of the first. Each row has a time of its own.",
        ),
        Mistake(
            _mixed(signal=lambda left: left),
            "The signal is multiplied by alpha_bar. That is its power: the factor is the root.",
        ),
        Mistake(
            _mixed(noise=lambda left: 1 - left),
            "The noise is multiplied by 1 - alpha_bar, which is its variance. The factor is the root.",
        ),
        Mistake(
            _mixed(noise=lambda left: 1 - np.sqrt(left)),
            "The two factors sum to 1 here. It is their squares that sum to 1.",
        ),
        Mistake(
            _mixed(noise=np.ones_like),
            "The noise comes in at full strength whatever t is. Its standard deviation is sqrt(1 - alpha_bar_t).",
        ),
        Mistake(
            _mixed(signal=np.ones_like),
            "The point is not shrunk, so the variance grows with t. Its factor is sqrt(alpha_bar_t).",
        ),
        Mistake(
            _last_noise,
            "The noise has variance beta_t, that of the last step alone. All steps up to t brought noise: 1 - alpha_bar_t.",
        ),
        Mistake(
            _exchanged, "Point and noise have changed places: this starts as noise and ends as the point."
        ),
    ],
    hint="np.cumprod(1 - betas) has alpha_bar for every time; pick the rows' times and make it a column.",
)

# q(x_{t-1} | x_t, x_0)


def step_before(x0: Array, xt: Array, t: int, betas: Array) -> tuple[Array, float]:
    """Mean and variance of the step before."""
    left = np.cumprod(1 - betas)
    earlier, now = left[t - 1], left[t]
    mean = (np.sqrt(earlier) * betas[t] * x0 + np.sqrt(1 - betas[t]) * (1 - earlier) * xt) / (1 - now)
    return mean, (1 - earlier) / (1 - now) * betas[t]


def _by_precisions(x0: Array, xt: Array, t: int, betas: Array) -> tuple[Array, float]:
    earlier = np.prod(1 - betas[:t])
    from_before, from_after = 1 / (1 - earlier), (1 - betas[t]) / betas[t]
    total = from_before + from_after
    sure = from_before * np.sqrt(earlier) * x0 + from_after * xt / np.sqrt(1 - betas[t])
    return sure / total, 1 / total


Parts = tuple[float, float, float, float]


def _posterior(
    mean: Callable[..., Array] = lambda x0, xt, beta, alpha, earlier, now: (
        (earlier**0.5 * beta * x0 + alpha**0.5 * (1 - earlier) * xt) / (1 - now)
    ),
    variance: Callable[..., float] = lambda beta, alpha, earlier, now: (1 - earlier) / (1 - now) * beta,
    shift: int = 0,
) -> Callable[..., tuple[Array, float]]:
    """Another mean or variance, from beta_t, alpha_t, alpha_bar_{t-1} and alpha_bar_t."""

    def answer(x0: Array, xt: Array, t: int, betas: Array) -> tuple[Array, float]:
        left = np.append(1.0, np.cumprod(1 - betas))
        t = t - shift
        parts: Parts = betas[t], 1 - betas[t], left[t], left[t + 1]
        return mean(x0, xt, *parts), variance(*parts)

    return answer


def _swapped(x0: Array, xt: Array, t: int, betas: Array) -> tuple[Array, float]:
    return step_before(xt, x0, t, betas)


def _single_steps(x0: Array, xt: Array, t: int, betas: Array) -> tuple[Array, float]:
    earlier, now = 1 - betas[t - 1], 1 - betas[t]
    mean = (np.sqrt(earlier) * betas[t] * x0 + np.sqrt(now) * (1 - earlier) * xt) / (1 - now)
    return mean, (1 - earlier) / (1 - now) * betas[t]


def _pairs(rng: np.random.Generator) -> list[Case]:
    def pair(t: int, betas: Any, shape: tuple[int, ...], label: str) -> Case:
        x0, xt = rng.normal(size=(2, *shape)).round(2)
        return case(x0 + 1, xt, t, np.array(betas), label=label)

    return [
        pair(1, [0.1, 0.2, 0.4], (2,), "the second step"),
        pair(2, [0.1, 0.2, 0.4], (3,), "the third step"),
        pair(30, np.linspace(1e-4, 0.02, 50), (2, 2), "small steps, two points"),
        pair(2, [0.01, 0.3, 0.999], (4,), "a last step that leaves hardly any signal"),
        pair(1, [1e-4, 0.5], (1,), "little noise, then much"),
    ]


POSTERIOR = Exercise(
    id="diffusion/step_before",
    section=SECTION,
    title="The step before",
    reference=step_before,
    cases=_pairs,
    alternatives=[_by_precisions],
    mistakes=[
        Mistake(
            _posterior(variance=lambda beta, alpha, earlier, now: beta),
            "The variance is beta_t. That is right where nothing is known of x_0; who knows it is surer.",
        ),
        Mistake(
            _posterior(variance=lambda beta, alpha, earlier, now: ((1 - earlier) / (1 - now) * beta) ** 0.5),
            "The standard deviation is returned. Return the variance.",
        ),
        Mistake(
            _posterior(variance=lambda beta, alpha, earlier, now: (1 - now) / (1 - earlier) * beta),
            "The fraction of the variance stands on its head: it must be less than 1.",
        ),
        Mistake(
            _posterior(variance=lambda beta, alpha, earlier, now: 1 - earlier),
            "This is the variance of x_{t-1} given x_0 alone. x_t is known, too, which makes it smaller.",
        ),
        Mistake(
            _posterior(
                mean=lambda x0, xt, beta, alpha, earlier, now: (
                    (earlier * beta * x0 + alpha * (1 - earlier) * xt) / (1 - now)
                )
            ),
            "The roots are missing in the mean: it is sqrt(alpha_bar_{t-1}) and sqrt(alpha_t).",
        ),
        Mistake(
            _posterior(
                mean=lambda x0, xt, beta, alpha, earlier, now: (
                    (now**0.5 * beta * x0 + alpha**0.5 * (1 - earlier) * xt) / (1 - now)
                )
            ),
            "The factor of x_0 has alpha_bar_t in place of alpha_bar_{t-1}.",
        ),
        Mistake(
            _posterior(
                mean=lambda x0, xt, beta, alpha, earlier, now: (
                    (earlier**0.5 * beta * x0 + alpha**0.5 * (1 - now) * xt) / (1 - now)
                )
            ),
            "The factor of x_t has 1 - alpha_bar_t above the line. It is 1 - alpha_bar_{t-1}.",
        ),
        Mistake(
            _posterior(mean=lambda x0, xt, beta, alpha, earlier, now: earlier**0.5 * x0),
            "This is the mean of x_{t-1} given x_0 alone. What x_t tells is missing.",
        ),
        Mistake(
            _posterior(mean=lambda x0, xt, beta, alpha, earlier, now: xt / alpha**0.5),
            "This undoes the shrinking of the last step, as if its noise had been 0. Use x_0 as well.",
        ),
        Mistake(
            _single_steps,
            "1 - beta is taken for alpha_bar. Multiply all 1 - beta from the first step up to that time.",
        ),
        Mistake(
            lambda x0, xt, t, betas: step_before(x0, xt, t, betas)[::-1],
            "Both numbers are right, in the wrong order: first the mean, then the variance.",
        ),
        Mistake(_swapped, "x_0 and x_t have changed places in the mean."),
        Mistake(
            _posterior(shift=1),
            "This is the step one earlier. In code, t = 1 is the second step, and its beta is betas[1].",
        ),
        Mistake(
            _posterior(
                mean=lambda x0, xt, beta, alpha, earlier, now: (
                    earlier**0.5 * beta * x0 + alpha**0.5 * (1 - earlier) * xt
                )
            ),
            "The mean is not divided by 1 - alpha_bar_t.",
        ),
    ],
    hint="Four numbers are needed: beta_t, alpha_t, alpha_bar_t, and alpha_bar of the time before.",
)
