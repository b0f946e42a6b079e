"""The exercise on what a stride makes of a frequency."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/zfnet"


def apparent_frequency(frequency: float, stride: int) -> float:
    """The distance to the nearest multiple of the sampling frequency."""
    return abs(frequency - round(frequency * stride) / stride)


def _folded(frequency: float, stride: int) -> float:
    rest = frequency % (1 / stride)
    return min(rest, 1 / stride - rest)


def _by_cosine(frequency: float, stride: int) -> float:
    """The frequency below the limit that has the same first sample behind the origin."""
    return float(np.arccos(np.cos(2 * np.pi * frequency * stride)) / (2 * np.pi * stride))


Answer = Callable[[float, int], float]


def _then(change: Callable[[float, int], float]) -> Answer:
    return lambda frequency, stride: change(apparent_frequency(frequency, stride), stride)


APPARENT = Exercise(
    id="zfnet/apparent_frequency",
    section=SECTION,
    title="What a stride makes of a frequency",
    reference=apparent_frequency,
    cases=[
        case(0.03125, 4, label="below the limit"),
        case(0.21875, 4, label="just below the sampling frequency"),
        case(0.28125, 4, label="just above it"),
        case(0.25, 4, label="exactly the sampling frequency"),
        case(0.125, 4, label="exactly the limit"),
        case(0.1875, 4, label="between the limit and the sampling frequency"),
        case(0.21875, 2, label="the same with stride 2"),
        case(0.4375, 2, label="high, with stride 2"),
        case(0.4375, 4, label="high, with stride 4"),
        case(0.40625, 3, label="stride 3"),
        case(0.4375, 1, label="no stride"),
        case(0.40625, 8, label="high, with stride 8"),
    ],
    alternatives=[_folded, _by_cosine],
    mistakes=[
        Mistake(
            lambda frequency, stride: frequency,
            "The frequency comes back unchanged. That is right only up to 1 / (2 stride).",
        ),
        Mistake(
            lambda frequency, stride: min(frequency, 1 / (2 * stride)),
            "Frequencies above the limit are cut off at the limit. They are folded back, and can end anywhere below it.",
        ),
        Mistake(
            lambda frequency, stride: frequency % (1 / stride),
            "This reaches up to 1 / stride. A cosine a little below the sampling frequency looks as slow as one a "
            "little above 0: what counts is the distance to the nearest multiple.",
        ),
        Mistake(
            lambda frequency, stride: frequency % (1 / (2 * stride)),
            "The limit 1 / (2 stride) is taken for the sampling frequency, which is 1 / stride.",
        ),
        Mistake(
            lambda frequency, stride: frequency - round(frequency * stride) / stride,
            "The sign is left: a frequency counts without it.",
        ),
        Mistake(
            _then(lambda found, stride: found * stride),
            "This is in cycles per unit of the map. Units lie stride pixels apart: divide by it.",
        ),
        Mistake(
            lambda frequency, stride: abs(frequency - 1 / stride),
            "The distance to the sampling frequency alone is taken. 0 and the other multiples are neighbours too.",
        ),
        Mistake(
            lambda frequency, stride: min(frequency, abs(frequency - 1 / stride)),
            "Only 0 and 1 / stride are looked at. High frequencies lie nearer to a further multiple.",
        ),
        Mistake(
            lambda frequency, stride: frequency / stride,
            "The frequency is divided by the stride. Skipping pixels does not stretch a pattern; it looks at it less "
            "often.",
        ),
        Mistake(
            lambda frequency, stride: frequency if frequency <= 1 / (2 * stride) else 0.0,
            "What lies above the limit is set to 0. That would be fine: a filter that removes it before sampling. A "
            "stride alone lets it return as another frequency.",
        ),
    ],
    hint="The samples at 0, stride, 2 stride, ... of two cosines agree if their frequencies differ by a multiple of "
    "1 / stride. Which of these is nearest to 0?",
)
