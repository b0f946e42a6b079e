"""The windows that slide over an image in pooling: how many there are, and which rows and columns each has.

A window is k_h x k_w entries (``kernel_size``), ``dilation`` apart. Windows are ``stride`` apart, by default
k_h and k_w: side by side. The first starts ``padding`` entries outside the image. Each of these is an integer
for both directions, or two.
"""

from collections.abc import Iterator, Sequence

import numpy as np

Size = int | tuple[int, int]


def output_size(
    size: int, kernel: int, stride: int, padding: int = 0, dilation: int = 1, ceil_mode: bool = False
) -> int:
    """How many windows fit: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.

    With ``ceil_mode`` the division rounds up, but a window must start before the padding at the end.
    """
    steps = (size + 2 * padding - dilation * (kernel - 1) - 1) / stride
    if not ceil_mode:
        return int(np.floor(steps)) + 1
    last = int(np.ceil(steps))
    return last if last * stride >= size + padding else last + 1


def output_shape(
    shape: Sequence[int],
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> tuple[int, int, int, int]:
    """(N, C, H_out, W_out) from ``shape`` = (N, C, H, W)."""
    n, c, *planes = shape
    h, w = (
        output_size(size, k, s, p, d, ceil_mode)
        for size, k, s, p, d in zip(
            planes, *_pairs(kernel_size, stride), _pair(padding), _pair(dilation), strict=True
        )
    )
    return n, c, h, w


def windows(
    shape: Sequence[int],
    shape_out: Sequence[int],
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
) -> Iterator[tuple[tuple, np.ndarray, np.ndarray]]:
    """Each window: the place of its result in ``shape_out``, and the rows and columns of ``shape`` in it."""
    (k_h, k_w), (s_h, s_w) = _pairs(kernel_size, stride)
    (p_h, p_w), (d_h, d_w) = _pair(padding), _pair(dilation)
    for i, j in np.ndindex(*shape_out[2:]):
        rows = i * s_h - p_h + d_h * np.arange(k_h)
        columns = j * s_w - p_w + d_w * np.arange(k_w)
        inside = (rows >= 0) & (rows < shape[2]), (columns >= 0) & (columns < shape[3])
        yield (slice(None), slice(None), i, j), rows[inside[0]], columns[inside[1]]


def divisors(
    shape: Sequence[int],
    shape_out: Sequence[int],
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> np.ndarray:
    """What each window's sum is divided by for its mean, (H_out, W_out): how many entries it has.

    The padding counts if ``count_include_pad``; what hangs over even the padding (``ceil_mode``) never does.
    """
    if divisor_override is not None:
        return np.full(shape_out[2:], float(divisor_override))
    counts = []
    for size, fits, k, s, p in zip(
        shape[2:], shape_out[2:], *_pairs(kernel_size, stride), _pair(padding), strict=True
    ):
        first = s * np.arange(fits) - p
        end = np.minimum(first + k, size + p)
        counts.append(end - first if count_include_pad else np.minimum(end, size) - np.maximum(first, 0))
    return np.multiply.outer(*counts).astype(float)


def coverage(kernel_size: Size, rows: np.ndarray, columns: np.ndarray) -> float:
    """The part of a whole window that is not over the edge."""
    k_h, k_w = _pair(kernel_size)
    return len(rows) * len(columns) / (k_h * k_w)


def cells(shape: Sequence[int], size: Sequence[int]) -> Iterator[tuple[tuple, slice, slice]]:
    """Each cell of a grid of ``size`` over the planes of ``shape``: its place, its rows and its columns.

    Along H cell i covers the rows floor(i H / size) ... ceil((i + 1) H / size) - 1: cells may overlap by one.
    """
    (h, w), (h_out, w_out) = shape[2:], size
    for i, j in np.ndindex(h_out, w_out):
        rows = slice(i * h // h_out, -(-(i + 1) * h // h_out))
        columns = slice(j * w // w_out, -(-(j + 1) * w // w_out))
        yield (slice(None), slice(None), i, j), rows, columns


def _pair(value: Size) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _pairs(kernel_size: Size, stride: Size | None) -> tuple[tuple[int, int], tuple[int, int]]:
    return _pair(kernel_size), _pair(kernel_size if stride is None else stride)
