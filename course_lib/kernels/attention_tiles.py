"""The kernels behind ``course_lib.kernels.attention``: one program, one tile of queries or of keys of a head.

Queries are (Z, H, L, E), keys (Z, H, S, E), values (Z, H, S, V), the mask (Z, H, L, S), with strides _z, _h,
_l and _e; what the passes write is contiguous. Queries are numbered i, keys j.
"""

import triton
import triton.language as tl

from course_lib.kernels.random_masks import one_each


@triton.jit
def _tile(
    x: tl.tensor,
    rows: tl.tensor,
    n: tl.tensor,
    stride: tl.tensor,
    size: tl.tensor,
    step: tl.tensor,
    B: tl.constexpr,
) -> tl.tensor:
    """These rows of a matrix (n, size), as (len(rows), B), with zeros beyond its edges."""
    columns = tl.arange(0, B)
    inside = (rows < n)[:, None] & (columns < size)
    return tl.load(x + rows.to(tl.int64)[:, None] * stride + columns * step, inside, 0.0)


@triton.jit
def _put(
    x: tl.tensor, rows: tl.tensor, n: tl.tensor, size: tl.tensor, values: tl.tensor, B: tl.constexpr
) -> None:
    """Write these rows of a contiguous matrix (n, size)."""
    columns = tl.arange(0, B)
    inside = (rows < n)[:, None] & (columns < size)
    tl.store(x + rows.to(tl.int64)[:, None] * size + columns, values.to(x.dtype.element_ty), inside)


@triton.jit
def _scores(
    q: tl.tensor,
    k: tl.tensor,
    mask: tl.tensor,
    i: tl.tensor,
    j: tl.tensor,
    L: tl.tensor,
    S: tl.tensor,
    m_l: tl.tensor,
    m_e: tl.tensor,
    scale: tl.tensor,
    MASK: tl.constexpr,
    CAUSAL: tl.constexpr,
) -> tl.tensor:
    """scale q k^T + mask of a tile of queries and one of keys, -inf where a query may not look at a key."""
    s = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
    seen = (i < L)[:, None] & (j < S)
    if MASK != "none":
        places = mask + i.to(tl.int64)[:, None] * m_l + j.to(tl.int64) * m_e
        if MASK == "allowed":
            seen = seen & (tl.load(places, seen, 0) != 0)
        else:
            s += tl.load(places, seen, 0.0).to(tl.float32)
    if CAUSAL:
        seen = seen & (j <= i[:, None])
    return tl.where(seen, s, -float("inf"))


@triton.jit
def _kept(
    head: tl.tensor, i: tl.tensor, j: tl.tensor, L: tl.tensor, S: tl.tensor, seed: tl.tensor, p: tl.tensor
) -> tl.tensor:
    """What dropout multiplies weights by: 0 or 1 / (1 - p), from the number of each weight among all."""
    number = (head.to(tl.int64) * L + i[:, None]) * S + j
    return tl.where(one_each(seed, number, 0) >= p, 1 / tl.maximum(1 - p, 1e-30), 0.0)


@triton.jit(do_not_specialize=["seed"])
def forward(
    q: tl.tensor,
    k: tl.tensor,
    v: tl.tensor,
    mask: tl.tensor,
    out: tl.tensor,
    logsumexp: tl.tensor,
    heads: tl.tensor,
    L: tl.tensor,
    S: tl.tensor,
    E: tl.tensor,
    V: tl.tensor,
    q_z: tl.tensor,
    q_h: tl.tensor,
    q_l: tl.tensor,
    q_e: tl.tensor,
    k_z: tl.tensor,
    k_h: tl.tensor,
    k_l: tl.tensor,
    k_e: tl.tensor,
    v_z: tl.tensor,
    v_h: tl.tensor,
    v_l: tl.tensor,
    v_e: tl.tensor,
    m_z: tl.tensor,
    m_h: tl.tensor,
    m_l: tl.tensor,
    m_e: tl.tensor,
    scale: tl.tensor,
    p: tl.tensor,
    seed: tl.tensor,
    MASK: tl.constexpr,
    CAUSAL: tl.constexpr,
    DROPOUT: tl.constexpr,
    BLOCK: tl.constexpr,
    BLOCK_E: tl.constexpr,
    BLOCK_V: tl.constexpr,
) -> None:
    """One tile of queries: its output, and log sum exp of its scores, +inf where it may look nowhere."""
    blocks = tl.cdiv(L, BLOCK)
    head = tl.program_id(0) // blocks
    z, h = (head // heads).to(tl.int64), (head % heads).to(tl.int64)
    k, v = k + z * k_z + h * k_h, v + z * v_z + h * v_h
    if MASK != "none":
        mask += z * m_z + h * m_h
    start = tl.program_id(0) % blocks * BLOCK
    i = start + tl.arange(0, BLOCK)
    mine = _tile(q + z * q_z + h * q_h, i, L, q_l, E, q_e, BLOCK_E)
    largest = tl.full([BLOCK], -float("inf"), tl.float32)
    total = tl.full([BLOCK], 0.0, tl.float32)
    y = tl.full([BLOCK, BLOCK_V], 0.0, tl.float32)
    end = tl.minimum(S, start + BLOCK) if CAUSAL else S
    for first in range(0, end, BLOCK):
        j = first + tl.arange(0, BLOCK)
        theirs = _tile(k, j, S, k_l, E, k_e, BLOCK_E)
        s = _scores(mine, theirs, mask, i, j, L, S, m_l, m_e, scale, MASK, CAUSAL)
        raised = tl.maximum(largest, tl.max(s, axis=1))
        shift = tl.where(raised == -float("inf"), 0.0, raised)  # nothing to see yet, and -inf - -inf is NaN
        weights = tl.exp(s - shift[:, None])
        shrink = tl.exp(largest - shift)
        total = shrink * total + tl.sum(weights, axis=1)
        if DROPOUT:
            weights *= _kept(head, i, j, L, S, seed, p)
        theirs = _tile(v, j, S, v_l, V, v_e, BLOCK_V)
        y = tl.dot(weights.to(theirs.dtype), theirs, y * shrink[:, None], input_precision="ieee")
        largest = raised
    nowhere = total == 0
    total = tl.where(nowhere, 1.0, total)
    _put(out + head.to(tl.int64) * L * V, i, L, V, y / total[:, None], BLOCK_V)
    found = tl.where(nowhere, float("inf"), largest + tl.log(total))  # exp(-inf - inf) is 0
    tl.store(logsumexp + head.to(tl.int64) * L + i, found, i < L)


@triton.jit(do_not_specialize=["seed"])
def backward_queries(
    q: tl.tensor,
    k: tl.tensor,
    v: tl.tensor,
    mask: tl.tensor,
    grad_out: tl.tensor,
    logsumexp: tl.tensor,
    expected: tl.tensor,
    out: tl.tensor,
    grad_q: tl.tensor,
    heads: tl.tensor,
    L: tl.tensor,
    S: tl.tensor,
    E: tl.tensor,
    V: tl.tensor,
    q_z: tl.tensor,
    q_h: tl.tensor,
    q_l: tl.tensor,
    q_e: tl.tensor,
    k_z: tl.tensor,
    k_h: tl.tensor,
    k_l: tl.tensor,
    k_e: tl.tensor,
    v_z: tl.tensor,
    v_h: tl.tensor,
    v_l: tl.tensor,
    v_e: tl.tensor,
    m_z: tl.tensor,
    m_h: tl.tensor,
    m_l: tl.tensor,
    m_e: tl.tensor,
    scale: tl.tensor,
    p: tl.tensor,
    seed: tl.tensor,
    MASK: tl.constexpr,
    CAUSAL: tl.constexpr,
    DROPOUT: tl.constexpr,
    BLOCK: tl.constexpr,
    BLOCK_E: tl.constexpr,
    BLOCK_V: tl.constexpr,
) -> None:
    """One tile of queries: dE/dq, and ``expected``, sum_j p_ij dE/dp_ij = dE/dy_i . y_i."""
    blocks = tl.cdiv(L, BLOCK)
    head = tl.program_id(0) // blocks
    z, h, row = (head // heads).to(tl.int64), (head % heads).to(tl.int64), head.to(tl.int64) * L
    k, v = k + z * k_z + h * k_h, v + z * v_z + h * v_h
    if MASK != "none":
        mask += z * m_z + h * m_h
    start = tl.program_id(0) % blocks * BLOCK
    i = start + tl.arange(0, BLOCK)
    mine = _tile(q + z * q_z + h * q_h, i, L, q_l, E, q_e, BLOCK_E)
    grad = _tile(grad_out + row * V, i, L, V, V, 1, BLOCK_V)
    y = _tile(out + row * V, i, L, V, V, 1, BLOCK_V)
    mean = tl.sum(grad.to(tl.float32) * y.to(tl.float32), axis=1)
    tl.store(expected + row + i, mean, i < L)
    normalizer = tl.load(logsumexp + row + i, i < L, float("inf"))
    dq = tl.full([BLOCK, BLOCK_E], 0.0, tl.float32)
    end = tl.minimum(S, start + BLOCK) if CAUSAL else S
    for first in range(0, end, BLOCK):
        j = first + tl.arange(0, BLOCK)
        theirs = _tile(k, j, S, k_l, E, k_e, BLOCK_E)
        s = _scores(mine, theirs, mask, i, j, L, S, m_l, m_e, scale, MASK, CAUSAL)
        weights = tl.exp(s - normalizer[:, None])
        values = _tile(v, j, S, v_l, V, v_e, BLOCK_V)
        grad_p = tl.dot(grad, tl.trans(values), input_precision="ieee")
        if DROPOUT:
            grad_p *= _kept(head, i, j, L, S, seed, p)
        grad_s = weights * (grad_p - mean[:, None])
        dq = tl.dot(grad_s.to(theirs.dtype), theirs, dq, input_precision="ieee")
    _put(grad_q + row * E, i, L, E, dq * scale, BLOCK_E)


@triton.jit(do_not_specialize=["seed"])
def backward_keys(
    q: tl.tensor,
    k: tl.tensor,
    v: tl.tensor,
    mask: tl.tensor,
    grad_out: tl.tensor,
    logsumexp: tl.tensor,
    expected: tl.tensor,
    grad_k: tl.tensor,
    grad_v: tl.tensor,
    heads: tl.tensor,
    L: tl.tensor,
    S: tl.tensor,
    E: tl.tensor,
    V: tl.tensor,
    q_z: tl.tensor,
    q_h: tl.tensor,
    q_l: tl.tensor,
    q_e: tl.tensor,
    k_z: tl.tensor,
    k_h: tl.tensor,
    k_l: tl.tensor,
    k_e: tl.tensor,
    v_z: tl.tensor,
    v_h: tl.tensor,
    v_l: tl.tensor,
    v_e: tl.tensor,
    m_z: tl.tensor,
    m_h: tl.tensor,
    m_l: tl.tensor,
    m_e: tl.tensor,
    scale: tl.tensor,
    p: tl.tensor,
    seed: tl.tensor,
    MASK: tl.constexpr,
    CAUSAL: tl.constexpr,
    DROPOUT: tl.constexpr,
    BLOCK: tl.constexpr,
    BLOCK_E: tl.constexpr,
    BLOCK_V: tl.constexpr,
) -> None:
    """One tile of keys: dE/dk and dE/dv."""
    blocks = tl.cdiv(S, BLOCK)
    head = tl.program_id(0) // blocks
    z, h, row = (head // heads).to(tl.int64), (head % heads).to(tl.int64), head.to(tl.int64) * L
    q += z * q_z + h * q_h
    if MASK != "none":
        mask += z * m_z + h * m_h
    start = tl.program_id(0) % blocks * BLOCK
    j = start + tl.arange(0, BLOCK)
    mine = _tile(k + z * k_z + h * k_h, j, S, k_l, E, k_e, BLOCK_E)
    values = _tile(v + z * v_z + h * v_h, j, S, v_l, V, v_e, BLOCK_V)
    dk = tl.full([BLOCK, BLOCK_E], 0.0, tl.float32)
    dv = tl.full([BLOCK, BLOCK_V], 0.0, tl.float32)
    begin = start if CAUSAL else 0  # queries before a key do not look at it
    for first in range(begin, L, BLOCK):
        i = first + tl.arange(0, BLOCK)
        theirs = _tile(q, i, L, q_l, E, q_e, BLOCK_E)
        grad = _tile(grad_out + row * V, i, L, V, V, 1, BLOCK_V)
        normalizer = tl.load(logsumexp + row + i, i < L, float("inf"))
        s = _scores(theirs, mine, mask, i, j, L, S, m_l, m_e, scale, MASK, CAUSAL)
        weights = tl.exp(s - normalizer[:, None])
        grad_p = tl.dot(grad, tl.trans(values), input_precision="ieee")
        dropped = weights
        if DROPOUT:
            kept = _kept(head, i, j, L, S, seed, p)
            dropped = weights * kept
            grad_p *= kept
        dv = tl.dot(tl.trans(dropped).to(grad.dtype), grad, dv, input_precision="ieee")
        grad_s = weights * (grad_p - tl.load(expected + row + i, i < L, 0.0)[:, None])
        dk = tl.dot(tl.trans(grad_s).to(theirs.dtype), theirs, dk, input_precision="ieee")
    _put(grad_k + head.to(tl.int64) * S * E, j, S, E, dk * scale, BLOCK_E)
    _put(grad_v + head.to(tl.int64) * S * V, j, S, V, dv, BLOCK_V)
