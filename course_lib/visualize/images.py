"""Pictures side by side: examples, feature maps, weights."""

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from course_lib.visualize.arrays import to_numpy
from course_lib.visualize.style import DIVERGING, WIDTH


def image_grid(
    images: Any,
    titles: Any = None,
    *,
    columns: int | None = None,
    diverging: bool = False,
    limits: tuple[float, float] | None = None,
    color_bar: bool | None = None,
    cmap: str | None = None,
) -> np.ndarray:
    """Draw pictures in a grid, all on one scale, so that their brightness can be compared.

    Args:
        images: tensor or array of grey (n, h, w), (n, 1, h, w) or colour pictures (n, 3, h, w), (n, h, w, 3);
            colour in [0, 1] or bytes.
        titles: one for each picture: texts, or numbers such as a tensor of labels.
        columns: pictures a row; default at most 8.
        diverging: the values have a sign (weights, differences): zero is white, both signs have a hue, and a
            colour bar tells the scale.
        limits: (lowest, highest) value of the scale; default those of all pictures together.
        color_bar: default only where ``diverging``.
        cmap: default "gray", or the diverging one.

    Returns:
        The axes, an array (rows, columns); the unused ones of the last row are invisible.

    Raises:
        ValueError: the shape is none of these, there are no pictures, or the titles are too few or too many.
    """
    pictures = _pictures(images)
    count, is_color = len(pictures), pictures.ndim == 4
    if titles is not None and len(titles) != count:
        raise ValueError(f"there are {count} images and {len(titles)} titles")
    titles = titles.tolist() if hasattr(titles, "tolist") else titles
    if is_color and (diverging or color_bar or limits is not None):
        raise ValueError("colour pictures have no scale: diverging, limits and color_bar are for grey ones")
    columns = min(count, 8) if columns is None else columns
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    low, high = _scale(pictures, diverging, limits)

    rows = math.ceil(count / columns)
    height, width = pictures.shape[1:3]
    if color_bar is None:
        color_bar = diverging
    side = (0.86 if color_bar else 0.98) * WIDTH / max(columns, 3) - 0.08  # inches a picture is wide
    above = 0.08 if titles is None else 0.3
    figure: Figure = plt.figure(figsize=(WIDTH, rows * (side * height / width + above) + 0.12))
    figure.set_layout_engine("constrained", h_pad=0.04, w_pad=0.04, hspace=0.0, wspace=0.0)
    axes = figure.subplots(rows, columns, squeeze=False)
    for index, ax in enumerate(axes.flat):
        ax.set_axis_off()
        if index < count:
            scale = {} if is_color else {"vmin": low, "vmax": high}
            shown = ax.imshow(pictures[index], cmap=cmap or (DIVERGING if diverging else "gray"), **scale)
            if titles is not None:
                ax.set_title(str(titles[index]), fontsize=10, loc="center", pad=3)
    if color_bar:
        figure.colorbar(shown, ax=axes, shrink=0.85, aspect=14, pad=0.02)
    return axes


def _pictures(images: Any) -> np.ndarray:
    """Return (n, h, w) for grey and (n, h, w, 3) for colour pictures."""
    if isinstance(images, list | tuple):
        images = np.stack([to_numpy(image) for image in images]) if len(images) else np.empty((0, 1, 1))
    pictures = to_numpy(images)
    if len(pictures) == 0:
        raise ValueError("there are no images")
    if pictures.ndim == 4 and pictures.shape[1] == 1:
        return pictures[:, 0]
    if pictures.ndim == 4 and pictures.shape[1] == 3 and pictures.shape[3] != 3:
        return pictures.transpose(0, 2, 3, 1)
    if pictures.ndim == 3 or (pictures.ndim == 4 and pictures.shape[3] == 3):
        return pictures
    raise ValueError(
        f"images must be (n, h, w), (n, 1, h, w), (n, 3, h, w) or (n, h, w, 3), got {pictures.shape}"
    )


def _scale(pictures: np.ndarray, diverging: bool, limits: tuple[float, float] | None) -> tuple[float, float]:
    finite = pictures[np.isfinite(pictures)]
    if limits is None and finite.size == 0:
        raise ValueError("the images hold no finite number")
    low, high = (float(finite.min()), float(finite.max())) if limits is None else limits
    if diverging:
        largest = max(abs(low), abs(high)) or 1.0
        return -largest, largest
    return low, high if high > low else low + 1.0
