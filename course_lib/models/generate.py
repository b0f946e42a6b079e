"""Writing with a language model: read, draw the next token, read it, too, and so on."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.models.gpt_blocks import GPT, Cache
from course_lib.models.sample_tokens import sample_tokens


@torch.no_grad()
def generate(
    model: nn.Module,
    tokens: Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    cache: bool = True,
) -> Tensor:
    """Continue each row of ``tokens`` by ``max_new_tokens`` drawn from the model: (n, t) -> (n, t + new).

    Dropout is off meanwhile, whatever the mode of the model, which is kept. Where the text has grown longer
    than the model's ``n_positions``, it reads the last n_positions tokens.

    Args:
        model: tokens (n, t) -> logits (n, t, V) of the next token at each position: a GPT, or any module if
            ``cache`` is off.
        tokens: (n, t), the beginnings, t of 1 or more, all of one length without padding; int64.
        max_new_tokens: 0 or more.
        temperature, top_k, top_p, generator: as in ``sample_tokens``.
        cache: keep the keys and values of what has been read, so that a new token costs one position's
            arithmetic. Without it all is read again for each; the same tokens come out. (Beyond n_positions
            every position changes with each token, and nothing can be kept.)

    Raises:
        ValueError: tokens that are not (n, t), no tokens, a number below its range.
        TypeError: a model that is no module, or no GPT if cache; numbers that are none.
    """
    _check(model, tokens, max_new_tokens, cache)
    limit = getattr(model, "n_positions", None) or tokens.shape[1] + max_new_tokens
    remembered: Cache | None = None
    with _evaluating(model):
        for _ in range(max_new_tokens):
            if cache and isinstance(model, GPT) and tokens.shape[1] <= limit:
                unread = tokens if remembered is None else tokens[:, -1:]
                logits, remembered = model.with_cache(unread, remembered)
            else:
                logits = model(tokens[:, -limit:])
            drawn = sample_tokens(logits[:, -1], temperature, top_k, top_p, generator)
            tokens = torch.cat([tokens, drawn[:, None]], dim=1)
    return tokens


def _check(model: nn.Module, tokens: Tensor, max_new_tokens: int, cache: bool) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"generate: model must be a torch.nn.Module, got {type(model).__name__}")
    if cache and not isinstance(model, GPT):
        name = type(model).__name__
        raise TypeError(f"generate: model must be a GPT with cache=True (pass cache=False), got {name}")
    checks.tensor("generate", tokens, "tokens")
    if tokens.dtype != torch.int64:
        raise TypeError(f"generate: tokens must be of dtype torch.int64, got {tokens.dtype}")
    if tokens.ndim != 2 or tokens.shape[1] < 1:
        raise ValueError(f"generate: tokens must be (n, t), t of 1 or more, got shape {tuple(tokens.shape)}")
    checks.non_negative_integer("generate", "max_new_tokens", max_new_tokens)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode within; then every module is in the mode it came in."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
