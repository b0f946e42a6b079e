"""Brick, grass and gravel, in patches: pictures without objects, told apart by their grain."""

import numpy as np
import torch

from course_lib.data.dataset import Dataset
from course_lib.data.options import whole
from course_lib.data.pictures import patches, picture
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of

_CLASSES = ("brick", "grass", "gravel")
# Columns of each photograph, 512 wide. The gaps are as wide as the grain reaches: 16 columns apart, pixels of
# one row correlate by less than 0.02 in each of the three.
_COLUMNS = {"train": slice(0, 288), "validation": slice(304, 400), "test": slice(416, 512)}
_LARGEST = 96  # a patch must fit into the narrowest area


@register(
    Sheet(
        name="textures",
        kind="embedded",
        what="Patches of three photographs, of a brick wall, grass and gravel, in grey.",
        source="Inside scikit-image as skimage.data.brick and gravel (from CC0Textures, Bricks25 and "
        "Gravel04) and grass (by linolafett, DeviantArt, Grass-01).",
        licence="CC0 1.0, all three",
        size="three photographs of 512x512 pixels; 0.5 MB, inside scikit-image",
        splits={"train": 432, "validation": 144, "test": 144, "all": 720},
        shape=(1, 32, 32),
        values="float32, from 0 (black) to 1, as in the files: neither brightness nor contrast is evened out",
        target="int64, the material",
        classes=_CLASSES,
        options={"size": "32: side of the patches, side by side, in pixels, 8 to 96"},
        pitfalls=(
            "One photograph a class: what is learned is this wall, this lawn and this path, on that day, and "
            "nothing says that it carries over to another brick.",
            "The splits are areas of the same photographs, columns 0 to 287, 304 to 399 and 416 to 511. No "
            "pixel is shared and the gaps are wider than the grain, but light, scale and camera are the same "
            "in all: the test error is that for more of the same.",
            "Brightness and contrast alone are right about seven times in ten, so compare a model with "
            "that; a linear model of the raw pixels does worse. To make it learn the grain, subtract each "
            "patch's mean and divide by its standard deviation.",
            "Bricks repeat about every 32 columns, the default size of a patch.",
        ),
    )
)
def textures(split: str, *, size: int = 32) -> Dataset:
    """Return ``x`` (n, 1, size, size) in [0, 1] and ``y`` (n,); as many patches of each class."""
    size = whole("size", size, at_least=8)
    if size > _LARGEST:
        raise ValueError(f"size must be at most {_LARGEST}, the width of the test area, got {size}")
    photographs = [picture(f"{name}.png") for name in _CLASSES]
    x, y = [], []
    for part in parts_of(split):
        for label, photograph in enumerate(photographs):
            cut = patches(photograph[:, _COLUMNS[part]], size)
            x.append(cut)
            y.append(np.full(len(cut), label, np.int64))
    pixels = np.concatenate(x).astype(np.float32) / 255
    return Dataset(torch.from_numpy(pixels[:, None]), torch.from_numpy(np.concatenate(y)))
