"""What a transformer adds to attention, in NumPy: positions, and the encoder's layer with its backward pass.

Sequences are (..., l, d): d features for each of l positions. All arrays are float64.

Source: Vaswani et al. (2017), Attention is all you need, sections 3.1, 3.3 and 3.5; Xiong et al. (2020), On
layer normalization in the transformer architecture, for the norms before the parts.
"""

from typing import NamedTuple

import numpy as np

from course_lib.reference import attention, normalization
from course_lib.reference.attention import MultiHead

Norm = tuple[np.ndarray, np.ndarray]  # scale and shift, (d,) each


class EncoderLayer(NamedTuple):
    """The parameters of a layer of the encoder; also their gradients."""

    self_attn: MultiHead
    w_1: np.ndarray  # (d_hidden, d)
    b_1: np.ndarray  # (d_hidden,)
    w_2: np.ndarray  # (d, d_hidden)
    b_2: np.ndarray  # (d,)
    norm_1: Norm
    norm_2: Norm


def frequencies(d_model: int) -> np.ndarray:
    """w_j = 10000^(-2j / d) for j = 0 ... ceil(d / 2) - 1: wavelengths from 2 pi to nearly 10000 * 2 pi."""
    return 10000.0 ** -(np.arange(0, d_model, 2) / d_model)


def positional_encoding(length: int, d_model: int) -> np.ndarray:
    """Position t in waves, (l, d): feature 2j is sin(t w_j), feature 2j + 1 is cos(t w_j). Section 3.5."""
    encoding = np.zeros((length, d_model))
    for t in range(length):
        for feature in range(d_model):
            angle = t * frequencies(d_model)[feature // 2]
            encoding[t, feature] = np.sin(angle) if feature % 2 == 0 else np.cos(angle)
    return encoding


def shift_matrix(k: int, d_model: int) -> np.ndarray:
    """The matrix (d, d) that takes the encoding of every position t to that of t + k; d even.

    sin(a + b) = sin a cos b + cos a sin b and cos(a + b) = cos a cos b - sin a sin b: a rotation of each pair
    of features by the angle k w_j, the same for all t. So a head can learn to look k positions back.
    """
    matrix = np.zeros((d_model, d_model))
    for j, w in enumerate(frequencies(d_model)):
        s, c = np.sin(k * w), np.cos(k * w)
        matrix[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = [[c, s], [-s, c]]
    return matrix


def feed_forward(x: np.ndarray, params: EncoderLayer) -> np.ndarray:
    """w_2 relu(w_1 x + b_1) + b_2 at each position by itself, (..., l, d) -> (..., l, d). Equation 2."""
    return np.maximum(x @ params.w_1.T + params.b_1, 0.0) @ params.w_2.T + params.b_2


def feed_forward_backward(
    grad_out: np.ndarray, x: np.ndarray, params: EncoderLayer
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """dE/dx, and dE/dw_1, dE/db_1, dE/dw_2, dE/db_2, from ``grad_out`` (..., l, d)."""
    z = x @ params.w_1.T + params.b_1
    grad_z = (grad_out @ params.w_2) * (z > 0)
    return grad_z @ params.w_1, (
        attention.outer(grad_z, x),
        attention.rows(grad_z).sum(axis=0),
        attention.outer(grad_out, np.maximum(z, 0.0)),
        attention.rows(grad_out).sum(axis=0),
    )


def encoder_layer(
    params: EncoderLayer,
    x: np.ndarray,
    n_heads: int,
    mask: np.ndarray | float = 0.0,
    norm_first: bool = False,
) -> np.ndarray:
    """Self-attention and feed-forward net, each with a residual and a layer norm; (..., l, d) -> (..., l, d).

    As in the paper, x <- norm(x + part(x)); with ``norm_first`` x <- x + part(norm(x)), whose residuals run
    from input to output untouched.
    """
    if norm_first:
        h = normalization.layer_norm(x, *params.norm_1)
        x = x + attention.multi_head_attention(params.self_attn, h, h, h, n_heads, mask)[0]
        return x + feed_forward(normalization.layer_norm(x, *params.norm_2), params)
    attended = attention.multi_head_attention(params.self_attn, x, x, x, n_heads, mask)[0]
    x = normalization.layer_norm(x + attended, *params.norm_1)
    return normalization.layer_norm(x + feed_forward(x, params), *params.norm_2)


def encoder_layer_backward(
    grad_out: np.ndarray,
    params: EncoderLayer,
    x: np.ndarray,
    n_heads: int,
    mask: np.ndarray | float = 0.0,
    norm_first: bool = False,
) -> tuple[np.ndarray, EncoderLayer]:
    """dE/dx and the gradients of all parameters from ``grad_out`` (..., l, d), as in ``encoder_layer``.

    Each residual splits the gradient: one share goes straight back, the other through the part, and they add.
    """
    through_norm = normalization.layer_norm_backward
    if norm_first:
        h = normalization.layer_norm(x, *params.norm_1)
        y = x + attention.multi_head_attention(params.self_attn, h, h, h, n_heads, mask)[0]
        grad_h, of_net = feed_forward_backward(grad_out, normalization.layer_norm(y, *params.norm_2), params)
        through, *norm_2 = through_norm(grad_h, y, params.norm_2[0])
        grad_y = grad_out + through
        grad_h, of_attention = _self_attention_backward(grad_y, params.self_attn, h, n_heads, mask)
        through, *norm_1 = through_norm(grad_h, x, params.norm_1[0])
        grad_x = grad_y + through
    else:
        sum_1 = x + attention.multi_head_attention(params.self_attn, x, x, x, n_heads, mask)[0]
        y = normalization.layer_norm(sum_1, *params.norm_1)
        grad_sum, *norm_2 = through_norm(grad_out, y + feed_forward(y, params), params.norm_2[0])
        through, of_net = feed_forward_backward(grad_sum, y, params)
        grad_sum, *norm_1 = through_norm(grad_sum + through, sum_1, params.norm_1[0])
        through, of_attention = _self_attention_backward(grad_sum, params.self_attn, x, n_heads, mask)
        grad_x = grad_sum + through
    w_1, b_1, w_2, b_2 = of_net
    norms = (norm_1[0], norm_1[1]), (norm_2[0], norm_2[1])
    return grad_x, EncoderLayer(of_attention, w_1, b_1, w_2, b_2, *norms)


def _self_attention_backward(
    grad_out: np.ndarray, params: MultiHead, x: np.ndarray, n_heads: int, mask: np.ndarray | float
) -> tuple[np.ndarray, MultiHead]:
    """x is query, key and value at once, so its gradient is the sum of theirs."""
    q, k, v, of_params = attention.multi_head_attention_backward(grad_out, params, x, x, x, n_heads, mask)
    return q + k + v, of_params
