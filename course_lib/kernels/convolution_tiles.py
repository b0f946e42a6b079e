"""The kernels behind ``course_lib.kernels.convolution``: tiles of three matrix products.

Forward, a tile of y (kernels o, places m) = weight (o, k) columns (k, m): k numbers the entries (c, u, v) of
a window, m the places (n, i, j) of the output. The columns are no matrix in memory: each tile of them is read
from the image where it is needed. Images have the strides _n, _c, _h and _w; gradients are contiguous.
"""

import triton
import triton.language as tl


@triton.jit
def _columns(
    x: tl.tensor, m: tl.tensor, k: tl.tensor, first: tl.tensor,
    images: tl.tensor, h: tl.tensor, w: tl.tensor, h_out: tl.tensor, w_out: tl.tensor, entries: tl.tensor,
    x_n: tl.tensor, x_c: tl.tensor, x_h: tl.tensor, x_w: tl.tensor,
    KH: tl.constexpr, KW: tl.constexpr, SH: tl.constexpr, SW: tl.constexpr,
    PH: tl.constexpr, PW: tl.constexpr, DH: tl.constexpr, DW: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Entries k of the windows at the places m, (k, m), from the channel ``first`` on; 0 in the padding."""
    image, place = m // (h_out * w_out), m % (h_out * w_out)
    channel, tap = k // (KH * KW), k % (KH * KW)
    row = (place // w_out * SH - PH)[None, :] + (tap // KW * DH)[:, None]
    column = (place % w_out * SW - PW)[None, :] + (tap % KW * DW)[:, None]
    inside = (image < images)[None, :] & (k < entries)[:, None]
    inside = inside & (row >= 0) & (row < h) & (column >= 0) & (column < w)
    offset = image.to(tl.int64)[None, :] * x_n + (first + channel).to(tl.int64)[:, None] * x_c
    return tl.load(x + offset + row * x_h + column * x_w, inside, 0.0)


@triton.jit
def _arrived(
    grad: tl.tensor, y: tl.tensor, offset: tl.tensor, inside: tl.tensor, RELU: tl.constexpr
) -> tl.tensor:
    """dE/dy, and through a ReLU that made y: 0 where y is."""
    arrived = tl.load(grad + offset, inside, 0.0)
    if RELU:
        arrived = tl.where(tl.load(y + offset, inside, 0.0) <= 0, 0.0, arrived)
    return arrived


@triton.jit
def forward(
    x: tl.tensor, weight: tl.tensor, bias: tl.tensor, y: tl.tensor,
    images: tl.tensor, h: tl.tensor, w: tl.tensor, h_out: tl.tensor, w_out: tl.tensor,
    share_in: tl.tensor, share_out: tl.tensor,
    x_n: tl.tensor, x_c: tl.tensor, x_h: tl.tensor, x_w: tl.tensor,
    KH: tl.constexpr, KW: tl.constexpr, SH: tl.constexpr, SW: tl.constexpr,
    PH: tl.constexpr, PW: tl.constexpr, DH: tl.constexpr, DW: tl.constexpr,
    RELU: tl.constexpr, NUMBERING: tl.constexpr,
    BLOCK_O: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_K: tl.constexpr,
) -> None:  # fmt: skip
    """A tile of y of one group; each group has ``share_in`` channels and ``share_out`` kernels."""
    places, tiles, group = h_out * w_out, tl.cdiv(share_out, BLOCK_O), tl.program_id(1)
    o = tl.program_id(0) % tiles * BLOCK_O + tl.arange(0, BLOCK_O)
    m = (tl.program_id(0) // tiles).to(NUMBERING) * BLOCK_M + tl.arange(0, BLOCK_M)
    kernel = (group * share_out + o).to(tl.int64)
    entries = share_in * KH * KW
    total = tl.full([BLOCK_O, BLOCK_M], 0.0, tl.float32)
    for start in range(0, entries, BLOCK_K):
        k = start + tl.arange(0, BLOCK_K)
        columns = _columns(x, m, k, group * share_in, images, h, w, h_out, w_out, entries, x_n, x_c, x_h, x_w,
                           KH, KW, SH, SW, PH, PW, DH, DW)  # fmt: skip
        inside = (o < share_out)[:, None] & (k < entries)
        weights = tl.load(weight + kernel[:, None] * entries + k, inside, 0.0)
        total = tl.dot(weights, columns, total, input_precision="ieee")
    if bias is not None:
        total += tl.load(bias + kernel, o < share_out, 0.0).to(tl.float32)[:, None]
    if RELU:
        total = tl.where(total <= 0, 0.0, total)  # and NaN stays
    image = (m // places).to(tl.int64)
    inside = (o < share_out)[:, None] & (image < images)
    kernels = tl.num_programs(1) * share_out
    tl.store(y + (image * kernels * places + m % places) + kernel[:, None] * places, total, inside)


@triton.jit
def input_gradient(
    grad: tl.tensor, y: tl.tensor, weight: tl.tensor, dx: tl.tensor,
    images: tl.tensor, h: tl.tensor, w: tl.tensor, h_out: tl.tensor, w_out: tl.tensor,
    share_in: tl.tensor, share_out: tl.tensor,
    KH: tl.constexpr, KW: tl.constexpr, SH: tl.constexpr, SW: tl.constexpr,
    PH: tl.constexpr, PW: tl.constexpr, DH: tl.constexpr, DW: tl.constexpr,
    RELU: tl.constexpr, NUMBERING: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_K: tl.constexpr,
) -> None:  # fmt: skip
    """A tile of dE/dx (channels c, pixels m): a pixel collects from the windows k, (o, u, v), it is in."""
    pixels, places, group = h * w, h_out * w_out, tl.program_id(1)
    tiles, kernels = tl.cdiv(share_in, BLOCK_C), tl.num_programs(1) * share_out
    c = tl.program_id(0) % tiles * BLOCK_C + tl.arange(0, BLOCK_C)
    m = (tl.program_id(0) // tiles).to(NUMBERING) * BLOCK_M + tl.arange(0, BLOCK_M)
    image, pixel = (m // pixels).to(tl.int64), m % pixels
    total = tl.full([BLOCK_C, BLOCK_M], 0.0, tl.float32)
    for start in range(0, share_out * KH * KW, BLOCK_K):
        k = start + tl.arange(0, BLOCK_K)
        o, tap = k // (KH * KW), k % (KH * KW)
        kernel = (group * share_out + o).to(tl.int64)
        row = (pixel // w + PH)[None, :] - (tap // KW * DH)[:, None]  # S times the window's
        column = (pixel % w + PW)[None, :] - (tap % KW * DW)[:, None]
        inside = (image < images)[None, :] & (o < share_out)[:, None]
        inside = inside & (row >= 0) & (row % SH == 0) & (column >= 0) & (column % SW == 0)
        row, column = row // SH, column // SW
        inside = inside & (row < h_out) & (column < w_out)
        offset = (image[None, :] * kernels + kernel[:, None]) * places + row * w_out + column
        arrived = _arrived(grad, y, offset, inside, RELU)
        entry = (kernel * share_in)[None, :] + c[:, None]
        inside = (c < share_in)[:, None] & (o < share_out)[None, :]
        weights = tl.load(weight + entry * (KH * KW) + tap[None, :], inside, 0.0)
        total = tl.dot(weights, arrived, total, input_precision="ieee")
    inside = (c < share_in)[:, None] & (image < images)
    channels, channel = tl.num_programs(1) * share_in, group * share_in + c
    at = image * channels * pixels + pixel + channel.to(tl.int64)[:, None] * pixels
    tl.store(dx + at, total, inside)


@triton.jit
def weight_gradient(
    grad: tl.tensor, y: tl.tensor, x: tl.tensor, sums: tl.tensor, bias_sums: tl.tensor,
    images: tl.tensor, h: tl.tensor, w: tl.tensor, h_out: tl.tensor, w_out: tl.tensor,
    share_in: tl.tensor, share_out: tl.tensor,
    x_n: tl.tensor, x_c: tl.tensor, x_h: tl.tensor, x_w: tl.tensor, turns: tl.tensor,
    KH: tl.constexpr, KW: tl.constexpr, SH: tl.constexpr, SW: tl.constexpr,
    PH: tl.constexpr, PW: tl.constexpr, DH: tl.constexpr, DW: tl.constexpr,
    RELU: tl.constexpr, NUMBERING: tl.constexpr,
    BLOCK_O: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_K: tl.constexpr,
) -> None:  # fmt: skip
    """A tile of dE/dweight (o, k), the sum over a part of the places m; with k = 0 comes dE/dbias, too."""
    places, entries, group = h_out * w_out, share_in * KH * KW, tl.program_id(1)
    tiles, kernels = tl.cdiv(share_out, BLOCK_O), tl.num_programs(1) * share_out
    o = tl.program_id(0) % tiles * BLOCK_O + tl.arange(0, BLOCK_O)
    k = tl.program_id(0) // tiles * BLOCK_K + tl.arange(0, BLOCK_K)
    kernel = (group * share_out + o).to(tl.int64)
    total, bias_total = tl.full([BLOCK_O, BLOCK_K], 0.0, tl.float32), tl.full([BLOCK_O], 0.0, tl.float32)
    for turn in range(turns):
        m = (tl.program_id(2) * turns + turn).to(NUMBERING) * BLOCK_M + tl.arange(0, BLOCK_M)
        image = (m // places).to(tl.int64)
        inside = (o < share_out)[:, None] & (image < images)
        offset = (image[None, :] * kernels + kernel[:, None]) * places + m % places
        arrived = _arrived(grad, y, offset, inside, RELU)
        columns = _columns(x, m, k, group * share_in, images, h, w, h_out, w_out, entries, x_n, x_c, x_h, x_w,
                           KH, KW, SH, SW, PH, PW, DH, DW)  # fmt: skip
        total = tl.dot(arrived, tl.trans(columns), total, input_precision="ieee")
        bias_total += tl.sum(arrived.to(tl.float32), axis=1)
    row = tl.program_id(2) * kernels.to(tl.int64) + kernel
    tl.store(sums + row[:, None] * entries + k, total, (o < share_out)[:, None] & (k < entries))
    tl.store(bias_sums + row, bias_total, (o < share_out) & (tl.program_id(0) < tiles))
