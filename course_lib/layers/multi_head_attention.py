"""Multi-head attention, called as in ``torch.nn``."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.attention import native_attention
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.dense import Linear

OWNER = "MultiheadAttention"


class NonDynamicallyQuantizableLinear(Linear):
    """The output projection: a Linear, shown by repr under the name that it has in ``torch.nn``."""


class MultiheadAttention(nn.Module):
    """Attention in ``num_heads`` projections of the inputs at once, joined and projected again.

    Each head works on embed_dim / num_heads features and may look for a relation of its own. Parameters:
    ``in_proj_weight`` (3 embed_dim, embed_dim), which stacks the projections of query, key and value, or,
    where kdim or vdim is unlike embed_dim, ``q_proj_weight`` (embed_dim, embed_dim), ``k_proj_weight``
    (embed_dim, kdim) and ``v_proj_weight`` (embed_dim, vdim); ``in_proj_bias`` (3 embed_dim,);
    ``out_proj``, a Linear; with ``add_bias_kv`` ``bias_k`` and ``bias_v`` (1, 1, embed_dim), a learned key
    and value after those of the input. ``add_zero_attn`` appends a key and value of zeros. ``dropout`` drops
    weights in training. The same in NumPy: ``course_lib.reference.attention.multi_head_attention``.

    Raises:
        ValueError: a size below 1, embed_dim not a multiple of num_heads, dropout outside 0 ... 1, inputs or
            masks whose shapes do not fit.
        TypeError: inputs that are no float tensors, masks neither boolean nor float, float64 where the
            parameters are not.

    Source: Vaswani et al. (2017), section 3.2.2.
    """

    in_proj_weight: nn.Parameter | None
    q_proj_weight: nn.Parameter | None
    k_proj_weight: nn.Parameter | None
    v_proj_weight: nn.Parameter | None
    in_proj_bias: nn.Parameter | None
    bias_k: nn.Parameter | None
    bias_v: nn.Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        for name in ("embed_dim", "num_heads", "kdim", "vdim"):
            checks.positive_integer(OWNER, name, getattr(self, name))
        checks.probability(OWNER, "dropout", dropout)
        if embed_dim % num_heads:
            raise ValueError(
                f"{OWNER}: embed_dim must be a multiple of num_heads={num_heads}, got {embed_dim}"
            )
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        self.head_dim = embed_dim // num_heads

        packed = self._qkv_same_embed_dim
        for name, shape, wanted in (
            ("q_proj_weight", (embed_dim, embed_dim), not packed),
            ("k_proj_weight", (embed_dim, self.kdim), not packed),
            ("v_proj_weight", (embed_dim, self.vdim), not packed),
            ("in_proj_weight", (3 * embed_dim, embed_dim), packed),
            ("in_proj_bias", (3 * embed_dim,), bias),
            ("bias_k", (1, 1, embed_dim), add_bias_kv),
            ("bias_v", (1, 1, embed_dim), add_bias_kv),
        ):
            empty = nn.Parameter(torch.empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, empty)
        self.out_proj = NonDynamicallyQuantizableLinear(
            embed_dim, embed_dim, bias, device=device, dtype=dtype
        )
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw the parameters anew, except out_proj.weight: the same seed gives torch.nn's numbers."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                nn.init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            nn.init.zeros_(self.in_proj_bias)
            nn.init.zeros_(self.out_proj.bias)
        for learned in (self.bias_k, self.bias_v):
            if learned is not None:
                nn.init.xavier_normal_(learned)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend with query (L, N, embed_dim) to key (S, N, kdim) and value (S, N, vdim).

        With batch_first the shapes are (N, L, embed_dim) and so on; without a batch (L, embed_dim).

        Args:
            key_padding_mask: (N, S), or (S,) without a batch. Boolean: True where a key is padding, to be
                ignored. Float: added to the scores.
            attn_mask: (L, S), or (N * num_heads, L, S). Boolean: True where attention is forbidden. Float:
                added to the scores.
            need_weights: return the weights too; without them the faster kernel is used.
            average_attn_weights: average the weights over the heads.
            is_causal: a promise that attn_mask, which must be given, is the causal mask; a kernel that needs
                no mask may then be used.

        Returns:
            The output, of query's shape, and the weights (N, L, S), or (N, num_heads, L, S) if not averaged,
            without N where there is no batch; None if not needed. A query all of whose keys are masked gets
            weights and output NaN with need_weights and else attends to nothing: 0, before the projection.
        """
        self._check(query, key, value, key_padding_mask, attn_mask, is_causal)
        batched = query.ndim == 3
        batch_dim = 0 if self.batch_first or not batched else 1
        q, k, v = self._projected(query, key, value, batch_dim)  # (N, heads, length, head_dim) each
        if key_padding_mask is not None and not batched:
            key_padding_mask = key_padding_mask.unsqueeze(0)
        appends = self.bias_k is not None or self.add_zero_attn
        is_causal = is_causal and key_padding_mask is None and not need_weights and not appends
        mask = None if is_causal else _merged(attn_mask, key_padding_mask, q)
        if appends:
            k, v, mask = self._appended(k, v, mask)
        dropout_p = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            heads, weights = _attend(q, k, v, mask, dropout_p)
        else:
            heads = native_attention(q, k, v, mask, dropout_p, is_causal)
        joined = heads.permute((0, 2, 1, 3) if batch_dim == 0 else (2, 0, 1, 3)).flatten(2)
        output = F.linear(joined, self.out_proj.weight, self.out_proj.bias)
        if weights is not None and average_attn_weights:
            weights = weights.mean(dim=1)
        if not batched:
            output, weights = output.squeeze(0), None if weights is None else weights.squeeze(0)
        return output, weights

    def _projected(self, query: Tensor, key: Tensor, value: Tensor, batch_dim: int) -> tuple[Tensor, ...]:
        """Queries, keys and values of each head, from one product wherever inputs are one tensor."""
        w, b = self.in_proj_weight, self.in_proj_bias
        if w is not None and query is key and key is value:
            q, k, v = self._heads(query, w, b, 3, batch_dim)
            return q, k, v
        b_q, b_kv = (None, None) if b is None else (b[: self.embed_dim], b[self.embed_dim :])
        if w is not None and key is value:
            (q,) = self._heads(query, w[: self.embed_dim], b_q, 1, batch_dim)
            k, v = self._heads(key, w[self.embed_dim :], b_kv, 2, batch_dim)
            return q, k, v
        separate = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        weights: Sequence[Tensor] = separate if w is None else w.chunk(3)  # type: ignore[assignment]
        biases = (None, None, None) if b is None else b.chunk(3)
        q, k, v = (
            self._heads(x, weight, bias, 1, batch_dim)[0]
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        return q, k, v

    def _heads(self, x: Tensor, w: Tensor, b: Tensor | None, n: int, batch_dim: int) -> tuple[Tensor, ...]:
        """Project x to ``n`` sets of heads, (N, heads, length, head_dim) each: views of one product."""
        y = F.linear(x if x.ndim == 3 else x.unsqueeze(0), w, b)
        parts = y.reshape(*y.shape[:2], n, self.num_heads, self.head_dim).unbind(2)
        if batch_dim == 0:
            return tuple(part.transpose(1, 2) for part in parts)
        return tuple(part.permute(1, 2, 0, 3) for part in parts)

    def _appended(self, k: Tensor, v: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
        """Append the learned key and value, and those of zeros: every query may look at them."""
        n, heads, length, size = k.shape
        if self.bias_k is not None and self.bias_v is not None:
            k, v = (
                torch.cat([x, learned.view(1, heads, 1, size).expand(n, -1, -1, -1)], dim=2)
                for x, learned in ((k, self.bias_k), (v, self.bias_v))
            )
        if self.add_zero_attn:
            k, v = (F.pad(x, (0, 0, 0, 1)) for x in (k, v))
        if mask is not None:
            mask = F.pad(mask, (0, k.shape[2] - length), value=float(mask.dtype == torch.bool))
        return k, v, mask

    def _check(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None,
        attn_mask: Tensor | None,
        is_causal: bool,
    ) -> None:
        weight = self.out_proj.weight
        for name, x, size in (
            ("query", query, self.embed_dim),
            ("key", key, self.kdim),
            ("value", value, self.vdim),
        ):
            checks.float_tensor(OWNER, x, name)
            if x.dtype != weight.dtype:
                checks.same_precision(OWNER, x, weight)
            if x.ndim not in (2, 3) or x.ndim != query.ndim or x.shape[-1] != size:
                lead = "length" if query.ndim == 2 else "n, length" if self.batch_first else "length, n"
                raise ValueError(f"{OWNER}: {name} must have shape ({lead}, {size}), got {tuple(x.shape)}")
        if key.shape[:-1] != value.shape[:-1]:
            shapes = f"{tuple(key.shape)} and {tuple(value.shape)}"
            raise ValueError(f"{OWNER}: value must have key's length and batch size, got shapes {shapes}")
        n, n_queries, n_keys = 1, query.shape[0], key.shape[0]
        if query.ndim == 3:
            batch, length = (0, 1) if self.batch_first else (1, 0)
            n, n_queries, n_keys = query.shape[batch], query.shape[length], key.shape[length]
            checks.size(OWNER, key, batch, n, "query's batch size", "key")
        if key_padding_mask is not None:
            expected = (n_keys,) if query.ndim == 2 else (n, n_keys)
            _check_mask("key_padding_mask", key_padding_mask, [expected])
        if attn_mask is not None:
            square = (n_queries, n_keys)
            _check_mask("attn_mask", attn_mask, [square, (n * self.num_heads, *square)])
        elif is_causal:
            raise ValueError(
                f"{OWNER}: attn_mask must be given with is_causal=True (a hint about it), got None"
            )


def _check_mask(name: str, mask: Tensor, shapes: list[tuple[int, ...]]) -> None:
    checks.tensor(OWNER, mask, name)
    if mask.dtype != torch.bool and not mask.is_floating_point():
        raise TypeError(f"{OWNER}: {name} must be boolean or float, got {mask.dtype}")
    if mask.shape not in shapes:
        expected = " or ".join(map(str, shapes))
        raise ValueError(f"{OWNER}: {name} must have shape {expected}, got {tuple(mask.shape)}")


def _merged(attn_mask: Tensor | None, key_padding_mask: Tensor | None, q: Tensor) -> Tensor | None:
    """Both masks in one, for all heads: True where a query may look, or a float to add to the scores."""
    masks = []
    if attn_mask is not None:
        masks.append(attn_mask if attn_mask.ndim == 2 else attn_mask.unflatten(0, q.shape[:2]))
    if key_padding_mask is not None:
        masks.append(key_padding_mask[:, None, None, :])
    if not masks:
        return None
    if all(mask.dtype == torch.bool for mask in masks):
        return ~masks[0] if len(masks) == 1 else ~(masks[0] | masks[1])
    floats = [
        torch.zeros_like(mask, dtype=q.dtype).masked_fill_(mask, -math.inf)
        if mask.dtype == torch.bool
        else mask.to(q.dtype)
        for mask in masks
    ]
    return floats[0] if len(floats) == 1 else floats[0] + floats[1]


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float) -> tuple[Tensor, Tensor]:
    """Attention that shows its weights: (N, heads, L, head_dim) and (N, heads, L, S)."""
    shape, of_heads = (*q.shape[:3], k.shape[2]), q.shape
    q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
    nothing = q.new_empty((1, 1, 1))  # beta=0 ignores it: a product that scales saves a pass over q
    scores = torch.baddbmm(nothing, q, k.mT, beta=0, alpha=q.shape[-1] ** -0.5)
    if mask is not None:
        scores = scores.view(shape)
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
        scores = scores.flatten(0, 1)
    weights = torch.softmax(scores, dim=-1)
    if dropout_p > 0:
        weights = F.dropout(weights, dropout_p)
    return torch.bmm(weights, v).view(of_heads), weights.view(shape)
