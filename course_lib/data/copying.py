"""Strings to be written again: all that it takes is to remember them."""

from numpy.random import Generator

from course_lib.data.hashed_splits import distinct
from course_lib.data.options import whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of
from course_lib.data.strings import numbered, vocabulary
from course_lib.data.text import TextDataset

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_SIZES = {"train": 4000, "validation": 1000, "test": 1000}


@register(
    Sheet(
        name="copying",
        kind="generated",
        what="Strings of random letters, such as 'qhzuk', to be written once more.",
        source="Made by this course; as a test of memory: A. Graves, G. Wayne and I. Danihelka (2014), "
        "Neural Turing machines, section 4.1.",
        licence="CC0 1.0: strings from a seed",
        size="as many strings as you ask for, as far as there are different ones",
        splits={**_SIZES, "all": sum(_SIZES.values())},
        shape=(10,),
        values="int64, numbers of characters, 0 for padding at the end",
        target="int64, the same, and at least one 0, which says that the answer ends",
        options={
            "n": "None: strings in the split; None is what the table says",
            "shortest": "3: letters at least",
            "longest": "10: letters at most; all lengths between come as often",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "Random letters cannot be compressed: a network that squeezes the string through one vector is "
            "asked for what text never asks for.",
            "With nine letters in ten right, two in three strings of ten letters are wrong: count whole "
            "strings.",
            "To copy strings longer than any in training is another task, and a harder one.",
        ),
    )
)
def copying(
    split: str, *, n: int | None = None, shortest: int = 3, longest: int = 10, seed: int = 0
) -> TextDataset:
    """Return ``x`` (n, longest) and ``y`` (n, longest + 1); ``decode`` gives the strings."""
    seed = whole("seed", seed, at_least=0)
    shortest = whole("shortest", shortest, at_least=1)
    longest = whole("longest", longest, at_least=shortest)

    def draw(rng: Generator) -> str:
        length = int(rng.integers(shortest, longest + 1))
        return "".join(_ALPHABET[each] for each in rng.integers(len(_ALPHABET), size=length))

    strings: list[str] = []
    for part in parts_of(split):
        count = _SIZES[part] if n is None else whole("n", n, at_least=1)
        strings += distinct("copying", seed, part, count, draw, str)
    return TextDataset(
        numbered(strings, _ALPHABET, longest),
        numbered(strings, _ALPHABET, longest + 1),
        vocabulary=vocabulary(_ALPHABET),
    )
