"""Attention, forward and backward, in NumPy: an average weighted by how well queries and keys agree.

Scaled dot products: scores s_ij = scale q_i . k_j, weights p_ij = softmax over j of s_ij, output
y_i = sum_j p_ij v_j. Queries are (..., l, e), keys (..., s, e), values (..., s, e_v); scores and weights are
(..., l, s), the output is (..., l, e_v). The mask is added to the scores: 0 where query i may look at key j,
-inf where it may not. A query that may look nowhere has weights 0 and output 0. All arrays are float64.

Sources: Vaswani et al. (2017), Attention is all you need, section 3.2; Bahdanau, Cho & Bengio (2015), Neural
machine translation by jointly learning to align and translate, appendix A.1.2; Milakov & Gimelshein (2018),
Online normalizer calculation for softmax; Dao et al. (2022), FlashAttention, algorithm 1.
"""

from typing import NamedTuple

import numpy as np


class MultiHead(NamedTuple):
    """The parameters of multi-head attention; also their gradients."""

    w_q: np.ndarray  # (d, d_query)
    w_k: np.ndarray  # (d, d_key)
    w_v: np.ndarray  # (d, d_value)
    w_o: np.ndarray  # (d, d)
    b_q: np.ndarray  # (d,), and so are the other biases
    b_k: np.ndarray
    b_v: np.ndarray
    b_o: np.ndarray


def causal_mask(n_queries: int, n_keys: int) -> np.ndarray:
    """The mask (l, s) under which query i sees keys 0 ... i and none after: 0 there, -inf elsewhere."""
    return np.where(np.arange(n_keys) <= np.arange(n_queries)[:, np.newaxis], 0.0, -np.inf)


def attention_weights(scores: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, the largest score subtracted first; a row of -inf alone gives weights 0."""
    largest = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    e = np.exp(scores - np.where(np.isneginf(largest), 0.0, largest))
    return e / np.maximum(e.sum(axis=-1, keepdims=True), 1.0)  # a sum is 1 or more, or 0 if the row is masked


def scaled_dot_product_attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | float = 0.0, scale: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the output (..., l, e_v) and the weights (..., l, s). Vaswani et al. (2017), equation 1.

    ``scale`` is 1 / sqrt(e) unless given: the variance of q . k is e if the entries have variance 1, and
    without it the softmax would saturate.
    """
    p = attention_weights(_scale(q, scale) * q @ np.swapaxes(k, -1, -2) + mask)
    return p @ v, p


def scaled_dot_product_attention_backward(
    grad_out: np.ndarray,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | float = 0.0,
    scale: float | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return dE/dq, dE/dk, dE/dv, of their shapes, and dE/ds (..., l, s) from ``grad_out`` = dE/dy.

    y = p v, so dE/dv = p^T dE/dy and dE/dp = dE/dy v^T. Row by row, the softmax's Jacobian is
    diag(p_i) - p_i p_i^T, so dE/ds_ij = p_ij (dE/dp_ij - sum_k p_ik dE/dp_ik). The sum is dE/dy_i . y_i: the
    output is enough for it, which lets FlashAttention forget the weights. dE/ds is a float mask's gradient.
    """
    y, p = scaled_dot_product_attention(q, k, v, mask, scale)
    grad_p = grad_out @ np.swapaxes(v, -1, -2)
    grad_s = p * (grad_p - np.sum(grad_out * y, axis=-1, keepdims=True))
    return (
        _scale(q, scale) * grad_s @ k,
        _scale(q, scale) * np.swapaxes(grad_s, -1, -2) @ q,
        np.swapaxes(p, -1, -2) @ grad_out,
        grad_s,
    )


def blockwise_attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray, block: int
) -> tuple[np.ndarray, np.ndarray]:
    """One head's output (l, e_v), by ``block`` keys at a time, and log sum_j exp(s_ij) (l,); mask is (l, s).

    Kept for each query: the largest score m so far, the sum z of exp(s - m), and the output times z. When a
    block raises m, what was summed before shrinks by exp(m_old - m_new). The l x s weights never exist.
    """
    m = np.full(len(q), -np.inf)
    z = np.zeros(len(q))
    y = np.zeros((len(q), v.shape[1]))
    for start in range(0, len(k), block):
        here = slice(start, start + block)
        s = _scale(q, None) * q @ k[here].T + mask[:, here]
        m_new = np.maximum(m, s.max(axis=1))
        shift = np.where(np.isneginf(m_new), 0.0, m_new)
        e = np.exp(s - shift[:, np.newaxis])
        shrink = np.exp(m - shift)
        z = shrink * z + e.sum(axis=1)
        y = shrink[:, np.newaxis] * y + e @ v[here]
        m = m_new
    seen = z > 0
    logsumexp = np.where(seen, m + np.log(np.where(seen, z, 1.0)), -np.inf)
    return y / np.where(seen, z, 1.0)[:, np.newaxis], logsumexp


def split_heads(x: np.ndarray, n_heads: int) -> np.ndarray:
    """(..., l, d) -> (..., h, l, d / h): head i gets the i-th run of d / h features."""
    return np.swapaxes(x.reshape(*x.shape[:-1], n_heads, -1), -2, -3)


def merge_heads(x: np.ndarray) -> np.ndarray:
    """(..., h, l, d / h) -> (..., l, d): what ``split_heads`` did, undone."""
    x = np.swapaxes(x, -2, -3)
    return x.reshape(*x.shape[:-2], -1)


def multi_head_attention(
    params: MultiHead,
    x_q: np.ndarray,
    x_k: np.ndarray,
    x_v: np.ndarray,
    n_heads: int,
    mask: np.ndarray | float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Project, attend in each head, join, project: output (..., l, d), weights (..., h, l, s).

    x_q (..., l, d_query), x_k (..., s, d_key), x_v (..., s, d_value). Vaswani et al. (2017), section 3.2.2.
    """
    q, k, v = _projected(params, x_q, x_k, x_v, n_heads)
    y, p = scaled_dot_product_attention(q, k, v, mask)
    return merge_heads(y) @ params.w_o.T + params.b_o, p


def multi_head_attention_backward(
    grad_out: np.ndarray,
    params: MultiHead,
    x_q: np.ndarray,
    x_k: np.ndarray,
    x_v: np.ndarray,
    n_heads: int,
    mask: np.ndarray | float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, MultiHead]:
    """Return dE/dx_q, dE/dx_k, dE/dx_v and the parameters' gradients from ``grad_out`` (..., l, d).

    Back through the four projections (each a dense layer), the heads in between. For self-attention the
    gradient of the one x is the sum of the first three.
    """
    q, k, v = _projected(params, x_q, x_k, x_v, n_heads)
    joined = merge_heads(scaled_dot_product_attention(q, k, v, mask)[0])
    grad_heads = split_heads(grad_out @ params.w_o, n_heads)
    grads = scaled_dot_product_attention_backward(grad_heads, q, k, v, mask)[:3]
    grad_q, grad_k, grad_v = (merge_heads(grad) for grad in grads)
    parameters = MultiHead(
        *(outer(grad, x) for grad, x in ((grad_q, x_q), (grad_k, x_k), (grad_v, x_v), (grad_out, joined))),
        *(rows(grad).sum(axis=0) for grad in (grad_q, grad_k, grad_v, grad_out)),
    )
    return grad_q @ params.w_q, grad_k @ params.w_k, grad_v @ params.w_v, parameters


def additive_attention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    w: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores by a small network, s_ij = v . tanh(w q_i + u k_j): output (..., l, e_v), weights (..., l, s).

    Query (..., l, d_query), key (..., s, d_key), value (..., s, e_v); w (h, d_query), u (h, d_key), v (h,).
    Bahdanau et al. (2015), appendix A.1.2.
    """
    p = attention_weights(_hidden(query, key, w, u) @ v + mask)
    return p @ value, p


def additive_attention_backward(
    grad_out: np.ndarray,
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    w: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | float = 0.0,
) -> tuple[np.ndarray, ...]:
    """Return the gradients of query, key, value, w, u and v from ``grad_out`` (..., l, e_v)."""
    hidden = _hidden(query, key, w, u)
    p = attention_weights(hidden @ v + mask)
    grad_p = grad_out @ np.swapaxes(value, -1, -2)
    grad_s = p * (grad_p - np.sum(grad_p * p, axis=-1, keepdims=True))
    grad_sum = grad_s[..., np.newaxis] * v * (1 - hidden**2)  # of w q_i + u k_j, (..., l, s, h)
    of_query, of_key = grad_sum.sum(axis=-2), grad_sum.sum(axis=-3)
    return (
        of_query @ w,
        of_key @ u,
        np.swapaxes(p, -1, -2) @ grad_out,
        outer(of_query, query),
        outer(of_key, key),
        rows(hidden).T @ grad_s.reshape(-1),
    )


def _scale(q: np.ndarray, scale: float | None) -> float:
    return 1 / np.sqrt(q.shape[-1]) if scale is None else scale


def _projected(
    params: MultiHead, x_q: np.ndarray, x_k: np.ndarray, x_v: np.ndarray, n_heads: int
) -> tuple[np.ndarray, ...]:
    """Queries, keys and values of each head."""
    return (
        split_heads(x_q @ params.w_q.T + params.b_q, n_heads),
        split_heads(x_k @ params.w_k.T + params.b_k, n_heads),
        split_heads(x_v @ params.w_v.T + params.b_v, n_heads),
    )


def _hidden(query: np.ndarray, key: np.ndarray, w: np.ndarray, u: np.ndarray) -> np.ndarray:
    """tanh(w q_i + u k_j) of every pair, (..., l, s, h)."""
    return np.tanh((query @ w.T)[..., :, np.newaxis, :] + (key @ u.T)[..., np.newaxis, :, :])


def rows(x: np.ndarray) -> np.ndarray:
    """(..., d) -> (n, d)."""
    return x.reshape(-1, x.shape[-1])


def outer(grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The weights' gradient of a dense layer: the sum over all positions of grad x^T, (d_out, d_in)."""
    return rows(grad).T @ rows(x)
