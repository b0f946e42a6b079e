"""Exercises on where a region lies on a feature map, and on the gradient of its pooling."""

import math
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/fast_rcnn"
Array = np.ndarray
Edges = Callable[[int, int, int], tuple[int, int]]

# projection


def _half_up(x: Array) -> Array:
    return np.floor(x + 0.5)


def project(box: Array, stride: int) -> Array:
    """The part of the picture whose features are pooled."""
    low, high = _half_up(box[:2] / stride), _half_up(box[2:] / stride)
    return np.concatenate([low, np.maximum(high, low) + 1]) * stride


def _one_by_one(box: Array, stride: int) -> list[float]:
    def nearest(x: float) -> int:
        return int((2 * x + stride) // (2 * stride))

    x1, y1, x2, y2 = (nearest(float(value)) for value in box)
    return [x1 * stride, y1 * stride, (max(x1, x2) + 1) * stride, (max(y1, y2) + 1) * stride]


def _project(
    low: Callable[[Array], Array] = _half_up,
    high: Callable[[Array], Array] = _half_up,
    last: Callable[[Array, Array], Array] = lambda low, high: np.maximum(high, low) + 1,
    back: Callable[[Array, int], Array] = lambda cells, stride: cells * stride,
) -> Callable[[Array, int], Array]:
    """Another rounding, another last pixel, or another way back."""

    def answer(box: Array, stride: int) -> Array:
        start, end = low(box[:2] / stride), high(box[2:] / stride)
        return back(np.concatenate([start, last(start, end)]), stride)

    return answer


def _project_cases(rng: np.random.Generator) -> list[Case]:
    corner, sides = rng.uniform(0, 90, (3, 2)).round(1), rng.uniform(5, 60, (3, 2)).round(1)
    boxes = np.concatenate([corner, corner + sides], axis=1)
    return [
        case(np.array([16.0, 32, 48, 64]), 16, label="edges on the grid"),
        case(np.array([20.0, 27, 60, 75]), 16, label="edges off the grid"),
        case(np.array([2.0, 6, 22, 34]), 4, label="edges halfway"),
        case(np.array([9.0, 9, 11, 14]), 16, label="smaller than a pixel of the map"),
        *(case(box, stride, label="any box") for box, stride in zip(boxes, (4, 8, 16), strict=True)),
    ]


PROJECT = Exercise(
    id="fast_rcnn/project",
    section=SECTION,
    title="What is really pooled",
    reference=project,
    cases=_project_cases,
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            _project(np.floor, np.floor),
            "The edges are rounded down. They go to the nearest pixel of the map.",
        ),
        Mistake(
            _project(np.floor, np.ceil),
            "The region is rounded outwards. Each edge goes to the nearest pixel of the map.",
        ),
        Mistake(
            _project(np.round, np.round),
            "Halves are rounded to the even number, as numpy.round does. Here they are rounded up.",
        ),
        Mistake(
            _project(last=lambda low, high: np.maximum(high, low)),
            "The last pixel is left out. The region holds the pixel that its right and lower edge are rounded to.",
        ),
        Mistake(
            _project(last=lambda low, high: np.maximum(high, low + 1)),
            "The last pixel is left out, but for tiny boxes. It belongs to every region.",
        ),
        Mistake(
            _project(
                last=lambda low, high: np.maximum(high, low),
                back=lambda cells, stride: cells * stride + [0, 0, 1, 1],
            ),
            "One pixel of the picture is added at the end. The last pixel of the map is as wide as the stride.",
        ),
        Mistake(
            _project(back=lambda cells, stride: cells),
            "These are pixels of the map. Return the part of the picture, in its own pixels.",
        ),
        Mistake(
            _project(low=lambda x: x, high=lambda x: x, last=lambda low, high: high),
            "Nothing is rounded: that is the box itself.",
        ),
        Mistake(
            _project(low=lambda x: x, high=lambda x: x, last=lambda low, high: high + 1),
            "Nothing is rounded, and a pixel of the map is added. Round each edge first.",
        ),
        Mistake(
            lambda box, stride: (
                np.concatenate([_half_up(box[:2] / stride), _half_up((box[2:] - box[:2]) / stride)]) * stride
            ),
            "Corner and sides are rounded. Round both corners, and return both.",
        ),
    ],
    hint="Divide by the stride, round, add the last pixel, multiply by the stride.",
)

# the gradient of pooling


def _edges(i: int, bins: int, length: int) -> tuple[int, int]:
    """First and last-but-one pixel of a bin of a side."""
    return i * length // bins, -(-(i + 1) * length // bins)


def _window(features: Array, region: Array) -> Array:
    x1, y1, x2, y2 = region
    return features[y1 : y2 + 1, x1 : x2 + 1]


def pool_gradient(features: Array, region: Array, bins: int, grad: Array) -> Array:
    """Where the gradient of the pooled numbers goes."""
    out = np.zeros(features.shape)
    window, share = _window(features, region), _window(out, region)
    for i in range(bins):
        top, bottom = _edges(i, bins, window.shape[0])
        for j in range(bins):
            left, right = _edges(j, bins, window.shape[1])
            part = window[top:bottom, left:right]
            r, c = divmod(int(part.argmax()), part.shape[1])
            share[top + r, left + c] += grad[i, j]
    return out


def _by_search(features: Array, region: Array, bins: int, grad: Array) -> Array:
    x1, y1, x2, y2 = (int(value) for value in region)
    out = np.zeros(features.shape)
    for i in range(bins):
        for j in range(bins):
            rows = range(
                y1 + math.floor(i * (y2 - y1 + 1) / bins), y1 + math.ceil((i + 1) * (y2 - y1 + 1) / bins)
            )
            columns = range(
                x1 + math.floor(j * (x2 - x1 + 1) / bins), x1 + math.ceil((j + 1) * (x2 - x1 + 1) / bins)
            )
            best = max(((r, c) for r in rows for c in columns), key=lambda place: features[place])
            out[best] += grad[i, j]
    return out


def _first(part: Array) -> Array:
    """1 at the first maximum."""
    return (np.arange(part.size) == part.argmax()).reshape(part.shape) * 1.0


def _last(part: Array) -> Array:
    return _first(part[::-1, ::-1])[::-1, ::-1]


def _pool(
    share: Callable[[Array], Array] = _first,
    edges: Edges = _edges,
    cut: Callable[[Array, Array], Array] = _window,
    add: bool = True,
) -> Callable[[Array, Array, int, Array], Array]:
    """Another share of each pixel of a bin, other bins, another region, or the last bin alone counts."""

    def answer(features: Array, region: Array, bins: int, grad: Array) -> Array:
        out = np.zeros(features.shape)
        window, found = cut(features, region), cut(out, region)
        for i in range(bins):
            rows = slice(*edges(i, bins, window.shape[0]))
            for j in range(bins):
                columns = slice(*edges(j, bins, window.shape[1]))
                part = window[rows, columns]
                if part.size:
                    old, new = found[rows, columns], grad[i, j] * share(part)
                    found[rows, columns] = old + new if add else np.where(new != 0, new, old)
        return out

    return answer


def _moved_to_the_corner(features: Array, region: Array, bins: int, grad: Array) -> Array:
    found = _window(pool_gradient(features, region, bins, grad), region)
    out = np.zeros(features.shape)
    out[: found.shape[0], : found.shape[1]] = found
    return out


def _pool_cases(rng: np.random.Generator) -> list[Case]:
    def draw(h: int, w: int, region: list[int], bins: int, label: str, levels: int = 90) -> Case:
        features = rng.integers(0, levels, (h, w)) / 10
        return case(features, np.array(region), bins, rng.integers(1, 9, (bins, bins)) / 4, label=label)

    return [
        draw(4, 4, [0, 0, 3, 3], 2, "the whole map, bins of two by two"),
        draw(7, 9, [2, 1, 7, 4], 2, "bins that fit"),
        draw(8, 9, [1, 2, 7, 6], 3, "bins that overlap"),
        draw(6, 6, [3, 1, 4, 3], 3, "fewer pixels than bins"),
        draw(8, 8, [0, 1, 6, 7], 2, "equal maxima", 20),
        draw(9, 9, [1, 1, 7, 8], 3, "many equal maxima", 2),
    ]


POOL = Exercise(
    id="fast_rcnn/pool",
    section=SECTION,
    title="The gradient of RoI pooling",
    reference=pool_gradient,
    cases=_pool_cases,
    alternatives=[_by_search],
    mistakes=[
        Mistake(
            _pool(share=lambda part: np.full(part.shape, 1 / part.size)),
            "The gradient is spread over the whole bin: that is average pooling. It goes to the maximum alone.",
        ),
        Mistake(
            _pool(share=lambda part: np.ones(part.shape)),
            "Every pixel of a bin gets the gradient. Only its maximum was passed on.",
        ),
        Mistake(
            _pool(share=lambda part: (part == part.max()) * 1.0),
            "Equal maxima all get the whole gradient. Give it to the first one.",
        ),
        Mistake(
            _pool(share=lambda part: (part == part.max()) / (part == part.max()).sum()),
            "Equal maxima share the gradient. Give it to the first one.",
        ),
        Mistake(
            _pool(share=_last),
            "Of equal maxima the last one gets the gradient. Give it to the first, row by row.",
        ),
        Mistake(
            _pool(add=False),
            "A pixel that is the maximum of two bins keeps the gradient of the last one. Bins overlap: add.",
        ),
        Mistake(
            _pool(edges=lambda i, bins, length: (i * length // bins, (i + 1) * length // bins)),
            "The end of a bin is rounded down. Round it up, so that no bin is empty.",
        ),
        Mistake(
            _pool(edges=lambda i, bins, length: (-(-i * length // bins), -(-(i + 1) * length // bins))),
            "The start of a bin is rounded up. Round it down.",
        ),
        Mistake(
            _pool(edges=lambda i, bins, length: (i * (length // bins), (i + 1) * (length // bins))),
            "The size of a bin is rounded before it is multiplied, so that pixels at the end are in no bin.",
        ),
        Mistake(
            _pool(cut=lambda features, region: features[region[1] : region[3], region[0] : region[2]]),
            "The last row and column are left out. x2 and y2 are the last pixels of the region.",
        ),
        Mistake(
            _pool(
                cut=lambda features, region: features[region[0] : region[2] + 1, region[1] : region[3] + 1]
            ),
            "Rows and columns are exchanged: x runs along the second axis.",
        ),
        Mistake(
            _moved_to_the_corner,
            "The gradient lies in the upper left corner of the map. The region starts at x1 and y1.",
        ),
        Mistake(
            _pool(cut=lambda features, region: features),
            "The bins are those of the whole map. Cut out the region first.",
        ),
    ],
    hint="Bin i of a side of n pixels reaches from floor(i n / bins) to ceil((i + 1) n / bins).",
)
