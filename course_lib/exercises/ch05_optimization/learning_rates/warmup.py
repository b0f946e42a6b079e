"""The exercise on the cosine with warm-up."""

import math
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/learning_rates"
Schedule = Callable[..., float]


def warmup_cosine(step: int, steps: int, warmup: int, peak: float, final: float = 0.0) -> float:
    """Climb to the peak in a straight line, then fall along half a cosine over the steps that are left."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return final + (peak - final) * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


def _by_squared_cosine(step: int, steps: int, warmup: int, peak: float, final: float = 0.0) -> float:
    height = np.cos(np.pi / 2 * max(0, step - warmup) / (steps - warmup)) ** 2
    return peak * (step + 1) / warmup if step < warmup else float(peak * height + final * (1 - height))


def _climb(step: int, warmup: int, peak: float) -> float:
    return peak * (step + 1) / warmup


def _half_cosine(share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


def _with(
    climb: Callable[[int, int, float, float], float] = lambda step, warmup, peak, final: _climb(
        step, warmup, peak
    ),
    way: Callable[[int, int, int], float] = lambda step, steps, warmup: (step - warmup) / (steps - warmup),
    fall: Callable[[float], float] = _half_cosine,
    height: Callable[[float, float, float], float] = lambda h, peak, final: final + (peak - final) * h,
    until: Callable[[int], int] = lambda warmup: warmup,
) -> Schedule:
    """The schedule with one of its parts exchanged."""

    def answer(step: int, steps: int, warmup: int, peak: float, final: float = 0.0) -> float:
        if step < until(warmup):
            return climb(step, warmup, peak, final)
        return height(fall(way(step, steps, warmup)), peak, final)

    return answer


def _multiplied(step: int, steps: int, warmup: int, peak: float, final: float = 0.0) -> float:
    ramp = min(1.0, (step + 1) / warmup) if warmup else 1.0
    return ramp * (final + (peak - final) * _half_cosine(step / steps))


def _no_warmup(step: int, steps: int, warmup: int, peak: float, final: float = 0.0) -> float:
    return final + (peak - final) * _half_cosine(step / steps)


def _one_more(step: int, steps: int, warmup: int, peak: float, final: float = 0.0) -> float:
    if step <= warmup:
        return peak * (step + 1) / (warmup + 1)
    return warmup_cosine(step, steps, warmup, peak, final)


CASES = [
    case(0, 100, 10, 0.4, label="the first step"),
    case(9, 100, 10, 0.4, label="the last step of the warm-up"),
    case(10, 100, 10, 0.4, label="the first step of the cosine"),
    case(55, 100, 10, 0.4, label="half of the way down"),
    case(4, 100, 10, 0.4, label="in the warm-up"),
    case(30, 100, 10, 0.4, label="a quarter of the way and a little less"),
    case(99, 100, 10, 0.4, label="the last step"),
    case(70, 100, 20, 1.0, 0.1, label="with a final rate"),
    case(96, 100, 20, 1.0, 0.1, label="with a final rate, near the end"),
    case(3, 50, 8, 1.0, 0.2, label="in the warm-up, with a final rate"),
    case(0, 20, 0, 0.3, label="no warm-up, the first step"),
    case(7, 20, 0, 0.3, 0.05, label="no warm-up, later"),
    case(0, 7, 1, 2.0, label="a warm-up of one step"),
]

WARMUP_COSINE = Exercise(
    id="learning_rates/warmup_cosine",
    section=SECTION,
    title="Cosine with warm-up",
    reference=warmup_cosine,
    cases=CASES,
    alternatives=[_by_squared_cosine],
    mistakes=[
        Mistake(
            _with(climb=lambda step, warmup, peak, final: peak * step / warmup),
            "The first step has the rate 0 here and is wasted. Step 0 gets 1/warmup of the peak: count from step + 1.",
        ),
        Mistake(
            _with(way=lambda step, steps, warmup: step / steps),
            "The cosine runs over all steps, so it has fallen already when the warm-up ends. Let it start at step warmup.",
        ),
        Mistake(
            _with(way=lambda step, steps, warmup: (step - warmup) / steps),
            "The cosine starts in the right place but is stretched over all steps and never arrives. There are steps - warmup left.",
        ),
        Mistake(
            _with(way=lambda step, steps, warmup: (step - warmup + 1) / (steps - warmup)),
            "The cosine is one step ahead: step warmup must still get the peak.",
        ),
        Mistake(
            _with(way=lambda step, steps, warmup: (step - warmup) / (steps - 1 - warmup)),
            "The last step gets the final rate here. It belongs to step number steps, which is not taken any more.",
        ),
        Mistake(
            _with(fall=lambda share: 1 + math.cos(math.pi * share)),
            "The cosine part is twice too high: 1 + cos runs from 2 to 0. Halve it.",
        ),
        Mistake(
            _with(fall=lambda share: math.cos(math.pi / 2 * share)),
            "This is a quarter of a wave, which ends steeply. Take half a wave: (1 + cos(pi s)) / 2.",
        ),
        Mistake(
            _with(fall=lambda share: (1 + math.cos(2 * math.pi * share)) / 2),
            "A whole wave comes back to the peak at the end. Half a wave is cos(pi s), without the 2.",
        ),
        Mistake(
            _with(fall=lambda share: (1 + math.cos(share)) / 2),
            "Without pi the cosine hardly falls: math.cos takes radians, and half a wave is pi of them.",
        ),
        Mistake(
            _with(fall=lambda share: 1 - share),
            "After the warm-up this falls along a straight line. Take half a cosine.",
        ),
        Mistake(
            _with(height=lambda h, peak, final: peak * h),
            "The final rate is ignored: this always falls to 0. Fall from peak to final.",
        ),
        Mistake(
            _with(height=lambda h, peak, final: final + peak * h),
            "This starts at peak + final. The height to fall is peak - final.",
        ),
        Mistake(
            _with(height=lambda h, peak, final: max(final, peak * h)),
            "This falls towards 0 and is cut off at final. Let the cosine itself end at final.",
        ),
        Mistake(
            _with(climb=lambda step, warmup, peak, final: final + (peak - final) * (step + 1) / warmup),
            "The warm-up climbs from the final rate here. It climbs from nothing: step 0 gets 1/warmup of the peak.",
        ),
        Mistake(
            _with(until=lambda warmup: 0 if not warmup else warmup + 1),
            "The warm-up goes on for one step too many, beyond the peak: its steps are 0 to warmup - 1.",
        ),
        Mistake(
            _multiplied,
            "Two schedules over all steps are multiplied: the cosine falls while the warm-up still climbs, and the peak is never reached. One after the other.",
        ),
        Mistake(
            _one_more,
            "The warm-up is one step too long: its steps are 0 to warmup - 1, and step warmup - 1 has the whole peak already.",
        ),
        Mistake(
            _with(fall=lambda share: (1 - math.cos(math.pi * share)) / 2),
            "After the warm-up the rate starts at the final rate and climbs to the peak. Take 1 + cos: it falls.",
        ),
        Mistake(
            _with(fall=lambda share: (1 + math.cos(180 * share)) / 2),
            "math.cos takes radians: half a wave is pi, not 180.",
        ),
        Mistake(
            _with(climb=lambda step, warmup, peak, final: peak * step / max(1, warmup - 1)),
            "The warm-up starts at 0 here. It ends right, but step 0 should get 1/warmup of the peak: (step + 1) / warmup.",
        ),
        Mistake(_no_warmup, "This is the cosine over all steps, without any warm-up."),
    ],
    hint="Two cases: step < warmup, and the rest. In the rest, (step - warmup) / (steps - warmup) runs from 0 towards 1.",
)
