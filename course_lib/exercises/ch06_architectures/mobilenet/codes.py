"""The exercise on what a ReLU leaves of a code."""

from collections.abc import Callable
from fractions import Fraction
from math import comb

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/mobilenet"


def share_lost(d: int, n: int) -> float:
    """The probability that fewer than d of n fair coins show heads."""
    return sum(comb(n, k) for k in range(d)) / 2**n


def _exactly(d: int, n: int) -> float:
    """The same, a row of Pascal's triangle built up."""
    row = [Fraction(1)]
    for _ in range(n):
        row = [(a + b) / 2 for a, b in zip([Fraction(0), *row], [*row, Fraction(0)], strict=True)]
    return float(sum(row[:d]))


def _counted(counts: Callable[[int, int], range]) -> Callable[[int, int], float]:
    """The probability that the number of active units is in a range."""

    def answer(d: int, n: int) -> float:
        return sum(comb(n, k) for k in counts(d, n)) / 2**n

    return answer


LOST = Exercise(
    id="mobilenet/lost",
    section=SECTION,
    title="What a ReLU loses",
    reference=share_lost,
    cases=[
        case(1, 1, label="one number, one unit"),
        case(2, 2, label="two numbers, two units"),
        case(2, 5, label="two numbers, five units"),
        case(3, 2, label="fewer units than numbers"),
        case(6, 12, label="six numbers, expanded twice"),
        case(24, 48, label="24 numbers, expanded twice"),
        case(24, 144, label="24 numbers, expanded six times"),
    ],
    alternatives=[_exactly],
    rtol=1e-6,
    atol=0,
    mistakes=[
        Mistake(
            _counted(lambda d, n: range(d + 1)),
            "You count codes with exactly d active units as lost. d equations are enough for d numbers: lost is fewer than d.",
        ),
        Mistake(
            _counted(lambda d, n: range(1)),
            "These are the codes that activate no unit at all. A code is also lost if it activates some, but fewer than d.",
        ),
        Mistake(
            _counted(lambda d, n: range(d, n + 1)),
            "This is the share that can be recovered. Take it from 1.",
        ),
        Mistake(
            _counted(lambda d, n: range(2)),
            "This is the formula for codes of two numbers, whatever d. Too few are all k below d.",
        ),
        Mistake(
            _counted(lambda d, n: range(d - 1, d)),
            "This is the probability of exactly d - 1 active units. Add those of fewer ones.",
        ),
        Mistake(
            _counted(lambda d, n: range(n)),
            "You count a code as lost as soon as one unit is 0. Any d active ones are enough.",
        ),
        Mistake(
            _counted(lambda d, n: range(1, d)),
            "You begin at one active unit. None is the worst case of all.",
        ),
        Mistake(
            lambda d, n: max(0.0, 1 - n / (2 * d)),
            "You compare the mean number of active units, n / 2, with d. The number varies from code to code: add up probabilities.",
        ),
        Mistake(
            lambda d, n: float(sum(comb(n, k) for k in range(d))),
            "These are numbers of sign patterns. Divide by all of them, 2**n.",
        ),
    ],
    hint="math.comb(n, k) of the 2**n patterns of active and silent units have k active ones. Which k are too few?",
)
