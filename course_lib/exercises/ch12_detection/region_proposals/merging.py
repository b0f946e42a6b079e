"""The exercise on what a merged region is like."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from course_lib.exercises import Exercise, Mistake
from course_lib.exercises.ch12_detection.region_proposals.likeness import (
    SECTION,
    Array,
    Region,
    area,
    hull,
    region_pairs,
)


def merge(one: Region, other: Region) -> Region:
    """The region of both, from their descriptions alone."""
    m, n = one["size"], other["size"]
    mixed = {name: (m * one[name] + n * other[name]) / (m + n) for name in ("colour", "texture")}
    return {**mixed, "size": m + n, "box": hull(one, other)}


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
    share = area(one["box"]) / (area(one["box"]) + area(other["box"]))
    return share, 1 - share


def _crossed(one: Region, other: Region) -> tuple[float, float]:
    share = other["size"] / (one["size"] + other["size"])
    return share, 1 - share


def _larger(one: Region, other: Region) -> tuple[float, float]:
    return (1.0, 0.0) if one["size"] >= other["size"] else (0.0, 1.0)


def _shared(name: str, one: Region, other: Region) -> Array:
    return np.asarray(np.minimum(one[name], other[name]))


def _corner_and_sides(one: Region, other: Region) -> Array:
    box = hull(one, other)
    return np.concatenate([box[:2], box[2:] - box[:2]])


MERGE = Exercise(
    id="region_proposals/merge",
    section=SECTION,
    title="What the merged region is like",
    reference=merge,
    cases=lambda rng: region_pairs(rng, last=()),
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
            _merged(**{name: partial(_shared, name) for name in ("colour", "texture")}),
            "The histograms hold what both regions share. That is how alike they are; the new region has all pixels of both.",
        ),
        Mistake(
            _merged(texture=lambda one, other: one["texture"]),
            "The texture is still that of the first region. It is mixed as the colours are.",
        ),
        Mistake(
            _merged(size=lambda one, other: int(area(hull(one, other)))),
            "The size is the area of the box. It is the number of pixels, the sum of the two sizes.",
        ),
        Mistake(
            _merged(size=lambda one, other: (one["size"] + other["size"]) / 2),
            "The size is the mean of the two. It is the number of pixels of both: their sum.",
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
