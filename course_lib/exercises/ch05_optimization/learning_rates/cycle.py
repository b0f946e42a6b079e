"""The exercise on the one-cycle schedule."""

import math
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/learning_rates"
Pair = tuple[float, float]


def _between(first: float, last: float, way: float) -> float:
    """Half a cosine from first to last as way goes from 0 to 1."""
    return last + (first - last) * (1 + math.cos(math.pi * way)) / 2


def cycle(step: int, steps: int, peak: float, up: float = 0.3) -> Pair:
    """Climb to the peak, fall to nearly nothing; the momentum the other way round."""
    turn, stop = up * steps - 1, steps - 1
    if step <= turn:
        return _between(peak / 25, peak, step / turn), _between(0.95, 0.85, step / turn)
    way = (step - turn) / (stop - turn)
    return _between(peak, peak / 25 / 1e4, way), _between(0.85, 0.95, way)


def _by_interpolation(step: int, steps: int, peak: float, up: float = 0.3) -> Pair:
    """How high, from 0 to 1, then rate and momentum at that height."""
    turn = up * steps - 1
    high = np.sin(np.pi / 2 * np.interp(step, [0, turn, steps - 1], [0, 1, 2])) ** 2
    low = peak / 25 if step <= turn else peak / 25e4
    return float(low + (peak - low) * high), float(0.95 - 0.1 * high)


def _with(
    move: Callable[[float, float, float], float] = _between,
    low: float = 1 / 25,
    end: float = 1 / 25 / 1e4,
    turn: Callable[[int, float], float] = lambda steps, up: up * steps - 1,
    stop: Callable[[int], float] = lambda steps: steps - 1,
    momenta: tuple[float, float, float] = (0.95, 0.85, 0.95),
) -> Callable[..., Pair]:
    """The cycle with one of its parts exchanged."""

    def answer(step: int, steps: int, peak: float, up: float = 0.3) -> Pair:
        at, last = turn(steps, up), stop(steps)
        if step <= at:
            return move(low * peak, peak, step / at), move(momenta[0], momenta[1], step / at)
        way = (step - at) / (last - at)
        return move(peak, end * peak, way), move(momenta[1], momenta[2], way)

    return answer


def _line(first: float, last: float, way: float) -> float:
    return first + (last - first) * way


def _linear_momentum(step: int, steps: int, peak: float, up: float = 0.3) -> Pair:
    turn = up * steps - 1
    return cycle(step, steps, peak, up)[0], float(np.interp(step, [0, turn, steps - 1], [0.95, 0.85, 0.95]))


def _swapped(step: int, steps: int, peak: float, up: float = 0.3) -> Pair:
    rate, momentum = cycle(step, steps, peak, up)
    return momentum, rate


def _one_cosine_for_momentum(step: int, steps: int, peak: float, up: float = 0.3) -> Pair:
    return cycle(step, steps, peak, up)[0], _between(0.95, 0.85, step / (steps - 1))


def _share(step: int, steps: int, peak: float, up: float = 0.3) -> Pair:
    rate, momentum = cycle(step, steps, peak, up)
    return rate / peak, momentum


def _fall_over_all(step: int, steps: int, peak: float, up: float = 0.3) -> Pair:
    if step <= up * steps - 1:
        return cycle(step, steps, peak, up)
    way = step / (steps - 1)
    return _between(peak, peak / 25 / 1e4, way), _between(0.85, 0.95, way)


CASES = [
    case(0, 100, 0.4, label="the first step"),
    case(29, 100, 0.4, label="the turn"),
    case(10, 100, 0.4, label="while the rate climbs"),
    case(30, 100, 0.4, label="one step after the turn"),
    case(60, 100, 0.4, label="while the rate falls"),
    case(99, 100, 0.4, label="the last step"),
    case(5, 33, 1.0, label="a turn between two steps, before it"),
    case(9, 33, 1.0, label="a turn between two steps, after it"),
    case(20, 60, 0.05, 0.5, label="half of the time up"),
    case(45, 60, 0.05, 0.5, label="half of the time up, later"),
    case(7, 50, 2.0, 0.1, label="a short climb"),
]

ONE_CYCLE = Exercise(
    id="learning_rates/one_cycle",
    section=SECTION,
    title="One cycle",
    reference=cycle,
    cases=CASES,
    alternatives=[_by_interpolation],
    rtol=1e-5,
    atol=1e-9,
    mistakes=[
        Mistake(
            _with(end=1e-4),
            "The last rate is peak / 10,000. The divisor 10,000 applies to the first rate, which is peak / 25 already.",
        ),
        Mistake(
            _with(end=0.0),
            "The rate falls to 0. It ends at peak / 25 / 10,000.",
        ),
        Mistake(
            _with(end=1 / 25),
            "The rate returns to where it started. It ends far below: at the first rate over 10,000.",
        ),
        Mistake(
            _with(low=0.0),
            "The climb starts at 0. It starts at peak / 25.",
        ),
        Mistake(
            _with(turn=lambda steps, up: up * steps),
            "The turn is one step late: with 100 steps and a share of 0.3 it is at step 29.",
        ),
        Mistake(
            _with(turn=lambda steps, up: float(int(up * steps) - 1)),
            "The turn is rounded to a whole step. It may lie between two: leave it as it is.",
        ),
        Mistake(
            _with(turn=lambda steps, up: up * (steps - 1)),
            "The turn is taken as a share of steps - 1. It is at up * steps - 1.",
        ),
        Mistake(
            _with(stop=lambda steps: steps),
            "The end is one step late: the last step, number steps - 1, must be the lowest.",
        ),
        Mistake(
            _with(turn=lambda steps, up: 0.3 * steps - 1),
            "The share of climbing is always 0.3 here. Use the argument.",
        ),
        Mistake(
            _with(turn=lambda steps, up: up * steps, stop=lambda steps: steps),
            "Turn and end are one step late, as in a schedule over shares of T. Here they are at up * steps - 1 and at steps - 1.",
        ),
        Mistake(
            _fall_over_all,
            "The fall is a cosine over all steps, so the rate drops at the turn. It begins at the turn, with the peak.",
        ),
        Mistake(
            _linear_momentum,
            "The rate is right, but the momentum goes along straight lines. It moves along half cosines, as the rate does.",
        ),
        Mistake(_with(move=_line), "This moves along straight lines. Take half cosines."),
        Mistake(
            _with(momenta=(0.85, 0.95, 0.85)),
            "The momentum goes up with the rate. It goes the other way: lowest, 0.85, where the rate is highest.",
        ),
        Mistake(
            _with(momenta=(0.95, 0.85, 0.85)),
            "The momentum stays at 0.85 after the turn. It climbs back to 0.95.",
        ),
        Mistake(
            _with(momenta=(0.95, 0.95, 0.95)),
            "The momentum does not change. It falls to 0.85 while the rate climbs, and comes back.",
        ),
        Mistake(
            _one_cosine_for_momentum,
            "The momentum falls until the end of training. It turns where the rate does.",
        ),
        Mistake(_share, "The rate is given as a share of the peak. Multiply by the peak."),
        Mistake(_swapped, "Rate and momentum are exchanged: return the rate first."),
    ],
    hint="Write a helper that goes along half a cosine from one value to another as a share goes from 0 to 1. Use it four times.",
)
