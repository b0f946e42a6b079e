"""Exercises on the way back: one step of the ancestral sampler, and one jump of DDIM."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/diffusion"
Array = np.ndarray

# ancestral sampling


def step_back(x: Array, t: int, eps: Array, z: Array, betas: Array) -> Array:
    """(x - beta / sqrt(1 - abar) eps) / sqrt(alpha), plus noise but at t = 0."""
    left = np.append(1.0, np.cumprod(1 - betas))
    variance = (1 - left[t]) / (1 - left[t + 1]) * betas[t]
    mean = (x - betas[t] / np.sqrt(1 - left[t + 1]) * eps) / np.sqrt(1 - betas[t])
    return mean + np.sqrt(variance) * z


def _by_the_guess(x: Array, t: int, eps: Array, z: Array, betas: Array) -> Array:
    now, earlier = np.prod(1 - betas[: t + 1]), np.prod(1 - betas[:t])
    x0 = (x - np.sqrt(1 - now) * eps) / np.sqrt(now)
    if t == 0:
        return x0
    total = 1 / (1 - earlier) + (1 - betas[t]) / betas[t]
    mean = (np.sqrt(earlier) * x0 / (1 - earlier) + np.sqrt(1 - betas[t]) * x / betas[t]) / total
    return mean + z / np.sqrt(total)


def _back(
    mean: Callable[..., Array] = lambda x, eps, beta, earlier, now: (
        (x - beta / (1 - now) ** 0.5 * eps) / (1 - beta) ** 0.5
    ),
    variance: Callable[..., float] = lambda beta, earlier, now, t: (1 - earlier) / (1 - now) * beta,
) -> Callable[..., Array]:
    """Another mean, or another variance of the fresh noise."""

    def answer(x: Array, t: int, eps: Array, z: Array, betas: Array) -> Array:
        left = np.append(1.0, np.cumprod(1 - betas))
        earlier, now = left[t], left[t + 1]
        return mean(x, eps, betas[t], earlier, now) + variance(betas[t], earlier, now, t) ** 0.5 * z

    return answer


def _variance_as_factor(x: Array, t: int, eps: Array, z: Array, betas: Array) -> Array:
    left = np.append(1.0, np.cumprod(1 - betas))
    tilde = (1 - left[t]) / (1 - left[t + 1]) * betas[t]
    return step_back(x, t, eps, 0 * z, betas) + tilde * z


def _noise_divided(x: Array, t: int, eps: Array, z: Array, betas: Array) -> Array:
    return step_back(x, t, eps, z / np.sqrt(1 - betas[t]), betas)


def _clean(x: Array, t: int, eps: Array, z: Array, betas: Array) -> Array:
    now = np.prod(1 - betas[: t + 1])
    return (x - np.sqrt(1 - now) * eps) / np.sqrt(now)


def _from_the_end(x: Array, t: int, eps: Array, z: Array, betas: Array) -> Array:
    left = np.cumprod(1 - betas)
    variance = (1 - left[t - 1]) / (1 - left[t]) * betas[t]
    return step_back(x, t, eps, 0 * z, betas) + np.sqrt(variance) * z


def _steps(rng: np.random.Generator) -> list[Case]:
    def step(t: int, betas: Any, shape: tuple[int, ...], label: str) -> Case:
        x, eps, z = rng.normal(size=(3, *shape)).round(2)
        return case(x, t, eps, z, np.array(betas), label=label)

    return [
        step(1, [0.1, 0.2, 0.4], (3,), "the second step"),
        step(2, [0.1, 0.2, 0.4], (2, 2), "the third step, two points"),
        step(0, [0.1, 0.2, 0.4], (3,), "the last step back, t = 0"),
        step(40, np.linspace(1e-4, 0.02, 50), (2,), "small steps"),
        step(2, [0.01, 0.3, 0.999], (4,), "a step that leaves hardly any signal"),
    ]


REVERSE = Exercise(
    id="diffusion/step_back",
    section=SECTION,
    title="One step back",
    reference=step_back,
    cases=_steps,
    alternatives=[_by_the_guess],
    mistakes=[
        Mistake(
            _back(variance=lambda beta, earlier, now, t: beta if t else 0.0),
            "The fresh noise has variance beta_t. Asked for is the smaller one, of the step before given x_0.",
        ),
        Mistake(
            _back(variance=lambda beta, earlier, now, t: (1 - earlier) / (1 - now) * beta if t else beta),
            "Noise is added at t = 0, too. The last step ends at the data: no noise.",
        ),
        Mistake(
            _back(variance=lambda beta, earlier, now, t: beta),
            "The fresh noise has variance beta_t at every t, even at the last step, where there must be none.",
        ),
        Mistake(
            _from_the_end,
            "Right but for t = 0, where index t - 1 is -1 and picks the last time. Before the first step alpha_bar is 1.",
        ),
        Mistake(
            _noise_divided,
            "The fresh noise is divided by sqrt(alpha_t), too. Only the mean is: add the noise after that.",
        ),
        Mistake(
            _clean,
            "This is the guess of x_0: all steps are undone at once. Undo one, from t to t - 1.",
        ),
        Mistake(_variance_as_factor, "z is multiplied by the variance. Multiply by the standard deviation."),
        Mistake(
            _back(variance=lambda beta, earlier, now, t: 0.0),
            "There is no fresh noise: this is only the mean. A step back is a draw.",
        ),
        Mistake(
            _back(variance=lambda beta, earlier, now, t: float(t > 0)),
            "The fresh noise has variance 1. That would drown the point again in a single step.",
        ),
        Mistake(
            _back(mean=lambda x, eps, beta, earlier, now: (x - (1 - now) ** 0.5 * eps) / (1 - beta) ** 0.5),
            "All of the noise is taken away at once. One step takes beta_t / sqrt(1 - alpha_bar_t) of it.",
        ),
        Mistake(
            _back(mean=lambda x, eps, beta, earlier, now: (x - beta**0.5 * eps) / (1 - beta) ** 0.5),
            "eps is taken for the noise of the last step. It is the noise of all steps: beta_t / sqrt(1 - alpha_bar_t).",
        ),
        Mistake(
            _back(mean=lambda x, eps, beta, earlier, now: x - beta / (1 - now) ** 0.5 * eps),
            "The division by sqrt(alpha_t) is missing: on the way in, each step shrank the point.",
        ),
        Mistake(
            _back(mean=lambda x, eps, beta, earlier, now: (x - beta / (1 - now) ** 0.5 * eps) / now**0.5),
            "The mean is divided by sqrt(alpha_bar_t), which undoes all steps. Undo one: sqrt(alpha_t).",
        ),
        Mistake(
            _back(
                mean=lambda x, eps, beta, earlier, now: (
                    (x + beta / (1 - now) ** 0.5 * eps) / (1 - beta) ** 0.5
                )
            ),
            "The guessed noise is added. It has to go: subtract it.",
        ),
        Mistake(
            _back(mean=lambda x, eps, beta, earlier, now: (x - beta / (1 - now) * eps) / (1 - beta) ** 0.5),
            "The root is missing below beta_t: it is sqrt(1 - alpha_bar_t).",
        ),
    ],
    hint="The mean needs beta_t, alpha_t and alpha_bar_t. For the noise, alpha_bar of the time before, which is 1 at t = 0.",
)

# DDIM


def jump_back(x: Array, eps: Array, z: Array, now: float, then: float, eta: float) -> Array:
    """From alpha_bar = now to alpha_bar = then."""
    x0 = (x - np.sqrt(1 - now) * eps) / np.sqrt(now)
    sigma = eta * np.sqrt((1 - then) / (1 - now) * (1 - now / then))
    return np.sqrt(then) * x0 + np.sqrt(1 - then - sigma**2) * eps + sigma * z


def _by_shares(x: Array, eps: Array, z: Array, now: float, then: float, eta: float) -> Array:
    fresh = eta**2 * (1 - then) * (then - now) / ((1 - now) * then)
    ratio = np.sqrt(then / now)
    kept = np.sqrt(1 - then - fresh) - ratio * np.sqrt(1 - now)
    return ratio * x + kept * eps + np.sqrt(fresh) * z


def _jump(
    picture: Callable[..., Array] = lambda x, eps, now: (x - (1 - now) ** 0.5 * eps) / now**0.5,
    sigma: Callable[..., float] = lambda now, then, eta: (
        eta * ((1 - then) / (1 - now) * (1 - now / then)) ** 0.5
    ),
    kept: Callable[..., float] = lambda now, then, s: (1 - then - s**2) ** 0.5,
    signal: Callable[..., float] = lambda now, then: then**0.5,
) -> Callable[..., Array]:
    """Another guess of x_0, or other factors."""

    def answer(x: Array, eps: Array, z: Array, now: float, then: float, eta: float) -> Array:
        s = sigma(now, then, eta)
        return signal(now, then) * picture(x, eps, now) + kept(now, then, s) * eps + s * z

    return answer


def _variance_times_z(x: Array, eps: Array, z: Array, now: float, then: float, eta: float) -> Array:
    s = eta * np.sqrt((1 - then) / (1 - now) * (1 - now / then))
    return jump_back(x, eps, 0 * z, now, then, eta) + s**2 * z


def _jumps(rng: np.random.Generator) -> list[Case]:
    def jump(now: float, then: float, eta: float, shape: tuple[int, ...], label: str) -> Case:
        x, eps, z = rng.normal(size=(3, *shape)).round(2)
        return case(x, eps, z, now, then, eta, label=label)

    return [
        jump(0.25, 0.64, 0.0, (3,), "eta = 0"),
        jump(0.01, 0.36, 0.0, (2, 2), "a long jump, two points"),
        jump(0.25, 0.64, 1.0, (3,), "eta = 1"),
        jump(0.5, 0.9, 0.5, (4,), "eta = 1/2"),
        jump(0.8, 1.0, 1.0, (2,), "to the data"),
    ]


JUMP = Exercise(
    id="diffusion/jump",
    section=SECTION,
    title="A jump of DDIM",
    reference=jump_back,
    cases=_jumps,
    alternatives=[_by_shares],
    mistakes=[
        Mistake(
            _jump(kept=lambda now, then, s: (1 - then) ** 0.5),
            "The kept noise has variance 1 - alpha_bar_s, and fresh noise comes on top. Give it room: subtract sigma^2.",
        ),
        Mistake(
            _jump(kept=lambda now, then, s: (1 - then) ** 0.5 - s),
            "sigma is subtracted outside the root. Variances add up, not standard deviations.",
        ),
        Mistake(
            _jump(kept=lambda now, then, s: (1 - now - (s**2 if s else 0)) ** 0.5),
            "The kept noise is as loud as before: that is alpha_bar_t. At the earlier time it is 1 - alpha_bar_s.",
        ),
        Mistake(
            _jump(kept=lambda now, then, s: 0.0),
            "The guessed noise is dropped. DDIM keeps it, at the strength of the earlier time.",
        ),
        Mistake(
            _jump(sigma=lambda now, then, eta: 0.0),
            "eta is ignored: this is the jump without fresh noise.",
        ),
        Mistake(
            _jump(sigma=lambda now, then, eta: (eta * (1 - then) / (1 - now) * (1 - now / then)) ** 0.5),
            "eta is under the root. It multiplies sigma itself.",
        ),
        Mistake(
            _jump(sigma=lambda now, then, eta: eta * (1 - now / then) ** 0.5 * (1 - then) ** 0.5),
            "The factor 1 / (1 - alpha_bar_t) is missing in sigma.",
        ),
        Mistake(
            _jump(picture=lambda x, eps, now: x - (1 - now) ** 0.5 * eps),
            "The guess of x_0 is not divided by sqrt(alpha_bar_t).",
        ),
        Mistake(
            _jump(picture=lambda x, eps, now: (x - (1 - now) * eps) / now**0.5),
            "The noise in x_t has the factor sqrt(1 - alpha_bar_t): the root is missing in the guess of x_0.",
        ),
        Mistake(
            _jump(signal=lambda now, then: 1.0),
            "x_0 comes back at full strength, whatever the time. At the earlier time its factor is sqrt(alpha_bar_s).",
        ),
        Mistake(
            _jump(signal=lambda now, then: (then / now) ** 0.5),
            "x_0 is too large by 1 / sqrt(alpha_bar_t). Divide by this root once, to get x_0; then its factor is sqrt(alpha_bar_s).",
        ),
        Mistake(
            _jump(sigma=lambda now, then, eta: eta * (1 - then) / (1 - now) * (1 - now / then)),
            "The roots are missing in sigma: its square has these fractions.",
        ),
        Mistake(_variance_times_z, "z is multiplied by sigma squared. Multiply by sigma."),
    ],
    hint="First x_0 from x and eps. Then three terms: the picture, the kept noise, the fresh noise; the last two variances sum to 1 - alpha_bar_s.",
)
