"""The exercise on resuming a schedule at the right step."""

import math
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/learning_rates"
Rates = Callable[..., np.ndarray]


def rates_to_come(
    examples: int, batch_size: int, epochs: int, epoch: int, batches: int, peak: float
) -> np.ndarray:
    """The tail of the whole schedule."""
    an_epoch = math.ceil(examples / batch_size)
    t = np.arange(epoch * an_epoch + batches, epochs * an_epoch)
    return np.asarray(peak * (1 + np.cos(np.pi * t / (epochs * an_epoch))) / 2)


def _by_cutting(
    examples: int, batch_size: int, epochs: int, epoch: int, batches: int, peak: float
) -> list[float]:
    an_epoch = -(-examples // batch_size)
    total = epochs * an_epoch
    return [peak * math.cos(math.pi * t / total / 2) ** 2 for t in range(total)][epoch * an_epoch + batches :]


def _cosine(t: np.ndarray, total: float, peak: float) -> np.ndarray:
    return np.asarray(peak * (1 + np.cos(np.pi * t / total)) / 2)


def _with(
    an_epoch: Callable[[int, int], int] = lambda examples, batch_size: math.ceil(examples / batch_size),
    done: Callable[[int, int, int], int] = lambda epoch, batches, an_epoch: epoch * an_epoch + batches,
    rates: Callable[[int, int, float], np.ndarray] = lambda done, total, peak: _cosine(
        np.arange(done, total), total, peak
    ),
) -> Rates:
    """The answer with one of its parts exchanged."""

    def answer(
        examples: int, batch_size: int, epochs: int, epoch: int, batches: int, peak: float
    ) -> np.ndarray:
        length = an_epoch(examples, batch_size)
        return rates(done(epoch, batches, length), epochs * length, peak)

    return answer


def _once_an_epoch(
    examples: int, batch_size: int, epochs: int, epoch: int, batches: int, peak: float
) -> np.ndarray:
    an_epoch = math.ceil(examples / batch_size)
    t = np.arange(epoch * an_epoch + batches, epochs * an_epoch) // an_epoch
    return _cosine(t, epochs, peak)


def _by_examples(
    examples: int, batch_size: int, epochs: int, epoch: int, batches: int, peak: float
) -> np.ndarray:
    an_epoch = math.ceil(examples / batch_size)
    t = np.arange(epoch * an_epoch + batches, epochs * an_epoch)
    return _cosine(t, epochs * examples, peak)


def _from_the_present_rate(done: int, total: int, peak: float) -> np.ndarray:
    now = float(_cosine(np.array(done), total, peak))
    return _cosine(np.arange(total - done), total - done, now)


def _rounded_once(
    examples: int, batch_size: int, epochs: int, epoch: int, batches: int, peak: float
) -> np.ndarray:
    total = math.ceil(examples * epochs / batch_size)
    done = epoch * math.ceil(examples / batch_size) + batches
    return _cosine(np.arange(done, total), total, peak)


def _rounded_once_both(
    examples: int, batch_size: int, epochs: int, epoch: int, batches: int, peak: float
) -> np.ndarray:
    total = math.ceil(examples * epochs / batch_size)
    done = math.ceil(examples * epoch / batch_size) + batches
    return _cosine(np.arange(done, total), total, peak)


CASES = [
    case(64, 16, 2, 0, 0, 0.4, label="not started yet"),
    case(64, 16, 2, 1, 0, 0.4, label="one of two epochs done"),
    case(64, 16, 3, 1, 2, 0.4, label="in the middle of the second epoch"),
    case(70, 16, 2, 1, 1, 1.0, label="with a short last batch"),
    case(1197, 128, 4, 2, 7, 0.1, label="digits in batches of 128"),
    case(50, 50, 10, 6, 0, 0.3, label="one batch an epoch"),
    case(33, 8, 2, 1, 4, 0.2, label="one step left, which is a short batch"),
]

RATES_TO_COME = Exercise(
    id="learning_rates/rates_to_come",
    section=SECTION,
    title="Resume at the right step",
    reference=rates_to_come,
    cases=CASES,
    alternatives=[_by_cutting],
    mistakes=[
        Mistake(
            _with(rates=lambda done, total, peak: _cosine(np.arange(total - done), total, peak)),
            "The number of rates is right, but they begin at the peak: the schedule was started anew. The next step has the number of steps done.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: _cosine(np.arange(total - done), total - done, peak)),
            "This is a new cosine from the peak over the steps that are left. Continue the old one: its T is the whole training.",
        ),
        Mistake(
            _with(rates=_from_the_present_rate),
            "This bends a new cosine from the present rate over the steps that are left. Continue the old one, with the whole T.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: _cosine(np.arange(total), total, peak)),
            "These are the rates of the whole training. Leave out the steps that are done.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: _cosine(np.arange(done), total, peak)),
            "These are the rates of the steps that are done. Return those to come.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: _cosine(np.arange(done + 1, total), total, peak)),
            "One step is skipped. After n steps, 0 to n - 1, the next one is number n.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: _cosine(np.arange(max(done - 1, 0), total), total, peak)),
            "The last step before the interruption is taken twice. After n steps, 0 to n - 1, the next one is number n.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: _cosine(np.arange(done, total + 1), total, peak)),
            "There is a step too many at the end: the last one is number T - 1.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: _cosine(np.arange(done, total), max(total - 1, 1), peak)),
            "The last step gets the rate 0. The formula divides by T, so that the last step still moves.",
        ),
        Mistake(
            _with(an_epoch=lambda examples, batch_size: examples // batch_size),
            "The short last batch of an epoch is not counted. It is a step as well: round up.",
        ),
        Mistake(
            _rounded_once,
            "T is rounded up once for the whole training. Each epoch has its own short batch: round up in an epoch, then multiply.",
        ),
        Mistake(
            _rounded_once_both,
            "T and the steps done are rounded up once. Each epoch has its own short batch: round up in an epoch, then multiply.",
        ),
        Mistake(
            _with(done=lambda epoch, batches, an_epoch: epoch * an_epoch),
            "The batches of the epoch that was interrupted are forgotten: they are steps that are done.",
        ),
        Mistake(
            _with(done=lambda epoch, batches, an_epoch: max(0, (epoch - 1) * an_epoch + batches)),
            "One epoch too few is counted as done: epochs are counted from 0, so epoch is how many are complete.",
        ),
        Mistake(
            _with(done=lambda epoch, batches, an_epoch: epoch + batches),
            "Epochs are added as if each was one step. Multiply them by the steps of an epoch.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: peak * (1 + np.cos(np.arange(done, total) / total)) / 2),
            "Without pi the cosine hardly falls: half a wave is pi radians.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: peak * (1 - np.arange(done, total) / total)),
            "These rates fall along a straight line. The schedule is half a cosine.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: 2 * _cosine(np.arange(done, total), total, peak)),
            "Every rate is twice too large: 1 + cos runs from 2 to 0. Halve it.",
        ),
        Mistake(
            _once_an_epoch,
            "The rate is the same for a whole epoch. This schedule changes with every step.",
        ),
        Mistake(
            _by_examples,
            "T is the number of examples seen. It is the number of steps: epochs times batches in an epoch.",
        ),
        Mistake(
            _with(rates=lambda done, total, peak: _cosine(np.array(done), total, peak)),
            "This is the rate of the next step alone. Return one for each step to come.",
        ),
    ],
    hint="Steps in an epoch, rounded up; steps done; then np.arange(done, T) in the formula.",
)
