"""Scaled dot-product attention by tiles that stay on the chip: the L x S weights are never in memory.

A program has a tile of queries and goes over the keys; a running maximum and a running sum keep the softmax
exact. Kept for the backward pass is one number for each query, log sum exp of its scores; from it, the
weights of a tile come back exactly. One kernel has a tile of queries and sums dE/dq over the keys, another a
tile of keys and sums dE/dk and dE/dv over the queries: scores are computed twice, and nothing is added
atomically, so that the gradients are the same on every run.

Source: Dao, Fu, Ermon, Rudra & Re (2022), FlashAttention, algorithms 1 and 4; Dao (2024), FlashAttention-2,
for the order of the loops; Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3, for those of
dropout.
"""

import math
from typing import Any, NamedTuple

import torch
import triton
from torch import Tensor

from course_lib.kernels.attention_tiles import backward_keys, backward_queries, forward

OWNER = "scaled_dot_product_attention"
DTYPES = (torch.float16, torch.bfloat16, torch.float32)
LARGEST_ROW = 512  # bytes of a query or a value: their tiles fit on every GPU that ``kernels.usable`` takes


class _Setting(NamedTuple):
    """What the three passes share, besides the tensors."""

    scale: float
    is_causal: bool
    dropout_p: float
    seed: int  # from which every pass computes the same dropped weights


def supports(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None) -> bool:
    """Whether the kernels can: one dtype up to 32 bits, sizes up to 512 bytes, a mask that is not learned."""
    same = query.dtype == key.dtype == value.dtype and query.dtype in DTYPES
    learned = attn_mask is not None and attn_mask.requires_grad
    sizes = query.shape[-1], value.shape[-1]
    return same and not learned and min(sizes) > 0 and max(sizes) * query.element_size() <= LARGEST_ROW


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(scale Q K^T + mask) V, called as ``torch.nn.functional.scaled_dot_product_attention``.

    Shapes: query (..., L, E), key (..., S, E), value (..., S, E_v) -> (..., L, E_v); the leading dimensions
    broadcast. ``attn_mask`` broadcasts to (..., L, S): boolean, True where a query may look at a key, or
    added to the scores. It is read through its strides: a mask of keys (N, 1, 1, S) costs N S bytes. A query
    that may look nowhere gets 0. Products of float32 are in float32, not TF32; sums are in float32. The
    dropped weights depend on torch.manual_seed and on a weight's place alone, not on the size of the tiles.

    Memory: reads query once and key and value once for every tile of queries, most of which caches answer;
    writes the output, and 4 bytes for each query. 2 L S (E + E_v) multiply-adds forward for all heads, half
    of them if causal; backward 3.5 times as many.

    Raises:
        ValueError: shapes that do not fit, a mask with ``is_causal``.
        TypeError: what ``supports`` says no to.
        RuntimeError: in the backward pass with create_graph=True: there is no second derivative.
    """
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        shapes = f"{tuple(query.shape)}, {tuple(key.shape)} and {tuple(value.shape)}"
        expected = "(..., L, E), (..., S, E) and (..., S, E_v)"
        raise ValueError(f"{OWNER}: query, key and value must have shapes {expected}, got {shapes}")
    if attn_mask is not None and is_causal:
        raise ValueError(f"{OWNER}: attn_mask must be None with is_causal=True, got a mask")
    if not supports(query, key, value, attn_mask):
        what = f"{query.dtype}, {key.dtype}, {value.dtype}, sizes {query.shape[-1]} and {value.shape[-1]}"
        expected = (
            "one of float16, bfloat16 and float32, of sizes 1 to 512 bytes, the mask without a gradient"
        )
        raise TypeError(f"{OWNER}: query, key and value must be {expected}, got {what}")
    lead = torch.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    query, key, value = (_with_heads(x, lead) for x in (query, key, value))
    if attn_mask is not None:
        attn_mask = attn_mask.expand(*lead, query.shape[-2], key.shape[-2])
        attn_mask = _with_heads(
            attn_mask.view(torch.uint8) if attn_mask.dtype == torch.bool else attn_mask, lead
        )
    seed = int(torch.randint(2**31 - 1, ())) if dropout_p > 0 else 0
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    out = _Attention.apply(query, key, value, attn_mask, _Setting(scale, is_causal, dropout_p, seed))
    return out.view(*lead, *out.shape[-2:])


def _with_heads(x: Tensor, lead: tuple[int, ...]) -> Tensor:
    """x (..., rows, columns) as (Z, H, rows, columns): a view, unless it has more than two leading sizes."""
    x = x.expand(*lead, *x.shape[-2:])
    return x[(None,) * (4 - x.ndim)] if x.ndim <= 4 else x.flatten(0, -4)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, setting: _Setting
    ) -> Tensor:
        out = query.new_empty(*query.shape[:-1], value.shape[-1])
        logsumexp = query.new_empty(query.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(query, key, value, mask, out, logsumexp)
        ctx.setting = setting
        if out.numel():
            grid, options = _launch(query, key, value, mask, setting, query.shape[-2])
            with torch.cuda.device_of(query):
                forward[grid](query, key, value, mask, out, logsumexp, **options)
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # else the second derivative would silently lack this part
            raise RuntimeError(f"{OWNER}: create_graph must be False, got True (it has no second derivative)")
        query, key, value, mask, out, logsumexp = ctx.saved_tensors
        grads = [torch.zeros_like(x, memory_format=torch.contiguous_format) for x in (query, key, value)]
        if out.numel() and key.shape[-2]:
            grad_out, expected = grad_out.contiguous(), torch.empty_like(logsumexp)
            given = (query, key, value, mask, grad_out, logsumexp, expected)
            with torch.cuda.device_of(query):
                grid, options = _launch(query, key, value, mask, ctx.setting, query.shape[-2])
                backward_queries[grid](*given, out, grads[0], **options)  # writes ``expected``, too
                grid, options = _launch(query, key, value, mask, ctx.setting, key.shape[-2])
                backward_keys[grid](*given, grads[1], grads[2], **options)
        return *grads, None, None


def _launch(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, setting: _Setting, rows: int
) -> tuple[tuple[int], dict[str, Any]]:
    """The grid, a program for each tile of ``rows`` and head, and the arguments of all three kernels."""
    (z, heads, length, size), (s, size_v) = query.shape, value.shape[-2:]
    block = 64 if max(size, size_v) * query.element_size() <= 128 else 32
    options: dict[str, Any] = {"heads": heads, "L": length, "S": s, "E": size, "V": size_v}
    for name, x in {"q": query, "k": key, "v": value, "m": mask}.items():
        strides = (0, 0, 0, 0) if x is None else x.stride()
        options |= dict(zip((f"{name}_z", f"{name}_h", f"{name}_l", f"{name}_e"), strides, strict=True))
    options |= {
        "scale": setting.scale,
        "p": setting.dropout_p,
        "seed": setting.seed,
        "MASK": "none" if mask is None else "allowed" if mask.dtype == torch.uint8 else "added",
        "CAUSAL": setting.is_causal,
        "DROPOUT": setting.dropout_p > 0,
        "BLOCK": block,
        "BLOCK_E": max(16, triton.next_power_of_2(size)),
        "BLOCK_V": max(16, triton.next_power_of_2(size_v)),
        "num_warps": 4,
        "num_stages": 2,
    }
    return (triton.cdiv(rows, block) * z * heads,), options
