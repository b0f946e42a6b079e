"""Regions cut out of feature maps, in NumPy: RoI pooling, RoIAlign, and masks pasted back.

A map is (c, h, w), a box (x1, y1, x2, y2) in the coordinates of the image, which ``spatial_scale`` turns into
those of the map. One region at a time: of many, each is pooled alone. Arrays are float64.
"""

import math
from collections.abc import Iterator

import numpy as np

Size = tuple[int, int]


def bilinear(x: np.ndarray, row: float, column: float) -> np.ndarray:
    """The values (c,) of a map (c, h, w) between its pixels, whose centres are at whole numbers.

    Each of the four pixels around counts as much as the point is near it. Beyond the outermost centres the
    map goes on as it ends there; more than one pixel outside, it is 0.
    """
    return sum((w * x[:, i, j] for i, j, w in _corners(x.shape[1:], row, column)), np.zeros(len(x)))


def bilinear_backward(grad_out: np.ndarray, shape: Size, row: float, column: float) -> np.ndarray:
    """dE/dx (c, h, w) from dE/dvalues (c,): the same four weights."""
    dx = np.zeros((len(grad_out), *shape))
    for i, j, w in _corners(shape, row, column):
        dx[:, i, j] += w * grad_out
    return dx


def roi_align(
    x: np.ndarray,
    box: np.ndarray,
    output_size: Size,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> np.ndarray:
    """The region as (c, ph, pw): each bin the mean of its samples. He et al. (2017), section 3."""
    y = np.zeros((len(x), *output_size))
    for p, q, samples in _samples(box, output_size, spatial_scale, sampling_ratio, aligned):
        for row, column in samples:
            y[:, p, q] += bilinear(x, row, column) / len(samples)
    return y


def roi_align_backward(
    grad_out: np.ndarray,
    shape: Size,
    box: np.ndarray,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> np.ndarray:
    """dE/dx (c, h, w) from dE/dy (c, ph, pw), for a map of ``shape`` (h, w)."""
    c, ph, pw = grad_out.shape
    dx = np.zeros((c, *shape))
    for p, q, samples in _samples(box, (ph, pw), spatial_scale, sampling_ratio, aligned):
        for row, column in samples:
            dx += bilinear_backward(grad_out[:, p, q] / len(samples), shape, row, column)
    return dx


def roi_pool(x: np.ndarray, box: np.ndarray, output_size: Size, spatial_scale: float = 1.0) -> np.ndarray:
    """The region as (c, ph, pw): each bin the maximum of its pixels, or 0. Girshick (2015), section 2.1."""
    y = np.zeros((len(x), *output_size))
    for p, q, pixels in _bins(x.shape[1:], box, output_size, spatial_scale):
        if pixels:
            y[:, p, q] = np.max([x[:, i, j] for i, j in pixels], axis=0)
    return y


def roi_pool_backward(
    grad_out: np.ndarray, x: np.ndarray, box: np.ndarray, spatial_scale: float = 1.0
) -> np.ndarray:
    """dE/dx (c, h, w) from dE/dy (c, ph, pw): it goes to the first of the greatest pixels of each bin."""
    dx = np.zeros_like(x)
    for p, q, pixels in _bins(x.shape[1:], box, grad_out.shape[1:], spatial_scale):
        if pixels:
            greatest = np.argmax([x[:, i, j] for i, j in pixels], axis=0)
            for channel, (i, j) in enumerate(pixels[k] for k in greatest):
                dx[channel, i, j] += grad_out[channel, p, q]
    return dx


def mask_to_box(mask: np.ndarray) -> np.ndarray:
    """The first and last column and row (x1, y1, x2, y2) in which a mask (h, w) is not 0."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.min(), rows.min(), columns.max(), rows.max()], dtype=np.float64)


def paste_mask(mask: np.ndarray, box: np.ndarray, image_size: Size, padding: int = 1) -> np.ndarray:
    """A mask (m, m) stretched over its box, in zeros of ``image_size`` (h, w).

    The mask gets a border of ``padding`` zeros, and the box grows in proportion, is cut to whole pixels and
    holds its last one. The centre of an image pixel then falls somewhere between the pixels of the mask.
    """
    m = len(mask) + 2 * padding
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * m / len(mask)
    x1, y1, x2, y2 = (math.trunc(edge) for edge in (*(centre - half), *(centre + half)))
    w, h = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    image = np.zeros(image_size)
    for i in range(max(y1, 0), min(y1 + h, image_size[0])):
        for j in range(max(x1, 0), min(x1 + w, image_size[1])):
            row, column = (i - y1 + 0.5) * m / h - 0.5, (j - x1 + 0.5) * m / w - 0.5
            image[i, j] = bilinear(np.pad(mask, padding)[None], row, column)[0]
    return image


def _corners(shape: Size, row: float, column: float) -> list[tuple[int, int, float]]:
    """The pixels around a point, with their weights."""
    h, w = shape
    if not (-1 <= row <= h and -1 <= column <= w):
        return []
    row, column = min(max(row, 0), h - 1), min(max(column, 0), w - 1)
    i, j = int(row), int(column)
    below, right = row - i, column - j
    return [
        (i, j, (1 - below) * (1 - right)),
        (i, min(j + 1, w - 1), (1 - below) * right),
        (min(i + 1, h - 1), j, below * (1 - right)),
        (min(i + 1, h - 1), min(j + 1, w - 1), below * right),
    ]


def _samples(
    box: np.ndarray, output_size: Size, spatial_scale: float, sampling_ratio: int, aligned: bool
) -> Iterator[tuple[int, int, list[tuple[float, float]]]]:
    """The points (row, column) at which each bin (p, q) of RoIAlign is sampled."""
    x1, y1, x2, y2 = box * spatial_scale - (0.5 if aligned else 0)
    shortest = -math.inf if aligned else 1.0
    bin_h = max(y2 - y1, shortest) / output_size[0]
    bin_w = max(x2 - x1, shortest) / output_size[1]
    rows = sampling_ratio if sampling_ratio > 0 else math.ceil(bin_h)
    columns = sampling_ratio if sampling_ratio > 0 else math.ceil(bin_w)
    for p, q in np.ndindex(*output_size):
        yield (
            p,
            q,
            [
                (y1 + (p + (i + 0.5) / rows) * bin_h, x1 + (q + (j + 0.5) / columns) * bin_w)
                for i in range(rows)
                for j in range(columns)
            ],
        )


def _bins(
    shape: Size, box: np.ndarray, output_size: Size, spatial_scale: float
) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """The pixels (row, column) of each bin (p, q) of RoI pooling, row by row."""
    x1, y1, x2, y2 = (_rounded(edge * spatial_scale) for edge in box)
    size = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
    for p, q in np.ndindex(*output_size):
        rows, columns = (
            range(
                max(start + math.floor(k * (extent / bins)), 0),
                min(start + math.ceil((k + 1) * (extent / bins)), length),
            )
            for start, k, extent, bins, length in zip((y1, x1), (p, q), size, output_size, shape, strict=True)
        )
        yield p, q, [(i, j) for i in rows for j in columns]


def _rounded(x: float) -> int:
    """The nearest integer, halves away from 0."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))
