"""A stream of tokens as examples for a language model: what came, and what came next."""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.data.dataset import Dataset
from course_lib.data.options import number, whole


class TokenSplits(NamedTuple):
    """Three stretches of one stream, which share no token."""

    train: Tensor
    validation: Tensor
    test: Tensor


def contiguous_splits(tokens: Tensor, validation: float = 0.1, test: float = 0.1) -> TokenSplits:
    """Cut a stream (t,) into its beginning, to train on, and the stretches behind it.

    Neighbouring sentences are alike, and windows drawn at random from one text would overlap; a stretch that
    follows all that was trained on does neither. The last two have the shares ``validation`` and ``test`` of
    all tokens, rounded down.

    Raises:
        TypeError: ``tokens`` is no tensor of whole numbers.
        ValueError: not a stream (t,), or shares that are negative or leave nothing to train on.
    """
    _check_stream("contiguous_splits", tokens)
    for name, share in (("validation", validation), ("test", test)):
        if not 0 <= number(name, share) < 1:
            raise ValueError(f"contiguous_splits: {name} must be a share from 0 to below 1, got {share}")
    held_out = [int(share * len(tokens)) for share in (validation, test)]
    kept = len(tokens) - sum(held_out)
    if kept < 1:
        raise ValueError(
            f"contiguous_splits: validation and test must leave a token to train on, got {validation} and "
            f"{test} of {len(tokens)}"
        )
    return TokenSplits(*tokens.split([kept, *held_out]))


def next_tokens(tokens: Tensor, length: int) -> Dataset:
    """Cut a stream (t,) into blocks ``x`` (n, length) and targets ``y`` (n, length), one token further on.

    The blocks follow one another, n = (t - 1) // length of them; what is left over at the end is dropped. So
    each token but the first is a target once, and ``y[i, j]`` is what follows ``x[i, j]``. Cut the stream
    into splits first (``contiguous_splits``): the last target of a block is the first input of the next one.

    Raises:
        TypeError: ``tokens`` is no tensor of whole numbers.
        ValueError: not a stream (t,), ``length`` below 1, or a stream too short for one block.
    """
    _check_stream("next_tokens", tokens)
    length = whole("length", length, at_least=1)
    n = (len(tokens) - 1) // length
    if n < 1:
        raise ValueError(f"next_tokens: length must be at most {len(tokens) - 1}, got {length}")
    x, y = (tokens[first : first + n * length].to(torch.int64, copy=True) for first in (0, 1))
    return Dataset(x.reshape(n, length), y.reshape(n, length))


def _check_stream(owner: str, tokens: Tensor) -> None:
    if not isinstance(tokens, Tensor):
        raise TypeError(f"{owner}: tokens must be a torch.Tensor, got {type(tokens).__name__}")
    if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
        raise TypeError(f"{owner}: tokens must be whole numbers, got {tokens.dtype}")
    if tokens.ndim != 1 or len(tokens) < 2:
        raise ValueError(f"{owner}: tokens must be (t,) with 2 or more, got shape {tuple(tokens.shape)}")
