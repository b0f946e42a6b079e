"""Pooling in NumPy, forward and backward: max, average, Lp, mixed, stochastic and spectral, and unpooling.

x is (N, C, H, W) in float64 and y is (N, C, H_out, W_out). ``kernel_size``, ``stride``, ``padding``,
``dilation`` and ``ceil_mode`` say which windows: see ``course_lib.reference.windows``. Indices are flat, as
in torch.nn: in its plane, entry (i, j) has the index i W + j. A backward function returns dE/dx from
``grad_out`` = dE/dy.
"""

import numpy as np

from course_lib.reference.windows import Size, cells, coverage, divisors, output_shape, windows


def max_pool2d(
    x: np.ndarray,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Each window's largest entry, and its index (the switch): of equal entries the first, row by row.

    Source: Riesenhuber & Poggio (1999), the MAX operation; the switches: Zeiler & Fergus (2014), section 2.1.
    """
    shape = output_shape(x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    y, indices = np.empty(shape), np.empty(shape, dtype=np.int64)
    for out, rows, columns in windows(x.shape, shape, kernel_size, stride, padding, dilation):
        flat = (rows[:, np.newaxis] * x.shape[3] + columns).ravel()
        entries = x[:, :, rows[:, np.newaxis], columns].reshape(*x.shape[:2], flat.size)
        y[out], indices[out] = entries.max(axis=2), flat[entries.argmax(axis=2)]
    return y, indices


def max_pool2d_backward(grad_out: np.ndarray, indices: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Send each gradient to the entry that won its window; the others get 0. ``shape`` is x's."""
    grad = np.zeros((*shape[:2], shape[2] * shape[3]))
    n, c = np.indices(indices.shape)[:2]
    np.add.at(grad, (n, c, indices), grad_out)  # windows that overlap add up
    return grad.reshape(shape)


def max_unpool2d(x: np.ndarray, indices: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Put each entry of x (N, C, h, w) back at its index in planes of ``size`` (H, W) that are 0 elsewhere.

    Source: Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, section 2.1.
    """
    y = np.zeros((*x.shape[:2], size[0] * size[1]))
    n, c = np.indices(x.shape)[:2]
    y[n, c, indices] = x
    return y.reshape(*x.shape[:2], *size)


def max_unpool2d_backward(grad_out: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The gradients found at the indices."""
    n, c = np.indices(indices.shape)[:2]
    return grad_out.reshape(*grad_out.shape[:2], grad_out.shape[2] * grad_out.shape[3])[n, c, indices]


def avg_pool2d(
    x: np.ndarray,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> np.ndarray:
    """Each window's mean; the zeros of the padding count as entries unless ``count_include_pad`` is false.

    Source: LeCun et al. (1998), Gradient-based learning applied to document recognition, section II.
    """
    y = np.empty(output_shape(x.shape, kernel_size, stride, padding, 1, ceil_mode))
    divisor = divisors(x.shape, y.shape, kernel_size, stride, padding, count_include_pad, divisor_override)
    for out, rows, columns in windows(x.shape, y.shape, kernel_size, stride, padding):
        y[out] = x[:, :, rows[:, np.newaxis], columns].sum(axis=(2, 3)) / divisor[out[2:]]
    return y


def avg_pool2d_backward(
    grad_out: np.ndarray,
    shape: tuple[int, ...],
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> np.ndarray:
    """Share each gradient out evenly over its window; ``shape`` is x's."""
    grad = np.zeros(shape)
    divisor = divisors(
        shape, grad_out.shape, kernel_size, stride, padding, count_include_pad, divisor_override
    )
    for out, rows, columns in windows(grad.shape, grad_out.shape, kernel_size, stride, padding):
        grad[:, :, rows[:, np.newaxis], columns] += (grad_out[out] / divisor[out[2:]])[..., None, None]
    return grad


def adaptive_avg_pool2d(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The means over a grid of ``size`` cells: (1, 1) is global average pooling.

    Source of the global average: Lin, Chen & Yan (2014), Network in network, section 3.2.
    """
    y = np.empty((*x.shape[:2], *size))
    for out, rows, columns in cells(x.shape, size):
        y[out] = x[:, :, rows, columns].mean(axis=(2, 3))
    return y


def adaptive_avg_pool2d_backward(grad_out: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Share each gradient out evenly over its cell; ``shape`` is x's."""
    grad = np.zeros(shape)
    for out, rows, columns in cells(shape, grad_out.shape[2:]):
        entries = (rows.stop - rows.start) * (columns.stop - columns.start)
        grad[:, :, rows, columns] += grad_out[out][..., None, None] / entries
    return grad


def adaptive_max_pool2d(x: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The largest entries of those cells and their indices; backward as ``max_pool2d_backward``."""
    y, indices = np.empty((*x.shape[:2], *size)), np.empty((*x.shape[:2], *size), dtype=np.int64)
    plane = np.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:])
    for out, rows, columns in cells(x.shape, size):
        entries = x[:, :, rows, columns].reshape(*x.shape[:2], plane[rows, columns].size)
        y[out], indices[out] = entries.max(axis=2), plane[rows, columns].ravel()[entries.argmax(axis=2)]
    return y, indices


def lp_pool2d(
    x: np.ndarray,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> np.ndarray:
    """Each window's (sum x^p)^(1/p): its sum for p = 1, and ever nearer its largest |x| as p grows to inf.

    The largest |x| of the window is taken out of the sum, so that no power overflows. With ``ceil_mode`` a
    window that hangs over the edge has its sum scaled up to a whole window's, as in torch.nn.
    Source: Sermanet, Chintala & LeCun (2012), Convolutional neural networks applied to house numbers digit
    classification, where the sum is weighted.
    """
    y = np.empty(output_shape(x.shape, kernel_size, stride, 0, 1, ceil_mode))
    for out, rows, columns in windows(x.shape, y.shape, kernel_size, stride):
        window = x[:, :, rows[:, np.newaxis], columns]
        largest = np.abs(window).max(axis=(2, 3))
        if np.isinf(norm_type):
            y[out] = largest
            continue
        scale = np.where(largest > 0, largest, 1.0)
        total = ((window / scale[..., None, None]) ** norm_type).sum(axis=(2, 3))
        y[out] = scale * (total / coverage(kernel_size, rows, columns)) ** (1 / norm_type)
    return y


def lp_pool2d_backward(
    grad_out: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
) -> np.ndarray:
    """dy/dx = (x / y)^(p-1) for a finite p, and 0 where y = 0, as torch.nn has it; y = lp_pool2d(x, ...)."""
    grad = np.zeros(x.shape)
    for out, rows, columns in windows(x.shape, y.shape, kernel_size, stride):
        alive = y[out] != 0
        ratio = x[:, :, rows[:, np.newaxis], columns] / np.where(alive, y[out], 1.0)[..., None, None]
        slope = ratio ** (norm_type - 1) / coverage(kernel_size, rows, columns)
        passed = np.where(alive, grad_out[out], 0.0)[..., None, None]
        grad[:, :, rows[:, np.newaxis], columns] += passed * slope
    return grad


def mixed_pool2d(
    x: np.ndarray, kernel_size: Size, stride: Size | None = None, padding: Size = 0, alpha: float = 0.5
) -> np.ndarray:
    """alpha max + (1 - alpha) mean: between average pooling (0) and max pooling (1).

    Source: Yu, Wang, Chen & Wei (2014), Mixed pooling, where alpha is drawn; Lee, Gallagher & Tu (2016),
    section 3.1, where it is learned.
    """
    highest, _ = max_pool2d(x, kernel_size, stride, padding)
    return alpha * highest + (1 - alpha) * avg_pool2d(x, kernel_size, stride, padding)


def mixed_pool2d_backward(
    grad_out: np.ndarray,
    x: np.ndarray,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    alpha: float = 0.5,
) -> tuple[np.ndarray, float]:
    """dE/dx, and dE/dalpha = sum of grad_out (max - mean): alpha grows where the maximum is what helps."""
    highest, indices = max_pool2d(x, kernel_size, stride, padding)
    mean = avg_pool2d(x, kernel_size, stride, padding)
    to_highest = max_pool2d_backward(grad_out, indices, x.shape)
    to_mean = avg_pool2d_backward(grad_out, x.shape, kernel_size, stride, padding)
    return alpha * to_highest + (1 - alpha) * to_mean, float(np.sum(grad_out * (highest - mean)))


def stochastic_pool2d_probabilities(
    x: np.ndarray, kernel_size: Size, stride: Size | None = None
) -> np.ndarray:
    """Each entry's chance p_i = a_i / sum_k a_k of standing for its window: (N, C, H_out, W_out, k_h k_w).

    a = max(x, 0): a negative entry is never drawn. In a window without a positive entry all p_i are 0.
    Source: Zeiler & Fergus (2013), Stochastic pooling for regularization of deep CNNs, section 3.
    """
    shape = output_shape(x.shape, kernel_size, stride)
    p = np.zeros((*shape, np.prod(np.broadcast_to(kernel_size, 2))))
    for out, rows, columns in windows(x.shape, shape, kernel_size, stride):
        a = np.maximum(x[:, :, rows[:, np.newaxis], columns], 0).reshape(*shape[:2], p.shape[4])
        largest = a.max(axis=2, keepdims=True)
        a = a / np.where(largest > 0, largest, 1)  # in [0, 1]: the sum neither overflows nor vanishes
        p[out] = a / np.maximum(a.sum(axis=2, keepdims=True), 1)
    return p


def stochastic_pool2d(
    x: np.ndarray, rng: np.random.Generator, kernel_size: Size, stride: Size | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """In training: the entry drawn in each window, and its index; 0 and the first index where all p_i are 0.

    Backward as ``max_pool2d_backward``, with 0 for the windows where y is 0.
    """
    p = stochastic_pool2d_probabilities(x, kernel_size, stride)
    y, indices = np.zeros(p.shape[:4]), np.zeros(p.shape[:4], dtype=np.int64)
    for out, rows, columns in windows(x.shape, y.shape, kernel_size, stride):
        flat = (rows[:, np.newaxis] * x.shape[3] + columns).ravel()
        for n, c in np.ndindex(x.shape[:2]):
            chances = p[(n, c, *out[2:])]
            drawn = rng.choice(flat, p=chances) if chances.any() else flat[0]
            indices[(n, c, *out[2:])] = drawn
            y[(n, c, *out[2:])] = max(x[n, c].flat[drawn], 0.0)
    return y, indices


def stochastic_pool2d_mean(x: np.ndarray, kernel_size: Size, stride: Size | None = None) -> np.ndarray:
    """At test time: the mean of what is drawn, sum_i p_i a_i = sum_i a_i^2 / sum_k a_k (section 3.1)."""
    p = stochastic_pool2d_probabilities(x, kernel_size, stride)
    y = np.empty(p.shape[:4])
    for out, rows, columns in windows(x.shape, y.shape, kernel_size, stride):
        a = np.maximum(x[:, :, rows[:, np.newaxis], columns], 0).reshape(*y.shape[:2], p.shape[4])
        y[out] = (p[out] * a).sum(axis=2)
    return y


def stochastic_pool2d_mean_backward(
    grad_out: np.ndarray, x: np.ndarray, kernel_size: Size, stride: Size | None = None
) -> np.ndarray:
    """dy/dx_i = (2 a_i - y) / sum_k a_k for a positive x_i, else 0."""
    grad, y = np.zeros(x.shape), stochastic_pool2d_mean(x, kernel_size, stride)
    for out, rows, columns in windows(x.shape, y.shape, kernel_size, stride):
        a = np.maximum(x[:, :, rows[:, np.newaxis], columns], 0)
        total = a.sum(axis=(2, 3), keepdims=True)
        slope = (2 * a - y[out][..., None, None]) / np.where(total > 0, total, 1)
        grad[:, :, rows[:, np.newaxis], columns] += grad_out[out][..., None, None] * slope * (a > 0)
    return grad


def spectral_pool2d(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Keep the lowest frequencies: the middle ``size`` = (h, w) of x's spectrum (H, W), transformed back.

    The transform divides by H W and its inverse by nothing, so that a constant stays itself. In an even h < H
    one place is left for both frequencies h/2 and -h/2, and takes their mean: what comes back is real.
    Source: Rippel, Snoek & Adams (2015), Spectral representations for convolutional networks, algorithm 1.
    """
    spectrum = np.fft.fftshift(np.fft.fft2(x, norm="forward"), axes=(2, 3))
    for axis, part in zip((2, 3), size, strict=True):
        start, fold = _crop(x.shape[axis], part)
        kept = np.moveaxis(spectrum, axis, 0)[start : start + part].copy()
        if fold:
            kept[0] = (kept[0] + np.moveaxis(spectrum, axis, 0)[start + part]) / 2
        spectrum = np.moveaxis(kept, 0, axis)
    return np.fft.ifft2(np.fft.ifftshift(spectrum, axes=(2, 3)), norm="forward").real


def spectral_pool2d_backward(grad_out: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Algorithm 2: the spectrum of ``grad_out`` framed with zeros, transformed back to x's ``shape``.

    The operation is linear and this is its transpose, so <A x, y> = <x, A^T y>.
    """
    spectrum = np.fft.fftshift(np.fft.fft2(grad_out), axes=(2, 3))
    for axis in (2, 3):
        part, whole = spectrum.shape[axis], shape[axis]
        start, fold = _crop(whole, part)
        kept = np.moveaxis(spectrum, axis, 0)
        framed = np.zeros((whole, *kept.shape[1:]), dtype=complex)
        framed[start : start + part] = kept
        if fold:
            framed[start] = framed[start + part] = kept[0] / 2
        spectrum = np.moveaxis(framed, 0, axis)
    return np.fft.ifft2(np.fft.ifftshift(spectrum, axes=(2, 3))).real


def _crop(whole: int, part: int) -> tuple[int, bool]:
    """Where the middle part of a shifted spectrum starts, and whether two frequencies share that place."""
    return whole // 2 - part // 2, part % 2 == 0 and part < whole
