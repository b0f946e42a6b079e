"""Dates as people write them, and as ISO 8601 does: the smallest translation there is."""

import datetime
from collections.abc import Callable

import numpy as np
import torch

from course_lib.data.options import whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of, stream
from course_lib.data.text import TextDataset

_FIRST, _LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)
# Written out, and not asked of the locale: the same on every machine.
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST = len("wednesday, september 24, 1997")
_ALPHABET = " ,-./0123456789abcdefghijklmnopqrstuvwxyz"
_TOKENS = {character: number for number, character in enumerate(_ALPHABET, start=1)}  # 0 is padding
# Of the days: which share a split may draw from.
_SHARES = {"train": (0.0, 0.6), "validation": (0.6, 0.8), "test": (0.8, 1.0)}

_FORMS: tuple[Callable[[datetime.date], str], ...] = (
    lambda d: f"{d.day} {_MONTHS[d.month - 1]} {d.year}",
    lambda d: f"{_ordinal(d.day)} of {_MONTHS[d.month - 1]} {d.year}",
    lambda d: f"{_MONTHS[d.month - 1]} {d.day}, {d.year}",
    lambda d: f"{_MONTHS[d.month - 1][:3]} {_ordinal(d.day)} {d.year}",
    lambda d: f"{_DAYS[d.weekday()]}, {_MONTHS[d.month - 1]} {d.day}, {d.year}",
    lambda d: f"{_DAYS[d.weekday()][:3]} {d.day} {_MONTHS[d.month - 1][:3]} {d.year}",
    lambda d: f"{d.day:02d}.{d.month:02d}.{d.year}",  # with dots, the day comes first
    lambda d: f"{d.month}/{d.day}/{d.year}",  # with strokes, the month
    lambda d: f"{d.year}/{d.month:02d}/{d.day:02d}",  # unless the year does
    lambda d: f"{d.day}-{_MONTHS[d.month - 1][:3]}-{d.year}",
    lambda d: f"{d.year}, {_MONTHS[d.month - 1]} {_ordinal(d.day)}",
    lambda d: f"{d.year}{d.month:02d}{d.day:02d}",
)


@register(
    Sheet(
        name="dates",
        kind="generated",
        what="Dates in twelve forms, such as 'tuesday, march 3, 1987', to be written as 1987-03-03.",
        source="Made by this course; the task is a common first one for sequence-to-sequence models.",
        licence="CC0 1.0: strings from a seed",
        size="as many dates as you ask for, of 73,049 days in twelve forms",
        splits={"train": 4000, "validation": 1000, "test": 1000, "all": 6000},
        shape=(_LONGEST,),
        values="int64, numbers of characters, 0 for padding at the end",
        target="int64, numbers of the ten characters of YYYY-MM-DD",
        options={
            "n": "None: dates in the split; None is what the table says",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "A day is in one split only, in whatever form, but its month, its year and its form are in all "
            "of them: the test asks for new combinations of known parts, and not for new parts.",
            "3/4/1987 is March 4th here, as in the USA, and 03.04.1987 is April 3rd, as in Germany: "
            "a rule of this set, not of the world.",
            "Half of the characters of the answer can be copied; count whole dates, and not characters.",
            "Weekdays are right, but a model can ignore them.",
        ),
    )
)
def dates(split: str, *, n: int | None = None, seed: int = 0) -> TextDataset:
    """Return ``x`` (n, 29) and ``y`` (n, 10); ``decode`` gives the strings."""
    seed = whole("seed", seed, at_least=0)
    sources: list[str] = []
    targets: list[str] = []
    for part in parts_of(split):
        count = {"train": 4000}.get(part, 1000) if n is None else whole("n", n, at_least=1)
        rng = stream("dates", seed, part)
        # Days without repetition: an example that came twice would be learned twice.
        days = rng.permutation(_days_of(part, seed))[:count]
        if count > len(days):
            raise ValueError(f"n must be at most {len(days)} for {part!r}, its number of days, got {n}")
        for day, form in zip(days, rng.integers(len(_FORMS), size=count), strict=True):
            date = _FIRST + datetime.timedelta(days=int(day))
            sources.append(_FORMS[form](date))
            targets.append(date.isoformat())
    return TextDataset(
        _numbers(sources, _LONGEST),
        _numbers(targets, 10),
        vocabulary=(b"", *[character.encode() for character in _ALPHABET]),
    )


def _days_of(part: str, seed: int) -> np.ndarray:
    """The days, counted from the first, that belong to a split: drawn from the seed, never in two."""
    days = (_LAST - _FIRST).days + 1
    order = stream("dates: days", seed, "train").permutation(days)
    low, high = _SHARES[part]
    return order[int(low * days) : int(high * days)]


def _ordinal(day: int) -> str:
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _numbers(strings: list[str], length: int) -> torch.Tensor:
    """The characters' numbers (n, length), padded with 0."""
    rows = [[_TOKENS[character] for character in string] for string in strings]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows], dtype=torch.int64)
