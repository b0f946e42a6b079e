"""Exercises on the four similarities of regions, and on what a merged region is like."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/region_proposals"
Array = np.ndarray
Region = dict[str, Any]


def _hull(one: Region, other: Region) -> Array:
    low, high = np.minimum(one["box"][:2], other["box"][:2]), np.maximum(one["box"][2:], other["box"][2:])
    return np.concatenate([low, high])


def _area(box: Array) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


# four similarities


def similarities(one: Region, other: Region, pixels: int) -> Array:
    """Colour, texture, size and fill."""
    both = one["size"] + other["size"]
    return np.array(
        [
            np.minimum(one["colour"], other["colour"]).sum(),
            np.minimum(one["texture"], other["texture"]).sum(),
            1 - both / pixels,
            1 - (_area(_hull(one, other)) - both) / pixels,
        ]
    )


def _by_distance(one: Region, other: Region, pixels: int) -> list[float]:
    """Histograms of sum 1 share 1 - half their distance."""
    shared = [1 - np.abs(one[name] - other[name]).sum() / 2 for name in ("colour", "texture")]
    x1, y1 = (min(one["box"][k], other["box"][k]) for k in (0, 1))
    x2, y2 = (max(one["box"][k], other["box"][k]) for k in (2, 3))
    size = one["size"] + other["size"]
    return [*shared, (pixels - size) / pixels, (pixels + size - (x2 - x1) * (y2 - y1)) / pixels]


def _terms(
    shared: Callable[[Array, Array], float] = lambda a, b: float(np.minimum(a, b).sum()),
    size: Callable[[Region, Region, int], float] = lambda a, b, n: 1 - (a["size"] + b["size"]) / n,
    fill: Callable[[Region, Region, int], float] = lambda a, b, n: (
        1 - (_area(_hull(a, b)) - a["size"] - b["size"]) / n
    ),
) -> Callable[..., Array]:
    """Another comparison of histograms, of sizes, or of boxes."""

    def answer(one: Region, other: Region, pixels: int) -> Array:
        histograms = [shared(one[name], other[name]) for name in ("colour", "texture")]
        return np.array([*histograms, size(one, other, pixels), fill(one, other, pixels)])

    return answer


def _empty_of_hull(one: Region, other: Region, pixels: int) -> float:
    hull = _area(_hull(one, other))
    return 1 - (hull - one["size"] - other["size"]) / hull


def _common_box(one: Region, other: Region, pixels: int) -> float:
    low, high = np.maximum(one["box"][:2], other["box"][:2]), np.minimum(one["box"][2:], other["box"][2:])
    return 1 - (float((high - low).prod()) - one["size"] - other["size"]) / pixels


def _histogram(rng: np.random.Generator, bins: int) -> Array:
    counts = rng.integers(0, 9, bins) + (np.arange(bins) == 0)
    return np.asarray(counts / counts.sum())


def _region(rng: np.random.Generator, side: int) -> Region:
    corner = rng.integers(0, side - 6, 2)
    sides = rng.integers(2, 7, 2)
    area = int(sides.prod())
    return {
        "colour": _histogram(rng, 6),
        "texture": _histogram(rng, 8),
        "size": int(rng.integers((area + 1) // 2, area + 1)),
        "box": np.concatenate([corner, corner + sides]),
    }


def _pairs(rng: np.random.Generator, last: tuple[int, ...] = (400,)) -> list[Case]:
    one = {
        "colour": np.array([0.5, 0.5]),
        "texture": np.array([1.0, 0]),
        "size": 4,
        "box": np.array([0, 0, 2, 2]),
    }
    other = {
        "colour": np.array([0.25, 0.75]),
        "texture": np.array([0, 1.0]),
        "size": 6,
        "box": np.array([2, 0, 5, 2]),
    }
    frame = one | {"size": 60, "box": np.array([0, 0, 10, 10])}
    hole = other | {"size": 40, "box": np.array([2, 2, 8, 9])}
    return [
        case(one, other, *last, label="side by side"),
        case(frame, hole, *last, label="a frame and what is in it"),
        *(case(_region(rng, 20), _region(rng, 20), *last, label=f"two regions, {k}") for k in "abc"),
    ]


SIMILARITIES = Exercise(
    id="region_proposals/similarities",
    section=SECTION,
    title="How alike are two regions?",
    reference=similarities,
    cases=_pairs,
    alternatives=[_by_distance],
    mistakes=[
        Mistake(
            _terms(shared=lambda a, b: float((a * b).sum())),
            "The histograms are multiplied. What they share is the smaller of the two in each bin.",
        ),
        Mistake(
            _terms(shared=lambda a, b: float(np.maximum(a, b).sum())),
            "The larger of the two counts in each bin. What they share is the smaller.",
        ),
        Mistake(
            _terms(shared=lambda a, b: 1 - float(np.abs(a - b).sum())),
            "The whole distance is taken off, and the result may be negative. Half of it is: or sum the smaller entries.",
        ),
        Mistake(
            _terms(shared=lambda a, b: float(np.minimum(a, b).mean())),
            "The smaller entries are averaged over the bins. Sum them: equal histograms give 1.",
        ),
        Mistake(
            _terms(size=lambda a, b, n: (a["size"] + b["size"]) / n),
            "Large regions are the more similar ones here. It is 1 minus their share, so that small ones go first.",
        ),
        Mistake(
            _terms(size=lambda a, b, n: 1 - abs(a["size"] - b["size"]) / n),
            "The sizes are compared with each other. It is their sum that counts.",
        ),
        Mistake(
            _terms(size=lambda a, b, n: 1 - (_area(a["box"]) + _area(b["box"])) / n),
            "The areas of the boxes stand in for the sizes. A region may fill little of its box: take its pixels.",
        ),
        Mistake(
            _terms(fill=lambda a, b, n: 1 - _area(_hull(a, b)) / n),
            "The regions themselves are not taken off the box around both. Only its empty part counts.",
        ),
        Mistake(
            _terms(fill=lambda a, b, n: (_area(_hull(a, b)) - a["size"] - b["size"]) / n),
            "This is the empty part itself. The similarity is 1 minus it.",
        ),
        Mistake(
            _terms(fill=_empty_of_hull),
            "The empty part is divided by the box around both. Divide by the pixels of the picture.",
        ),
        Mistake(
            _terms(fill=_common_box),
            "This box is what the two share. Take the smallest one around both.",
        ),
        Mistake(
            lambda one, other, pixels: similarities(one, other, pixels)[[1, 0, 2, 3]],
            "Colour and texture are exchanged. The order is colour, texture, size, fill.",
        ),
        Mistake(
            lambda one, other, pixels: similarities(one, other, pixels).sum(),
            "This is the sum of the four. Return all of them.",
        ),
    ],
    hint="Two sums of minima; the box around both has the smaller of the upper left and the larger of the lower right.",
)

# the merged region


def merge(one: Region, other: Region) -> Region:
    """The region of both, from their descriptions alone."""
    m, n = one["size"], other["size"]
    mixed = {name: (m * one[name] + n * other[name]) / (m + n) for name in ("colour", "texture")}
    return {**mixed, "size": m + n, "box": _hull(one, other)}


def _by_average(one: Region, other: Region) -> Region:
    sizes = [one["size"], other["size"]]
    found: Region = {"size": sum(sizes)}
    for name in ("colour", "texture"):
        found[name] = np.average([one[name], other[name]], axis=0, weights=sizes)
    found["box"] = [f(one["box"][k], other["box"][k]) for k, f in enumerate((min, min, max, max))]
    return found


def _merged(**changes: Callable[[Region, Region], Any]) -> Callable[..., Region]:
    """The right region with some entries changed."""

    def answer(one: Region, other: Region) -> Region:
        return merge(one, other) | {name: change(one, other) for name, change in changes.items()}

    return answer


def _mixed(weights: Callable[[Region, Region], tuple[float, float]]) -> Callable[..., Region]:
    """Both histograms with other weights."""

    def mix(name: str) -> Callable[[Region, Region], Array]:
        return lambda one, other: weights(one, other)[0] * one[name] + weights(one, other)[1] * other[name]

    return _merged(colour=mix("colour"), texture=mix("texture"))


def _by_area(one: Region, other: Region) -> tuple[float, float]:
    share = _area(one["box"]) / (_area(one["box"]) + _area(other["box"]))
    return share, 1 - share


def _crossed(one: Region, other: Region) -> tuple[float, float]:
    share = other["size"] / (one["size"] + other["size"])
    return share, 1 - share


def _larger(one: Region, other: Region) -> tuple[float, float]:
    return (1.0, 0.0) if one["size"] >= other["size"] else (0.0, 1.0)


def _corner_and_sides(one: Region, other: Region) -> Array:
    hull = _hull(one, other)
    return np.concatenate([hull[:2], hull[2:] - hull[:2]])


MERGE = Exercise(
    id="region_proposals/merge",
    section=SECTION,
    title="What the merged region is like",
    reference=merge,
    cases=lambda rng: _pairs(rng, last=()),
    alternatives=[_by_average],
    mistakes=[
        Mistake(
            _mixed(lambda one, other: (0.5, 0.5)),
            "The histograms are averaged alike, whatever the sizes. A large region has more pixels in the mix.",
        ),
        Mistake(
            _mixed(lambda one, other: (1.0, 1.0)),
            "The histograms are added: their sum is 2. Weigh them by size, and divide by the sum of the sizes.",
        ),
        Mistake(_mixed(_crossed), "Each histogram is weighted by the other region's size. Take its own."),
        Mistake(
            _mixed(_by_area),
            "The histograms are weighted by the areas of the boxes. Weigh them by pixels, that is by size.",
        ),
        Mistake(
            _mixed(_larger), "The histograms are those of the larger region alone. Both have a part in them."
        ),
        Mistake(
            _mixed(lambda one, other: (one["size"], other["size"])),
            "The weighted histograms are not divided by the sum of the sizes. Their sum must be 1.",
        ),
        Mistake(
            _merged(texture=lambda one, other: one["texture"]),
            "The texture is still that of the first region. It is mixed as the colours are.",
        ),
        Mistake(
            _merged(size=lambda one, other: int(_area(_hull(one, other)))),
            "The size is the area of the box. It is the number of pixels, the sum of the two sizes.",
        ),
        Mistake(
            _merged(size=lambda one, other: max(one["size"], other["size"])),
            "The size is that of the larger one. Regions do not overlap: add the sizes.",
        ),
        Mistake(
            _merged(
                box=lambda one, other: np.concatenate(
                    [
                        np.maximum(one["box"][:2], other["box"][:2]),
                        np.minimum(one["box"][2:], other["box"][2:]),
                    ]
                )
            ),
            "This box is what the two share. Take the smallest one around both.",
        ),
        Mistake(
            _merged(box=lambda one, other: (one["box"] + other["box"]) / 2),
            "The boxes are averaged. Take the smallest box around both.",
        ),
        Mistake(
            _merged(box=lambda one, other: np.maximum(one["box"], other["box"])),
            "All four numbers are the larger ones. For the upper left corner take the smaller.",
        ),
        Mistake(_merged(box=_corner_and_sides), "The box is a corner and the sides. Return x1, y1, x2, y2."),
    ],
    hint="Of m pixels of one colour and n of another, which share has the first?",
)
