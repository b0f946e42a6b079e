"""Flat shapes under any turn and stretch: how far each pixel of a patch is from the edge.

Only sums, products, quotients, square roots and comparisons, one at a time: these round the same way on every
machine, and so do the pictures made of them.
"""

import math

import numpy as np
from numpy.typing import NDArray

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")

# Radii to the outermost points; the square's is half a side.
_CIRCLE, _SQUARE, _TRIANGLE, _STAR, _RING, _HOLE = 0.85, 0.75, 1.1, 1.1, 0.9, 0.5
_ARM = (0.95, 0.33)  # half length, half width
REACH = 1.1  # no point of a shape is further from the middle

Field = NDArray[np.float32]


def steady(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to whole multiples of 2**-20, which hides the last bits in which two machines' sines differ."""
    return np.rint(values * 2**20) / 2**20


_DENT = _STAR * math.sin(math.radians(18)) / math.sin(math.radians(54))  # of the star, from the middle
AREAS = steady(
    np.array(
        [
            math.pi * _CIRCLE**2,
            4 * _SQUARE**2,
            0.75 * math.sqrt(3) * _TRIANGLE**2,
            5 * math.sin(math.radians(36)) * _STAR * _DENT,
            8 * _ARM[0] * _ARM[1] - 4 * _ARM[1] ** 2,
            math.pi * (_RING**2 - _HOLE**2),
        ]
    )
)


def signed_distance(shape: str, to_unit: NDArray[np.float64], x: Field, y: Field) -> Field:
    """Return how far (k, h, w), in pixels, each pixel is from the edge of a shape; negative inside.

    Args:
        shape: one of SHAPES.
        to_unit: k matrices (k, 2, 2) that take a place in the picture, relative to the shape's middle, to one
            in which the shape is upright and has its own size (REACH).
        x: columns (k, w) of the pixel centres, relative to the middle.
        y: rows (k, h), likewise.

    The distance from straight edges is exact where the nearest point is not a corner; that from a stretched
    circle is exact at the edge, and off by the stretch elsewhere.
    """
    if shape in ("circle", "ring"):
        radius, size = _radius(to_unit, x, y)
        if shape == "circle":
            return (radius - np.float32(_CIRCLE)) * size
        return np.maximum(radius - np.float32(_RING), np.float32(_HOLE) - radius) * size
    if shape == "cross":
        long, wide = _ARM
        bars = [_inside_all(_rectangle(*sides), to_unit, x, y) for sides in ((long, wide), (wide, long))]
        return np.minimum(*bars)
    if shape == "star":
        return _inside_all_but_one(_polygon(5, _STAR * math.cos(math.radians(72))), to_unit, x, y)
    sides = _rectangle(_SQUARE, _SQUARE) if shape == "square" else _polygon(3, _TRIANGLE / 2)
    return _inside_all(sides, to_unit, x, y)


Lines = list[tuple[float, float, float]]  # (a, b, c) of a x + b y = c, with a**2 + b**2 = 1


def _rectangle(half_width: float, half_height: float) -> Lines:
    return [(1, 0, half_width), (-1, 0, half_width), (0, 1, half_height), (0, -1, half_height)]


def _polygon(sides: int, distance: float) -> Lines:
    turns = [2 * math.pi * (side + 0.25) / sides for side in range(sides)]
    return [(math.cos(turn), math.sin(turn), distance) for turn in turns]


def _distances(line: tuple[float, float, float], to_unit: NDArray[np.float64], x: Field, y: Field) -> Field:
    """Return the distance (k, h, w) from a line, negative on the middle's side."""
    a, b, c = (float(steady(np.array(each))) for each in line)
    across = a * to_unit[:, 0, 0] + b * to_unit[:, 1, 0]
    down = a * to_unit[:, 0, 1] + b * to_unit[:, 1, 1]
    length = np.sqrt(across * across + down * down)
    columns = (across / length).astype(np.float32)[:, None] * x
    rows = (down / length).astype(np.float32)[:, None] * y - (c / length).astype(np.float32)[:, None]
    return rows[:, :, None] + columns[:, None, :]


def _inside_all(lines: Lines, to_unit: NDArray[np.float64], x: Field, y: Field) -> Field:
    largest = _distances(lines[0], to_unit, x, y)
    for line in lines[1:]:
        np.maximum(largest, _distances(line, to_unit, x, y), out=largest)
    return largest


def _inside_all_but_one(lines: Lines, to_unit: NDArray[np.float64], x: Field, y: Field) -> Field:
    """Five lines make a star: each tip lies beyond one of them, and nothing in it beyond two."""
    first, second = (_distances(line, to_unit, x, y) for line in lines[:2])
    largest, runner_up = np.maximum(first, second), np.minimum(first, second)
    for line in lines[2:]:
        distance = _distances(line, to_unit, x, y)
        np.maximum(runner_up, np.minimum(largest, distance), out=runner_up)
        np.maximum(largest, distance, out=largest)
    return runner_up


def _radius(to_unit: NDArray[np.float64], x: Field, y: Field) -> tuple[Field, Field]:
    """Return distances (k, h, w) from the middle in the unit frame, and pixels (k, 1, 1) for its unit."""
    matrix = to_unit.astype(np.float32)[:, :, :, None]
    u, v = ((matrix[:, i, 1] * y)[:, :, None] + (matrix[:, i, 0] * x)[:, None, :] for i in (0, 1))
    u *= u
    v *= v
    u += v
    areas = np.abs(to_unit[:, 0, 0] * to_unit[:, 1, 1] - to_unit[:, 0, 1] * to_unit[:, 1, 0])
    return np.sqrt(u, out=u), (1 / np.sqrt(areas)).astype(np.float32)[:, None, None]
