"""Four colour photographs that come with scikit-image, in patches or whole."""

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.options import whole
from course_lib.data.pictures import patches, picture
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of

_FILES = {"astronaut": "astronaut.png", "coffee": "coffee.png", "rocket": "rocket.jpg", "cat": "chelsea.png"}
_NAMES = tuple(_FILES)
_SPLITS = {"train": ("astronaut", "coffee"), "validation": ("rocket",), "test": ("cat",)}
_LARGEST = 300  # the height of the lowest picture


@register(
    Sheet(
        name="photos",
        kind="embedded",
        what="Four colour photographs, an astronaut, a cup of coffee, a rocket and a cat, in patches or "
        "whole.",
        source="Inside scikit-image: skimage.data.astronaut (Eileen Collins, by NASA; 512x512 pixels), "
        "coffee (Pikolo Espresso Bar, by Rachel Michetti; 400x600), rocket (launch of DSCOVR, by SpaceX; "
        "427x640) and cat (Chelsea, by Stefan van der Walt; 300x451).",
        licence="astronaut and rocket: public domain; coffee and cat: CC0 1.0",
        size="four photographs; 1.6 MB, inside scikit-image",
        splits={"train": 472, "validation": 260, "test": 126, "all": 858},
        shape=(3, 32, 32),
        values="float32, red, green and blue from 0 to 1, as stored in the files (sRGB)",
        target="int64, which photograph: 0 astronaut, 1 coffee, 2 rocket, 3 cat; for tasks whose target is "
        "the picture itself, such as colourization",
        options={
            "size": "32: side of the patches, side by side, in pixels, 8 to 300; None gives the whole "
            "picture",
            "colour": "True: False gives one channel, the luminance 0.2125 R + 0.7154 G + 0.0721 B",
            "picture": "None: only this one: 'astronaut', 'coffee', 'rocket' or 'cat', if it is in the split",
        },
        pitfalls=(
            "Splits are whole pictures, so that nothing leaks: train is the astronaut and the coffee, "
            "validation the rocket, test the cat. With one picture to test on, the error says little about "
            "photographs in general, however many patches it is a mean of: they are not independent.",
            "Four pictures hold few colours: skin, orange suit, wood, evening sky, fur. A model that "
            "colours them has not learned what the world looks like.",
            "Nearly half of the patches of the rocket are plain sky (in no channel do they vary by more "
            "than 0.03), which flatters a mean over patches.",
            "Values are sRGB as stored, and not proportional to light: half the value is a fifth of the "
            "light.",
            "The rocket is stored as a JPEG: its finest detail is lost to compression.",
        ),
    )
)
def photos(split: str, *, size: int | None = 32, colour: bool = True, picture: str | None = None) -> Dataset:
    """Return ``x`` (n, 3 or 1, size, size) in [0, 1] and ``y`` (n,), the number of the picture."""
    chosen = _chosen(split, picture)
    if not isinstance(colour, bool):
        raise ValueError(f"colour must be True or False, got {colour!r}")
    if size is None:
        if picture is None:
            raise ValueError(f"size=None gives a whole picture, so picture must say which: {_quoted(chosen)}")
    elif whole("size", size, at_least=8) > _LARGEST:
        raise ValueError(f"size must be at most {_LARGEST}, the height of the lowest picture, got {size}")
    x, y = [], []
    for name in chosen:
        pixels = _pixels(name, colour)
        cut = pixels[None] if size is None else patches(pixels, size)
        x.append(cut.transpose(0, 3, 1, 2))
        y.append(np.full(len(cut), _NAMES.index(name), np.int64))
    in_order = np.ascontiguousarray(np.concatenate(x))
    return Dataset(torch.from_numpy(in_order), torch.from_numpy(np.concatenate(y)))


def _chosen(split: str, name: str | None) -> tuple[str, ...]:
    """Return the pictures of the split, or the one asked for."""
    if name is not None and name not in _NAMES:
        raise ValueError(f"picture must be one of {_quoted(_NAMES)}, or None; got {name!r}")
    there = tuple(each for part in parts_of(split) for each in _SPLITS[part])
    if name is None:
        return there
    if name not in there:
        home = next(part for part, names in _SPLITS.items() if name in names)
        raise ValueError(f"picture {name!r} is in the splits {home!r} and 'all', and not in {split!r}")
    return (name,)


def _pixels(name: str, colour: bool) -> NDArray[np.float32]:
    """Return a picture as (h, w, 3), or its luminance as (h, w, 1)."""
    pixels = picture(_FILES[name])
    if colour:
        return np.divide(pixels, 255, dtype=np.float32)
    # Whole numbers until the one division: every machine rounds it the same way.
    weighted = (pixels.astype(np.int64) * [2125, 7154, 721]).sum(axis=2, keepdims=True)
    return np.asarray(weighted / (10_000 * 255), dtype=np.float32)


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names))
