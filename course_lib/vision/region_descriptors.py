"""What selective search knows of a region: its size, its box, how it is coloured and how it is textured."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COLOUR_BINS = 25
TEXTURE_BINS = 10
DIRECTIONS = 4  # and their opposites: eight orientations


class Regions(NamedTuple):
    """The regions 0 ... n-1 of a segmentation.

    Attributes:
        sizes: pixels of each, (n,).
        boxes: x1, y1, x2, y2 of each, (n, 4): x2 and y2 are one past the last pixel.
        colour: histogram of each, (n, channels * 25), of sum 1.
        texture: histogram of each, (n, channels * 80), of sum 1.
        pairs: regions that touch, (p, 2), the smaller number first.
    """

    sizes: Integers
    boxes: Integers
    colour: Floats
    texture: Floats
    pairs: Integers


def describe(image: Floats, segments: Integers) -> Regions:
    """Describe the regions of ``segments`` (h, w), numbered from 0, in ``image`` (h, w, c) in [0, 1].

    Source: Uijlings, van de Sande, Gevers & Smeulders (2013), Selective search for object recognition,
    section 3.2: 25 bins for each colour channel; for texture, Gaussian derivatives (sigma 1) in 8
    orientations of each channel, 10 bins each.
    """
    n = int(segments.max()) + 1
    return Regions(
        sizes=np.bincount(segments.ravel(), minlength=n),
        boxes=bounding_boxes(segments, n),
        colour=colour_histograms(image, segments, n),
        texture=texture_histograms(image, segments, n),
        pairs=touching_pairs(segments, n),
    )


def bounding_boxes(segments: Integers, n: int) -> Integers:
    """The box of each region, (n, 4)."""
    slices = ndimage.find_objects(segments + 1, max_label=n)
    return np.array([(x.start, y.start, x.stop, y.stop) for y, x in slices])


def touching_pairs(segments: Integers, n: int) -> Integers:
    """Pairs of regions with pixels side by side or one above the other, (p, 2), sorted."""
    beside = np.stack([segments[:, :-1].ravel(), segments[:, 1:].ravel()])
    below = np.stack([segments[:-1].ravel(), segments[1:].ravel()])
    first, second = np.concatenate([beside, below], axis=1)
    other = np.flatnonzero(first != second)
    first, second = first[other], second[other]
    pairs = np.unique(np.minimum(first, second) * n + np.maximum(first, second))
    return np.stack(np.divmod(pairs, n), axis=1)


def colour_histograms(image: Floats, segments: Integers, n: int) -> Floats:
    """Histogram of each channel's values, side by side, (n, channels * 25), of sum 1."""
    bins = np.minimum((image * COLOUR_BINS).astype(np.int64), COLOUR_BINS - 1)
    return _histograms(bins, segments, n, COLOUR_BINS)


def texture_histograms(image: Floats, segments: Integers, n: int) -> Floats:
    """Histogram of each channel's slope in 8 orientations, side by side, (n, channels * 80), of sum 1.

    A slope of s in one direction is one of -s in the opposite: four directions with signed bins hold the
    eight orientations with bins from 0 on.
    """
    down = ndimage.gaussian_filter(image, (1, 1, 0), order=(1, 0, 0))
    right = ndimage.gaussian_filter(image, (1, 1, 0), order=(0, 1, 0))
    steepest = np.sqrt(down**2 + right**2).max() or 1.0  # a constant image has no slope
    angles = np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    slopes = right[..., None] * np.cos(angles) + down[..., None] * np.sin(angles)
    bins = np.floor(slopes * (TEXTURE_BINS / steepest)).astype(np.int64) + TEXTURE_BINS
    bins = np.clip(bins, 0, 2 * TEXTURE_BINS - 1).reshape(*segments.shape, -1)
    return _histograms(bins, segments, n, 2 * TEXTURE_BINS)


def _histograms(bins: Integers, segments: Integers, n: int, count: int) -> Floats:
    """How often each of ``count`` bins occurs in each region, in each layer of ``bins`` (h, w, layers)."""
    layers = bins.shape[2]
    cells = (segments[:, :, None] * layers + np.arange(layers)) * count + bins
    found = np.bincount(cells.ravel(), minlength=n * layers * count).reshape(n, layers * count)
    return found / found.sum(axis=1, keepdims=True)
