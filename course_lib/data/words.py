"""Sentences whose tokens are whole words; number 0 is padding."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.data.text import TextDataset


def number_words(sentences: Sequence[str], vocabulary: Sequence[bytes], length: int) -> Tensor:
    """Return the numbers (n, length), int64, of the sentences' words, padded with 0.

    Raises:
        ValueError: a word is not in the vocabulary.
    """
    numbers = {word.decode(): number for number, word in enumerate(vocabulary) if word}
    unknown = sorted({word for sentence in sentences for word in sentence.split()} - set(numbers))
    if unknown:
        raise ValueError(f"the vocabulary has no {unknown}")
    rows = [[numbers[word] for word in sentence.split()] for sentence in sentences]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows], dtype=torch.int64)


def join_words(vocabulary: Sequence[bytes], tokens: Tensor | Sequence[int]) -> str:
    """Return the sentence that word numbers (t,) stand for; padding stands for nothing."""
    numbers = tokens.tolist() if isinstance(tokens, Tensor) else tokens
    return " ".join(vocabulary[number].decode() for number in numbers if vocabulary[number])


@dataclass(frozen=True, eq=False, repr=False)
class WordDataset(TextDataset):
    """Sentences ``x`` (n, t), int64, word by word, and answers ``y`` (n, u), which are words too."""

    def decode(self, tokens: Tensor | Sequence[int]) -> str:
        """Return the sentence that a sequence of word numbers (t,) stands for."""
        return join_words(self.vocabulary, tokens)

    def encode(self, string: str) -> Tensor:
        """Return the numbers (t,) of a sentence's words, which spaces divide.

        Raises:
            ValueError: a word is not in the vocabulary.
        """
        return number_words([string], self.vocabulary, 0)[0]
