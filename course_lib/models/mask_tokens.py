"""What BERT is trained on: a text with gaps, and what stood there."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.layers import checks

OWNER = "mask_tokens"


class MaskedTokens(NamedTuple):
    """A text with gaps."""

    inputs: Tensor  # as tokens, some replaced
    targets: Tensor  # as tokens where the model shall guess, ignore_index elsewhere


def mask_tokens(
    tokens: Tensor,
    mask_token: int,
    vocab_size: int,
    special_tokens: Sequence[int] = (),
    probability: float = 0.15,
    ignore_index: int = -100,
    generator: torch.Generator | None = None,
) -> MaskedTokens:
    """Choose tokens to be guessed, each with ``probability``, and hide them: ``MaskedTokens``.

    Of the chosen, 80 % become ``mask_token``, 10 % a token drawn uniformly from the vocabulary, and 10 % stay
    as they are: in use there are no masks, so the model should not trust a token just because it is none.
    Then ``token_loss(model(inputs), targets)`` is the loss. If nothing happened to be chosen it is NaN; of
    100 tokens, that is one batch in 10^7.

    Args:
        tokens: integers of any shape; left as they are.
        mask_token: [MASK].
        vocab_size: V, which tokens are drawn from.
        special_tokens: never chosen, such as [CLS], [SEP] and [PAD].
        probability: of being chosen.
        ignore_index: the target where nothing is to be guessed.
        generator: of the draws, on the device of tokens; None is PyTorch's global one.

    Source: Devlin et al. (2019), section 3.1, task 1, and appendix A.1.

    Raises:
        ValueError: a vocab_size below 1, a token outside the vocabulary, a probability outside 0 ... 1.
        TypeError: tokens that are not int64, a token or size that is no integer, a generator that is none.
    """
    _check(tokens, mask_token, vocab_size, special_tokens, probability, ignore_index, generator)
    special = torch.tensor(list(special_tokens), dtype=tokens.dtype, device=tokens.device)
    draws = torch.rand((2, *tokens.shape), generator=generator, device=tokens.device)
    chosen = (draws[0] < probability) & ~torch.isin(tokens, special)
    other = torch.randint(vocab_size, tokens.shape, generator=generator, device=tokens.device)
    hidden = torch.where(draws[1] < 0.8, torch.full_like(tokens, mask_token), other)
    inputs = torch.where(chosen & (draws[1] < 0.9), hidden, tokens)
    return MaskedTokens(inputs, tokens.masked_fill(~chosen, ignore_index))


def _check(
    tokens: Tensor,
    mask_token: int,
    vocab_size: int,
    special_tokens: Sequence[int],
    probability: float,
    ignore_index: int,
    generator: torch.Generator | None,
) -> None:
    checks.tensor(OWNER, tokens, "tokens")
    if tokens.dtype != torch.int64:
        raise TypeError(f"{OWNER}: tokens must be of dtype torch.int64, got {tokens.dtype}")
    checks.positive_integer(OWNER, "vocab_size", vocab_size)
    expected = f"in 0 ... {vocab_size - 1} (vocab_size={vocab_size})"
    for name, token in (("mask_token", mask_token), *(("special_tokens", each) for each in special_tokens)):
        checks.non_negative_integer(OWNER, name, token)
        if token >= vocab_size:
            raise ValueError(f"{OWNER}: {name} must be {expected}, got {token}")
    if tokens.numel() and not (tokens.min() >= 0 and tokens.max() < vocab_size):
        raise ValueError(f"{OWNER}: tokens must be {expected}, got {tokens.min()} ... {tokens.max()}")
    checks.probability(OWNER, "probability", probability)
    if isinstance(ignore_index, bool) or not isinstance(ignore_index, int):
        raise TypeError(f"{OWNER}: ignore_index must be an integer, got {ignore_index!r}")
    checks.generator(OWNER, generator, like=tokens)
