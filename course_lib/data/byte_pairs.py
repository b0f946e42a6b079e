"""Byte-pair encoding: a vocabulary between characters and words, found by counting."""

import heapq
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from course_lib.data.options import whole

Pair = tuple[int, int]
_BYTES = 256  # the tokens there are before any merge

# A word with the space before it, a number, other signs, or white space: no token reaches from one of them
# into the next. Bytes beyond ASCII, of which UTF-8 makes all other characters, count as letters.
_WORD = re.compile(rb" ?[A-Za-z\x80-\xff]+| ?[0-9]+| ?[^\sA-Za-z0-9\x80-\xff]+|\s+(?!\S)|\s+")


class BytePairTokenizer:
    """Tokens 0 to 255 are the bytes, and each merge makes a token of two: what is frequent becomes one.

    Any text can be written, for all of its bytes are tokens, and ``decode`` gives back what ``encode`` took.
    Merges stay within words, as in GPT-2: a word takes the space before it with it.

    Args:
        merges: the pairs, in the order in which they were learned; merge i makes token 256 + i, of tokens
            that were there before it.
        special: names of tokens that no text contains, such as "[MASK]"; they have the last numbers.

    Attributes:
        vocabulary: the bytes that each token stands for; for special tokens their name.
        special: the number of each special token by its name.

    Raises:
        ValueError: a merge of tokens that are not there yet, a pair twice, a special name twice or empty.

    Source: Gage (1994), A new algorithm for data compression; for words, Sennrich, Haddow & Birch (2016),
    Neural machine translation of rare words with subword units; on bytes, Radford et al. (2019), Language
    models are unsupervised multitask learners (GPT-2).
    """

    def __init__(self, merges: Sequence[Pair], special: Sequence[str] = ()) -> None:
        self.merges: tuple[Pair, ...] = tuple((int(left), int(right)) for left, right in merges)
        words = [bytes([byte]) for byte in range(_BYTES)]
        for number, (left, right) in enumerate(self.merges):
            if not (0 <= left < len(words) and 0 <= right < len(words)):
                raise ValueError(
                    f"BytePairTokenizer: merges[{number}] must be of two tokens from 0 to {len(words) - 1}, "
                    f"got {(left, right)}"
                )
            words.append(words[left] + words[right])
        if len(set(self.merges)) < len(self.merges):
            raise ValueError("BytePairTokenizer: merges must differ from one another, got a pair twice")
        if len(set(special)) < len(special) or not all(isinstance(name, str) and name for name in special):
            raise ValueError(f"BytePairTokenizer: special must be different names, got {special!r}")
        self.special = {name: len(words) + place for place, name in enumerate(special)}
        self.vocabulary = (*words, *[name.encode() for name in special])
        self._rank = {pair: _BYTES + number for number, pair in enumerate(self.merges)}

    @classmethod
    def train(cls, text: str | bytes, merges: int, special: Sequence[str] = ()) -> Self:
        """Learn ``merges`` merges: again and again, the most frequent pair of neighbours becomes a token.

        Of equally frequent pairs the one with the smallest numbers comes first. Words are counted once and
        weighted by how often they occur, and after a merge only the words with that pair are looked at.

        Raises:
            ValueError: ``merges`` is no whole number, or there are no more pairs in the text.
            TypeError: ``text`` is no string and no bytes.
        """
        merges = whole("merges", merges, at_least=0)
        return cls(_learned(Counter(_WORD.findall(_raw(text))), merges), special)

    def encode(self, text: str | bytes) -> Tensor:
        """Return the tokens (t,), int64, of a text: in each word the merges are applied in their order.

        The name of a special token in the text is plain text.

        Raises:
            TypeError: ``text`` is no string and no bytes.
        """
        known: dict[bytes, list[int]] = {}
        tokens: list[int] = []
        for word in _WORD.findall(_raw(text)):
            if word not in known:
                known[word] = self._merged(list(word))
            tokens += known[word]
        return torch.tensor(tokens, dtype=torch.int64)

    def decode_bytes(self, tokens: Tensor | Sequence[int]) -> bytes:
        """Return the bytes that tokens (t,) stand for.

        Raises:
            ValueError: a number that is no token.
        """
        numbers = tokens.tolist() if isinstance(tokens, Tensor) else list(tokens)
        unknown = [number for number in numbers if not 0 <= number < len(self)]
        if unknown:
            raise ValueError(f"decode: tokens must be from 0 to {len(self) - 1}, got {unknown[0]}")
        return b"".join(self.vocabulary[number] for number in numbers)

    def decode(self, tokens: Tensor | Sequence[int]) -> str:
        """Return the string that tokens (t,) stand for; bytes that are no UTF-8 become U+FFFD."""
        return self.decode_bytes(tokens).decode("utf-8", errors="replace")

    def __len__(self) -> int:
        return len(self.vocabulary)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the merges and the special names to a JSON file."""
        Path(path).write_text(json.dumps({"merges": self.merges, "special": list(self.special)}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what ``save`` wrote.

        Raises:
            ValueError: the file holds something else.
            FileNotFoundError: there is no such file.
        """
        try:
            content = json.loads(Path(path).read_text())
            return cls(content["merges"], content["special"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"BytePairTokenizer: {path} must be a file that save wrote ({error})") from error

    def _merged(self, word: list[int]) -> list[int]:
        """Apply the earliest merge there is, until there is none: a merge makes only pairs of later ones."""
        while len(word) > 1:
            pair = min(pairwise(word), key=lambda each: self._rank.get(each, len(self)))
            if pair not in self._rank:
                break
            word = _joined(word, pair, self._rank[pair])
        return word


def _raw(text: str | bytes) -> bytes:
    if not isinstance(text, str | bytes):
        raise TypeError(f"BytePairTokenizer: text must be a string or bytes, got {type(text).__name__}")
    return text.encode() if isinstance(text, str) else text


def _joined(word: list[int], pair: Pair, token: int) -> list[int]:
    """Return the word with ``token`` for each ``pair`` in it, from left to right."""
    joined: list[int] = []
    place = 0
    while place < len(word):
        found = word[place] == pair[0] and place + 1 < len(word) and word[place + 1] == pair[1]
        joined.append(token if found else word[place])
        place += 2 if found else 1
    return joined


def _learned(counts: Counter[bytes], merges: int) -> list[Pair]:
    """Return the first ``merges`` pairs of the words in ``counts``."""
    words = [(list(word), count) for word, count in counts.items()]
    frequency: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)  # the words that have the pair, or had it
    for number, (word, count) in enumerate(words):
        for pair in pairwise(word):
            frequency[pair] += count
            where[pair].add(number)
    heap = [(-count, pair) for pair, count in frequency.items()]
    heapq.heapify(heap)

    learned: list[Pair] = []
    for best in _most_frequent(heap, frequency, merges):
        token = _BYTES + len(learned)
        learned.append(best)
        changed: set[Pair] = set()
        for number in where.pop(best):
            word, count = words[number]
            new = _joined(word, best, token)
            for pair in pairwise(word):
                frequency[pair] -= count
            for pair in pairwise(new):
                frequency[pair] += count
                where[pair].add(number)
                changed.add(pair)
            changed.update(pairwise(word))
            words[number] = new, count
        for pair in changed:
            heapq.heappush(heap, (-frequency[pair], pair))
    return learned


def _most_frequent(heap: list[tuple[int, Pair]], frequency: Counter[Pair], merges: int) -> Iterator[Pair]:
    """Yield the most frequent pair, as it stands, ``merges`` times; entries with old counts are passed by."""
    for number in range(merges):
        while heap and (heap[0][0] == 0 or -heap[0][0] != frequency[heap[0][1]]):
            heapq.heappop(heap)
        if not heap:
            raise ValueError(f"merges must be at most {number}, the pairs that the text has, got {merges}")
        yield heapq.heappop(heap)[1]
