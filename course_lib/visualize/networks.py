"""A small network drawn as circles and lines."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from course_lib.visualize.arrays import to_numpy
from course_lib.visualize.style import FAINT_INK, INK, PALETTE, WIDTH, tint

Color = tuple[float, float, float]

SHOWN = 8  # a layer with more units is drawn with a gap
FILLS = [tint(PALETTE["sky"], 0.35), tint(PALETTE["orange"], 0.35), tint(PALETTE["green"], 0.35)]


def network_diagram(
    sizes: Sequence[int],
    labels: Sequence[str] | None = None,
    *,
    units: Sequence[Sequence[str] | None] | None = None,
    weights: Sequence[Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a fully connected network with ``sizes`` units a layer, inputs on the left, outputs on the right.

    Args:
        sizes: units in each layer; of more than 8 the first and last few are drawn around dots.
        labels: a name for each layer, written under it; default "input", "hidden", ..., "output".
        units: for each layer the texts in its circles (None for none), such as ``["$x_1$", "$x_2$"]``.
        weights: for each pair of layers a matrix (units after, units before), as in ``torch.nn.Linear``;
            thick lines are large weights, solid blue positive, dashed vermilion negative.
        ax: where to draw; default a new figure.

    Raises:
        ValueError: fewer than two layers, a layer without units, or lists that do not fit the sizes.
    """
    _check(sizes, labels, units)
    matrices = None if weights is None else _matrices(weights, sizes)
    names = (
        [_default_name(layer, len(sizes)) for layer in range(len(sizes))] if labels is None else list(labels)
    )
    shown = [_shown(size) for size in sizes]
    tallest = max(len(column) for column in shown)
    gap = 2.4 if tallest <= 5 else 2.0  # between layers, where units of a layer are 1 apart
    left, right = -0.9, (len(sizes) - 1) * gap + 0.9
    bottom, top = -tallest / 2 - 0.25 - 0.42 * max(name.count("\n") + 1 for name in names), tallest / 2
    if ax is None:
        height = WIDTH * (top - bottom) / (right - left)
        ax = plt.subplots(figsize=(WIDTH, min(max(height, 1.6), 4.0)))[1]
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.set_axis_off()

    places = [
        {unit: (len(column) - 1) / 2 - row for row, unit in enumerate(column) if unit is not None}
        for column in shown
    ]
    for layer in range(len(sizes) - 1):
        matrix = None if matrices is None else matrices[layer]
        _draw_edges(ax, places[layer], places[layer + 1], layer * gap, gap, matrix)
    for layer, name in enumerate(names):
        texts = None if units is None else units[layer]
        fill = FILLS[0] if layer == 0 else FILLS[1] if layer == len(sizes) - 1 else FILLS[2]
        _draw_units(ax, places[layer], layer * gap, fill, texts)
        if None in shown[layer]:
            middle = (len(shown[layer]) - 1) / 2 - shown[layer].index(None)
            ax.text(layer * gap, middle, "⋮", ha="center", va="center", fontsize=16)
        ax.text(layer * gap, -tallest / 2 - 0.15, name, ha="center", va="top", fontsize=10)
    return ax


def _draw_units(
    ax: Axes, places: dict[int, float], x: float, fill: Color, texts: Sequence[str] | None
) -> None:
    for unit, height in places.items():
        ax.add_patch(Circle((x, height), 0.32, facecolor=fill, edgecolor=INK, linewidth=1.2, zorder=3))
        if texts is not None:
            ax.text(x, height, texts[unit], ha="center", va="center", fontsize=10, zorder=4)


def _draw_edges(
    ax: Axes,
    before: dict[int, float],
    after: dict[int, float],
    x: float,
    gap: float,
    matrix: np.ndarray | None,
) -> None:
    largest = 1.0 if matrix is None else np.abs(matrix).max() or 1.0
    for source, start in before.items():
        for target, end in after.items():
            color, style, width = FAINT_INK, "-", 0.8
            if matrix is not None:
                weight = matrix[target, source]
                color, style = (PALETTE["blue"], "-") if weight >= 0 else (PALETTE["vermilion"], "--")
                width = 3.5 * abs(weight) / largest
            ax.plot([x, x + gap], [start, end], color=color, linestyle=style, linewidth=width, zorder=1)


def _shown(size: int) -> list[int | None]:
    """The units of a layer from top to bottom; None is a gap."""
    if size <= SHOWN:
        return list(range(size))
    return [0, 1, 2, None, size - 2, size - 1]


def _default_name(layer: int, count: int) -> str:
    return "input" if layer == 0 else "output" if layer == count - 1 else "hidden"


def _check(
    sizes: Sequence[int], labels: Sequence[str] | None, units: Sequence[Sequence[str] | None] | None
) -> None:
    if len(sizes) < 2 or any(size < 1 for size in sizes):
        raise ValueError(f"sizes must be at least two numbers of at least 1, got {list(sizes)}")
    if labels is not None and len(labels) != len(sizes):
        raise ValueError(f"there are {len(sizes)} layers and {len(labels)} labels")
    if units is None:
        return
    if len(units) != len(sizes):
        raise ValueError(f"there are {len(sizes)} layers and units for {len(units)}")
    for layer, (texts, size) in enumerate(zip(units, sizes, strict=True)):
        if texts is not None and len(texts) != size:
            raise ValueError(f"layer {layer} has {size} units and {len(texts)} texts")


def _matrices(weights: Sequence[Any], sizes: Sequence[int]) -> list[np.ndarray]:
    matrices = [to_numpy(matrix) for matrix in weights]
    expected = [(after, before) for before, after in pairwise(sizes)]
    found = [matrix.shape for matrix in matrices]
    if found != expected:
        raise ValueError(f"weights must have shapes {expected}, (units after, units before), got {found}")
    return matrices
