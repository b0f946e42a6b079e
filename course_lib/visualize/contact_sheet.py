"""What is in a data set, at a glance: some of its examples, drawn as what they are."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_lib import data
from course_lib.data import Dataset, DetectionDataset, GraphDataset, TextDataset
from course_lib.visualize.arrays import to_numpy
from course_lib.visualize.images import image_grid
from course_lib.visualize.regions import CLASS_COLORS
from course_lib.visualize.style import FAINT_INK, INK, MARKERS, PAPER, WIDTH

NODES = 150  # of a larger graph, a neighbourhood is drawn
LINE = 62  # characters of a text that fit on a line


def contact_sheet(name: str, split: str | None = None, *, count: int | None = None, **options: Any) -> Figure:
    """Draw a sample of a data set: pictures, boxes and masks, curves, texts, points or a graph.

    Args:
        name: what ``data.load`` calls the set.
        split: which split; default the first one in the set's data sheet, or all of a graph, since who is
            linked to whom of what class is what there is to see.
        count: how many examples, evenly spaced over the split; default as many as a page shows well.
        options: of the data set, such as ``size=32``.

    Raises:
        ValueError, TypeError, DownloadError: as ``data.load``; or ``count`` is not a whole number above 0, or
            nobody has said how to draw examples of this shape.
    """
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise ValueError(f"count must be a whole number of at least 1, got {count!r}")
    first = next((next(iter(sheet.splits)) for sheet in data.sheets() if sheet.name == name), "train")
    dataset = data.load(name, first if split is None else split, **options)
    if split is None and isinstance(dataset, GraphDataset):
        dataset = data.load(name, "all", **options)
    if isinstance(dataset, DetectionDataset):
        return _scenes(dataset, _sample(dataset, count or 6))
    if isinstance(dataset, GraphDataset):
        return _graph(dataset)
    if isinstance(dataset, TextDataset):
        return _texts(dataset, _sample(dataset, count or 10))
    if dataset.x.ndim == 4 and dataset.x.shape[1] in (1, 3):
        return _pictures(dataset, _sample(dataset, count or 32))
    if dataset.x.ndim == 3:
        return _signals(dataset, _sample(dataset, count or 12))
    if dataset.x.ndim == 2 and dataset.x.shape[1] <= 2:
        return _points(dataset, _sample(dataset, count or len(dataset)))
    raise ValueError(
        f"there is no way to draw examples of shape {tuple(dataset.x.shape[1:])}, as in {name!r}"
    )


def _sample(dataset: Dataset, count: int) -> np.ndarray:
    """Return ``count`` row numbers, or all there are, from the first to the last at an even pace."""
    return np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int))


def _title(dataset: Dataset, row: int) -> str:
    label = dataset.y[row].item()
    return dataset.classes[int(label)] if dataset.classes else f"{label:g}"


def _pictures(dataset: Dataset, rows: np.ndarray) -> Figure:
    titles = [_title(dataset, row) for row in rows]
    columns = 8 if max(map(len, titles)) <= 6 else 5  # long names need room
    limits = (0.0, 1.0) if dataset.x.shape[1] == 1 else None
    axes = image_grid(dataset.x[rows], titles, columns=min(columns, len(rows)), limits=limits)
    return axes[0, 0].figure


def _scenes(dataset: DetectionDataset, rows: np.ndarray) -> Figure:
    columns = min(3, len(rows))
    height, width = dataset.x.shape[2:]
    lines = -(-len(rows) // columns)
    size = (WIDTH, lines * (WIDTH / columns * height / width + 0.05))
    figure, axes = plt.subplots(lines, columns, squeeze=False, figsize=size)
    figure.set_layout_engine("constrained", h_pad=0.02, w_pad=0.02, hspace=0.0, wspace=0.0)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, row in zip(axes.flat, rows, strict=False):
        picture = to_numpy(dataset.x[row]).transpose(1, 2, 0)
        # Boxes are measured between pixels, so the picture starts at 0, and not at -1/2.
        ax.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=1, extent=(0, width, height, 0))
        target = dataset.target(row)
        for box, label, mask in zip(*(to_numpy(target[key]) for key in target), strict=True):
            _outlined(ax, box, mask, CLASS_COLORS[(label - 1) % len(CLASS_COLORS)])
            if len(dataset.classes) > 2:
                _named(ax, box, dataset.classes[label])
    return figure


def _outlined(ax: Axes, box: np.ndarray, mask: np.ndarray, color: str) -> None:
    left, top, right, bottom = box
    height, width = mask.shape
    ax.add_patch(
        Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=color, linewidth=1.4)
    )
    empty = np.pad(mask, 1)  # so that the outline closes at the edge of the picture
    across, down = np.arange(-1, width + 1) + 0.5, np.arange(-1, height + 1) + 0.5
    ax.contour(across, down, empty, levels=[0.5], colors=[PAPER], linewidths=0.7)
    ax.set(xlim=(0, width), ylim=(height, 0))


def _named(ax: Axes, box: np.ndarray, name: str) -> None:
    ground = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
    above = box[1] > 0.12 * ax.get_ylim()[0]  # else there is no room above the box
    ax.text(box[0], box[1], name, fontsize=7, va="bottom" if above else "top", bbox=ground, clip_on=True)


def _signals(dataset: Dataset, rows: np.ndarray) -> Figure:
    columns = min(3, len(rows))
    lines = -(-len(rows) // columns)
    size = (WIDTH, 1.05 * lines + 0.3)
    figure, axes = plt.subplots(lines, columns, squeeze=False, figsize=size, sharex=True, sharey=True)
    for ax in axes.flat[len(rows) :]:
        ax.set_axis_off()
    for ax, row in zip(axes.flat, rows, strict=False):
        ax.plot(to_numpy(dataset.x[row]).T, linewidth=1.2)
        ax.set_title(_title(dataset, row), fontsize=10)
    for ax in axes[-1]:
        ax.set_xlabel("sample")
    return figure


def _texts(dataset: TextDataset, rows: np.ndarray) -> Figure:
    figure, ax = plt.subplots(figsize=(WIDTH, 0.24 * len(rows) + 0.2))
    ax.set(xlim=(0, LINE), ylim=(len(rows) - 0.4, -0.6))
    ax.set_axis_off()
    for line, row in enumerate(rows):
        text = _shown(dataset, dataset.x[row])
        if dataset.y.shape[1:] != dataset.x.shape[1:]:  # else it is the same text, one character further on
            text = f"{text} → {_shown(dataset, dataset.y[row])}"
        shown = text if len(text) <= LINE else f"{text[: LINE - 1]}…"
        # One point is 1/72 inch, and a character of this font is 0.6 as wide as high.
        points = 72 * WIDTH / (0.6 * (LINE + 2))
        ax.text(0, line, shown, family="DejaVu Sans Mono", fontsize=points, va="center", parse_math=False)
    return figure


def _shown(dataset: TextDataset, tokens: Any) -> str:
    """Return a text on one line; what cannot be printed becomes a dot."""
    text = dataset.decode(tokens).replace("\n", "↵")
    return "".join(each if each.isprintable() else "·" for each in text)


def _points(dataset: Dataset, rows: np.ndarray) -> Figure:
    x, y = to_numpy(dataset.x[rows]), to_numpy(dataset.y[rows])
    figure, ax = plt.subplots()
    if x.shape[1] == 1:
        ax.plot(x[:, 0], y, "o", color=CLASS_COLORS[1], markeredgecolor=PAPER)
        ax.set(xlabel="x", ylabel="y")
        return figure
    for label in np.unique(y):
        _marked(ax, x[y == label], int(label), dataset.classes[int(label)])
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    ax.margins(0.08)
    figure.legend(loc="outside right upper")
    return figure


def _graph(dataset: GraphDataset) -> Figure:
    """Draw the nodes with the links among them; marks tell the classes of the split's own nodes."""
    import networkx

    edges = to_numpy(dataset.edge_index).T.tolist()
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(dataset.graph_x)))
    graph.add_edges_from((a, b) for a, b in edges if a != b)
    nodes = to_numpy(dataset.nodes).tolist()
    if len(graph) > NODES:
        first = max(nodes, key=graph.degree)
        near = networkx.single_source_shortest_path_length(graph, first)  # nearest first
        graph = graph.subgraph(list(near)[:NODES])
    place = networkx.spring_layout(graph, seed=0, iterations=100)

    figure, ax = plt.subplots(figsize=(WIDTH, 0.75 * WIDTH))
    for a, b in graph.edges:
        ax.plot(
            *zip(place[a], place[b], strict=True), color=FAINT_INK, linewidth=0.5, linestyle="-", zorder=1
        )
    labels = dict(zip(nodes, to_numpy(dataset.y).tolist(), strict=True))
    others = np.array([place[node] for node in graph if node not in labels]).reshape(-1, 2)
    if len(others):
        ax.plot(*others.T, ".", color=FAINT_INK, markersize=4, label="not in this split")
    for label in sorted({labels[node] for node in graph if node in labels}):
        there = np.array([place[node] for node in graph if labels.get(node) == label])
        name = dataset.classes[label] if dataset.classes else str(label)
        _marked(ax, there, label, name.replace("_", " "))
    ax.set_axis_off()
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _marked(ax: Axes, points: np.ndarray, label: int, name: str) -> None:
    color, marker = CLASS_COLORS[label % len(CLASS_COLORS)], MARKERS[label % len(MARKERS)]
    ax.plot(*points.T, marker, color=color, markeredgecolor=INK, markeredgewidth=0.6, label=name, zorder=2)
