"""Curves over epochs or steps: losses, accuracies, norms."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from course_lib.visualize.arrays import to_numpy
from course_lib.visualize.style import CYCLE, DASHES, INK

GAP = 0.075  # between labels at line ends, in heights of the axes


def curves(
    data: Any,
    columns: Sequence[str] | None = None,
    *,
    x: Any = None,
    ax: Axes | None = None,
    log: bool = False,
    legend: bool = False,
    xlabel: str = "epoch",
    ylabel: str | None = None,
) -> Axes:
    """Draw one line for each column, told apart by dashes and by its name at its end, as well as by colour.

    Args:
        data: a ``History``, or names to sequences (steps,), or to arrays (runs, steps), which are drawn as
            their mean with a band of one standard deviation.
        columns: which ones, in this order; default all of a mapping, the losses of a history.
        x: values (steps,) on the horizontal axis; default 1, 2, 3, ...
        ax: where to draw; default a new figure.
        log: a logarithmic vertical axis.
        legend: names in a legend instead of at the line ends.
        xlabel, ylabel: what the axes show; ``ylabel`` defaults to "loss" where all columns are losses.

    Raises:
        KeyError: a column is not there.
        ValueError: nothing to draw, lengths differ, or a logarithmic axis for values that are not positive.
    """
    table = data.to_dict() if hasattr(data, "to_dict") else data
    if not isinstance(table, Mapping):
        raise TypeError(
            f"data must be a History or a mapping of names to sequences, got {type(data).__name__}"
        )
    if columns is None:
        columns = [name for name in table if table is data or str(name).endswith("_loss")]
    missing = [name for name in columns if name not in table]
    if missing:
        raise KeyError(f"no column {missing[0]!r}; there is {', '.join(map(str, table)) or 'none'}")
    lines = {name: _runs(table[name], name, log) for name in columns}
    if not lines:
        raise ValueError("there are no curves to draw")

    ax = plt.subplots()[1] if ax is None else ax
    for index, (name, runs) in enumerate(lines.items()):
        across = _across(x, runs.shape[1], name)
        color, dashes = CYCLE[index % len(CYCLE)], DASHES[index % len(DASHES)]
        mean = runs.mean(axis=0)
        # One epoch makes no line: a dot shows it.
        ax.plot(
            across,
            mean,
            color=color,
            linestyle=dashes,
            marker="o" if len(mean) == 1 else "",
            label=_name(name),
        )
        if len(runs) > 1:
            spread = runs.std(axis=0, ddof=1)
            ax.fill_between(across, mean - spread, mean + spread, color=color, alpha=0.18, linewidth=0)
    if log:
        ax.set_yscale("log")
    if x is None:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.grid(True, axis="y")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel if ylabel is not None else "loss" if all("loss" in str(n) for n in lines) else "")
    if legend:
        ax.legend()
    else:
        _label_ends(ax, list(lines.values()), [_name(name) for name in lines])
    return ax


def _runs(values: Any, name: str, log: bool) -> np.ndarray:
    """Return the values as (runs, steps)."""
    runs = np.atleast_2d(to_numpy(values).astype(float))
    if runs.ndim != 2 or runs.shape[1] == 0:
        raise ValueError(
            f"{name!r} must be a sequence (steps,) or runs (runs, steps), got {np.shape(values)}"
        )
    if not np.isfinite(runs).any():
        raise ValueError(f"{name!r} has no finite value to draw")
    if log and (runs <= 0).any():
        raise ValueError(f"{name!r} has values that are not positive, and log=True has no place for them")
    return runs


def _across(x: Any, steps: int, name: str) -> np.ndarray:
    if x is None:
        return np.arange(1, steps + 1)
    across = to_numpy(x)
    if across.shape != (steps,):
        raise ValueError(f"{name!r} has {steps} steps, and x has shape {across.shape}")
    return across


def _name(name: object) -> str:
    return str(name).replace("_", " ")


def _label_ends(ax: Axes, lines: list[np.ndarray], names: list[str]) -> None:
    """Write every name at the right end of its line, moved up or down where two would touch."""
    to_axes = (ax.transData + ax.transAxes.inverted()).transform
    right = ax.get_xlim()[1]
    ends = []
    for runs in lines:
        mean = runs.mean(axis=0)
        last = mean[np.isfinite(mean)][-1] if np.isfinite(mean).any() else np.nan
        ends.append(float(np.clip(to_axes((right, last))[1], 0.0, 1.0)) if np.isfinite(last) else 1.0)
    for index, (height, name) in enumerate(zip(_spread(ends), names, strict=True)):
        ax.annotate(
            name,
            xy=(1.01, height),
            xytext=(32, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=10,
            color=INK,
        )
        ax.annotate(  # a piece of the line itself, so that the name needs no colour
            "",
            xy=(1.01, height),
            xytext=(28, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            arrowprops={
                "arrowstyle": "-",
                "color": CYCLE[index % len(CYCLE)],
                "linestyle": DASHES[index % len(DASHES)],
                "linewidth": 2.0,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )


def _spread(heights: list[float]) -> list[float]:
    """Move heights apart until neighbours are a gap away, keeping their order and their middle."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    placed = [heights[index] for index in order]
    for _ in range(100):
        for low in range(len(placed) - 1):
            overlap = GAP - (placed[low + 1] - placed[low])
            if overlap > 1e-9:
                placed[low] -= overlap / 2
                placed[low + 1] += overlap / 2
    return [placed[order.index(index)] for index in range(len(heights))]
