"""Exercises on the rule: the best epoch, and when to stop."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/early_stopping"

Values = Sequence[float]

# the best epoch of a curve


def best_epoch(values: Values, min_delta: float = 0.0) -> int:
    """The last epoch, counted from 1, that improved on the best before it by more than ``min_delta``."""
    return _improving(values, lambda value, best: value < best - min_delta)


def _improving(values: Values, improves: Callable[[float, float], bool]) -> int:
    best = 0
    for now in range(1, len(values)):
        if improves(values[now], values[best]):
            best = now
    return best + 1


def _on_the_one_before(values: Values, min_delta: float = 0.0) -> int:
    found = [now for now in range(1, len(values)) if values[now] < values[now - 1] - min_delta]
    return 1 + max(found, default=0)


def _against_the_lowest(values: Values, min_delta: float = 0.0) -> int:
    """Compare with the lowest value so far, even where that was too small an improvement to count."""
    found = [now for now in range(1, len(values)) if values[now] < min(values[:now]) - min_delta]
    return 1 + max(found, default=0)


_CREEP = [1.0, 0.75, 0.6875, 0.625, 0.5625, 0.5]

BEST_EPOCH = Exercise(
    id="early_stopping/best_epoch",
    section=SECTION,
    title="The best epoch of a curve",
    reference=best_epoch,
    cases=[
        case([1.0, 0.5, 0.25, 0.5, 0.75], 0.0, label="one valley"),
        case([1.0, 0.25, 0.5, 0.25, 0.5], 0.0, label="two equal lowest values"),
        case([1.0, 0.5, 0.75, 0.625, 0.875], 0.0, label="a wriggle that falls, but not below the best"),
        case([0.5, 0.75, 1.0], 0.0, label="never better than at the start"),
        case([1.0, 0.5, 0.4375, 0.75], 0.125, label="an improvement too small to count"),
        case([1.0, 0.5, 0.375, 0.75], 0.125, label="an improvement of exactly min_delta"),
        case([1.0, 0.5, 0.5625, 0.75], 0.125, label="a value a little worse than the best"),
        case(_CREEP, 0.125, label="a slow fall in small steps"),
        case([4.0, 2.0, 1.8125, 3.0], 0.125, label="a curve that does not start at 1"),
        case([2.0], 0.5, label="a single epoch"),
    ],
    alternatives=[
        lambda values, min_delta=0.0: _improving(list(values), lambda value, best: best - value > min_delta)
    ],
    mistakes=[
        Mistake(
            lambda values, min_delta=0.0: best_epoch(values, min_delta) - 1,
            "This counts from 0. The first epoch is epoch 1.",
        ),
        Mistake(
            lambda values, min_delta=0.0: int(np.argmin(values)) + 1,
            "This is where the lowest value stands. A fall of min_delta or less does not count as an improvement.",
        ),
        Mistake(
            lambda values, min_delta=0.0: _improving(values, lambda value, best: value <= best - min_delta),
            "An improvement of exactly min_delta counts here, and so does an equal value. It must be larger than "
            "min_delta.",
        ),
        Mistake(
            _on_the_one_before,
            "Each value is compared with the one before. Compare with the best so far: a wriggle can fall and still "
            "be worse than the best.",
        ),
        Mistake(
            _against_the_lowest,
            "The comparison is with the lowest value so far, although that did not count as an improvement. Keep the "
            "best one that counted: then many small steps add up.",
        ),
        Mistake(
            lambda values, min_delta=0.0: _improving(values, lambda value, best: value < best + min_delta),
            "min_delta has the wrong sign: this lets values count that are worse than the best.",
        ),
        Mistake(
            lambda values, min_delta=0.0: _improving(values, lambda value, best: value > best + min_delta),
            "This looks for the largest value. The error should fall.",
        ),
        Mistake(
            lambda values, min_delta=0.0: _improving(
                values, lambda value, best: value < best * (1 - min_delta)
            ),
            "min_delta is taken as a share of the best value here. It is a plain difference of two errors.",
        ),
        Mistake(
            lambda values, min_delta=0.0: _improving(
                values, lambda value, best: value < best - min_delta * values[0]
            ),
            "min_delta is multiplied by the first value here. It is a plain difference of two errors.",
        ),
        Mistake(
            lambda values, min_delta=0.0: float(values[best_epoch(values, min_delta) - 1]),
            "This is the best value. The number of its epoch is asked for.",
        ),
    ],
    hint="Go through the values and remember the place of the best one that counted.",
)

# when to stop


def stop(values: Values, patience: int) -> tuple[int, int]:
    """Epochs run, and the best of them, both counted from 1."""
    return _walk(values, patience)


def _walk(
    values: Values,
    patience: int,
    stale: Callable[[Values, int, int], int] = lambda values, now, best: now - best,
    late: int = 0,
    improves: Callable[[Values, int, int], bool] = lambda values, now, best: values[now] < values[best],
) -> tuple[int, int]:
    best = now = 0
    for now in range(len(values)):
        if improves(values, now, best):
            best = now
        if stale(values, now, best) >= patience + late:
            break
    return now + 1, best + 1


def _since_last_fall(values: Values, now: int, best: int) -> int:
    """Epochs in a row that did not improve on the one before them."""
    count = 0
    while now - count > 0 and values[now - count] >= values[now - count - 1]:
        count += 1
    return count


def _bad_in_all(values: Values, now: int, best: int) -> int:
    return sum(values[k] >= min(values[:k]) for k in range(1, now + 1))


STOP = Exercise(
    id="early_stopping/stop",
    section=SECTION,
    title="When to stop",
    reference=stop,
    cases=[
        case([1.0, 0.5, 0.25, 0.5, 0.75, 1.0], 2, label="one valley"),
        case([1.0, 0.5, 0.25, 0.5, 0.75, 1.0], 1, label="no patience"),
        case([1.0, 0.5, 0.75, 0.25, 0.5, 0.375, 0.625, 0.75], 2, label="a wriggle on the way down"),
        case([1.0, 0.5, 0.75, 0.625, 0.75, 0.125, 0.25], 3, label="a better valley that comes too late"),
        case([1.0, 0.5, 0.75, 0.625, 0.75, 0.125, 0.25], 4, label="the same with more patience"),
        case([1.0, 0.5, 0.5, 0.5, 0.25], 2, label="a flat stretch"),
        case([1.0, 0.75, 0.5, 0.25], 3, label="patience never runs out"),
        case([0.5, 0.75, 0.625, 1.0], 3, label="never better than at the start"),
    ],
    alternatives=[
        lambda values, patience: next(
            (n, int(np.argmin(values[:n])) + 1)
            for n in range(1, len(values) + 1)
            if n - 1 - int(np.argmin(values[:n])) >= patience or n == len(values)
        )
    ],
    mistakes=[
        Mistake(
            lambda values, patience: _walk(values, patience, late=1),
            "This stops an epoch late. Stop as soon as `patience` epochs in a row did not improve.",
        ),
        Mistake(
            lambda values, patience: _walk(values, patience, late=-1),
            "This stops an epoch early. Only the `patience`-th epoch in a row without improvement ends the run.",
        ),
        Mistake(
            lambda values, patience: _walk(values, patience, stale=_bad_in_all),
            "Epochs without improvement are counted over the whole run. Every improvement sets the count back to 0.",
        ),
        Mistake(
            lambda values, patience: _walk(values, patience, stale=_since_last_fall),
            "The count goes back to 0 whenever a value is below the one before. Only a new best value does that.",
        ),
        Mistake(
            lambda values, patience: (stop(values, patience)[0], int(np.argmin(values)) + 1),
            "The best epoch is sought on the whole curve. What comes after the stop was never computed.",
        ),
        Mistake(
            lambda values, patience: _walk(values, patience, improves=lambda v, now, best: v[now] <= v[best]),
            "An equal value counts as an improvement here. It must be lower than the best.",
        ),
        Mistake(
            lambda values, patience: stop(values, patience)[::-1],
            "The two are exchanged: first the number of epochs run, then the best epoch.",
        ),
        Mistake(
            lambda values, patience: (stop(values, patience)[0],) * 2,
            "The best epoch is the last one here. Return the epoch whose weights you would restore.",
        ),
    ],
    hint="Epochs without improvement: the number of this epoch less that of the best one.",
)

EXERCISES = [BEST_EPOCH, STOP]
