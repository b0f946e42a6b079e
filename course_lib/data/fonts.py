"""Characters of the fonts that come with matplotlib, as small grey pictures.

Outlines are read from the font files and filled here, so that neither FreeType's version nor its hinting,
which move edges by a fraction of a pixel, have a say in what the pictures look like.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SIDE, BOX = 36, 28  # pixels of a master, and of the box in it that a character fills
_PIECES = 4  # straight pieces that stand for a curve
_LINES = 4  # scan lines a pixel


@cache
def masters(font: str) -> NDArray[np.uint8]:
    """Return the ``CHARACTERS`` (62, SIDE, SIDE) of a font file of matplotlib's, ink 255 on 0, read-only.

    Each character is scaled until its height or its width, whichever is larger, is BOX, and centred.

    Raises:
        FileNotFoundError: matplotlib has no such font.
    """
    import matplotlib
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{font}.ttf")
    with _old_dates_are_fine(), TTFont(path, lazy=True) as file:
        names, table = file.getBestCmap(), file["glyf"]
        pictures = [filled(_fitted(_outline(table, names[ord(each)]))) for each in CHARACTERS]
    found = np.stack(pictures)
    found.setflags(write=False)
    return found


def filled(edges: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return how much of each pixel (SIDE, SIDE) closed outlines cover, from 0 to 255.

    Args:
        edges: straight pieces (n, 2, 2) from (x, y) to (x, y), in pixels, y upwards. Outlines inside others
            run the other way round and are holes.

    Coverage is exact along a scan line and a mean over scan lines. A crossing at x adds its direction to
    every pixel right of it, and the covered part to its own: two numbers a crossing, and one running sum.
    """
    (x0, y0), (x1, y1) = edges[:, 0].T, edges[:, 1].T
    lines = (np.arange(SIDE * _LINES) + 0.5) / _LINES
    edge, line = np.nonzero((lines >= np.minimum(y0, y1)[:, None]) & (lines < np.maximum(y0, y1)[:, None]))
    slope = (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    x = x0[edge] + (lines[line] - y0[edge]) * slope
    column = np.floor(x).astype(np.int64)
    direction = np.sign(y1[edge] - y0[edge]) / _LINES
    pixel = (SIDE - 1 - line // _LINES) * (SIDE + 1) + column
    where = np.concatenate([pixel, pixel + 1])
    share = np.concatenate([direction * (column + 1 - x), direction * (x - column)])
    sums = np.bincount(where, share, SIDE * (SIDE + 1)).reshape(SIDE, SIDE + 1)
    covered = np.abs(sums.cumsum(axis=1)[:, :SIDE])
    return np.rint(255 * np.minimum(covered, 1)).astype(np.uint8)


def _outline(table: Any, name: str) -> NDArray[np.float64]:
    """Return the outline of a character as straight pieces (n, 2, 2), in the font's units."""
    points, ends, flags = table[name].getCoordinates(table)
    points = np.array(points, np.float64)
    on_curve = np.array(flags) & 1 == 1
    pieces = []
    for start, end in zip([0, *(each + 1 for each in ends[:-1])], ends, strict=True):
        pieces.append(_contour(points[start : end + 1], on_curve[start : end + 1]))
    return np.concatenate(pieces)


def _contour(points: NDArray[np.float64], on_curve: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return one closed contour of a TrueType font as straight pieces (n, 2, 2).

    Points off the curve are control points of quadratic Bezier curves; halfway between two that follow each
    other lies a point of the curve that the font leaves out.
    """
    following = np.roll(points, -1, axis=0)
    left_out = ~on_curve & ~np.roll(on_curve, -1)
    place = np.flatnonzero(left_out) + 1
    points = np.insert(points, place, (points + following)[left_out] / 2, axis=0)
    on_curve = np.insert(on_curve, place, True)
    first = int(on_curve.argmax())
    points, on_curve = np.roll(points, -first, axis=0), np.roll(on_curve, -first)

    # A straight side has no control point: any point on it does, such as its end.
    after, after_is_on = np.roll(points, -1, axis=0), np.roll(on_curve, -1)
    beyond = np.roll(points, -2, axis=0)
    start, control = points[on_curve], after[on_curve]
    end = np.where(after_is_on[:, None], after, beyond)[on_curve]
    t = (np.arange(_PIECES + 1) / _PIECES)[:, None, None]
    curve = (1 - t) * (1 - t) * start + 2 * t * (1 - t) * control + t * t * end  # (pieces + 1, curves, 2)
    return np.stack([curve[:-1], curve[1:]], axis=2).reshape(-1, 2, 2)


def _fitted(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale and move the outline until it fills the box in the middle of the picture."""
    low, high = edges.min(axis=(0, 1)), edges.max(axis=(0, 1))
    return (edges - (low + high) / 2) * (BOX / (high - low).max()) + SIDE / 2


@contextmanager
def _old_dates_are_fine() -> Iterator[None]:
    """Keep fontTools from warning that Computer Modern's files do not say when they were made."""
    logger = logging.getLogger("fontTools.ttLib.tables._h_e_a_d")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
