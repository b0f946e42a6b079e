"""Language models that count: how often did each token follow the last few?"""

import math
from abc import ABC, abstractmethod
from collections import Counter
from typing import Self

import torch
from torch import Tensor

from course_lib.layers import checks

Gram = tuple[int, ...]


class NGram(ABC):
    """p(token | all before it) = p(token | the last order - 1 of them), from counts of n-grams.

    Where fewer tokens came before, as at the beginning, those there are. Subclasses say what they make of
    the counts, in ``_prepare`` and ``_probability``.

    Args:
        order: n, the length of the longest n-grams: 1 looks at no context, 3 at two tokens.
        vocab_size: tokens are 0 ... vocab_size - 1.

    Raises:
        ValueError: an order or a size below 1.
        TypeError: ones that are no integers.
    """

    def __init__(self, order: int, vocab_size: int) -> None:
        self._owner = type(self).__name__
        checks.positive_integer(self._owner, "order", order)
        checks.positive_integer(self._owner, "vocab_size", vocab_size)
        self.order, self.vocab_size = order, vocab_size
        self._fitted = False

    def fit(self, tokens: Tensor) -> Self:
        """Count the n-grams of a text (t,), or of n texts (n, t), and forget those counted before.

        Raises:
            TypeError: tokens that are no tensor of whole numbers.
            ValueError: another shape, no tokens, or one outside the vocabulary.
        """
        rows = self._rows("tokens", tokens)
        counts: list[Counter[Gram]] = []  # n-grams of length 1, 2, ... order
        for length in range(1, self.order + 1):
            found: Counter[Gram] = Counter()
            for row in rows:
                found.update(zip(*(row[start:] for start in range(length)), strict=False))
            counts.append(found)
        self._prepare(counts)
        self._fitted = True
        return self

    @abstractmethod
    def _prepare(self, counts: list[Counter[Gram]]) -> None:
        """Make of the counts of n-grams of length 1 ... order what ``_probability`` needs."""

    @abstractmethod
    def _probability(self, context: Gram, token: int) -> float:
        """Return p(token | context), for a context of at most order - 1 tokens."""

    def log_prob(self, tokens: Tensor) -> Tensor:
        """Return log p of each token given those before it, float64, in the shape of ``tokens``.

        ``metrics.bits_per_byte`` takes it as it is.

        Raises:
            TypeError, ValueError: as ``fit``; or the model has not been fitted.
        """
        self._check_fitted()
        found = []
        for row in self._rows("tokens", tokens):
            for place, token in enumerate(row):
                p = self._probability(tuple(row[max(0, place - self.order + 1) : place]), token)
                found.append(math.log(p) if p > 0 else -math.inf)
        return torch.tensor(found, dtype=torch.float64).reshape(tokens.shape).to(tokens.device)

    def perplexity(self, tokens: Tensor) -> float:
        """Return exp(-mean log p) of the tokens, (t,) or (n, t); raises as ``log_prob``."""
        return math.exp(-float(self.log_prob(tokens).mean()))

    def probabilities(self, context: Tensor) -> Tensor:
        """Return p of every token (vocab_size,), float64, after ``context`` (t,), of which the end counts.

        Raises:
            TypeError, ValueError: as ``log_prob``, but the context may be empty.
        """
        self._check_fitted()
        rows = self._rows("context", context, least=0)
        if context.ndim != 1:
            raise ValueError(f"{self._owner}: context must be (t,), got shape {tuple(context.shape)}")
        found = self._distribution(rows[0])
        return torch.tensor(found, dtype=torch.float64, device=context.device)

    def sample(self, context: Tensor, length: int, generator: torch.Generator | None = None) -> Tensor:
        """Continue ``context`` (t,) by ``length`` tokens, each drawn from its probabilities: (t + length,).

        Raises:
            TypeError, ValueError: as ``probabilities``; or ``length`` is no integer of 0 or more.
        """
        checks.non_negative_integer(self._owner, "length", length)
        self.probabilities(context)  # checks it
        tokens = context.tolist()
        for _ in range(length):
            weights = torch.tensor(self._distribution(tokens), dtype=torch.float64)
            tokens.append(int(torch.multinomial(weights, 1, generator=generator)))
        return torch.tensor(tokens, dtype=torch.int64, device=context.device)

    def _distribution(self, tokens: list[int]) -> list[float]:
        context = tuple(tokens[max(0, len(tokens) - self.order + 1) :])
        return [self._probability(context, token) for token in range(self.vocab_size)]

    def _check_fitted(self) -> None:
        if not self._fitted:
            raise ValueError(f"{self._owner}: the model must be fitted first, and has counted nothing yet")

    def _rows(self, name: str, tokens: Tensor, least: int = 1) -> list[list[int]]:
        """Return the texts as lists, after a look at them."""
        checks.tensor(self._owner, tokens, name)
        if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
            raise TypeError(f"{self._owner}: {name} must hold whole numbers, got {tokens.dtype}")
        checks.rank(self._owner, tokens, "(t)", "(n, t)", name=name)
        if tokens.numel() < least:
            raise ValueError(f"{self._owner}: {name} must have at least one token, got none")
        outside = (tokens < 0) | (tokens >= self.vocab_size)
        if outside.any():
            expected = f"from 0 to {self.vocab_size - 1}"
            raise ValueError(f"{self._owner}: {name} must be {expected}, got {int(tokens[outside][0])}")
        rows: list[list[int]] = torch.atleast_2d(tokens).tolist()
        return rows


class AddKNGram(NGram):
    """p(w | h) = (c(h w) + k) / (c(h) + k V): each n-gram counts as seen k times more than it was.

    c(h) is how often the context h was followed by anything, and V the size of the vocabulary. k = 0 gives
    the frequencies themselves, and 1/V after a context that never came; k = 1 is Laplace's rule.

    Raises:
        ValueError, TypeError: as ``NGram``; or k is no finite number of 0 or more.

    Source: Jurafsky & Martin, Speech and language processing, chapter 3; the rule: Lidstone (1920).
    """

    def __init__(self, order: int, vocab_size: int, k: float = 1.0) -> None:
        super().__init__(order, vocab_size)
        checks.finite_number(self._owner, "k", k, at_least=0.0)
        self.k = float(k)

    def _prepare(self, counts: list[Counter[Gram]]) -> None:
        self._counts = counts
        self._totals = [_totals(found) for found in counts]

    def _probability(self, context: Gram, token: int) -> float:
        total = self._totals[len(context)][context] + self.k * self.vocab_size
        if total == 0:
            return 1 / self.vocab_size
        return (self._counts[len(context)][(*context, token)] + self.k) / total


class KneserNeyNGram(NGram):
    """Interpolated Kneser-Ney: counts less a discount, which goes to a model of a shorter context.

    p(w | h) = max(c(h w) - D, 0) / c(h) + D N(h) / c(h) * p(w | h'), with N(h) the number of different
    tokens that followed h, and h' = h without its first token; p(w | h') alone where h never came. In the
    models of shorter contexts c(g) is not how often g came but how many different tokens came before it:
    "Francisco" is frequent but follows "San", so it is a poor guess elsewhere. Below the shortest is 1/V.

    Args:
        order, vocab_size: as ``NGram``.
        discount: D, from 0 to 1.

    Raises:
        ValueError, TypeError: as ``NGram``; or a discount that is not from 0 to 1.

    Source: Kneser & Ney (1995), Improved backing-off for m-gram language modeling; interpolated as in Chen &
    Goodman (1999), An empirical study of smoothing techniques for language modeling, section 2.8.
    """

    def __init__(self, order: int, vocab_size: int, discount: float = 0.75) -> None:
        super().__init__(order, vocab_size)
        checks.probability(self._owner, "discount", discount)
        self.discount = float(discount)

    def _prepare(self, counts: list[Counter[Gram]]) -> None:
        continued = [Counter(gram[1:] for gram in longer) for longer in counts[1:]]
        self._counts = [*continued, counts[-1]]
        self._totals = [_totals(found) for found in self._counts]
        self._followers = [Counter(gram[:-1] for gram in found) for found in self._counts]

    def _probability(self, context: Gram, token: int) -> float:
        p = 1 / self.vocab_size
        for length in range(len(context) + 1):
            end = context[len(context) - length :]
            total = self._totals[length][end]
            if total == 0:
                break  # a longer context never came either
            spared = self.discount * self._followers[length][end]
            p = (max(self._counts[length][(*end, token)] - self.discount, 0.0) + spared * p) / total
        return p


def _totals(counts: Counter[Gram]) -> Counter[Gram]:
    """Return for each context how often anything followed it."""
    totals: Counter[Gram] = Counter()
    for gram, count in counts.items():
        totals[gram[:-1]] += count
    return totals
