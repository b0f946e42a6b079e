"""Additive attention: queries and keys are compared by a small network."""

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.layers.attention import masked_softmax
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.dense import Linear

OWNER = "AdditiveAttention"


class AdditiveAttention(nn.Module):
    """Scores s_ij = v . tanh(W q_i + U k_j); each query gets the average of the values by softmax(s_i).

    Queries and keys may differ in size. ``query_proj`` is W (hidden_dim, query_dim), ``key_proj`` is U
    (hidden_dim, key_dim) and ``score`` is v (1, hidden_dim): Linear without bias each. The memory needed is
    L x S x hidden_dim. The same in NumPy: ``course_lib.reference.attention.additive_attention``.

    Raises:
        ValueError: a size below 1, or inputs or a mask whose shapes do not fit.
        TypeError: inputs that are no float tensors, float64 where the parameters are not, a mask not boolean.

    Source: Bahdanau, Cho & Bengio (2015), Neural machine translation by jointly learning to align and
    translate, appendix A.1.2.
    """

    def __init__(
        self, query_dim: int, key_dim: int, hidden_dim: int, device: Device = None, dtype: Dtype = None
    ) -> None:
        super().__init__()
        sizes = {"query_dim": query_dim, "key_dim": key_dim, "hidden_dim": hidden_dim}
        for name, size in sizes.items():
            checks.positive_integer(OWNER, name, size)
        self.query_dim, self.key_dim, self.hidden_dim = query_dim, key_dim, hidden_dim
        self.query_proj = Linear(query_dim, hidden_dim, bias=False, device=device, dtype=dtype)
        self.key_proj = Linear(key_dim, hidden_dim, bias=False, device=device, dtype=dtype)
        self.score = Linear(hidden_dim, 1, bias=False, device=device, dtype=dtype)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Attend with query (..., L, query_dim) to key (..., S, key_dim).

        Args:
            value: (..., S, E_v); the keys unless given.
            key_padding_mask: (..., S), True where a key is padding. Where all are, weights and output are 0.

        Returns:
            The output (..., L, E_v) and the weights (..., L, S).
        """
        value = key if value is None else value
        self._check(query, key, value, key_padding_mask)
        pairs = self.query_proj(query).unsqueeze(-2) + self.key_proj(key).unsqueeze(-3)  # (..., L, S, hidden)
        scores = self.score(torch.tanh(pairs)).squeeze(-1)
        if key_padding_mask is not None:
            scores = scores.masked_fill(key_padding_mask.unsqueeze(-2), -torch.inf)
        weights = masked_softmax(scores)
        return weights @ value, weights

    def _check(self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None) -> None:
        for name, x in (("query", query), ("key", key), ("value", value)):
            checks.float_tensor(OWNER, x, name)
            checks.same_precision(OWNER, x, self.score.weight)
            if x.ndim < 2 or x.shape[:-2] != query.shape[:-2]:
                lead = (*query.shape[:-2], "length", "size")
                expected = ", ".join(map(str, lead))
                raise ValueError(f"{OWNER}: {name} must have shape ({expected}), got {tuple(x.shape)}")
        checks.size(OWNER, query, -1, self.query_dim, "query_dim", "query")
        checks.size(OWNER, key, -1, self.key_dim, "key_dim", "key")
        checks.size(OWNER, value, -2, key.shape[-2], "key's length", "value")
        if key_padding_mask is not None:
            checks.tensor(OWNER, key_padding_mask, "key_padding_mask")
            if key_padding_mask.dtype != torch.bool:
                raise TypeError(f"{OWNER}: key_padding_mask must be boolean, got {key_padding_mask.dtype}")
            if key_padding_mask.shape != key.shape[:-1]:
                expected = f"{tuple(key.shape[:-1])}"
                got = tuple(key_padding_mask.shape)
                raise ValueError(f"{OWNER}: key_padding_mask must have shape {expected}, got {got}")

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"query_dim={self.query_dim}, key_dim={self.key_dim}, hidden_dim={self.hidden_dim}"
