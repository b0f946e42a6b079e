"""Strings over a small alphabet as numbers; 0 is padding, the beginning and the end."""

from collections.abc import Sequence

import torch
from torch import Tensor


def numbered(strings: Sequence[str], alphabet: str, length: int) -> Tensor:
    """Return the characters' numbers (n, length), int64, from 1 in the alphabet's order, padded with 0."""
    numbers = {character: number for number, character in enumerate(alphabet, start=1)}
    rows = [[numbers[each] for each in string] + [0] * (length - len(string)) for string in strings]
    return torch.tensor(rows, dtype=torch.int64)


def vocabulary(alphabet: str) -> tuple[bytes, ...]:
    """Return what the numbers of ``numbered`` stand for; padding stands for nothing."""
    return (b"", *[character.encode() for character in alphabet])
