"""A symbol to be remembered while others pass by: how far back does a network see?"""

from numpy.random import Generator

from course_lib.data.hashed_splits import distinct
from course_lib.data.options import whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of
from course_lib.data.strings import numbered, vocabulary
from course_lib.data.text import TextDataset

_SYMBOLS = "ABCDEFGH"
_NOISE = "abcdefgh"
_SIZES = {"train": 2000, "validation": 500, "test": 500}


@register(
    Sheet(
        name="recall",
        kind="generated",
        what="A capital letter, then small letters that mean nothing, such as 'Dhcafbeegac'; at the end the "
        "capital is asked for.",
        source="Made by this course; tasks with long time lags: S. Hochreiter and J. Schmidhuber (1997), "
        "Long short-term memory, Neural Computation 9, 1735-1780, section 5.",
        licence="CC0 1.0: strings from a seed",
        size="as many strings as you ask for, as far as there are different ones",
        splits={**_SIZES, "all": sum(_SIZES.values())},
        shape=(21,),
        values="int64, numbers of characters: 1 to 8 for A to H, 9 to 16 for a to h; 0 does not occur",
        target="int64, numbers of the capitals",
        options={
            "n": "None: strings in the split; None is what the table says",
            "distance": "20: small letters that follow",
            "symbols": "1: capitals at the beginning",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "Guessing is right one time in eight, for each symbol.",
            "A network that fails may have forgotten, or may not have been trained long enough: at a long "
            "distance the first hundreds of steps show nothing.",
            "All strings of a split are equally long. A network that has learned to answer after 20 letters "
            "has not been asked to after 30; load those with another distance.",
        ),
    )
)
def recall(
    split: str, *, n: int | None = None, distance: int = 20, symbols: int = 1, seed: int = 0
) -> TextDataset:
    """Return ``x`` (n, symbols + distance) and ``y`` (n, symbols); ``decode`` gives the strings."""
    seed = whole("seed", seed, at_least=0)
    distance, symbols = whole("distance", distance, at_least=0), whole("symbols", symbols, at_least=1)

    def draw(rng: Generator) -> str:
        first = [_SYMBOLS[each] for each in rng.integers(len(_SYMBOLS), size=symbols)]
        rest = [_NOISE[each] for each in rng.integers(len(_NOISE), size=distance)]
        return "".join(first + rest)

    strings: list[str] = []
    for part in parts_of(split):
        count = _SIZES[part] if n is None else whole("n", n, at_least=1)
        strings += distinct("recall", seed, part, count, draw, str)
    alphabet = _SYMBOLS + _NOISE
    return TextDataset(
        numbered(strings, alphabet, symbols + distance),
        numbered([string[:symbols] for string in strings], alphabet, symbols),
        vocabulary=vocabulary(alphabet),
    )
