"""Drawing the next token: from all, from the likeliest few, or just the likeliest."""

import torch
from torch import Tensor

from course_lib.layers import checks


def sample_tokens(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw a token from softmax(logits / temperature) for each row: (n, V) -> (n,), int64.

    Args:
        logits: finite or -inf, which forbids a token.
        temperature: below 1 the likely become likelier, above 1 rarer; 0 takes the likeliest, with no draw.
        top_k: draw from the k likeliest only, see ``top_k_filter``.
        top_p: draw from the likeliest that together have probability p, see ``top_p_filter``, which comes
            after temperature and top_k.
        generator: of the draw, on the device of logits; None is PyTorch's global one.

    Raises:
        ValueError: logits that are not (n, V), a row with NaN, +inf or nothing but -inf; a temperature below
            0, top_k below 1, top_p not above 0 and up to 1.
        TypeError: logits that are no floating-point tensor, numbers that are none, a generator that is none.
    """
    owner = "sample_tokens"
    checks.float_tensor(owner, logits, "logits")
    checks.rank(owner, logits, "(n, V)", name="logits")
    checks.finite_number(owner, "temperature", temperature, at_least=0)
    checks.generator(owner, generator, like=logits)
    _check_logits(owner, logits)
    highest = logits.amax(dim=-1, keepdim=True)  # NaN where there is one
    if not highest.isfinite().all():
        row = int((~highest.isfinite()).nonzero()[0, 0])
        raise ValueError(
            f"{owner}: logits must have a finite maximum in each row, row {row}'s is {highest[row].item()}"
        )
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if temperature == 0:
        return logits.argmax(dim=-1)
    # At most 0, so that no small temperature can overflow; a smaller one would be 0 in this precision.
    logits = (logits - highest) / max(temperature, torch.finfo(logits.dtype).tiny)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return torch.multinomial(torch.softmax(logits, dim=-1), 1, generator=generator)[:, 0]


def top_k_filter(logits: Tensor, k: int) -> Tensor:
    """Forbid (-inf) all but the ``k`` largest of each row: logits (..., V) -> (..., V).

    Of equal ones at the border, as many stay as make it k. With k of V or more all stay.

    Source: Fan, Lewis & Dauphin (2018), Hierarchical neural story generation, section 5.4.

    Raises:
        ValueError: k below 1, logits without a dimension.
        TypeError: a k that is no integer, logits that are no floating-point tensor.
    """
    checks.positive_integer("top_k_filter", "k", k)
    _check_logits("top_k_filter", logits)
    values, kept = logits.topk(min(k, logits.shape[-1]), dim=-1)
    return torch.full_like(logits, -torch.inf).scatter(-1, kept, values)


def top_p_filter(logits: Tensor, p: float) -> Tensor:
    """Forbid (-inf) all but the nucleus of each row: logits (..., V) -> (..., V).

    The nucleus are the likeliest tokens, as few as together have a probability of ``p`` or more: few where
    the model is sure, many where it is not. p = 1 keeps all.

    Source: Holtzman, Buys, Du, Forbes & Choi (2020), The curious case of neural text degeneration, section
    3.1.

    Raises:
        ValueError: p not above 0 and up to 1, logits without a dimension.
        TypeError: a p that is no number, logits that are no floating-point tensor.
    """
    checks.probability("top_p_filter", "p", p)
    checks.finite_number("top_p_filter", "p", p, above=0)
    _check_logits("top_p_filter", logits)
    if p == 1:
        return logits.clone()  # rounded, the likely ones alone can have 1
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    probabilities = torch.softmax(ordered, dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities  # what the likelier tokens have together
    return torch.empty_like(logits).scatter(-1, order, ordered.masked_fill(before >= p, -torch.inf))


def _check_logits(owner: str, logits: Tensor) -> None:
    checks.float_tensor(owner, logits, "logits")
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(f"{owner}: logits must be (..., V), got shape {tuple(logits.shape)}")
