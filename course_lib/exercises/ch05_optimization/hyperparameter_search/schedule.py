"""Exercise on successive halving: its rounds and what they cost."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/hyperparameter_search"
Plan = tuple[np.ndarray, float]


def halving_schedule(n: int, r: int, kappa: int, most: int) -> Plan:
    """Rounds (settings, epochs) until no setting is left or the epochs would be too many."""
    rounds, total = _schedule(n, r, kappa, most)
    return rounds, int(total)


def _schedule(
    n: float,
    r: int,
    kappa: int,
    most: int,
    keep: Callable[[Any, int], float] = lambda n, kappa: n // kappa,
    grow: Callable[[int, int], int] = lambda r, kappa: r * kappa,
    allowed: Callable[[int, int], bool] = lambda r, most: r <= most,
    fewest: int = 1,
    new_epochs: Callable[[int, int], int] = lambda r, before: r - before,
) -> Plan:
    rounds: list[tuple[float, int]] = []
    total, before = 0.0, 0
    while n >= fewest and allowed(r, most) and len(rounds) < 60:
        rounds.append((n, r))
        total += n * new_epochs(r, before)
        before = r
        n, r = keep(n, kappa), grow(r, kappa)
    return np.array(rounds), total


def _wrong(**change: object) -> Callable[[int, int, int, int], Plan]:
    return lambda n, r, kappa, most: _schedule(n, r, kappa, most, **change)  # type: ignore[arg-type]


def _from_the_start(n: int, r: int, kappa: int, most: int) -> Plan:
    """Closed form: n // kappa**i, since floors of floors are the floor of all at once."""
    rounds = [(n // kappa**i, r * kappa**i) for i in range(40) if n // kappa**i >= 1 and r * kappa**i <= most]
    cost = sum(count * (epochs - (epochs // kappa if i else 0)) for i, (count, epochs) in enumerate(rounds))
    return np.array(rounds), cost


def _up_to_the_limit(n: int, r: int, kappa: int, most: int) -> Plan:
    rounds, total, before = [], 0, 0
    while n >= 1:
        epochs = min(r, most)
        rounds.append((n, epochs))
        total += n * (epochs - before)
        before, n, r = epochs, n // kappa, r * kappa
    return np.array(rounds), total


def _drops_the_best_share(n: int, kappa: int) -> int:
    return n - n // kappa


SCHEDULE = Exercise(
    id="hyperparameter_search/halving_schedule",
    section=SECTION,
    title="The schedule of successive halving",
    reference=halving_schedule,
    cases=[
        case(27, 1, 3, 9, label="the schedule of the text"),
        case(16, 1, 2, 100, label="halving down to one setting"),
        case(81, 2, 3, 60, label="the epochs end before the settings"),
        case(20, 5, 3, 1000, label="numbers that do not divide"),
        case(7, 3, 2, 12, label="seven settings, exactly 12 epochs at the end"),
        case(5, 4, 2, 4, label="a single round"),
        case(1, 1, 4, 64, label="a single setting"),
        case(50, 1, 4, 63, label="fifty settings by quarters"),
    ],
    alternatives=[_from_the_start],
    mistakes=[
        Mistake(
            _wrong(new_epochs=lambda r, before: r),
            "Every round is paid from its first epoch, as if the survivors began anew. They go on from their "
            "checkpoints: a round costs only its new epochs.",
        ),
        Mistake(
            _wrong(keep=lambda n, kappa: -(-n // kappa) if n > 1 else 0),
            "The number that goes on is rounded up. Round it down.",
        ),
        Mistake(
            _wrong(keep=lambda n, kappa: round(n / kappa)),
            "The number that goes on is rounded to the nearest. Round it down.",
        ),
        Mistake(
            _wrong(keep=_drops_the_best_share),
            "This keeps all but a share of 1/kappa. Keep the share of 1/kappa and drop the others.",
        ),
        Mistake(
            _wrong(keep=lambda n, kappa: n // 2),
            "Half of the settings go on, whatever kappa is. The share is 1/kappa.",
        ),
        Mistake(
            _wrong(grow=lambda r, kappa: 2 * r),
            "The epochs double, whatever kappa is. They grow by the factor kappa.",
        ),
        Mistake(
            _wrong(fewest=2),
            "The round with a single setting is missing. It takes place, too, if its epochs are not too many.",
        ),
        Mistake(
            _wrong(allowed=lambda r, most: r < most),
            "A round whose epochs equal the most that is allowed takes place. Yours is left out.",
        ),
        Mistake(
            _wrong(allowed=lambda r, most: True),
            "The limit of the epochs is not used. A round that would exceed it does not take place.",
        ),
        Mistake(
            lambda n, r, kappa, most: (
                _schedule(n, r, kappa, most)[0],
                int(_schedule(n, r, kappa, most)[0][-1].prod()),
            ),
            "The total is that of the last round alone. Add the new epochs of all rounds.",
        ),
        Mistake(
            lambda n, r, kappa, most: (
                _schedule(n, r, kappa, most)[0],
                int(_schedule(n, r, kappa, most)[0][:, 1].sum()),
            ),
            "The total adds the epochs of one setting in each round. Multiply by how many settings take part.",
        ),
        Mistake(
            lambda n, r, kappa, most: (
                _schedule(n, r, kappa, most)[0],
                n * int(_schedule(n, r, kappa, most)[0][-1, 1]),
            ),
            "This is what it would cost to train all settings to the end. Count only what is trained.",
        ),
        Mistake(
            lambda n, r, kappa, most: (
                _schedule(n, r, kappa, most)[0][:, ::-1],
                _schedule(n, r, kappa, most)[1],
            ),
            "The two columns are exchanged. First come the settings, then the epochs.",
        ),
        Mistake(
            lambda n, r, kappa, most: (
                np.stack(
                    [
                        _schedule(n, r, kappa, most)[0][:, 0],
                        np.diff(_schedule(n, r, kappa, most)[0][:, 1], prepend=0),
                    ],
                    axis=1,
                ),
                _schedule(n, r, kappa, most)[1],
            ),
            "The second column has the new epochs of each round. It should have all the epochs that a setting has had "
            "at the end of the round.",
        ),
        Mistake(
            _up_to_the_limit,
            "A round that would exceed the limit is held, cut down to the limit. It does not take place.",
        ),
        Mistake(
            _wrong(new_epochs=lambda r, before: 1),
            "The total counts how many settings take part in the rounds. Multiply each by its new epochs.",
        ),
        Mistake(
            _wrong(keep=lambda n, kappa: n / kappa),
            "Fractions of a setting go on. Round down after each round.",
        ),
        Mistake(
            _wrong(grow=lambda r, kappa: r + kappa),
            "The epochs grow by adding kappa. Multiply by kappa.",
        ),
    ],
    hint="Keep three numbers: settings, epochs of this round, epochs of the round before.",
)

EXERCISES = [SCHEDULE]
