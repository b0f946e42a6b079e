"""The exercise on the four similarities of two regions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/region_proposals"
Array = np.ndarray
Region = dict[str, Any]


def hull(one: Region, other: Region) -> Array:
    """The smallest box around both."""
    low, high = np.minimum(one["box"][:2], other["box"][:2]), np.maximum(one["box"][2:], other["box"][2:])
    return np.concatenate([low, high])


def area(box: Array) -> float:
    """Width times height."""
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
            1 - (area(hull(one, other)) - both) / pixels,
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
        1 - (area(hull(a, b)) - a["size"] - b["size"]) / n
    ),
) -> Callable[..., Array]:
    """Another comparison of histograms, of sizes, or of boxes."""

    def answer(one: Region, other: Region, pixels: int) -> Array:
        histograms = [shared(one[name], other[name]) for name in ("colour", "texture")]
        return np.array([*histograms, size(one, other, pixels), fill(one, other, pixels)])

    return answer


def _empty_of_hull(one: Region, other: Region, pixels: int) -> float:
    box = area(hull(one, other))
    return 1 - (box - one["size"] - other["size"]) / box


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


def region_pairs(rng: np.random.Generator, last: tuple[int, ...] = (400,)) -> list[Case]:
    """Pairs of regions, easy ones first, with what else an exercise asks for."""
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
    cases=region_pairs,
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
            _terms(size=lambda a, b, n: 1 - (area(a["box"]) + area(b["box"])) / n),
            "The areas of the boxes stand in for the sizes. A region may fill little of its box: take its pixels.",
        ),
        Mistake(
            _terms(fill=lambda a, b, n: 1 - area(hull(a, b)) / n),
            "The regions themselves are not taken off the box around both. Only its empty part counts.",
        ),
        Mistake(
            _terms(fill=lambda a, b, n: (area(hull(a, b)) - a["size"] - b["size"]) / n),
            "This is the empty part itself. The similarity is 1 minus it.",
        ),
        Mistake(
            _terms(fill=lambda a, b, n: 1 - (area(hull(a, b)) + a["size"] + b["size"]) / n),
            "The regions are added to the box around both. Take them off: what stays is empty.",
        ),
        Mistake(
            _terms(
                fill=lambda a, b, n: (
                    1 - (area(hull(a, b) + np.array([0, 0, 1, 1])) - a["size"] - b["size"]) / n
                )
            ),
            "The box has a row and a column too many: it is x2 - x1 wide, without 1 more.",
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
