"""Losses of language models: how surprised are the logits by the tokens that came?"""

from torch import Tensor

from course_lib import layers
from course_lib.layers import checks


def token_loss(logits: Tensor, targets: Tensor, ignore_index: int = -100) -> Tensor:
    """Cross-entropy in nats, the mean over the targets that are not ``ignore_index``; its exp is perplexity.

    Shapes: logits (..., V), such as (n, t, V), targets (...) of int64 -> (). Where all targets are ignored
    there is no mean, and the loss is NaN.

    Raises:
        ValueError: targets that do not have the shape of logits without V, a target outside 0 ... V - 1.
        TypeError: logits that are no floating-point numbers, targets that are no int64, an ignore_index that
            is no integer.
    """
    _check("token_loss", "targets", logits, targets)
    if targets.shape != logits.shape[:-1]:
        expected = f"logits' shape without V, {tuple(logits.shape[:-1])}"
        raise ValueError(f"token_loss: targets must have {expected}, got {tuple(targets.shape)}")
    v = logits.shape[-1]
    return layers.cross_entropy(logits.reshape(-1, v), targets.reshape(-1), ignore_index=ignore_index)


def causal_lm_loss(logits: Tensor, tokens: Tensor, ignore_index: int = -100) -> Tensor:
    """How surprised a language model is by each token after the first, given those before it.

    logits (n, t, V), of which logits[:, i] speak of token i + 1, and tokens (n, t), what the model has read,
    t of 2 or more -> (): ``token_loss(logits[:, :-1], tokens[:, 1:])``. So the targets need no shift before;
    where they have been shifted, as ``next_tokens`` of a text does, ``token_loss`` is the one to take.

    Raises:
        ValueError: logits that are not (n, t, V), tokens that are not (n, t), fewer than two of them, a token
            outside 0 ... V - 1.
        TypeError: as ``token_loss``.
    """
    _check("causal_lm_loss", "tokens", logits, tokens)
    checks.rank("causal_lm_loss", logits, "(n, t, V)", name="logits")
    if tokens.shape != logits.shape[:2] or tokens.shape[1] < 2:
        expected = f"logits' (n, t) = {tuple(logits.shape[:2])}, t of 2 or more"
        raise ValueError(f"causal_lm_loss: tokens must have {expected}, got {tuple(tokens.shape)}")
    return token_loss(logits[:, :-1], tokens[:, 1:], ignore_index)


def _check(owner: str, name: str, logits: Tensor, tokens: Tensor) -> None:
    checks.float_tensor(owner, logits, "logits")
    checks.tensor(owner, tokens, name)
    if tokens.is_floating_point():  # cross_entropy would take them for probabilities
        raise TypeError(f"{owner}: {name} must be of dtype torch.int64, got {tokens.dtype}")
    if logits.ndim == 0:
        raise ValueError(f"{owner}: logits must be (..., V), got shape ()")
