"""Sentences in which one word has two meanings, which only the words around it tell apart."""

from dataclasses import dataclass, field

import torch
from numpy.random import Generator
from torch import Tensor

from course_lib.data.hashed_splits import distinct
from course_lib.data.homonym_phrases import DETERMINERS, MEANINGS, OPENINGS, TAILS, Meaning
from course_lib.data.options import whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of
from course_lib.data.words import WordDataset, number_words

_SIZES = {"train": 2000, "validation": 500, "test": 500}
_CLUES = ("before", "after", "both")


@dataclass(frozen=True, eq=False, repr=False)
class HomonymDataset(WordDataset):
    """Sentences ``x`` (n, t) and, for the homonym in each, a word that names its meaning, ``y`` (n, 1).

    ``place`` (n,) is where in the sentence the homonym stands: ``x[i, place[i]]``. ``clue`` (n,) is 0 where
    what tells its meaning comes before it, 1 where it comes after it, and 2 where there is some on both
    sides. Both are int64.
    """

    place: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    clue: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))


@dataclass(frozen=True)
class _Sentence:
    opening: str
    before: str
    meaning: Meaning
    after: str
    clue: str

    def key(self) -> str:
        """What must be in one split only: the sentence without its opening, which says nothing."""
        return f"{self.before} {self.meaning.word} {self.after}"

    def text(self) -> str:
        return f"{self.opening} {self.key()}".strip()

    def place(self) -> int:
        return len(f"{self.opening} {self.before}".split())


def _all_words() -> tuple[bytes, ...]:
    """Padding, the words of all sentences in alphabetical order, and the names of the meanings."""
    phrases = [*OPENINGS, *DETERMINERS, *TAILS]
    for meaning in MEANINGS:
        phrases += [meaning.word, *meaning.before, *meaning.adjectives, *meaning.after]
    spoken = sorted({word for phrase in phrases for word in phrase.split()})
    return (b"", *[word.encode() for word in [*spoken, *[meaning.name for meaning in MEANINGS]]])


_VOCABULARY = _all_words()
_LONGEST = 14


@register(
    Sheet(
        name="homonyms",
        kind="generated",
        what="Sentences with a word of two meanings, such as 'we sat fishing on the bank' and 'the bank "
        "raised its interest rates'; the meaning is asked for.",
        source="Made by this course, from phrases of its own about bank, bat, crane, mouse, seal and spring.",
        licence="CC0 1.0: sentences from a seed",
        size=f"some 4,700 different sentences of up to {_LONGEST} words, {len(_VOCABULARY) - 1} words in all",
        splits={**_SIZES, "all": sum(_SIZES.values())},
        shape=(_LONGEST,),
        values="int64, numbers of words, 0 for padding at the end",
        target="int64, number of the word that names the meaning; no sentence has one of these",
        options={
            "n": "None: sentences in the split; None is what the table says",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "In a third of the sentences all that tells the meaning comes before the word, in a third after "
            "it: who reads from left to right can't know, at the word, what follows it.",
            "A combination of phrases is in one split only, but its phrases are in all of them. So the test "
            "asks for new combinations of known parts; a list of the words of each meaning would solve it.",
            "Each meaning is as frequent as the other, and of each word only two are here; dictionaries know "
            "more.",
            "Whether vectors of a word differ between meanings says little unless those within one meaning "
            "differ less.",
        ),
    )
)
def homonyms(split: str, *, n: int | None = None, seed: int = 0) -> HomonymDataset:
    """Return ``x`` (n, 14), ``y`` (n, 1), and where the homonym and its clues are."""
    seed = whole("seed", seed, at_least=0)
    found: list[_Sentence] = []
    for part in parts_of(split):
        count = _SIZES[part] if n is None else whole("n", n, at_least=1)
        found += distinct("homonyms", seed, part, count, _draw, _Sentence.key)
    return HomonymDataset(
        number_words([each.text() for each in found], _VOCABULARY, _LONGEST),
        number_words([each.meaning.name for each in found], _VOCABULARY, 1),
        vocabulary=_VOCABULARY,
        place=torch.tensor([each.place() for each in found]),
        clue=torch.tensor([_CLUES.index(each.clue) for each in found]),
    )


def _draw(rng: Generator) -> _Sentence:
    def one(phrases: tuple[str, ...]) -> str:
        return phrases[int(rng.integers(len(phrases)))]

    meaning, clue, opening = MEANINGS[int(rng.integers(len(MEANINGS)))], one(_CLUES), one(OPENINGS)
    if clue == "before":
        return _Sentence(opening, one(meaning.before), meaning, one(TAILS), clue)
    before = one(DETERMINERS) if clue == "after" else f"the {one(meaning.adjectives)}"
    return _Sentence(opening, before, meaning, one(meaning.after), clue)
