"""Text as a data set: numbers for a network, and the characters that they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.data.dataset import Dataset


@dataclass(frozen=True, eq=False, repr=False)
class TextDataset(Dataset):
    """Sequences of token numbers: ``x`` (n, t), int64, and what is to be answered, ``y`` (n, u), int64.

    ``vocabulary`` holds the bytes that each number stands for; padding stands for none. ``text`` is the split
    as one string, where it is one text.
    """

    vocabulary: tuple[bytes, ...] = ()
    text: str = ""

    def decode(self, tokens: Tensor | Sequence[int]) -> str:
        """Return the string that a sequence of token numbers (t,) stands for."""
        numbers = tokens.tolist() if isinstance(tokens, Tensor) else tokens
        return b"".join(self.vocabulary[number] for number in numbers).decode("utf-8", errors="replace")

    def encode(self, string: str) -> Tensor:
        """Return the numbers (t,) of a string's characters, or of its bytes where those are the tokens.

        Raises:
            ValueError: a character is not in the vocabulary.
        """
        numbers = {token: number for number, token in enumerate(self.vocabulary) if token}
        raw = string.encode("utf-8")
        unknown = sorted({chr(byte) for byte in raw if bytes([byte]) not in numbers})
        if unknown:
            raise ValueError(f"the vocabulary of {self.name!r} has no {unknown}")
        return torch.tensor([numbers[bytes([byte])] for byte in raw], dtype=torch.int64)
