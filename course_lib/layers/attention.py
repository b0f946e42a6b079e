"""Scaled dot-product attention, called as in ``torch.nn.functional``."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.blockwise_attention import blockwise_attention, default_scale

OWNER = "scaled_dot_product_attention"
LARGE = 2**21  # scores of a head (1,448 x 1,448) above which they are never held all at once


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
    way: str = "native",
) -> Tensor:
    """softmax(scale Q K^T + mask) V: each query's average of the values, weighted by the fit of its key.

    Shapes: query (..., L, E), key (..., S, E), value (..., S, E_v) -> (..., L, E_v); the leading dimensions
    broadcast, and are often (batch, heads). The same in NumPy, with its backward pass:
    ``course_lib.reference.attention``.

    Args:
        attn_mask: broadcastable to (..., L, S). Boolean: True where a query may look at a key (in
            MultiheadAttention, True forbids). Float: added to the scores; may be learned. A query that may
            look nowhere gets 0 (with "native" from PyTorch 2.5 on; its older kernels give NaN).
        dropout_p: probability that a weight is dropped; always applied, so pass 0 in evaluation.
        is_causal: query i sees keys 0 ... i only; not together with attn_mask.
        scale: 1 / sqrt(E) unless given.
        enable_gqa: the heads (dimension -3) of the query share key and value heads in equal groups.
        way: "native" is PyTorch's kernel; "naive" the formula, which holds all L x S weights; "blockwise"
            tiles them (see ``course_lib.layers.blockwise_attention``). Where L x S is large, and PyTorch's
            kernel would hold it (dropout on the CPU, E_v unlike E, a learned mask), native is blockwise.

    Raises:
        ValueError: shapes that do not fit, dropout_p outside 0 ... 1, is_causal with a mask, an unknown way.
        TypeError: an input that is no float tensor, a mask of integers, float64 mixed with another dtype.

    Source: Vaswani et al. (2017), equation 1; Ainslie et al. (2023) for grouped queries.
    """
    _check(query, key, value, attn_mask, dropout_p, is_causal, enable_gqa)
    if scale is not None:
        checks.finite_number(OWNER, "scale", scale)
    if enable_gqa:
        key, value = (x.repeat_interleave(query.shape[-3] // x.shape[-3], dim=-3) for x in (key, value))
    if way == "native":
        return native_attention(query, key, value, attn_mask, dropout_p, is_causal, scale)
    if way == "naive":
        return _naive(query, key, value, attn_mask, dropout_p, is_causal, scale)
    checks.one_of(OWNER, "way", way, ("native", "naive", "blockwise"))
    return blockwise_attention(query, key, value, attn_mask, dropout_p, is_causal, scale)


def masked_softmax(scores: Tensor) -> Tensor:
    """Softmax over the last dimension; a row of -inf alone gives 0, where softmax gives NaN."""
    dead = scores.isneginf().all(dim=-1, keepdim=True)
    return torch.softmax(scores.masked_fill(dead, 0.0), dim=-1).masked_fill(dead, 0.0)


def _naive(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
) -> Tensor:
    """The formula."""
    scores = default_scale(query, scale) * query @ key.mT  # (..., L, S)
    weights = masked_softmax(_masked(scores, attn_mask, is_causal))
    return F.dropout(weights, dropout_p) @ value


def _masked(scores: Tensor, attn_mask: Tensor | None, is_causal: bool) -> Tensor:
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is None:
        return scores
    if attn_mask.dtype == torch.bool:
        return scores.masked_fill(~attn_mask, -math.inf)
    return scores + attn_mask


def native_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None,
    dropout_p: float,
    is_causal: bool,
    scale: float | None = None,
) -> Tensor:
    """PyTorch's kernel, kept from holding a large matrix of scores; the arguments are not checked."""
    if query.shape[-2] * key.shape[-2] > LARGE:
        if not _has_fused_kernel(query, key, value, attn_mask, dropout_p):
            return blockwise_attention(query, key, value, attn_mask, dropout_p, is_causal, scale)
        missing = (None,) * (4 - query.ndim)  # the fused kernels want (batch, heads, length, size)
        query, key, value = query[missing], key[missing], value[missing]
        out = F.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale=scale)
        return out.flatten(0, len(missing))
    return F.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale=scale)


def _has_fused_kernel(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, dropout_p: float
) -> bool:
    """Whether PyTorch has a kernel that tiles: on the others it falls back to the formula."""
    if query.ndim > 4 or not query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
        return False
    if attn_mask is not None and (attn_mask.requires_grad or attn_mask.ndim not in (2, query.ndim)):
        return False
    if query.is_cuda:
        aligned = query.shape[-1] % 8 == 0 and value.shape[-1] % 8 == 0
        return aligned and query.dtype != torch.float64 and attn_mask is None
    return query.device.type in ("cpu", "meta") and query.shape[-1] == value.shape[-1] and dropout_p == 0


def _check(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None,
    dropout_p: float,
    is_causal: bool,
    enable_gqa: bool,
) -> None:
    for name, x in (("query", query), ("key", key), ("value", value)):
        checks.float_tensor(OWNER, x, name)
        if x.ndim < 2:
            raise ValueError(f"{OWNER}: {name} must be (..., length, size), got shape {tuple(x.shape)}")
        if x.dtype != query.dtype and torch.float64 in (x.dtype, query.dtype):
            raise TypeError(f"{OWNER}: {name} must have the dtype of query, {query.dtype}, got {x.dtype}")
    checks.size(OWNER, key, -1, query.shape[-1], "query's size", "key")
    checks.size(OWNER, value, -2, key.shape[-2], "key's length", "value")
    checks.probability(OWNER, "dropout_p", dropout_p)
    lead: Sequence[int] = query.shape[:-2]
    if enable_gqa:
        _check_groups(query, key, value)
    elif not lead == key.shape[:-2] == value.shape[:-2]:
        lead = _broadcast(query, key, value)
    if attn_mask is not None:
        if is_causal:
            raise ValueError(f"{OWNER}: attn_mask must be None with is_causal=True, got a mask")
        _check_mask(query, attn_mask, (*lead, query.shape[-2], key.shape[-2]))


def _check_groups(query: Tensor, key: Tensor, value: Tensor) -> None:
    for name, x in (("key", key), ("value", value)):
        if query.ndim < 3 or x.ndim != query.ndim or x.shape[:-3] != query.shape[:-3]:
            raise ValueError(
                f"{OWNER}: {name} must have query's dimensions before the heads with enable_gqa=True, "
                f"got shapes {tuple(x.shape)} and {tuple(query.shape)}"
            )
        if x.shape[-3] == 0 or query.shape[-3] % x.shape[-3]:
            raise ValueError(
                f"{OWNER}: {name} must have a number of heads that divides query's {query.shape[-3]}, "
                f"got {x.shape[-3]}"
            )


def _broadcast(query: Tensor, key: Tensor, value: Tensor) -> Sequence[int]:
    """The leading dimensions of the output."""
    shapes = [tuple(x.shape) for x in (query, key, value)]
    try:
        return torch.broadcast_shapes(*(shape[:-2] for shape in shapes))
    except RuntimeError:
        raise ValueError(
            f"{OWNER}: query, key and value must have leading dimensions that broadcast, got shapes "
            f"{shapes[0]}, {shapes[1]} and {shapes[2]}"
        ) from None


def _check_mask(query: Tensor, attn_mask: Tensor, shape: tuple[int, ...]) -> None:
    checks.tensor(OWNER, attn_mask, "attn_mask")
    if attn_mask.dtype not in (torch.bool, query.dtype, torch.float32):
        raise TypeError(
            f"{OWNER}: attn_mask must be bool or of query's dtype, {query.dtype}, got {attn_mask.dtype}"
        )
    fits = 2 <= attn_mask.ndim <= len(shape) and all(
        have in (1, want) for have, want in zip(reversed(attn_mask.shape), reversed(shape), strict=False)
    )
    if not fits:
        raise ValueError(
            f"{OWNER}: attn_mask must broadcast to (..., L, S) = {shape}, got shape {tuple(attn_mask.shape)}"
        )
