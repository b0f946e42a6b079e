"""The exercise on reading a range test."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "05_optimization/learning_rates"
Reader = Callable[..., float]


def _finite(losses: np.ndarray) -> np.ndarray:
    """The losses before the first that is not finite."""
    bad = ~np.isfinite(losses)
    return losses[: bad.argmax()] if bad.any() else losses


def _smooth(losses: np.ndarray, beta: float, corrected: bool = True) -> np.ndarray:
    m, means = 0.0, []
    for t, loss in enumerate(losses):
        m = beta * m + (1 - beta) * loss
        means.append(m / (1 - beta ** (t + 1)) if corrected else m)
    return np.array(means)


def read_range_test(rates: np.ndarray, losses: np.ndarray, beta: float = 0.9) -> float:
    """Half of the rate where the smoothed loss is lowest."""
    return float(rates[_smooth(_finite(losses), beta).argmin()] / 2)


def _by_weights(rates: np.ndarray, losses: np.ndarray, beta: float = 0.9) -> float:
    """Each mean is a weighted mean of the losses so far."""
    kept = _finite(losses)
    means = [
        np.average(kept[: t + 1], weights=beta ** np.arange(t, -1, -1, dtype=float)) for t in range(len(kept))
    ]
    return float(0.5 * rates[int(np.argmin(means))])


def _with(
    smooth: Callable[[np.ndarray, float], np.ndarray] = _smooth,
    keep: Callable[[np.ndarray], np.ndarray] = _finite,
    place: Callable[[np.ndarray, np.ndarray], int] = lambda means, rates: int(means.argmin()),
    result: Callable[[float], float] = lambda rate: rate / 2,
) -> Reader:
    """The reading with one of its parts exchanged."""

    def answer(rates: np.ndarray, losses: np.ndarray, beta: float = 0.9) -> float:
        with np.errstate(invalid="ignore", over="ignore"):
            means = smooth(keep(losses), beta)
            return float(result(float(rates[place(means, rates[: len(means)])])))

    return answer


def _half_the_index(rates: np.ndarray, losses: np.ndarray, beta: float = 0.9) -> float:
    return float(rates[int(_smooth(_finite(losses), beta).argmin()) // 2])


def _loss(rates: np.ndarray, losses: np.ndarray, beta: float = 0.9) -> float:
    return float(_smooth(_finite(losses), beta).min())


def _index(rates: np.ndarray, losses: np.ndarray, beta: float = 0.9) -> int:
    return int(_smooth(_finite(losses), beta).argmin())


def _steepest(means: np.ndarray, rates: np.ndarray) -> int:
    return int(np.gradient(means, np.log(rates)).argmin())


def _from_the_first(losses: np.ndarray, beta: float) -> np.ndarray:
    means = [losses[0]]
    for loss in losses[1:]:
        means.append(beta * means[-1] + (1 - beta) * loss)
    return np.array(means)


def _skip_bad(losses: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(losses), losses, 0.0)


def _sweeps(rng: np.random.Generator) -> list[Case]:
    def test(steps: int, turn: float, noise: float, high: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
        rates = np.geomspace(1e-4, high, steps)
        clean = 0.8 + 1.6 / (1 + (rates / turn * 6) ** 1.2) + (rates / turn) ** 2 / 4
        return rates, (clean * np.exp(noise * rng.standard_normal(steps))).round(3)

    smooth_rates, smooth_losses = test(60, 0.5, 0.0)
    rates, losses = test(120, 0.3, 0.1)
    lucky = losses.copy()
    lucky[25] = 0.3  # one easy batch, long before the turn
    exploded_rates, exploded = test(100, 0.05, 0.05)
    exploded[62:] = np.nan
    exploded[60:62] = np.inf
    back = exploded.copy()
    back[62:] = 0.01  # silent again after the explosion
    return [
        case(
            np.array([0.1, 0.2, 0.4, 0.8]),
            np.array([2.0, 1.0, 4.0, 8.0]),
            0.5,
            label="four steps, beta one half",
        ),
        case(smooth_rates, smooth_losses, label="a smooth curve"),
        case(rates, losses, label="a noisy curve"),
        case(rates, lucky, label="one easy batch early on"),
        case(rates, losses, 0.97, label="smoothed more strongly"),
        case(rates, losses, 0.0, label="not smoothed at all"),
        case(exploded_rates, exploded, label="the losses become inf and nan"),
        case(exploded_rates, back, label="small losses after an explosion"),
        case(np.geomspace(0.1, 3.0, 12), np.geomspace(1.0, 9.0, 12), 0.7, label="the sweep began too high"),
        case(np.geomspace(1e-5, 1e-2, 40), np.linspace(3.0, 1.0, 40), label="the sweep stopped too early"),
    ]


READ_RANGE_TEST = Exercise(
    id="learning_rates/read_range_test",
    section=SECTION,
    title="Read a range test",
    reference=read_range_test,
    cases=_sweeps,
    alternatives=[_by_weights],
    mistakes=[
        Mistake(
            _with(smooth=lambda losses, beta: losses),
            "This looks at the raw losses: one lucky batch decides. Smooth them first.",
        ),
        Mistake(
            _with(smooth=lambda losses, beta: _smooth(losses, beta, corrected=False)),
            "The running mean is not corrected for its start at 0, so it is lowest at the very beginning. Divide by 1 - beta ** (t + 1).",
        ),
        Mistake(
            _with(
                smooth=lambda losses, beta: np.array(
                    [m / max(1 - beta**t, 1e-3) for t, m in enumerate(_smooth(losses, beta, False))]
                )
            ),
            "The correction is one step late: the first mean, t = 0, is divided by 1 - beta ** 1.",
        ),
        Mistake(
            _with(smooth=lambda losses, beta: _smooth(losses, 1 - beta) if beta else losses * 0 + losses[0]),
            "beta and 1 - beta are exchanged: beta is the share of the old mean.",
        ),
        Mistake(
            _with(
                smooth=lambda losses, beta: losses,
                keep=lambda losses: np.where(np.isfinite(losses), losses, np.inf),
            ),
            "This looks at the raw losses, even at those after the explosion. Cut off, then smooth, then take the lowest.",
        ),
        Mistake(
            _with(smooth=_from_the_first),
            "The running mean starts at the first loss, which then weighs far too much. Start at 0 and divide by 1 - beta ** (t + 1).",
        ),
        Mistake(
            _with(smooth=lambda losses, beta: _smooth(losses, 0.9)),
            "This is right for a beta of 0.9 only. Use the argument.",
        ),
        Mistake(
            _with(result=lambda rate: rate),
            "This is the rate with the lowest loss, where training is about to turn. Return half of it.",
        ),
        Mistake(
            _with(result=lambda rate: rate / 10),
            "This is a tenth of the rate with the lowest loss, another rule of thumb. This section takes half.",
        ),
        Mistake(
            _half_the_index,
            "This goes back half of the steps. The rates grow by a factor in each step: halve the rate itself.",
        ),
        Mistake(_loss, "This is the lowest smoothed loss. Return half of the rate that belongs to it."),
        Mistake(_index, "This is the number of a step. Look up its rate, and halve that."),
        Mistake(
            _with(keep=lambda losses: losses),
            "A nan makes every later mean nan, and argmin takes nan for the lowest. Cut the losses off before the first that is not finite.",
        ),
        Mistake(
            _with(keep=_skip_bad),
            "Losses that are inf or nan are counted as 0, which makes an explosion look like a success. Cut them off, with all that follow.",
        ),
        Mistake(
            _with(keep=lambda losses: losses[np.isfinite(losses)]),
            "Only the bad losses are left out, and those behind them move up in their place. Everything after the first bad one is to be ignored.",
        ),
        Mistake(
            _with(place=_steepest),
            "This is the rate where the loss falls fastest, another rule of thumb. Take the lowest point of the curve.",
        ),
        Mistake(
            _with(place=lambda means, rates: int(means.argmax())),
            "This takes the highest point of the smoothed curve. Take the lowest.",
        ),
        Mistake(
            _with(place=lambda means, rates: len(means) - 1),
            "This takes the last rate of the sweep. Take the one where the smoothed loss is lowest.",
        ),
    ],
    hint="Three steps: cut off from the first loss that is not finite; smooth, with the correction; argmin.",
)
