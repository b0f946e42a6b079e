"""Selective search's four similarities and its greedy grouping, one region at a time, in NumPy.

Source: Uijlings, van de Sande, Gevers & Smeulders (2013), Selective search for object recognition, section 3.
"""

import numpy as np

Array = np.ndarray


def colour_histogram(pixels: Array, bins: int = 25) -> Array:
    """Histogram of a region's pixels (n, c) in [0, 1]: ``bins`` for each channel, side by side, of sum 1."""
    counts = [np.histogram(pixels[:, channel], bins, (0, 1))[0] for channel in range(pixels.shape[1])]
    return np.concatenate(counts) / pixels.size


def histogram_intersection(a: Array, b: Array) -> float:
    """s_colour and s_texture: sum_k min(a_k, b_k); 1 for equal histograms of sum 1, 0 for disjoint ones."""
    return float(np.minimum(a, b).sum())


def size_similarity(size_a: int, size_b: int, image_size: int) -> float:
    """s_size = 1 - (size_a + size_b) / image_size: small regions are merged first."""
    return 1 - (size_a + size_b) / image_size


def fill_similarity(a: Array, b: Array, size_a: int, size_b: int, image_size: int) -> float:
    """s_fill = 1 - (size of the box around both - size_a - size_b) / image_size: regions that fit together.

    ``a`` and ``b`` are the regions' boxes x1, y1, x2, y2.
    """
    x1, y1, x2, y2 = merged_box(a, b)
    return 1 - ((x2 - x1) * (y2 - y1) - size_a - size_b) / image_size


def merged_box(a: Array, b: Array) -> Array:
    """The smallest box around two boxes x1, y1, x2, y2."""
    return np.concatenate([np.minimum(a[:2], b[:2]), np.maximum(a[2:], b[2:])])


def merged_histogram(a: Array, b: Array, size_a: int, size_b: int) -> Array:
    """The histogram of two regions together: their mean, weighted by size."""
    return (size_a * a + size_b * b) / (size_a + size_b)


def group(
    colours: Array, textures: Array, boxes: Array, sizes: Array, pairs: Array, image_size: int
) -> list[tuple[int, int]]:
    """Merge the most similar touching regions until one is left; return the pairs merged, in order.

    Region r has the histograms ``colours[r]`` and ``textures[r]``, the box ``boxes[r]`` and ``sizes[r]``
    pixels; ``pairs`` lists regions that touch. The k-th merge makes region n + k. Of equal pairs, that of the
    lowest numbers is merged.
    """
    regions = {r: (colours[r], textures[r], boxes[r], int(sizes[r])) for r in range(len(sizes))}
    touching = {(int(min(pair)), int(max(pair))) for pair in pairs}
    merges = []
    for new in range(len(sizes), 2 * len(sizes) - 1):
        similarities = {(i, j): _similarity(regions[i], regions[j], image_size) for i, j in touching}
        i, j = min(similarities, key=lambda pair: (-similarities[pair], pair))
        (ca, ta, box_a, a), (cb, tb, box_b, b) = regions.pop(i), regions.pop(j)
        histograms = merged_histogram(ca, cb, a, b), merged_histogram(ta, tb, a, b)
        regions[new] = (*histograms, merged_box(box_a, box_b), a + b)
        renamed = [tuple(new if r in (i, j) else r for r in pair) for pair in touching]
        touching = {(min(pair), max(pair)) for pair in renamed if pair[0] != pair[1]}
        merges.append((i, j))
    return merges


def _similarity(first: tuple, second: tuple, image_size: int) -> float:
    (ca, ta, box_a, a), (cb, tb, box_b, b) = first, second
    return (
        histogram_intersection(ca, cb)
        + histogram_intersection(ta, tb)
        + size_similarity(a, b, image_size)
        + fill_similarity(box_a, box_b, a, b, image_size)
    )
