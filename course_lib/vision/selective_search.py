"""Selective search: boxes where objects may be, from regions that are merged into larger and larger ones."""

import heapq
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.vision.region_descriptors import Floats, Integers, Regions, describe

MEASURES = ("colour", "texture", "size", "fill")
COLOUR_SPACES = ("rgb", "hsv", "lab", "grey")


class Hierarchy(NamedTuple):
    """Regions merged two by two until one is left.

    Attributes:
        segments: the region 0 ... n-1 of each pixel, (h, w).
        merges: the two regions that became region n, n+1, ..., 2n-2, (n-1, 2).
        similarities: how similar they were, (n-1,).
        boxes: x1, y1, x2, y2 of all 2n-1 regions, (2n-1, 4).
        sizes: pixels of all regions, (2n-1,).
    """

    segments: Integers
    merges: Integers
    similarities: Floats
    boxes: Integers
    sizes: Integers


def selective_search(
    image: Tensor,
    scale: float = 100.0,
    sigma: float = 0.8,
    min_size: int = 20,
    *,
    colour_spaces: Sequence[str] = ("rgb",),
    measures: Sequence[str] = MEASURES,
    seed: int = 0,
) -> Tensor:
    """Boxes where objects may be, most promising first: (k, 4) float32, x1, y1, x2, y2, no two alike.

    Each colour space gives a hierarchy of regions (``merge_regions``), and each of its regions a box. Boxes
    are ordered by the rank of their region in its hierarchy, the last merged first, times a random number, so
    that large regions lead without crowding out the rest.

    Args:
        image: (3, h, w) or (1, h, w) for grey, floating point in [0, 1], or uint8.
        scale: how large the first regions are (Felzenszwalb & Huttenlocher's k).
        sigma: how much the image is smoothed before, in pixels.
        min_size: pixels of the smallest first region.
        colour_spaces: of "rgb", "hsv", "lab", "grey": more of them give more and more varied boxes.
        measures: what makes regions similar, of "colour", "texture", "size", "fill".
        seed: of the random numbers.

    Raises:
        TypeError: an image that is no tensor.
        ValueError: an image of another shape, with values outside [0, 1] or NaN; an unknown colour space or
            measure, or none; a scale, sigma or min_size that is not positive.

    Source: Uijlings, van de Sande, Gevers & Smeulders (2013), Selective search for object recognition,
    algorithm 1 and section 4.3 for the order.
    """
    pixels = _pixels(image)
    _check_choice("colour_spaces", colour_spaces, COLOUR_SPACES)
    rng = np.random.default_rng(seed)
    boxes, priorities = [], []
    for space in colour_spaces:
        hierarchy = merge_regions(pixels, scale, sigma, min_size, colour_space=space, measures=measures)
        rank = np.arange(len(hierarchy.boxes), 0, -1)  # the whole image is 1
        boxes.append(hierarchy.boxes)
        priorities.append(rank * rng.random(len(rank)))
    every = np.concatenate(boxes)[np.argsort(np.concatenate(priorities), kind="stable")]
    sides = 1 + max(image.shape[1:])  # a box as one number, which sorts faster than four
    _, first = np.unique(every @ (sides ** np.arange(4)), return_index=True)
    return torch.from_numpy(every[np.sort(first)].astype(np.float32)).to(image.device)


def merge_regions(
    pixels: Floats,
    scale: float = 100.0,
    sigma: float = 0.8,
    min_size: int = 20,
    *,
    colour_space: str = "rgb",
    measures: Sequence[str] = MEASURES,
) -> Hierarchy:
    """Over-segment ``pixels`` (h, w, 3) in [0, 1], then merge the most similar neighbours, again and again.

    The first regions are Felzenszwalb & Huttenlocher's (2004), of scikit-image. The similarity of two regions
    is the sum of the ``measures``, each in [0, 1]; see ``similarity``.
    """
    from skimage.segmentation import felzenszwalb  # slow to import

    for name, value in (("scale", scale), ("min_size", min_size)):
        if not value > 0:
            raise ValueError(f"selective_search: {name} must be greater than 0, got {value}")
    if not sigma >= 0:
        raise ValueError(f"selective_search: sigma must be 0 or more, got {sigma}")
    _check_choice("measures", measures, MEASURES)
    space = _convert(pixels, colour_space)
    segments = felzenszwalb(space, scale=scale, sigma=sigma, min_size=min_size, channel_axis=2)
    return _merge(segments, describe(space, segments), measures)


class _Grouping:
    """All regions there are so far and may still be, 2n-1 of them, as arrays."""

    def __init__(self, regions: Regions, pixels: int, measures: Sequence[str]) -> None:
        n = len(regions.sizes)
        wanted = {"colour": regions.colour, "texture": regions.texture}
        parts = [wanted[measure] for measure in measures if measure in wanted]
        first = np.concatenate([*parts, np.zeros((n, 0))], axis=1)
        self.histograms = np.concatenate([first, np.zeros((n - 1, first.shape[1]))])
        self.sizes = np.concatenate([regions.sizes, np.zeros(n - 1, dtype=np.int64)])
        self.boxes = np.concatenate([regions.boxes, np.zeros((n - 1, 4), dtype=np.int64)])
        self.pixels = pixels
        self.with_size, self.with_fill = "size" in measures, "fill" in measures

    def similarity(self, i: Any, j: Integers) -> Floats:
        """Of region i, or regions (p,), to regions j (p,): the sum of the measures.

        Colour and texture: the shared part of the histograms, sum of min. Size: 1 - size of both / size of
        image, so that small regions merge first. Fill: 1 - part of the image that is in the box around both
        and in neither, so that holes close.
        """
        total = np.minimum(self.histograms[i], self.histograms[j]).sum(axis=1)
        both = self.sizes[i] + self.sizes[j]
        if self.with_size:
            total += 1 - both / self.pixels
        if self.with_fill:
            low = np.minimum(self.boxes[i][..., :2], self.boxes[j][:, :2])
            high = np.maximum(self.boxes[i][..., 2:], self.boxes[j][:, 2:])
            total += 1 - ((high - low).prod(axis=1) - both) / self.pixels
        return total

    def merge(self, i: int, j: int, new: int) -> None:
        """Make region ``new`` of i and j: histograms are averaged by size."""
        a, b = self.sizes[i], self.sizes[j]
        self.sizes[new] = a + b
        self.histograms[new] = (a * self.histograms[i] + b * self.histograms[j]) / (a + b)
        self.boxes[new, :2] = np.minimum(self.boxes[i, :2], self.boxes[j, :2])
        self.boxes[new, 2:] = np.maximum(self.boxes[i, 2:], self.boxes[j, 2:])


def _merge(segments: Integers, regions: Regions, measures: Sequence[str]) -> Hierarchy:
    """Merge the most similar pair until one region is left; of equal pairs, that of the lowest numbers.

    A heap holds all pairs of neighbours ever seen; those of a region that is merged already are passed over.
    """
    n = len(regions.sizes)
    grouping = _Grouping(regions, segments.size, measures)
    neighbours: list[set[int]] = [set() for _ in range(2 * n - 1)]
    for i, j in regions.pairs.tolist():
        neighbours[i].add(j)
        neighbours[j].add(i)
    similarities = grouping.similarity(*regions.pairs.T)
    heap = [(-s, i, j) for s, (i, j) in zip(similarities.tolist(), regions.pairs.tolist(), strict=True)]
    heapq.heapify(heap)
    merged = [False] * (2 * n - 1)
    merges, chosen = [], []
    for new in range(n, 2 * n - 1):
        while True:
            s, i, j = heapq.heappop(heap)
            if not (merged[i] or merged[j]):
                break
        merged[i] = merged[j] = True
        merges.append((i, j))
        chosen.append(-s)
        grouping.merge(i, j, new)
        around = sorted((neighbours[i] | neighbours[j]) - {i, j})
        neighbours[new] = set(around)
        for other in around:
            neighbours[other] -= {i, j}
            neighbours[other].add(new)
        if around:
            values = grouping.similarity(new, np.array(around)).tolist()
            for other, value in zip(around, values, strict=True):
                heapq.heappush(heap, (-value, other, new))
    return Hierarchy(
        segments,
        np.array(merges, dtype=np.int64).reshape(-1, 2),
        np.array(chosen),
        grouping.boxes,
        grouping.sizes,
    )


def _pixels(image: Tensor) -> Floats:
    """The image as scikit-image wants it, (h, w, 3) in [0, 1]."""
    if not isinstance(image, Tensor):
        raise TypeError(f"selective_search: image must be a torch.Tensor, got {type(image).__name__}")
    if image.ndim != 3 or image.shape[0] not in (1, 3) or 0 in image.shape:
        raise ValueError(
            f"selective_search: image must be (3, h, w) or (1, h, w), got shape {tuple(image.shape)}"
        )
    array: NDArray[Any] = image.detach().cpu().numpy().transpose(1, 2, 0)
    pixels = array / 255 if array.dtype == np.uint8 else array.astype(np.float64)
    if not (pixels.min() >= 0 and pixels.max() <= 1):  # NaN too
        raise ValueError(
            f"selective_search: image must have values from 0 to 1, got {pixels.min():g} to {pixels.max():g}"
        )
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def _convert(pixels: Floats, space: str) -> Floats:
    """The pixels in another colour space, every channel in [0, 1]."""
    from skimage import color

    if space == "hsv":
        return color.rgb2hsv(pixels)
    if space == "lab":
        lightest, shift = np.array([100, 255, 255]), np.array([0, 128, 128])
        return (color.rgb2lab(pixels) + shift) / lightest
    if space == "grey":
        return color.rgb2gray(pixels)[..., None]
    return pixels


def _check_choice(name: str, chosen: Sequence[str], known: Sequence[str]) -> None:
    unknown = [each for each in chosen if each not in known]
    if isinstance(chosen, str) or not chosen or unknown:
        raise ValueError(f"selective_search: {name} must be some of {', '.join(known)}, got {chosen!r}")
