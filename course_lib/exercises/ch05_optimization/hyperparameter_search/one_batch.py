"""Exercise on the first test of a training loop: what the losses on a single batch say."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/hyperparameter_search"
Losses = np.ndarray


def _last_quarters(losses: Losses) -> tuple[float, float]:
    third, fourth = losses.reshape(4, -1)[2:].mean(axis=1)
    return float(third), float(fourth)


def _is_level(losses: Losses) -> bool:
    return bool(np.isfinite(losses).all() and losses.max() - losses.min() < 1e-6)


def _explodes(losses: Losses, height: float) -> bool:
    return bool(not np.isfinite(losses).all() or losses.max() > 2 * max(height, losses[0]))


def _still_sinks(losses: Losses) -> bool:
    third, fourth = _last_quarters(losses)
    return fourth < 0.9 * third


@dataclass(frozen=True)
class Rules:
    """The questions of the exercise, in their order; a mistake changes one of them."""

    level: Callable[[Losses], bool] = _is_level
    explodes: Callable[[Losses, float], bool] = _explodes
    works: Callable[[Losses, float], bool] = lambda losses, height: bool(losses[-1] < 0.05 * height)
    sinks: Callable[[Losses], bool] = _still_sinks
    height: Callable[[int], float] = lambda K: float(np.log(K))
    order: tuple[str, ...] = ("nothing moves", "rate too large", "works", "go on")

    def verdict(self, losses: Losses, K: int) -> str:
        """Return the first verdict, in the order of the rules, that holds."""
        losses, height = np.asarray(losses, dtype=float), self.height(K)
        with np.errstate(invalid="ignore"):
            holds = {
                "nothing moves": self.level(losses),
                "rate too large": self.explodes(losses, height),
                "works": self.works(losses, height),
                "go on": self.sinks(losses),
            }
        return next((name for name in self.order if holds[name]), "search the error")


def one_batch_verdict(losses: Losses, K: int) -> str:
    """The first verdict that holds."""
    return Rules().verdict(losses, K)


def _step_by_step(losses: Losses, K: int) -> str:
    values = [float(value) for value in losses]
    finite = all(abs(value) < float("inf") for value in values)
    if finite and max(values) - min(values) < 1e-6:
        return "nothing moves"
    if not finite or (max(values) > 2 * values[0] and max(values) > 2 * np.log(K)):
        return "rate too large"
    if values[-1] < np.log(K) / 20:
        return "works"
    quarter = len(values) // 4
    if sum(values[-quarter:]) < 0.9 * sum(values[-2 * quarter : -quarter]):
        return "go on"
    return "search the error"


def _wrong(**change: object) -> Callable[[Losses, int], str]:
    return replace(Rules(), **change).verdict  # type: ignore[arg-type]


def _by(*, fourth_below: float) -> Callable[[Losses], bool]:
    return lambda losses: _last_quarters(losses)[1] < fourth_below * _last_quarters(losses)[0]


def _halves_sink(losses: Losses) -> bool:
    first, second = losses.reshape(2, -1).mean(axis=1)
    return bool(second < 0.9 * first)


def _below_the_first_quarter(losses: Losses) -> bool:
    quarters = losses.reshape(4, -1).mean(axis=1)
    return bool(quarters[3] < 0.9 * quarters[0])


def _falling(start: float, end: float, steps: int = 24) -> Losses:
    return np.geomspace(start, end, steps).round(6)


_WAVE = np.array([0.0, 0.06, -0.05, 0.02])
_LEVEL = np.full(12, 2.302585)

VERDICT = Exercise(
    id="hyperparameter_search/one_batch_verdict",
    section=SECTION,
    title="What is wrong with this loop?",
    reference=one_batch_verdict,
    cases=[
        case(_falling(2.4, 0.01), 10, label="a run that learns its batch"),
        case(_LEVEL, 10, label="a level line"),
        case(_falling(2.4, 0.6), 10, label="a run that is under way"),
        case(2.2 + np.tile(_WAVE, 4), 10, label="a run that wavers"),
        case(np.array([2.3, 30.0, 14.0, 6.0, 3.0, 2.6, 2.4, 2.3]), 10, label="a jump at the start"),
        case(np.array([2.3, 2.5, 3.0, np.nan, np.nan, np.nan, np.nan, np.nan]), 10, label="it ends in nan"),
        case(np.array([2.3, 4.0, np.inf, 3.0, 2.0, 1.0, 0.5, 0.3]), 10, label="infinite for one step"),
        case(np.full(8, np.inf), 10, label="infinite from the start"),
        case(
            np.concatenate([[2.3, 9.0], _falling(3.0, 0.02, 22)]), 10, label="a jump, and learned in the end"
        ),
        case(
            np.concatenate([[5.0, 8.0], _falling(4.0, 1.0, 22)]),
            10,
            label="a bad start, no more than doubled",
        ),
        case(_falling(5.0, 0.2), 10, label="a bad start, under way"),
        case(np.array([0.4, 3.0, 1.6, 0.9, 0.8, 0.75, 0.72, 0.71]), 10, label="a start below log K"),
        case(_falling(0.7, 0.042, 16), 2, label="two classes, under way"),
        case(_falling(7.0, 0.3, 16), 1000, label="a thousand classes"),
        case(_falling(6.9, 0.2, 16), 100, label="a hundred classes, learned"),
        case(np.array([2.3, 1.0, 0.3, 0.05, 0.6, 0.62, 0.6, 0.61]), 10, label="low once, and back"),
        case(np.array([2.3, 1.6, 1.0, 0.7, 0.5, 0.4, 0.36, 0.1]), 10, label="low in the last step only"),
        case(np.array([2.3, 1.8, 1.3, 1.2, 1.2, 1.2, 1.2, 1.2]), 10, label="stuck half-way"),
        case(np.array([2.3, 2.2, 1.3, 1.3, 1.6, 1.6, 1.6, 1.6]), 10, label="down, and up a little"),
        case(np.linspace(2.3, 2.1, 16), 10, label="falling by very little"),
        case(2.3 + 1e-3 * np.tile(_WAVE, 3), 10, label="nearly level, but not quite"),
        case(np.array([2.3, 2.1, 2.0, 2.2, 2.25, 2.2, 2.35, 2.3]), 10, label="back where it started"),
        case(
            np.array([2.3, 2.0, 1.9, 1.8, 1.75, 1.7, 1.7, 1.68, 1.8, 1.7, 1.75, 1.5]),
            10,
            label="it sinks in the last step alone",
        ),
        case(np.full(8, 1e-9), 10, label="level at zero"),
        case(np.linspace(2.3, 2.3 - 5e-6, 16), 10, label="creeping"),
    ],
    alternatives=[_step_by_step],
    mistakes=[
        Mistake(
            _wrong(order=("nothing moves", "works", "rate too large", "go on")),
            "Success is asked before the jump. A run that jumped far above its start and came back is told to have too "
            "large a rate first.",
        ),
        Mistake(
            _wrong(order=("works", "nothing moves", "rate too large", "go on")),
            "Success is asked first. A level line moves nothing, however low it lies.",
        ),
        Mistake(
            _wrong(order=("nothing moves", "rate too large", "go on", "works")),
            "A run that has learned its batch is told to go on. Ask for success before you ask whether it still sinks.",
        ),
        Mistake(
            _wrong(order=("rate too large", "works", "go on")),
            "The level line is never recognised: its largest and smallest loss are equal.",
        ),
        Mistake(
            _wrong(explodes=lambda losses, height: bool(losses.max() > 2 * max(height, losses[0]))),
            "Losses of nan slip through, since every comparison with nan is false. Ask np.isfinite first.",
        ),
        Mistake(
            _wrong(
                explodes=lambda losses, height: bool(
                    np.isnan(losses).any() or losses.max() > 2 * max(height, losses[0])
                )
            ),
            "Losses that are infinite from the start slip through, as infinity is not more than twice infinity. Ask "
            "np.isfinite, which catches nan and infinity.",
        ),
        Mistake(
            _wrong(
                explodes=lambda losses, height: bool(
                    not np.isfinite(losses).all() or losses.max() > 2 * min(height, losses[0])
                )
            ),
            "The jump is compared with the smaller of log K and the first loss. Take the larger.",
        ),
        Mistake(
            _wrong(explodes=lambda losses, height: not np.isfinite(losses).all()),
            "Only nan and infinity count as too large a rate here. A jump to more than twice the start (or log K) counts, too.",
        ),
        Mistake(
            _wrong(
                explodes=lambda losses, height: bool(
                    not np.isfinite(losses).all() or losses.max() > 2 * height
                )
            ),
            "The jump is compared with log K alone. Where the first loss is larger than log K, compare with that.",
        ),
        Mistake(
            _wrong(
                explodes=lambda losses, height: bool(
                    not np.isfinite(losses).all() or losses.max() > 2 * losses[0]
                )
            ),
            "The jump is compared with the first loss alone. Where log K is larger, compare with that.",
        ),
        Mistake(
            _wrong(
                explodes=lambda losses, height: bool(
                    not np.isfinite(losses).all() or losses.max() > max(height, losses[0])
                )
            ),
            "Every rise above the start counts as too large a rate here. It takes more than twice the start or log K.",
        ),
        Mistake(
            _wrong(
                explodes=lambda losses, height: bool(
                    not np.isfinite(losses[-1]) or losses[-1] > 2 * max(height, losses[0])
                )
            ),
            "Only the last loss is asked whether it is too large. Ask all of them: a jump may have come back.",
        ),
        Mistake(
            _wrong(works=lambda losses, height: bool(losses[-1] < 0.05)),
            "The last loss is compared with 0.05. Compare it with 0.05 times log K.",
        ),
        Mistake(
            _wrong(works=lambda losses, height: bool(losses.min() < 0.05 * height)),
            "The smallest loss decides about success here. The last one should: a run may have been low once.",
        ),
        Mistake(
            _wrong(works=lambda losses, height: bool(losses[-1] < 0.05 * losses[0])),
            "Success is measured by the first loss here. Compare the last loss with 0.05 times log K.",
        ),
        Mistake(
            _wrong(works=lambda losses, height: _last_quarters(losses)[1] < 0.05 * height),
            "The mean of the last quarter decides about success here. The last loss should.",
        ),
        Mistake(
            _wrong(height=lambda K: float(np.log10(K))),
            "The logarithm is the one to base 10. The loss of knowing nothing has the natural logarithm of K.",
        ),
        Mistake(
            _wrong(height=lambda K: float(np.log2(K))),
            "The logarithm is the one to base 2. The loss of knowing nothing has the natural logarithm of K.",
        ),
        Mistake(
            _wrong(height=lambda K: float(np.log(10))),
            "log K is that of ten classes here, whatever K is.",
        ),
        Mistake(
            _wrong(sinks=lambda losses: bool(losses[-1] < 0.9 * losses[0])),
            "The last loss is compared with the first, so a run that got stuck half-way is told to go on. Compare the "
            "last two quarters.",
        ),
        Mistake(
            _wrong(sinks=_below_the_first_quarter),
            "The last quarter is compared with the first, so a run that got stuck half-way is told to go on. Compare it "
            "with the quarter before it.",
        ),
        Mistake(
            _wrong(sinks=_halves_sink),
            "The second half is compared with the first. Compare the last quarter with the one before it.",
        ),
        Mistake(
            _wrong(sinks=_by(fourth_below=1.0)),
            "Any fall counts as sinking here. The last quarter must be below 0.9 times the one before it.",
        ),
        Mistake(
            _wrong(sinks=_by(fourth_below=0.1)),
            "The last quarter is asked to be below a tenth of the one before it. A fall by a tenth, to 0.9 times, is enough.",
        ),
        Mistake(
            _wrong(sinks=lambda losses: bool(losses[-1] < 0.9 * losses[-2])),
            "Two single steps are compared. One step may be luck: compare the means of the last two quarters.",
        ),
        Mistake(
            _wrong(
                level=lambda losses: bool(np.isfinite(losses).all() and abs(losses[-1] - losses[0]) < 1e-6)
            ),
            "The first and the last loss alone are compared, so a run that moved and came back counts as level. Compare "
            "the largest with the smallest.",
        ),
        Mistake(
            _wrong(
                level=lambda losses: bool(np.isfinite(losses).all() and np.abs(np.diff(losses)).max() < 1e-6)
            ),
            "Neighbouring losses are compared, so a run that creeps in tiny steps counts as level. Compare the largest "
            "with the smallest.",
        ),
        Mistake(
            _wrong(level=lambda losses: bool(np.isfinite(losses).all() and np.ptp(losses) < 1e-2)),
            "Losses that differ by thousandths count as level here. They have moved: the limit is one in a million.",
        ),
    ],
    hint="Go through the list from top to bottom and return at the first that holds. What does nan < 1 give?",
)

EXERCISES = [VERDICT]
