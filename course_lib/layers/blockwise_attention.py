"""Attention block by block: exact, in memory that grows with the sequence and not with its square.

The weights of n queries and n keys are n x n numbers, but the output needs them only in a sum. For each block
of queries, the blocks of keys are visited one after the other; a running maximum and a running sum keep the
softmax exact. The backward pass computes the blocks of weights again instead of keeping them.

Source: Milakov & Gimelshein (2018); Rabe & Staats (2021); Dao, Fu, Ermon, Rudra & Re (2022), algorithms 1, 4.
"""

import contextlib
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

BLOCK = 256  # rows and columns of a block: large enough that the loop costs little, small enough for caches


class Setting(NamedTuple):
    """What the passes over the blocks share."""

    scale: float
    is_causal: bool
    dropout_p: float
    seed: int  # the backward pass must drop the same weights
    block: int


def blockwise_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    block: int = BLOCK,
) -> Tensor:
    """Scaled dot-product attention of ``block`` x ``block`` tiles; arguments as in PyTorch's function.

    query (..., L, E), key (..., S, E), value (..., S, E_v) -> (..., L, E_v). With float16 and bfloat16, sums
    are kept in float32 and rounded at the end, with or without autocast. The dropped weights depend on
    torch.manual_seed, and are not those that another form would drop.

    Raises:
        RuntimeError: in the backward pass with create_graph=True: there is no second derivative.
    """
    lead = torch.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    query, key, value = (x.expand(*lead, *x.shape[-2:]) for x in (query, key, value))
    seed = int(torch.randint(2**62, ())) if dropout_p > 0 else 0
    setting = Setting(default_scale(query, scale), is_causal, dropout_p, seed, block)
    return _Blockwise.apply(query, key, value, attn_mask, setting)


def default_scale(query: Tensor, scale: float | None) -> float:
    """``scale``, or if None 1 / sqrt(E): q . k then has variance 1 if the entries of q and k have."""
    return 1 / math.sqrt(max(query.shape[-1], 1)) if scale is None else scale


class _Blockwise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, setting: Setting
    ) -> Tensor:
        out = query.new_empty(*query.shape[:-1], value.shape[-1])
        logsumexp = query.new_empty(*query.shape[:-1], 1, dtype=_accurate(query.dtype))
        with _without_autocast(query.device):
            for rows, blocks in _tiles(query, key, mask, setting):
                out[..., rows, :], logsumexp[..., rows, :] = _attend(query, value, rows, blocks)
        ctx.save_for_backward(query, key, value, mask, out, logsumexp)
        ctx.setting = setting
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # else the second derivative would silently lack this part
            raise RuntimeError(
                "blockwise attention: create_graph must be False, got True (it has no second derivative)"
            )
        query, key, value, mask, out, logsumexp = ctx.saved_tensors
        accurate = logsumexp.dtype
        grad_query, grad_key, grad_value = (
            torch.zeros_like(x, dtype=accurate, memory_format=torch.contiguous_format)
            for x in (query, key, value)
        )
        grad_mask = torch.zeros_like(mask, dtype=accurate) if ctx.needs_input_grad[3] else None
        scale = ctx.setting.scale
        with _without_autocast(query.device):
            for rows, blocks in _tiles(query, key, mask, ctx.setting):
                q, grad = query[..., rows, :].to(accurate), grad_out[..., rows, :].to(accurate)
                expected = (grad * out[..., rows, :]).sum(dim=-1, keepdim=True)  # sum_j p_ij dE/dp_ij
                for columns, scores, kept in blocks:
                    p = scores.sub_(logsumexp[..., rows, :]).exp_()
                    grad_p = grad @ value[..., columns, :].to(accurate).mT
                    if kept is not None:
                        grad_p *= kept
                    grad_value[..., columns, :] += (p if kept is None else p * kept).mT @ grad
                    grad_s = grad_p.sub_(expected).mul_(p)
                    grad_query[..., rows, :] += scale * (grad_s @ key[..., columns, :].to(accurate))
                    grad_key[..., columns, :] += scale * (grad_s.mT @ q)
                    if grad_mask is not None:
                        part = _part(grad_mask, rows, columns)
                        part += grad_s.sum_to_size(part.shape)
        grads = (grad_query, grad_key, grad_value, grad_mask)
        return *(None if x is None else x.to(query.dtype) for x in grads), None


def _attend(
    query: Tensor, value: Tensor, rows: slice, blocks: Iterator[tuple[slice, Tensor, Tensor | None]]
) -> tuple[Tensor, Tensor]:
    """One block of queries: its output, and log sum exp(scores), but +inf where all is masked."""
    q = query[..., rows, :]
    largest = q.new_full((*q.shape[:-1], 1), -math.inf, dtype=_accurate(q.dtype))
    total = torch.zeros_like(largest)
    out = largest.new_zeros(*q.shape[:-1], value.shape[-1])
    for columns, scores, kept in blocks:
        raised = torch.maximum(largest, scores.amax(dim=-1, keepdim=True))
        shift = raised.masked_fill(raised == -math.inf, 0.0)  # nothing to see yet, and -inf - -inf is NaN
        p = scores.sub_(shift).exp_()
        shrink = torch.exp(largest - shift)
        total = shrink * total + p.sum(dim=-1, keepdim=True)
        out = shrink * out + (p if kept is None else p * kept) @ value[..., columns, :].to(out.dtype)
        largest = raised
    masked = total == 0
    logsumexp = (largest + total.log()).masked_fill(masked, math.inf)  # exp(-inf - inf) is 0
    return out / total.masked_fill(masked, 1.0), logsumexp


def _tiles(
    query: Tensor, key: Tensor, mask: Tensor | None, setting: Setting
) -> Iterator[tuple[slice, Iterator[tuple[slice, Tensor, Tensor | None]]]]:
    """Visit the blocks of queries, and for each the blocks of keys: columns, scores, factors of dropout."""
    generator = None
    if setting.dropout_p > 0:
        generator = torch.Generator(query.device).manual_seed(setting.seed)
    for start in range(0, query.shape[-2], setting.block):
        rows = slice(start, min(start + setting.block, query.shape[-2]))
        yield rows, _row_of_tiles(query, key, mask, rows, setting, generator)


def _row_of_tiles(
    query: Tensor,
    key: Tensor,
    mask: Tensor | None,
    rows: slice,
    setting: Setting,
    generator: torch.Generator | None,
) -> Iterator[tuple[slice, Tensor, Tensor | None]]:
    q = setting.scale * query[..., rows, :].to(_accurate(query.dtype))
    n_keys = min(key.shape[-2], rows.stop) if setting.is_causal else key.shape[-2]
    for start in range(0, n_keys, setting.block):
        columns = slice(start, min(start + setting.block, n_keys))
        scores = q @ key[..., columns, :].to(q.dtype).mT
        if setting.is_causal and columns.stop - 1 > rows.start:
            future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device)
            scores.masked_fill_(future.triu(rows.start - columns.start + 1), -math.inf)
        if mask is not None:
            part = _part(mask, rows, columns)
            allowed = part.dtype == torch.bool
            scores = scores.masked_fill(~part, -math.inf) if allowed else scores + part
        kept = None
        if generator is not None:
            kept = torch.rand(scores.shape, generator=generator, dtype=scores.dtype, device=scores.device)
            kept = (kept >= setting.dropout_p).to(scores.dtype) / max(1 - setting.dropout_p, 1e-30)
        yield columns, scores, kept


def _part(mask: Tensor, rows: slice, columns: slice) -> Tensor:
    """The part of a mask (..., L or 1, S or 1) that a block needs; a view."""
    every = slice(None)
    return mask[..., rows if mask.shape[-2] > 1 else every, columns if mask.shape[-1] > 1 else every]


def _accurate(dtype: torch.dtype) -> torch.dtype:
    """The dtype to compute in."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def _without_autocast(device: torch.device) -> contextlib.AbstractContextManager:
    if device.type == "meta":
        return contextlib.nullcontext()
    return torch.autocast(device.type, enabled=False)
