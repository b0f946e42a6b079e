"""From drawing functions to small pictures in text form, all of one size and one layout."""

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image

DPI = 110  # 594 pixels at the style's width
PALETTES = (256, 128, 64, 32)  # colours a frame, until the frames are light enough
LIGHT = 400_000  # characters that all frames together should stay under
HEAVY = 1_000_000  # ... and must


@dataclass(frozen=True)
class Frames:
    """Pictures as data addresses, with their common size in pixels."""

    addresses: list[str]
    width: int
    height: int


def make_frames(draw: Callable[..., Any], settings: Sequence[Mapping[str, Any]]) -> Frames:
    """Call ``draw(**values)`` for each of the settings and return the pictures.

    Axes are put in the same place in every frame, so that nothing jumps when one follows another.

    Raises:
        TypeError, ValueError: ``draw`` gives no figure, the same one twice, or figures of several sizes; or
            the pictures are too heavy for a page.
    """
    with own_figures():
        figures = [draw_figure(draw, values) for values in settings]
        if len({id(figure) for figure in figures}) < len(figures):
            raise ValueError("draw must make a new figure for every frame; it returned one figure twice")
        align(figures)
        pictures = [_pixels(figure) for figure in figures]
    sizes = sorted({picture.size for picture in pictures})
    if len(sizes) > 1:
        raise ValueError(f"draw must make figures of one size; it made {sizes} pixels")
    return Frames(_addresses(pictures), *sizes[0])


@contextmanager
def own_figures() -> Iterator[None]:
    """Close the figures made inside, so that no notebook shows them; there may be many of them."""
    before, limit = set(plt.get_fignums()), mpl.rcParams["figure.max_open_warning"]
    # Not rc_context, nor ioff: the first figure of a notebook sets it up to show figures; they would undo it.
    mpl.rcParams["figure.max_open_warning"] = 0
    try:
        yield
    finally:
        mpl.rcParams["figure.max_open_warning"] = limit
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def draw_figure(draw: Callable[..., Any], values: Mapping[str, Any]) -> Figure:
    """Return the figure ``draw(**values)`` returns, that of the axes it returns, or else the current one.

    Raises:
        TypeError, ValueError: it returns something else, or has closed the figure, as ``plt.show()`` does.
    """
    fresh = plt.figure()
    result = draw(**values)
    if isinstance(result, np.ndarray) and result.size and isinstance(result.flat[0], Axes):
        result = result.flat[0]
    if isinstance(result, Axes):
        result = result.figure
    if result is None:
        if fresh.number not in plt.get_fignums():
            raise ValueError("draw must leave its figure open: it should not call plt.show() or plt.close()")
        result = plt.gcf()
    if not isinstance(result, Figure):
        raise TypeError(f"draw must return a matplotlib figure, axes or None, got {type(result).__name__}")
    if result is not fresh:
        plt.close(fresh)
    result.set_dpi(DPI)
    if not any(ax.get_subplotspec() for ax in result.axes):
        result.set_layout_engine("none")  # nothing to lay out; matplotlib would warn
    return result


def align(figures: Sequence[Figure]) -> None:
    """Give corresponding axes of the figures the same place: the largest that is free in all of them."""
    engines = [figure.get_layout_engine() for figure in figures]
    if None in engines or len({len(figure.axes) for figure in figures}) != 1:
        return
    for figure, engine in zip(figures, engines, strict=True):
        engine.execute(figure)  # type: ignore[union-attr]
        figure.set_layout_engine("none")
    for axes in zip(*(figure.axes for figure in figures), strict=True):
        left, bottom, right, top = _common_place(axes)
        if left < right and bottom < top:
            for ax in axes:
                ax.set_position(Bbox.from_extents(left, bottom, right, top))


def _common_place(axes: Sequence[Axes]) -> tuple[float, float, float, float]:
    """Return left, bottom, right, top of the place that corresponding axes have in common."""
    boxes = np.array([ax.get_position(original=True).extents for ax in axes])  # (frames, 4)
    left, bottom = boxes[:, :2].max(axis=0)
    right, top = boxes[:, 2:].min(axis=0)
    color_bar = getattr(axes[0], "_colorbar", None)
    # A colour bar is thin: places beside wide and narrow labels may have nothing in common. It moves to where
    # the widest labels let it be, which is free because the axes it belongs to have shrunk.
    if color_bar is not None and color_bar.orientation == "vertical":
        left = boxes[:, 0].min()
        right = left + (boxes[:, 2] - boxes[:, 0]).min()
    elif color_bar is not None:
        bottom = boxes[:, 1].max()
        top = bottom + (boxes[:, 3] - boxes[:, 1]).min()
    return left, bottom, right, top


def picture_address(figure: Figure) -> tuple[str, int, int]:
    """Return one figure as a data address, with its width and height in pixels."""
    picture = _pixels(figure)
    return _encode(picture, PALETTES[0]), *picture.size


def _pixels(figure: Figure) -> Image.Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _addresses(pictures: Sequence[Image.Image]) -> list[str]:
    for colors in PALETTES:
        addresses = [_encode(picture, colors) for picture in pictures]
        weight = sum(map(len, set(addresses)))
        if weight <= LIGHT:
            return addresses
    if weight > HEAVY:
        raise ValueError(
            f"the {len(pictures)} frames weigh {weight // 1000} kB, more than the {HEAVY // 1000} kB a page "
            "may carry: use fewer frames, a smaller figure, or a plainer picture"
        )
    return addresses


def _encode(picture: Image.Image, colors: int) -> str:
    """Return the picture as a lossless WebP of so many colours, in a data address."""
    reduced = picture.quantize(colors, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    reduced.convert("RGB").save(file, "WEBP", lossless=True, quality=80, method=4)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")
