"""Many small shapes painted on many pictures at once, with smooth edges.

Each shape is worked out on a patch just large enough for it, and then laid on its picture: with pictures
several times as wide as the shapes, that is the difference between hundreds and thousands a second.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from course_lib.data.shapes import REACH, SHAPES, Field, signed_distance, steady


class Figures(NamedTuple):
    """Shapes, m on each of b pictures; a later one lies on top of an earlier one."""

    shape: NDArray[np.int64]  # (b, m), indexes SHAPES
    middle: NDArray[np.float64]  # (b, m, 2), x and y in pixels
    extent: NDArray[np.float64]  # (b, m, 2), pixels for a unit along and across
    turn: NDArray[np.float64]  # (b, m), radians
    color: Field  # (b, m, 3), in the middle
    shade: Field  # (b, m, 2), how much brighter a pixel further right, and down


class Patches(NamedTuple):
    """The figures on patches of p by p pixels, which lie inside the picture and hold all it shows of them."""

    pixel: NDArray[np.int32]  # (b, m, p, p), each pixel's number, row by row, picture by picture
    distance: Field  # (b, m, p, p), to the figure's edge in pixels, negative inside
    x: Field  # (b, m, p), columns relative to the figure's middle
    y: Field  # (b, m, p), rows


def patches(figures: Figures, size: int) -> Patches:
    """Work out the figures, each on its patch of a picture of ``size`` by ``size`` pixels."""
    b, m = figures.shape.shape
    side = min(size, 2 * int(np.ceil(REACH * figures.extent.max(initial=1))) + 3)
    corner = np.clip(np.rint(figures.middle - side / 2), 0, size - side).astype(np.int64)  # (b, m, 2)
    steps = np.arange(side)
    columns, rows = corner[..., 0, None] + steps, corner[..., 1, None] + steps
    x = (columns + 0.5 - figures.middle[..., 0, None]).astype(np.float32)
    y = (rows + 0.5 - figures.middle[..., 1, None]).astype(np.float32)

    to_unit = _to_unit(figures)
    distance = np.empty((b, m, side, side), np.float32)
    for number, shape in enumerate(SHAPES):
        chosen = figures.shape == number
        distance[chosen] = signed_distance(shape, to_unit[chosen], x[chosen], y[chosen])
    pictures = (np.arange(b) * size)[:, None, None]
    first = ((pictures + rows) * size).astype(np.int32)
    return Patches(first[..., :, None] + columns.astype(np.int32)[..., None, :], distance, x, y)


def number_pixels(covers: NDArray[np.bool_], pixel: NDArray[np.int32], size: int) -> NDArray[np.uint8]:
    """Return which figure each pixel (b, size, size) shows: its number from 1, the topmost one's, 0 for none.

    ``covers`` (b, m, p, p) says which pixels of its patch a figure covers, ``pixel`` which pixels these are.
    """
    shown = np.zeros(len(covers) * size * size, np.uint8)
    for slot in range(covers.shape[1]):
        shown[pixel[:, slot][covers[:, slot]]] = slot + 1
    return shown.reshape(-1, size, size)


def paint(canvas: Field, figures: Figures, drawn: Patches, there: NDArray[np.bool_]) -> None:
    """Paint the figures that are ``there`` (b, m) on the ``canvas`` (b, size, size, 3), the first ones first.

    At its edge a figure covers a pixel in part, by how far it reaches past the pixel's middle, and mixes with
    what is below.
    """
    pixels = canvas.reshape(-1, 3)
    half = np.float32(0.5)
    for slot in range(there.shape[1]):
        chosen = np.flatnonzero(there[:, slot])
        distance = drawn.distance[chosen, slot]
        touched = distance < half  # a small part of the patch: the rest costs no more than this comparison
        shade = figures.shade[chosen, slot, :, None]
        rows, columns = drawn.y[chosen, slot] * shade[:, 1], drawn.x[chosen, slot] * shade[:, 0]
        light = rows[:, :, None] + columns[:, None, :]
        color = figures.color[chosen, slot].repeat(touched.sum(axis=(1, 2)), axis=0) + light[touched][:, None]
        cover = np.minimum(half - distance[touched], 1)[:, None]
        pixel = drawn.pixel[chosen, slot][touched]
        below = pixels[pixel]
        pixels[pixel] = below + cover * (color - below)


def ground(rng: Generator, b: int, size: int) -> tuple[Field, Field]:
    """Return b patterned grounds (b, size, size, 3), and the colour (b, 3) each of them is close to.

    A pattern is soft blotches of two sizes, and stripes on half of the pictures.
    """
    color = (0.15 + 0.7 * rng.random((b, 3))).astype(np.float32)
    tint = (0.5 + rng.random((b, 3))).astype(np.float32)
    strength = rng.random((b, 3)).astype(np.float32) * np.array([0.25, 0.2, 0.12], np.float32)
    coarse, fine = (rng.random((b, cells + 1, cells + 1)).astype(np.float32) - 0.5 for cells in (4, 16))
    turn, width = 2 * np.pi * rng.random(b), size * (0.06 + 0.14 * rng.random(b))
    striped = rng.random(b) < 0.5

    pattern = strength[:, 0, None, None] * _enlarged(coarse, size)
    pattern += strength[:, 1, None, None] * _enlarged(fine, size)
    place = np.arange(size, dtype=np.float32)
    across, down = (steady(each / width).astype(np.float32)[:, None] for each in (np.cos(turn), np.sin(turn)))
    stripes = (down * place)[:, :, None] + (across * place)[:, None, :]
    stripes -= np.floor(stripes)
    stripes = np.abs(stripes - np.float32(0.5)) - np.float32(0.25)
    pattern += (striped * strength[:, 2])[:, None, None] * stripes
    canvas = tint[:, None, None] * pattern[..., None]
    canvas += color[:, None, None]
    return canvas, color


def _to_unit(figures: Figures) -> NDArray[np.float64]:
    """Return matrices (b, m, 2, 2) that turn a figure upright and scale it to its own units."""
    cos, sin = steady(np.cos(figures.turn)), steady(np.sin(figures.turn))
    rows = np.stack([np.stack([cos, sin], axis=-1), np.stack([-sin, cos], axis=-1)], axis=-2)
    return rows / figures.extent[..., :, None]


def _enlarged(grid: Field, size: int) -> Field:
    """Return the grid (b, c + 1, c + 1), stretched to (b, size, size) by mixing neighbours."""
    cells = grid.shape[1] - 1
    where = (np.arange(size) + 0.5) * cells / size
    low = where.astype(np.int64)
    share = (where - low).astype(np.float32)
    upper, lower = grid.take(low, axis=1), grid.take(low + 1, axis=1)
    tall = upper + share[:, None] * (lower - upper)
    left, right = tall.take(low, axis=2), tall.take(low + 1, axis=2)
    return left + share * (right - left)
