"""The exercise on RoIAlign."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/mask_rcnn"
Array = np.ndarray


def _at(f: Array, u: float, v: float) -> float:
    """The map between its places; the values of the edge go on outside."""
    h, w = f.shape
    u, v = min(max(u, 0), w - 1), min(max(v, 0), h - 1)
    j, i = min(int(u), w - 2), min(int(v), h - 2)
    a, b = u - j, v - i
    upper = (1 - a) * f[i, j] + a * f[i, j + 1]
    return float((1 - b) * upper + b * ((1 - a) * f[i + 1, j] + a * f[i + 1, j + 1]))


def align(f: Array, box: Array, s: int, stride: int, n: int) -> Array:
    """RoIAlign (s, s) of one box."""
    x1, y1, x2, y2 = np.asarray(box) / stride - 0.5
    p = (np.arange(s * n) + 0.5) / (s * n)
    samples = np.array([[_at(f, x1 + a * (x2 - x1), y1 + b * (y2 - y1)) for a in p] for b in p])
    return samples.reshape(s, n, s, n).mean(axis=(1, 3))


def _bin_by_bin(f: Array, box: Array, s: int, stride: int, n: int) -> list[list[float]]:
    x1, y1, x2, y2 = [float(value) / stride for value in box]
    high, wide = (y2 - y1) / s, (x2 - x1) / s
    rows = []
    for i in range(s):
        rows.append([0.0] * s)
        for j in range(s):
            for k in range(n * n):
                y, x = y1 + high * (i + (k // n + 0.5) / n), x1 + wide * (j + (k % n + 0.5) / n)
                rows[i][j] += _at(f, x - 0.5, y - 0.5) / n**2
    return rows


def _aligned(
    scaled: Callable[[Array, int], Array] = lambda box, stride: box / stride - 0.5,
    points: Callable[[int, int], Array] = lambda s, n: (np.arange(s * n) + 0.5) / (s * n),
    value: Callable[[Array, float, float], float] = _at,
    pool: Callable[[Array], Array] = lambda samples: samples.mean(axis=(1, 3)),
) -> Callable[..., Array]:
    """Another region, other points, other values or another reduction."""

    def answer(f: Array, box: Array, s: int, stride: int, n: int) -> Array:
        x1, y1, x2, y2 = scaled(np.asarray(box, dtype=float), stride)
        p = points(s, n)
        samples = np.array([[value(f, x1 + a * (x2 - x1), y1 + b * (y2 - y1)) for a in p] for b in p])
        return pool(samples.reshape(s, n, s, n))

    return answer


def _nearest(f: Array, u: float, v: float) -> float:
    return _at(f, np.floor(u + 0.5), np.floor(v + 0.5))


def _zero_outside(f: Array, u: float, v: float) -> float:
    return _at(np.pad(f, 1), u + 1, v + 1)


def _at_least_one(box: Array, stride: int) -> Array:
    corner, sides = box[:2] / stride - 0.5, (box[2:] - box[:2]) / stride
    return np.concatenate([corner, corner + np.maximum(sides, 1)])


def _regions(rng: np.random.Generator) -> list[Case]:
    def draw(h: int, w: int, s: int, stride: int, n: int, label: str) -> Case:
        f = rng.normal(0, 1, (h, w)).round(2)
        low = rng.uniform(0, 0.4, 2) * [w, h] * stride
        high = rng.uniform(0.6, 1, 2) * [w, h] * stride
        return case(f, np.concatenate([low, high]).round(1), s, stride, n, label=label)

    plane = np.add.outer(10.0 * np.arange(6), np.arange(6))
    return [
        case(plane, np.array([8.0, 8, 16, 16]), 1, 4, 1, label="one bin, one point"),
        case(plane, np.array([5.0, 9, 15, 19]), 2, 4, 1, label="two by two bins"),
        case(plane**2, np.array([4.0, 6, 20, 14]), 2, 4, 2, label="four points a bin"),
        case(plane, np.array([9.0, 9, 10, 11]), 2, 4, 2, label="a region smaller than a place"),
        case(plane + 7, np.array([0.0, 0, 24, 24]), 3, 4, 2, label="the whole map, to its edge"),
        draw(7, 9, 3, 8, 2, "three by three"),
        draw(10, 6, 4, 16, 3, "nine points a bin"),
        draw(12, 12, 7, 4, 1, "seven by seven"),
    ]


ALIGN = Exercise(
    id="mask_rcnn/align",
    section=SECTION,
    title="RoIAlign",
    reference=align,
    cases=_regions,
    alternatives=[_bin_by_bin],
    mistakes=[
        Mistake(
            _aligned(scaled=lambda box, stride: box / stride),
            "The half place is missing: the centre of a cell is at one half. Subtract it from u and v.",
        ),
        Mistake(
            _aligned(scaled=lambda box, stride: box / stride + 0.5),
            "Half a place is added. Subtract it: the picture's edge, 0, lies at -1/2.",
        ),
        Mistake(
            _aligned(scaled=lambda box, stride: (box - 0.5) / stride),
            "Half a pixel is subtracted before the stride is divided out. It is half a place of the map.",
        ),
        Mistake(
            _aligned(scaled=lambda box, stride: np.floor(box / stride + 0.5) - 0.5),
            "The region is rounded to whole places. That is what RoIAlign avoids.",
        ),
        Mistake(
            _aligned(scaled=_at_least_one),
            "Small regions are made one place large. Aligned regions keep their size.",
        ),
        Mistake(
            _aligned(value=_nearest),
            "Each point takes its nearest place. Sample between the places.",
        ),
        Mistake(
            _aligned(value=_zero_outside),
            "The map is taken as 0 beyond its outermost centres. Here their values go on: clip u and v first.",
        ),
        Mistake(
            _aligned(points=lambda s, n: np.arange(s * n) / (s * n)),
            "The points begin at the edge of their bin. They are spread evenly: at (k + 1/2) / n of it.",
        ),
        Mistake(
            _aligned(points=lambda s, n: np.linspace(0, 1, s * n)),
            "The first and the last point lie on the region's edges. They are spread evenly: at (k + 1/2) / n of each bin.",
        ),
        Mistake(
            _aligned(points=lambda s, n: np.repeat((np.arange(s) + 0.5) / s, n)),
            "Each bin is asked at its centre only. Ask at n by n points.",
        ),
        Mistake(
            _aligned(pool=lambda samples: samples.max(axis=(1, 3))),
            "The largest sample of each bin is taken. RoIAlign here takes the mean.",
        ),
        Mistake(
            _aligned(pool=lambda samples: samples.mean(axis=(1, 3)).T),
            "Rows and columns of the result are exchanged.",
        ),
    ],
    hint="s n points along each side of the region, then means over n by n of them.",
)
