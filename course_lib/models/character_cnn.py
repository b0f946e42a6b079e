"""A vector for a word from its characters: convolutions, the maximum over the word, and highways."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks


class Highway(nn.Module):
    """y = g * relu(W x + b) + (1 - g) * x, with the gate g = sigmoid(V x + c): each entry is renewed or kept.

    Shapes: (..., size) -> (..., size). At first c = -2: most of x is kept.

    Source: Srivastava, Greff & Schmidhuber (2015), Highway networks, equation 3.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.transform = layers.Linear(size, size)
        self.gate = layers.Linear(size, size)
        nn.init.constant_(self.gate.bias, -2.0)

    def forward(self, x: Tensor) -> Tensor:
        """Mix x with what is made of it."""
        gate = self.gate(x).sigmoid()
        return gate * self.transform(x).relu() + (1 - gate) * x


class CharacterCNN(nn.Module):
    """Vectors of words, whatever their characters: no word is unknown, and like spellings have like vectors.

    Each character becomes a vector; filters of several widths slide over the word, each gives its largest
    answer anywhere in it; highways and a linear map follow. Padding after the last character changes nothing:
    no window begins in it (but the first one, so that an empty word has a vector, too).

    Shapes: characters (..., length), integers, 0 for padding -> (..., out_features).

    Args:
        num_characters: size of the alphabet, padding included: 257 for bytes counted from 1 (``word_bytes``).
        out_features: size of the vectors.
        embedding_dim: size of the vector of a character.
        filters: pairs (width, number) of filters.
        highways: how many follow.

    Source: Kim, Jernite, Sontag & Rush (2016), Character-aware neural language models; as in Peters et al.
    (2018), Deep contextualized word representations (ELMo).

    Raises:
        ValueError: a size out of range, no filters, an input without characters or with ones that are none.
        TypeError: sizes that are no integers, an input that is no tensor of integers.
    """

    def __init__(
        self,
        num_characters: int,
        out_features: int,
        embedding_dim: int = 16,
        filters: Sequence[tuple[int, int]] = ((1, 16), (2, 32), (3, 64), (4, 64)),
        highways: int = 1,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        checks.positive_integer(owner, "num_characters", num_characters)
        checks.positive_integer(owner, "out_features", out_features)
        checks.positive_integer(owner, "embedding_dim", embedding_dim)
        checks.non_negative_integer(owner, "highways", highways)
        if len(filters) == 0:
            raise ValueError(f"{owner}: filters must be one pair (width, number) or more, got none")
        for width, number in filters:
            checks.positive_integer(owner, "the width of filters", width)
            checks.positive_integer(owner, "the number of filters", number)
        self.embedding = layers.Embedding(num_characters, embedding_dim, padding_idx=0)
        self.convolutions = nn.ModuleList(
            layers.Conv2d(embedding_dim, number, (1, width)) for width, number in filters
        )
        self.widths = [width for width, _ in filters]
        size = sum(number for _, number in filters)
        self.highways = nn.Sequential(*[Highway(size) for _ in range(highways)])
        self.projection = layers.Linear(size, out_features)
        self.out_features = out_features

    def forward(self, characters: Tensor) -> Tensor:
        """Return a vector for each word."""
        owner = type(self).__name__
        checks.tensor(owner, characters, "characters")
        if characters.ndim == 0 or characters.shape[-1] == 0:
            raise ValueError(
                f"{owner}: characters must be (..., length), with a length of 1 or more, got shape "
                f"{tuple(characters.shape)}"
            )
        words = characters.reshape(-1, characters.shape[-1])  # (m, length)
        begins = words != 0
        begins = torch.cat([torch.ones_like(begins[:, :1]), begins[:, 1:]], dim=1)
        x = self.embedding(words).transpose(1, 2).unsqueeze(2)  # (m, embedding_dim, 1, length)
        found = []
        for width, convolution in zip(self.widths, self.convolutions, strict=True):
            wide = torch.nn.functional.pad(x, (0, width - 1))  # a window can begin at each character
            answers = convolution(wide).squeeze(2)  # (m, number, length)
            found.append(answers.masked_fill(~begins[:, None], -torch.inf).amax(dim=2).tanh())
        y = self.projection(self.highways(torch.cat(found, dim=1)))
        return y.reshape(*characters.shape[:-1], self.out_features)


def word_bytes(words: Sequence[str | bytes], length: int = 16) -> Tensor:
    """Return the bytes of words (n, length), int64, counted from 1 and padded with 0, for ``CharacterCNN``.

    Longer words are cut. ``word_bytes(dataset.vocabulary)[dataset.x]`` turns word numbers into characters.

    Raises:
        ValueError: ``length`` below 1, or no words.
        TypeError: a word that is no string and no bytes.
    """
    checks.positive_integer("word_bytes", "length", length)
    if isinstance(words, str | bytes) or not all(isinstance(word, str | bytes) for word in words):
        raise TypeError(f"word_bytes: words must be a list of strings or bytes, got {words!r:.60}")
    if len(words) == 0:
        raise ValueError("word_bytes: words must be one or more, got none")
    found = torch.zeros(len(words), length, dtype=torch.int64)
    for row, word in zip(found, words, strict=True):
        raw = (word.encode() if isinstance(word, str) else word)[:length]
        row[: len(raw)] = torch.tensor([byte + 1 for byte in raw], dtype=torch.int64)
    return found
