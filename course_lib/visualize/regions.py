"""What a classifier says in every place of a plane, and the line of a single neuron."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from course_lib.visualize.arrays import to_numpy
from course_lib.visualize.style import HATCHES, INK, MARKERS, PALETTE, tint

CLASS_COLORS = [PALETTE[name] for name in ("orange", "blue", "green", "purple", "vermilion", "sky", "yellow")]


def decision_regions(
    predict: Callable[[Any], Any],
    x: Any,
    y: Any = None,
    *,
    ax: Axes | None = None,
    names: Sequence[str] | None = None,
    limits: tuple[float, float, float, float] | None = None,
    resolution: int = 250,
    legend: bool = True,
) -> Axes:
    """Colour and hatch the plane by the class that ``predict`` gives each point; draw the examples over it.

    Args:
        predict: maps points (m, 2), of the kind of ``x`` (tensor or array), to class labels (m,) or to one
            score per class (m, classes). A ``torch.nn.Module`` is used in eval mode, without gradients.
        x: examples (n, 2), a tensor or an array; with ``limits`` there may be none, (0, 2).
        y: their labels (n,), whole numbers from 0; None draws the regions alone.
        ax: where to draw; default a new figure.
        names: of the classes, for the legend; default "class 0", ...
        limits: (left, right, bottom, top); default the range of ``x`` and a margin.
        resolution: points a side of the grid ``predict`` is asked about.
        legend: whether to explain the marks.

    Raises:
        TypeError, ValueError: shapes do not fit, or ``predict`` returns neither labels nor scores of classes.
    """
    points = np.asarray(to_numpy(x), dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"x must be points in the plane, (n, 2), got shape {points.shape}")
    labels = None if y is None else _whole(to_numpy(y), "y")
    if labels is not None and labels.shape != (len(points),):
        raise ValueError(f"y must be one label per point, ({len(points)},), got shape {labels.shape}")
    if resolution < 2:
        raise ValueError(f"resolution must be at least 2, got {resolution}")
    left, right, bottom, top = _limits(points) if limits is None else limits
    across, up = np.meshgrid(np.linspace(left, right, resolution), np.linspace(bottom, top, resolution))
    predicted = _classes(predict, np.stack([across.ravel(), up.ravel()], axis=1), x).reshape(across.shape)

    count = 1 + max([0, predicted.max(), *([] if labels is None else labels)])
    if names is not None and len(names) < count:
        raise ValueError(f"names must name all {count} classes, got {len(names)}")
    ax = plt.subplots()[1] if ax is None else ax
    _draw_regions(ax, across, up, predicted, count)
    if labels is not None:
        _draw_points(ax, points, labels, names)
        if legend and len(points):
            ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, handletextpad=0.2)
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="$x_1$", ylabel="$x_2$")
    return ax


def boundary_line(
    w: Any, b: Any, *, ax: Axes | None = None, label: str | None = None, arrow: bool = True
) -> Axes:
    """Draw the line w·x + b = 0 of a neuron with weights ``w`` (2,) and bias ``b`` within the axes' limits.

    The arrow is ``w``'s direction: it points to the side where w·x + b is positive.

    Raises:
        ValueError: ``w`` is not two numbers, or both are zero, so that there is no line.
    """
    weights, bias = np.asarray(to_numpy(w), dtype=float).ravel(), float(to_numpy(b))
    if weights.shape != (2,) or not np.isfinite([*weights, bias]).all():
        raise ValueError(f"w must be two finite numbers and b one, got w = {w!r}, b = {b!r}")
    if not weights.any():
        raise ValueError("w is zero: w·x + b is the same everywhere, and there is no line to draw")
    ax = plt.subplots()[1] if ax is None else ax
    limits = ax.axis()
    along = np.array([-weights[1], weights[0]]) / np.hypot(*weights)
    center = np.array([(limits[0] + limits[1]) / 2, (limits[2] + limits[3]) / 2])
    foot = center - weights * (weights @ center + bias) / (
        weights @ weights
    )  # the line's point nearest the centre
    ax.axline(foot, foot + along, color=INK, linestyle="-", linewidth=2, label=label)
    if arrow:
        length = 0.14 * min(limits[1] - limits[0], limits[3] - limits[2])
        tip = foot + length * weights / np.hypot(*weights)
        style = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", xy=tip, xytext=foot, arrowprops=style, annotation_clip=True)
    ax.axis(limits)
    return ax


def _draw_regions(ax: Axes, across: np.ndarray, up: np.ndarray, predicted: np.ndarray, count: int) -> None:
    # Neighbours differ in lightness as well as in hue and hatching.
    amounts = [0.18 if label % 2 else 0.38 for label in range(count)]
    colors = [tint(CLASS_COLORS[label % len(CLASS_COLORS)], amounts[label]) for label in range(count)]
    (left, right), (bottom, top) = across[0, [0, -1]], up[[0, -1], 0]
    ax.imshow(
        predicted,
        cmap=ListedColormap(colors),
        vmin=-0.5,
        vmax=count - 0.5,
        extent=(left, right, bottom, top),
        origin="lower",
        aspect="auto",
    )
    for label in range(count):
        inside = (predicted == label).astype(float)
        if 0 < inside.mean() < 1:
            hatches = [HATCHES[label % len(HATCHES)]]
            ax.contourf(across, up, inside, levels=[0.5, 1.5], colors="none", hatches=hatches)
            ax.contour(across, up, inside, levels=[0.5], colors=[INK], linewidths=1.0, linestyles="-")


def _draw_points(ax: Axes, points: np.ndarray, labels: np.ndarray, names: Sequence[str] | None) -> None:
    for label in np.unique(labels):
        chosen = points[labels == label]
        ax.plot(
            *chosen.T,
            linestyle="none",
            marker=MARKERS[label % len(MARKERS)],
            markerfacecolor=CLASS_COLORS[label % len(CLASS_COLORS)],
            markeredgecolor=INK,
            markeredgewidth=0.9,
            label=f"class {label}" if names is None else names[label],
        )


def _classes(predict: Callable[[Any], Any], grid: np.ndarray, like: Any) -> np.ndarray:
    """Ask ``predict`` about the grid (m, 2), in the kind of ``like``; return labels (m,)."""
    asked: Any = grid
    if isinstance(like, torch.Tensor):
        asked = torch.as_tensor(
            grid, dtype=like.dtype if like.is_floating_point() else None, device=like.device
        )
    training = predict.training if isinstance(predict, torch.nn.Module) else False
    if isinstance(predict, torch.nn.Module):
        predict.eval()
    try:
        with torch.no_grad():
            answer = to_numpy(predict(asked))
    finally:
        if training:
            predict.train()  # type: ignore[attr-defined]
    if answer.ndim == 2 and answer.shape[1] > 1 and len(answer) == len(grid):
        return answer.argmax(axis=1)
    if answer.size != len(grid) or answer.ndim == 0 or len(answer) != len(grid):
        raise ValueError(
            f"predict must return a label per point, ({len(grid)},), or a score per point and class, "
            f"({len(grid)}, classes), got shape {answer.shape}"
        )
    return _whole(answer.ravel(), "what predict returns")


def _whole(labels: np.ndarray, name: str) -> np.ndarray:
    numbers = labels.astype(float)
    wrong = numbers[~((numbers >= 0) & (numbers == np.floor(numbers)) & np.isfinite(numbers))]
    if wrong.size:
        raise ValueError(
            f"{name} must be class labels 0, 1, ..., got {wrong[0]:g}; one score per point says no class: "
            "compare it with a threshold, as in lambda x: (model(x) > 0).long()"
        )
    return numbers.astype(int)


def _limits(points: np.ndarray) -> tuple[float, float, float, float]:
    if len(points) == 0:
        raise ValueError("without points the limits must be given")
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.12 * (high - low), 0.5)
    return low[0] - margin[0], high[0] + margin[0], low[1] - margin[1], high[1] + margin[1]
