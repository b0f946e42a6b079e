"""Convolution in NumPy: of signals, of images, as a matrix product, and transposed; with every gradient.

Images are x (n, c, h, w); a kernel is w (c_out, c_in / groups, k_h, k_w) and a bias b (c_out,), as in
torch.nn.Conv2d. Deep learning calls the cross-correlation a convolution: only ``convolve`` turns its kernel
around. ``stride``, ``padding`` and ``dilation`` are one number, or two for height and width.

The arithmetic of sizes and of the transposed form: Dumoulin & Visin (2016), A guide to convolution arithmetic
for deep learning.
"""

import itertools
from collections.abc import Iterator

import numpy as np

Numbers = int | tuple[int, int]
Sides = tuple[tuple[int, int], tuple[int, int]]  # (top, bottom), (left, right)

PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def convolve(x: np.ndarray, k: np.ndarray) -> np.ndarray:
    """(x * k)[i] = sum_j x[j] k[i - j] of signals x (n,) and k (m,), zero outside: (n + m - 1,)."""
    y = np.zeros(len(x) + len(k) - 1)
    for j in range(len(x)):
        y[j : j + len(k)] += x[j] * k
    return y


def cross_correlate(x: np.ndarray, k: np.ndarray) -> np.ndarray:
    """y[i] = sum_j x[i + j] k[j], wherever k (m,) lies inside x (n,): (n - m + 1,).

    It is what ``convolve`` computes with k turned around, less the m - 1 entries at either end.
    """
    return np.array([np.sum(x[i : i + len(k)] * k) for i in range(len(x) - len(k) + 1)])


def toeplitz(k: np.ndarray, n: int) -> np.ndarray:
    """The matrix T (n + m - 1, n) with T x = convolve(x, k) for k (m,), x (n,): T[i, j] = k[i - j]."""
    t = np.zeros((n + len(k) - 1, n))
    for j in range(n):
        t[j : j + len(k), j] = k
    return t


def output_size(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """floor((H - D (K - 1) - 1 + 2 P) / S) + 1: in how many places a window fits along H entries."""
    return (size - dilation * (kernel_size - 1) - 1 + 2 * padding) // stride + 1


def transposed_output_size(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """(H - 1) S - 2 P + D (K - 1) + 1 + output_padding: the size whose convolution has H entries.

    Floor makes up to S sizes have H entries: ``output_padding`` = 0 ... S - 1 says which of them is meant.
    """
    return (size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + 1 + output_padding


def parameter_count(
    in_channels: int, out_channels: int, kernel_size: Numbers, groups: int = 1, bias: bool = True
) -> int:
    """c_out (c_in / groups) k_h k_w weights, and c_out biases: the same for images of any size."""
    k_h, k_w = _pair(kernel_size)
    return out_channels * (in_channels // groups) * k_h * k_w + (out_channels if bias else 0)


def multiply_add_count(
    in_channels: int, out_channels: int, kernel_size: Numbers, size_out: Numbers, groups: int = 1
) -> int:
    """Products summed for one image: each of the c_out h_out w_out outputs takes (c_in / groups) k_h k_w."""
    h_out, w_out = _pair(size_out)
    return parameter_count(in_channels, out_channels, kernel_size, groups, bias=False) * h_out * w_out


def same_padding(kernel_size: Numbers, dilation: Numbers = 1) -> Sides:
    """The padding that keeps the size at stride 1: D (K - 1) entries, an odd one below or to the right."""
    totals = [d * (k - 1) for k, d in zip(_pair(kernel_size), _pair(dilation), strict=True)]
    return (totals[0] // 2, totals[0] - totals[0] // 2), (totals[1] // 2, totals[1] - totals[1] // 2)


def pad(x: np.ndarray, sides: Sides, mode: str = "zeros") -> np.ndarray:
    """x (n, c, h, w) with a frame: zeros, x mirrored at its edge, the edge repeated, or x wrapped around."""
    frame = ((0, 0), (0, 0), *sides)
    return np.pad(x, frame, mode=PADDING_MODES[mode])  # type: ignore[call-overload]


def pad_backward(
    grad_out: np.ndarray, shape: tuple[int, ...], sides: Sides, mode: str = "zeros"
) -> np.ndarray:
    """dE/dx of x's ``shape``: an entry collects the gradients of all its copies in the frame."""
    x = np.zeros(np.prod(shape) + 1)  # one more, for the zeros of the frame, which are no copies
    source = 1 + np.arange(np.prod(shape)).reshape(shape)
    np.add.at(x, pad(source, sides, mode), grad_out)
    return x[1:].reshape(shape)


def conv2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    stride: Numbers = 1,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> np.ndarray:
    """The cross-correlation of x (n, c_in, h, w) with every kernel: y (n, c_out, h_out, w_out).

    y[n, o, i, j] = b[o] + sum_{c, u, v} w[o, c, u, v] x[n, c, i S + u D - P, j S + v D - P], x zero outside.
    Each of the ``groups`` equal parts of the channels is convolved alone, with its part of the kernels.
    Source: LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition.
    """
    if groups > 1:
        parts = zip(np.split(x, groups, axis=1), np.split(w, groups), strict=True)
        y = np.concatenate([conv2d(*part, None, stride, padding, dilation) for part in parts], axis=1)
    else:
        x = pad(x, _symmetric(padding))
        y = np.zeros((len(x), len(w), *_places(x.shape[2:], w.shape[2:], stride, dilation)))
        for i, j, rows, columns in _windows(y.shape[2:], w.shape[2:], stride, dilation):
            y[:, :, i, j] = np.einsum("ncuv,ocuv->no", x[:, :, rows, columns], w)
    return y if b is None else y + b[:, np.newaxis, np.newaxis]


def conv2d_backward(
    grad_out: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: Numbers = 1,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dE/dx, dE/dw and dE/db, each of its own shape, from ``grad_out`` = dE/dy (n, c_out, h_out, w_out).

    Every window is a dense layer with the same weights: it sends grad_out w back to its part of x, and adds
    grad_out times that part to dE/dw. dE/dx is thus the transposed convolution of grad_out.
    """
    db = grad_out.sum(axis=(0, 2, 3))
    if groups > 1:
        parts = zip(
            np.split(grad_out, groups, axis=1), np.split(x, groups, axis=1), np.split(w, groups), strict=True
        )
        grads = [conv2d_backward(*part, stride, padding, dilation) for part in parts]
        return np.concatenate([dx for dx, _, _ in grads], axis=1), np.concatenate([g[1] for g in grads]), db
    padded = pad(x, _symmetric(padding))
    d_padded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i, j, rows, columns in _windows(grad_out.shape[2:], w.shape[2:], stride, dilation):
        d_padded[:, :, rows, columns] += np.einsum("no,ocuv->ncuv", grad_out[:, :, i, j], w)
        dw += np.einsum("no,ncuv->ocuv", grad_out[:, :, i, j], padded[:, :, rows, columns])
    return _crop(d_padded, padding), dw, db


def conv_transpose2d(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    stride: Numbers = 1,
    padding: Numbers = 0,
    output_padding: Numbers = 0,
    groups: int = 1,
    dilation: Numbers = 1,
) -> np.ndarray:
    """Every entry of x (n, c_in, h, w) stamps its multiple of the kernel: y (n, c_out, h_out, w_out).

    w is (c_in, c_out / groups, k_h, k_w), the kernel of the convolution that goes the other way. The stamps
    lie S apart and add up where they overlap; then P entries are cut off at each side. It is multiplication
    by the transpose of ``conv2d_matrix``, hence the name: not an inverse.
    Source: Zeiler, Krishnan, Taylor & Fergus (2010), Deconvolutional networks.
    """
    if groups > 1:
        parts = zip(np.split(x, groups, axis=1), np.split(w, groups), strict=True)
        y = np.concatenate(
            [conv_transpose2d(*part, None, stride, padding, output_padding, 1, dilation) for part in parts],
            axis=1,
        )
    else:
        sizes = zip(x.shape[2:], w.shape[2:], *map(_pair, (stride, 0, output_padding, dilation)), strict=True)
        y = np.zeros((len(x), w.shape[1], *(transposed_output_size(*each) for each in sizes)))
        for i, j, rows, columns in _windows(x.shape[2:], w.shape[2:], stride, dilation):
            y[:, :, rows, columns] += np.einsum("nc,couv->nouv", x[:, :, i, j], w)
        y = _crop(y, padding)
    return y if b is None else y + b[:, np.newaxis, np.newaxis]


def conv_transpose2d_backward(
    grad_out: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    stride: Numbers = 1,
    padding: Numbers = 0,
    groups: int = 1,
    dilation: Numbers = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dE/dx, dE/dw and dE/db, each of its own shape, from ``grad_out`` = dE/dy (n, c_out, h_out, w_out).

    Back through the transpose is forward through the matrix: dE/dx is the convolution of grad_out with w.
    Going the other way swaps the parts of image and gradient in dE/dw.
    """
    h, width = x.shape[2:]  # an output_padding beyond the stride leaves room for windows that made nothing
    dx = conv2d(grad_out, w, None, stride, padding, dilation, groups)[:, :, :h, :width]
    _, dw, _ = conv2d_backward(x, grad_out, w, stride, padding, dilation, groups)
    return dx, dw, grad_out.sum(axis=(0, 2, 3))


def conv2d_matrix(
    w: np.ndarray, size: tuple[int, int], stride: Numbers = 1, padding: Numbers = 0, dilation: Numbers = 1
) -> np.ndarray:
    """The matrix M (c_out h_out w_out, c_in h w) with M x = conv2d(x, w), one image written as a column.

    Its rows repeat the kernel, each moved on by a window, and are zero elsewhere: a Toeplitz matrix of
    Toeplitz blocks at stride 1. M^T y is conv_transpose2d(y, w), and M^T grad_out is dE/dx.
    """
    c_out, c_in, k_h, k_w = w.shape
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _pair(stride), _pair(padding), _pair(dilation)
    h, width = size
    h_out, w_out = output_size(h, k_h, s_h, p_h, d_h), output_size(width, k_w, s_w, p_w, d_w)
    m = np.zeros((c_out, h_out, w_out, c_in, h, width))
    for i, j, u, v in itertools.product(range(h_out), range(w_out), range(k_h), range(k_w)):
        row, column = i * s_h + u * d_h - p_h, j * s_w + v * d_w - p_w
        if 0 <= row < h and 0 <= column < width:  # else the weight meets the padding
            m[:, i, j, :, row, column] = w[:, :, u, v]
    return m.reshape(c_out * h_out * w_out, c_in * h * width)


def im2col(
    x: np.ndarray, kernel_size: Numbers, stride: Numbers = 1, padding: Numbers = 0, dilation: Numbers = 1
) -> np.ndarray:
    """Every window of x (n, c, h, w) as a column: (n, c k_h k_w, h_out w_out).

    With the kernels as rows, the convolution is one product: w.reshape(c_out, -1) @ im2col(x, ...).
    Source: Chellapilla, Puri & Simard (2006), High performance convolutional neural networks for document
    processing.
    """
    x, (k_h, k_w) = pad(x, _symmetric(padding)), _pair(kernel_size)
    h_out, w_out = _places(x.shape[2:], (k_h, k_w), stride, dilation)
    columns = np.zeros((*x.shape[:2], k_h, k_w, h_out, w_out))
    for i, j, window_rows, window_columns in _windows((h_out, w_out), (k_h, k_w), stride, dilation):
        columns[..., i, j] = x[:, :, window_rows, window_columns]
    return columns.reshape(len(x), x.shape[1] * k_h * k_w, h_out * w_out)


def col2im(
    columns: np.ndarray,
    shape: tuple[int, int, int, int],
    kernel_size: Numbers,
    stride: Numbers = 1,
    padding: Numbers = 0,
    dilation: Numbers = 1,
) -> np.ndarray:
    """Add the columns back to an image of ``shape`` (n, c, h, w) where they came from: im2col's transpose.

    No inverse: an entry is added once for every window that holds it. It takes dE/d(columns) to dE/dx.
    """
    x, (k_h, k_w) = pad(np.zeros(shape), _symmetric(padding)), _pair(kernel_size)
    h_out, w_out = _places(x.shape[2:], (k_h, k_w), stride, dilation)
    columns = columns.reshape(*shape[:2], k_h, k_w, h_out, w_out)
    for i, j, window_rows, window_columns in _windows((h_out, w_out), (k_h, k_w), stride, dilation):
        x[:, :, window_rows, window_columns] += columns[..., i, j]
    return _crop(x, padding)


def _pair(numbers: Numbers) -> tuple[int, int]:
    return numbers if isinstance(numbers, tuple) else (numbers, numbers)


def _symmetric(padding: Numbers) -> Sides:
    p_h, p_w = _pair(padding)
    return (p_h, p_h), (p_w, p_w)


def _crop(x: np.ndarray, padding: Numbers) -> np.ndarray:
    p_h, p_w = _pair(padding)
    return x[:, :, p_h : x.shape[2] - p_h, p_w : x.shape[3] - p_w]


def _places(
    padded: tuple[int, ...], kernel: tuple[int, ...], stride: Numbers, dilation: Numbers
) -> tuple[int, ...]:
    """(h_out, w_out) of a padded image (h, w) and a kernel (k_h, k_w)."""
    sizes = zip(padded, kernel, *map(_pair, (stride, 0, dilation)), strict=True)
    return tuple(output_size(*each) for each in sizes)


def _windows(
    places: tuple[int, ...], kernel: tuple[int, ...], stride: Numbers, dilation: Numbers
) -> Iterator[tuple[int, int, slice, slice]]:
    """Every place i, j of (h_out, w_out), with the rows and columns of the image that its window covers."""
    (s_h, s_w), (d_h, d_w) = _pair(stride), _pair(dilation)
    span_h, span_w = d_h * (kernel[0] - 1) + 1, d_w * (kernel[1] - 1) + 1
    for i, j in itertools.product(range(places[0]), range(places[1])):
        yield i, j, slice(i * s_h, i * s_h + span_h, d_h), slice(j * s_w, j * s_w + span_w, d_w)
