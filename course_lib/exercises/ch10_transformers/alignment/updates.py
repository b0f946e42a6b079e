"""Exercises on the policy's update: advantages, and the gradient that PPO's clip leaves."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/alignment"
Array = np.ndarray

# generalized advantages


def advantages(rewards: Array, values: Array, lam: float) -> Array:
    """A_i = delta_i + lam A_{i+1}, delta_i = r_i + v_{i+1} - v_i, from the end."""
    found, after = np.zeros(len(rewards)), 0.0
    surprise = rewards + np.append(values[1:], 0.0) - values
    for i in reversed(range(len(rewards))):
        after = found[i] = surprise[i] + lam * after
    return found


def _by_sums(rewards: Array, values: Array, lam: float) -> Array:
    t = len(rewards)
    v = [*values, 0.0]
    delta = [rewards[i] + v[i + 1] - v[i] for i in range(t)]
    return np.array([sum(lam ** (j - i) * delta[j] for j in range(i, t)) for i in range(t)])


def _by_matrix(rewards: Array, values: Array, lam: float) -> Array:
    ahead = np.arange(len(rewards))[None] - np.arange(len(rewards))[:, None]
    weights = np.where(ahead >= 0, float(lam) ** np.maximum(ahead, 0), 0.0)
    return weights @ (rewards + np.append(values[1:], 0.0) - values)


def _discounted(delta: Array, lam: float) -> Array:
    return _by_sums(delta, np.zeros(len(delta)), lam)


def _next(values: Array, last: float = 0.0) -> Array:
    return np.append(values[1:], last)


def _with_delta(delta: Callable[[Array, Array, float], Array]) -> Callable[..., Array]:
    """Other surprises, discounted as they should be."""

    def answer(rewards: Array, values: Array, lam: float) -> Array:
        return _discounted(delta(rewards, values, lam), lam)

    return answer


def _from_the_past(rewards: Array, values: Array, lam: float) -> Array:
    return _discounted((rewards + _next(values) - values)[::-1], lam)[::-1]


def _one_step_ahead(rewards: Array, values: Array, lam: float) -> Array:
    delta = rewards + _next(values) - values
    return delta + lam * _next(delta)


def _normalized(rewards: Array, values: Array, lam: float) -> Array:
    found = advantages(rewards, values, lam)
    return (found - found.mean()) / (found.std() + 1e-8)


def _texts(rng: np.random.Generator) -> list[Case]:
    def draw(t: int, lam: float, label: str) -> Case:
        return case(rng.normal(size=t).round(2), rng.normal(size=t).round(2), lam, label=label)

    return [
        case(np.array([1.0, 2.0]), np.array([0.5, 1.5]), 0.5, label="two tokens"),
        case(np.array([0.0, 0.0, 3.0]), np.array([1.0, 2.0, 2.5]), 0.9, label="a reward at the end"),
        draw(4, 1.0, "lambda 1"),
        draw(4, 0.0, "lambda 0"),
        draw(6, 0.95, "six tokens"),
        draw(1, 0.5, "one token"),
    ]


ADVANTAGES = Exercise(
    id="alignment/advantages",
    section=SECTION,
    title="Advantages",
    reference=advantages,
    cases=_texts,
    alternatives=[_by_sums, _by_matrix],
    mistakes=[
        Mistake(
            lambda rewards, values, lam: advantages(rewards, values, 1.0),
            "Later surprises are not discounted: this is lambda = 1.",
        ),
        Mistake(
            lambda rewards, values, lam: advantages(rewards, values, 0.0),
            "Each token answers for its own surprise only: this is lambda = 0. Add lambda times the next advantage.",
        ),
        Mistake(
            _from_the_past,
            "The sum runs over earlier tokens. A token has an effect on what comes later: go from the end to the start.",
        ),
        Mistake(
            _with_delta(lambda r, v, lam: r + _next(v, v[-1]) - v),
            "Behind the end the last value is taken once more. Nothing is to be expected there: it is 0.",
        ),
        Mistake(
            _with_delta(lambda r, v, lam: r + v - _next(v)),
            "The two values are exchanged: what is expected afterwards is added, what was expected before subtracted.",
        ),
        Mistake(
            lambda rewards, values, lam: advantages(rewards, values, lam) + values,
            "These are the returns, advantage plus value, towards which the critic is trained.",
        ),
        Mistake(
            _with_delta(lambda r, v, lam: r + lam * _next(v) - v),
            "Lambda discounts the next value as well. It discounts the next advantage only.",
        ),
        Mistake(
            _with_delta(lambda r, v, lam: r - v),
            "The next value is missing from the surprise: what is still to come counts, too.",
        ),
        Mistake(
            _with_delta(lambda r, v, lam: r + _next(v)),
            "The value before the token is not subtracted, so there is no baseline.",
        ),
        Mistake(
            _normalized,
            "These are normalized to mean 0 and variance 1, as PPO does with a batch. Return them as they are.",
        ),
        Mistake(
            _one_step_ahead,
            "Only one later surprise is added. Take up the whole advantage behind, which contains all later ones.",
        ),
        Mistake(
            lambda rewards, values, lam: lam * advantages(rewards, values, lam),
            "A token's own surprise is discounted, too. It counts in full: lambda to the power of 0.",
        ),
    ],
    hint="Compute all delta first, with 0 as the value behind the end. Then go backwards: A = delta + lambda times the A behind it.",
)

# the gradient through the clip


def clip_gradient(log_pi: Array, log_old: Array, A: Array, eps: float) -> Array:
    """rho A, or 0 where the ratio has gone too far in the direction of A."""
    rho = np.exp(log_pi - log_old)
    too_far = np.where(A > 0, rho > 1 + eps, rho < 1 - eps)
    return np.where(too_far, 0.0, rho * A)


def _by_minimum(log_pi: Array, log_old: Array, A: Array, eps: float) -> Array:
    rho = np.exp(log_pi - log_old)
    return rho * A * (rho * A <= np.clip(rho, 1 - eps, 1 + eps) * A)


def _by_one(log_pi: Array, log_old: Array, A: Array, eps: float) -> Array:
    found = []
    for new, old, a in zip(log_pi, log_old, A, strict=True):
        rho = np.exp(new - old)
        pays = rho < 1 + eps if a > 0 else rho > 1 - eps
        found.append(a * rho if pays else 0.0)
    return np.array(found)


def _ratios(wrong: Callable[[Array, Array, float], Array]) -> Callable[..., Array]:
    """Another gradient, of the ratio, A and eps."""

    def answer(log_pi: Array, log_old: Array, A: Array, eps: float) -> Array:
        return wrong(np.exp(log_pi - log_old), A, eps)

    return answer


def _kept(rho: Array, A: Array, eps: float) -> Array:
    return ~np.where(A > 0, rho > 1 + eps, rho < 1 - eps)


def _tokens(rng: np.random.Generator) -> list[Case]:
    def at(ratios: list[float], A: list[float], eps: float, label: str) -> Case:
        old = rng.normal(size=len(ratios)).round(2) - 3
        return case(old + np.log(ratios), old, np.array(A), eps, label=label)

    return [
        at([1.0, 1.1], [2.0, -1.0], 0.2, "within the clip"),
        at([1.5, 0.5], [1.0, -2.0], 0.2, "too far in the direction of A"),
        at([0.5, 1.5], [1.0, -2.0], 0.2, "gone the wrong way"),
        at([1.21, 0.81, 0.79, 1.19], [1.0, -1.0, -1.0, 1.0], 0.2, "close to the border"),
        at([1.15, 0.9, 1.3, 0.7], [3.0, -2.5, 0.1, -0.1], 0.2, "advantages large and small"),
        at([1.4, 0.6, 1.6, 0.4], [0.5, -0.5, 3.0, -3.0], 0.5, "a wider clip"),
        at(list(np.exp(rng.normal(size=6)).round(2)), list(rng.normal(size=6).round(2)), 0.3, "at random"),
    ]


CLIP = Exercise(
    id="alignment/clip",
    section=SECTION,
    title="What the clip lets through",
    reference=clip_gradient,
    cases=_tokens,
    alternatives=[_by_minimum, _by_one],
    mistakes=[
        Mistake(
            _ratios(lambda rho, A, eps: rho * A),
            "Nothing is clipped: this is the derivative of the ratio times A.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: np.where(np.abs(rho - 1) > eps, 0.0, rho * A)),
            "The gradient is 0 wherever the ratio is outside. Where it has gone the wrong way, the minimum keeps it.",
        ),
        Mistake(
            _ratios(
                lambda rho, A, eps: np.where(np.where(A > 0, rho < 1 - eps, rho > 1 + eps), 0.0, rho * A)
            ),
            "The sides are exchanged: with A above 0, what has become too likely is clipped.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: _kept(rho, A, eps) * A),
            "This is the derivative by the ratio. By the logarithm of pi it has a factor of the ratio more.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: np.minimum(rho * A, np.clip(rho, 1 - eps, 1 + eps) * A)),
            "This is the objective itself. Its derivative is asked for, which is 0 where the objective is level.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: np.where((A > 0) & (rho > 1 + eps), 0.0, rho * A)),
            "Only tokens with A above 0 are clipped. With A below 0, those that have become too rare are.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: np.where(rho > 1 + eps, 0.0, rho * A)),
            "Whatever is too likely is clipped. With A below 0 it must come back; there, what is too rare is clipped.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: _kept(1 / rho, A, eps) / rho * A),
            "The ratio is upside down: it is new over old.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: -rho * A * _kept(rho, A, eps)),
            "This is the gradient of the loss, the negative objective. The objective's is asked for.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: np.where(np.where(A > 0, 1, -1) * np.log(rho) > eps, 0.0, rho * A)),
            "The logarithm of the ratio is compared with eps. The clip is at ratios of 1 - eps and 1 + eps.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: np.where((rho - 1) * A > eps, 0.0, rho * A)),
            "The change of the ratio is multiplied by A before it is compared with eps. Only the sign of A counts.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: np.clip(rho, 1 - eps, 1 + eps) * A),
            "This is the clipped ratio times A. Take the derivative: 0 on the level branch, and the minimum chooses.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: np.log(rho) * A * _kept(np.log(rho), A, eps)),
            "The difference of the logarithms is taken for the ratio. The ratio is its exponential.",
        ),
        Mistake(
            _ratios(lambda rho, A, eps: rho * A * _kept(rho, A, 0.2)),
            "The clip is always 0.2 here. Use eps.",
        ),
    ],
    hint="The derivative of the ratio by log pi is the ratio. In which two cases does the minimum choose the level branch?",
)
