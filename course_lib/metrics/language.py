"""How well text is predicted: perplexity, bits per byte, and whole sequences right.

``token_log_prob`` makes of logits what the first two take, the log-probability a model gave to each token
that came; a model that counts gives these itself.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics.inputs import ArrayLike

_ROWS = 4096  # of logits in float64 at a time: a vocabulary is wide


def token_log_prob(y_true: Tensor, logits: Tensor, *, ignore_index: int = -100) -> Tensor:
    """Natural log-probability (m,), float64, of each token of ``y_true`` (...) under ``logits`` (..., V).

    log softmax(logits)[y_true], token by token; those that are ``ignore_index``, such as padding, are left
    out. Needs a tensor of whole numbers and one of real numbers on one device.

    Raises:
        TypeError: not tensors, or not of such numbers.
        ValueError: shapes that do not fit, a token outside 0 ... V - 1, or no token to be predicted.
    """
    owner = "token_log_prob"
    checks.tensor(owner, y_true, "y_true")
    checks.float_tensor(owner, logits, "logits")
    if y_true.is_floating_point() or y_true.is_complex():
        raise TypeError(f"{owner}: y_true must hold whole numbers, got {y_true.dtype}")
    if logits.ndim < 1 or logits.shape[:-1] != y_true.shape:
        raise ValueError(
            f"{owner}: logits must have the shape of y_true and one more dimension, got "
            f"{tuple(logits.shape)} for {tuple(y_true.shape)}"
        )
    counted = y_true != ignore_index
    target, scores = y_true.detach()[counted].long(), logits.detach()[counted]
    if len(target) == 0:
        raise ValueError(f"{owner}: y_true must have a token other than ignore_index={ignore_index}")
    outside = (target < 0) | (target >= scores.shape[-1])
    if outside.any():
        expected = f"from 0 to {scores.shape[-1] - 1}, or ignore_index={ignore_index}"
        raise ValueError(f"{owner}: y_true must be {expected}, got {inputs.first(target, outside)}")
    parts = []
    for tokens, rows in zip(target.split(_ROWS), scores.split(_ROWS), strict=True):
        parts.append(rows.double().log_softmax(dim=-1).gather(1, tokens[:, None])[:, 0])
    return torch.cat(parts)


def perplexity(log_prob: ArrayLike) -> float:
    """exp(-mean log p): a model that is as unsure as among this many equally likely tokens.

    ``log_prob``, of any shape, holds the natural log-probability of each token that came. The perplexity of
    one vocabulary says nothing of that of another; ``bits_per_byte`` can be compared. It is infinite if a
    token came that the model had thought impossible.

    Raises:
        ValueError: no tokens, NaN, or a log-probability above 0.

    Source: Jelinek, Mercer, Bahl & Baker (1977), Perplexity: a measure of the difficulty of speech
    recognition tasks.
    """
    mean = float(_log_probabilities("perplexity", log_prob).mean())
    return math.exp(-mean) if -mean < 709 else math.inf  # beyond it, exp overflows


def bits_per_byte(log_prob: ArrayLike, n_bytes: int) -> float:
    """-sum log2 p / n_bytes: how many bits a byte of the text would take if compressed with this model.

    ``log_prob`` as in ``perplexity``; ``n_bytes`` is the length in bytes of the text that its tokens stand
    for. So models with different vocabularies can be compared: fewer tokens are each harder to predict.

    Raises:
        ValueError: as ``perplexity``, or ``n_bytes`` below 1.
        TypeError: ``n_bytes`` is no integer.
    """
    checks.positive_integer("bits_per_byte", "n_bytes", n_bytes)
    return -float(_log_probabilities("bits_per_byte", log_prob).sum()) / math.log(2) / int(n_bytes)


def exact_match_score(
    y_true: Tensor | Sequence[str], y_pred: Tensor | Sequence[str], *, ignore_index: int | None = None
) -> float:
    """Share of the sequences that are right from beginning to end.

    ``y_true`` and ``y_pred`` are tokens (n, t) or lists of n strings. Places where ``y_true`` is
    ``ignore_index`` do not count, whatever was predicted there; so leave the token in that says "end", or an
    answer that goes on too long is taken for right.

    Raises:
        ValueError: other shapes or lengths, or none at all.
        TypeError: neither tensors nor strings.
    """
    owner = "exact_match_score"
    if isinstance(y_true, Tensor) and isinstance(y_pred, Tensor):
        return _matching_tokens(owner, y_true, y_pred, ignore_index)
    for value in (y_true, y_pred):
        if isinstance(value, str | Tensor) or not all(isinstance(each, str) for each in value):
            raise TypeError(
                f"{owner}: y_true and y_pred must both be tensors or both be lists of strings, got "
                f"{type(y_true).__name__} and {type(y_pred).__name__}"
            )
    if len(y_true) != len(y_pred) or len(y_true) == 0:
        raise ValueError(
            f"{owner}: y_true and y_pred must have as many strings, and at least one, got {len(y_true)} and "
            f"{len(y_pred)}"
        )
    return sum(true == pred for true, pred in zip(y_true, y_pred, strict=True)) / len(y_true)


def _matching_tokens(owner: str, y_true: Tensor, y_pred: Tensor, ignore_index: int | None) -> float:
    if y_true.shape != y_pred.shape or y_true.ndim < 2 or len(y_true) == 0:
        raise ValueError(
            f"{owner}: y_true and y_pred must have one shape (n, t) with at least one sequence, got "
            f"{tuple(y_true.shape)} and {tuple(y_pred.shape)}"
        )
    right = y_true == y_pred.to(y_true.device)
    if ignore_index is not None:
        right = right | (y_true == ignore_index)
    return inputs.average(right.flatten(1).all(dim=1))


def _log_probabilities(owner: str, log_prob: ArrayLike) -> Tensor:
    found = inputs.numbers(owner, "log_prob", log_prob, inputs.device_of(log_prob)).double()
    if found.numel() == 0:
        raise ValueError(f"{owner}: log_prob must have at least one token, got shape {tuple(found.shape)}")
    wrong = ~(found <= 1e-6)  # NaN, too; logarithms of float32 probabilities may be rounded to above 0
    if wrong.any():
        raise ValueError(f"{owner}: log_prob must be 0 or less, got {inputs.first(found, wrong)}")
    return found
