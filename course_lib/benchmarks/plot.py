"""The benchmark as a figure: a bar a row, on a logarithmic axis with "as fast as the rival" in the middle."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from course_lib.benchmarks.measure import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(results: Mapping[str, Sequence[Result]], machine: Mapping[str, str]) -> "Figure":
    """Draw how many times as fast as its rival each of ours is, with quartiles; bars to reach are ticks."""
    from matplotlib.figure import Figure

    shown = [result for family in results.values() for result in family if result.row.against in result.speed]
    figure = Figure(figsize=(9, 1.2 + 0.24 * len(shown)), layout="constrained")
    axes = figure.subplots()
    places = range(len(shown))
    speeds = [result.speed[result.row.against] for result in shown]
    quartiles = [result.spread[result.row.against] for result in shown]
    axes.hlines(places, [1.0] * len(shown), speeds, color="#0072B2", linewidth=3)
    axes.hlines(places, [low for low, _ in quartiles], [high for _, high in quartiles], color="#333333")
    axes.plot(speeds, places, "o", color="#0072B2", label="speed of ours over its rival's, with quartiles")
    barred = [(place, result.row.bar) for place, result in enumerate(shown) if result.row.bar is not None]
    axes.plot(
        [bar for _, bar in barred], [place for place, _ in barred], "|", color="#D55E00", label="to reach"
    )
    axes.axvline(1.0, color="#333333", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(places, [f"{result.row.name} / {result.row.against}" for result in shown], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel(
        f"times as fast ({machine['device']}, {machine['processor']}, {machine['threads']} threads)"
    )
    axes.legend(loc="lower right", fontsize=7)
    return figure
