"""The walks of optimizers on the map of a cost of two parameters."""

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes

from course_lib.visualize.arrays import to_numpy
from course_lib.visualize.style import CYCLE, DASHES, INK, MARKERS, PAPER

FAINT = "#a9a698"


def paths(
    surface: Callable[[torch.Tensor], torch.Tensor],
    walks: Mapping[str, Any],
    *,
    window: tuple[float, float, float, float] | None = None,
    ax: Axes | None = None,
    levels: int = 14,
    legend: bool = True,
) -> Axes:
    """Draw the contours of a surface, denser where it is low, and walks over them, each with its end marked.

    Args:
        surface: points (..., 2) -> costs (...); a ``course_lib.optim.surfaces.Surface`` knows its window and
            minima, which are marked with a cross.
        walks: name of each walk -> its places (steps + 1, 2), tensor or array; NaNs end it.
        window: (left, right, bottom, top); default the surface's.
        ax: where to draw; default a new figure.
        levels: how many contours.
        legend: whether to name the walks.

    Raises:
        ValueError: a walk is not (steps, 2), or no window is known.
    """
    window = getattr(surface, "window", None) if window is None else window
    if window is None:
        raise ValueError("this surface has no window of its own: give window=(left, right, bottom, top)")
    ax = plt.subplots()[1] if ax is None else ax
    left, right, bottom, top = window
    across, up = np.meshgrid(np.linspace(left, right, 200), np.linspace(bottom, top, 200))
    with torch.no_grad():
        height = to_numpy(surface(torch.from_numpy(np.stack([across, up], axis=-1))))
    # Even steps of the logarithm above the lowest place: the floor of a valley is as legible as its walls.
    low, high = float(height.min()), float(height.max())
    steps = low + (high - low) * np.geomspace(1e-3, 1, levels, endpoint=False)
    ax.contour(across, up, height, levels=steps, colors=FAINT, linewidths=0.7, linestyles="-")

    for number, (name, walk) in enumerate(walks.items()):
        places = np.asarray(to_numpy(walk), dtype=float)
        if places.ndim != 2 or places.shape[1] != 2:
            raise ValueError(f"the walk {name!r} must be places (steps, 2), got shape {places.shape}")
        places = places[np.isfinite(places).all(axis=1)]
        color, dashes = CYCLE[number % len(CYCLE)], DASHES[number % len(DASHES)]
        ax.plot(*places.T, color=color, linestyle=dashes, linewidth=1.4, marker=".", markersize=2.5)
        end: dict[str, Any] = {
            "color": color,
            "markersize": 7,
            "markeredgecolor": PAPER,
            "zorder": 4,
            "label": name,
        }
        ax.plot(*places[-1], MARKERS[number % len(MARKERS)], **end)
    for minimum in getattr(surface, "minima", ()):
        ax.plot(*minimum, "x", color=INK, markersize=8, zorder=5)
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="parameter 1", ylabel="parameter 2")
    if legend and walks:
        ax.legend(loc="best", fontsize="small")
    return ax
