"""Letters and digits in the fonts that come with matplotlib, a little askew: as many as you ask for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from course_lib.data import fonts
from course_lib.data.dataset import Dataset
from course_lib.data.options import at_least_zero, whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of, stream

# Each split has a type family of its own: what is learned must carry over to another designer's letters.
FONTS = {
    "train": (
        "DejaVuSans",
        "DejaVuSans-Bold",
        "DejaVuSans-Oblique",
        "DejaVuSans-BoldOblique",
        "DejaVuSansMono",
        "DejaVuSansMono-Bold",
        "DejaVuSansMono-Oblique",
        "DejaVuSansMono-BoldOblique",
        "DejaVuSerif",
        "DejaVuSerif-Bold",
        "DejaVuSerif-Italic",
        "DejaVuSerif-BoldItalic",
    ),
    "validation": ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
    "test": ("cmr10", "cmb10", "cmss10", "cmtt10"),
}
_DIGITS, _CAPITALS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Small letters that are their capitals drawn smaller share their class: every character is scaled to fit.
_ALIKE = "cosvwxz"
_LETTERS = _CAPITALS + "".join(each for each in _CAPITALS.lower() if each not in _ALIKE)
_CLASSES = {"all": _DIGITS + _LETTERS, "digits": _DIGITS, "letters": _LETTERS}

_SIZES = (28, 32)
_FILL = 20 / 28  # of the picture's side, by the longer side of an upright character, as in MNIST
_BLOCK = 256  # pictures drawn at a time, at least


@register(
    Sheet(
        name="glyphs",
        kind="generated",
        what="Digits and letters in twenty fonts, shifted, turned, scaled, slanted, thickened and noisy.",
        source="Drawn by this course from the fonts that come with matplotlib: DejaVu (Bitstream, 2003, and "
        "the DejaVu project), STIX (STI Pub Companies, 2001-2007) and Computer Modern (D. E. Knuth, "
        "Computer Modern Typefaces, 1986).",
        licence="CC0 1.0 for the pictures; the fonts have free licences of their own, inside matplotlib",
        size="as many pictures as you ask for; the first thousand take 0.2 to 1.5 s, while fonts are read",
        splits={"train": 1000, "validation": 1000, "test": 1000, "all": 3000},
        shape=(1, 28, 28),
        values="float32, ink from 0 (none) to 1, in steps of 1/255",
        target="int64, the character",
        classes=tuple(_CLASSES["all"]),
        options={
            "n": "1000: pictures in the split; the first ones stay the same when you ask for more",
            "classes": '"all": 10 digits and 45 letters; or "digits", or "letters"',
            "size": "28: side of the pictures in pixels, or 32",
            "shift": "2.0: as many pixels at most along either axis, up to the size",
            "rotation": "10.0: as many degrees at most, either way, up to 180",
            "scale": "0.15: larger or smaller by this part at most, up to 0.9",
            "shear": "0.15: sideways by this part of the height at most, either way, up to 1",
            "stroke": "0.5: thinner or thicker strokes, from 0 (as in the font) to 1 (each edge moves by up "
            "to 0.4 pixels)",
            "noise": "0.05: standard deviation of the noise on each pixel",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "Fonts differ between the splits: train is DejaVu (Sans, Sans Mono, Serif; 12 styles), "
            "validation STIX (Times-like; 4), test Computer Modern (roman, bold, sans, typewriter; 4). So "
            "the errors of the three differ in more than luck, and validation has no sans-serif.",
            "C, O, S, V, W, X and Z stand for their small letters too, since each character is scaled to one "
            "size. Other pairs are left that only a context tells apart: O and 0, I, l and 1, and, turned "
            "or in a strange font, S and 5, B and 8, 9 and g and q. No model gets all of 'all' right.",
            "Print is not handwriting: the nearest of 8,000 printed digits, averaged down to 8x8, is right "
            "about two thirds of the digits set.",
            "Twelve fonts are few: a large network learns the fonts by heart, and its training error says "
            "nothing after that.",
            "Outlines are filled by this course and not by FreeType, whose versions, one in each matplotlib, "
            "hint and round in their own ways: pictures depend on the font files alone, and those have not "
            "changed from matplotlib 3.8 on.",
        ),
    )
)
def glyphs(
    split: str,
    *,
    n: int = 1000,
    classes: str = "all",
    size: int = 28,
    shift: float = 2.0,
    rotation: float = 10.0,
    scale: float = 0.15,
    shear: float = 0.15,
    stroke: float = 0.5,
    noise: float = 0.05,
    seed: int = 0,
) -> Dataset:
    """Return ``x`` (n, 1, size, size) in [0, 1] and ``y`` (n,), as many of each class to within one."""
    n, seed = whole("n", n, at_least=1), whole("seed", seed, at_least=0)
    if classes not in list(_CLASSES):
        raise ValueError(f"classes must be one of {', '.join(map(repr, _CLASSES))}; got {classes!r}")
    if isinstance(size, bool) or size not in _SIZES:
        raise ValueError(f"size must be one of {', '.join(map(repr, _SIZES))}; got {size!r}")
    limits = _Limits(
        _up_to("shift", shift, size),
        np.deg2rad(_up_to("rotation", rotation, 180)),
        _up_to("scale", scale, 0.9),
        _up_to("shear", shear, 1),
        _up_to("stroke", stroke, 1),
        at_least_zero("noise", noise),
    )
    pixels, labels = [], []
    for part in parts_of(split):
        left = n
        for x, y in _blocks(stream("glyphs", seed, part), part, _CLASSES[classes], size, limits):
            pixels.append(x[:left])
            labels.append(y[:left])
            left -= len(y)
            if left <= 0:
                break
    ink = torch.from_numpy(np.concatenate(pixels)[:, None]).to(torch.float32).div_(255)
    return Dataset(ink, torch.from_numpy(np.concatenate(labels)), classes=tuple(_CLASSES[classes]))


@dataclass(frozen=True)
class _Limits:
    """How far the random changes go: pixels, radians, and numbers without a unit."""

    shift: float
    rotation: float
    scale: float
    shear: float
    stroke: float
    noise: float


def _blocks(
    rng: Generator, part: str, classes: str, size: int, limits: _Limits
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Yield pictures (b, size, size) and labels (b,) for ever, each class as often as the others."""
    table, variants = _spellings(classes)
    rounds = -(-_BLOCK // len(classes))
    while True:
        y = rng.permuted(np.tile(np.arange(len(classes)), (rounds, 1)), axis=1).ravel()
        u = rng.random((8, len(y)))
        font = (u[0] * len(FONTS[part])).astype(np.int64)
        character = table[y, (u[1] * variants[y]).astype(np.int64)]
        chosen = font * len(fonts.CHARACTERS) + character
        ink = _sampled(_packed_masters(part), chosen, u[2:7] * 2 - 1, size, limits)
        thickness = limits.stroke * (u[7] * 2 - 1)[:, None, None]
        # Edges are ramps: where ink begins on them, lower or higher, makes the stroke thick or thin.
        ink = 2 * (ink - (0.25 - 0.15 * thickness))
        ink = np.clip(ink, 0, 1) + limits.noise * rng.standard_normal(ink.shape)
        yield np.rint(255 * np.clip(ink, 0, 1)).astype(np.uint8), y


def _sampled(
    masters: NDArray[np.uint32],
    chosen: NDArray[np.int64],
    pose: NDArray[np.float64],
    size: int,
    limits: _Limits,
) -> NDArray[np.float64]:
    """Return pictures (b, size, size) of the ``chosen`` masters (b,), each in its pose (5, b) from -1 to 1.

    A pixel looks up where in the master it lies and interpolates there. Places are whole numbers of 1/4096
    pixel, and so are the weights: two machines whose cosines differ in the last bit get the same picture.
    """
    dx, dy = limits.shift * pose[0], limits.shift * pose[1]
    angle, slant = limits.rotation * pose[2], limits.shear * pose[4]
    # How many pixels of the master go on one of ours.
    magnified = fonts.BOX / (_FILL * size) / (1 + limits.scale * pose[3])
    cos, sin = magnified * np.cos(angle), magnified * np.sin(angle)
    to_master = np.array([[cos + slant * sin, slant * cos - sin], [sin, cos]])  # (x or y, x or y, b)
    start = fonts.SIDE / 2 - 0.5 - to_master[:, 0] * dx - to_master[:, 1] * dy
    step = np.rint(2048 * to_master).astype(np.int32)[..., None]  # for half a pixel, in 1/4096
    origin = np.rint(4096 * start).astype(np.int32)[..., None]
    half = np.arange(1 - size, size, 2, dtype=np.int32)  # pixel centres from the middle, in half pixels

    last = (fonts.SIDE - 2) << 12  # masters have an empty border: whatever lies beyond them is empty too
    x, y = (
        np.clip((first + across * half)[:, None, :] + (down * half)[:, :, None], 0, last)
        for first, (across, down) in zip(origin, step, strict=True)
    )
    index = (chosen.astype(np.int32) * fonts.SIDE**2)[:, None, None] + (y >> 12) * fonts.SIDE + (x >> 12)
    four = masters.take(index)
    right, below = (x >> 4) & 255, (y >> 4) & 255
    upper = (four & 255).astype(np.int32) * (256 - right) + (four >> 8 & 255).astype(np.int32) * right
    lower = (four >> 16 & 255).astype(np.int32) * (256 - right) + (four >> 24).astype(np.int32) * right
    return (upper * (256 - below) + lower * below) / (255 * 65536)


@cache
def _packed_masters(part: str) -> NDArray[np.uint32]:
    """Return the masters of a split's fonts, slightly blurred, each pixel with its three neighbours.

    Font, character, row and column in one axis; right neighbour in bits 8 to 15, lower one in bits 16 to 23,
    the one right of that in bits 24 to 31: interpolating needs all four, and one look-up finds them.
    """
    ink: NDArray[Any] = np.stack([fonts.masters(font) for font in FONTS[part]]).astype(np.uint32)
    for axis in (2, 3):  # an edge as wide as two pixels, so that there is a ramp for thick and thin
        ink = np.roll(ink, 1, axis) + 2 * ink + np.roll(ink, -1, axis)
    ink = (ink + 8) >> 4
    right, below = np.roll(ink, -1, axis=3), np.roll(ink, -1, axis=2)
    packed = ink | right << 8 | below << 16 | np.roll(below, -1, axis=3) << 24
    return packed.astype(np.uint32).ravel()


def _spellings(classes: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the characters (classes, 2) that each class stands for, and how many of the two (classes,)."""
    pairs = [(each, each.lower() if each.lower() in _ALIKE else each) for each in classes]
    table = np.array([[fonts.CHARACTERS.index(each) for each in pair] for pair in pairs])
    return table, np.array([len(set(pair)) for pair in pairs])


def _up_to(name: str, value: float, limit: float) -> float:
    number = at_least_zero(name, value)
    if number > limit:
        raise ValueError(f"{name} must be at most {limit}, got {value!r}")
    return number
