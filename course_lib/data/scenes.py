"""Pictures of flat shapes that overlap, on patterned ground: made for finding and outlining objects."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from course_lib.data.detection import DetectionDataset, visible_boxes
from course_lib.data.options import at_least_zero, whole
from course_lib.data.painting import Figures, ground, number_pixels, paint, patches
from course_lib.data.registry import register
from course_lib.data.shapes import AREAS, SHAPES, Field
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of, stream

_BLOCK = 64  # pictures drawn at a time
_VISIBLE = 0.3  # of a shape's area: with less than that to be seen, it is not drawn at all
_SIZES = (32, 256)
_MOST = 20  # objects a picture; more would hide each other

Block = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]


@register(
    Sheet(
        name="scenes",
        kind="generated",
        what="Colour pictures of circles, squares, triangles, stars, crosses and rings that overlap, among "
        "strokes and specks on patterned ground, with boxes, classes and masks.",
        source="Made by this course.",
        licence="CC0 1.0: numbers from a seed",
        size="as many pictures as you ask for",
        splits={"train": 500, "validation": 500, "test": 500, "all": 1500},
        shape=(3, 64, 64),
        values="float32, red, green and blue from 0 to 1, in steps of 1/255",
        target="int64, the class at each pixel, 0 for background; and boxes, labels and instances, object by "
        "object, from the bottom one to the top one",
        classes=("background", *SHAPES),
        options={
            "n": "500: pictures in the split; the first ones stay the same when you ask for more",
            "size": "64: side of the pictures in pixels, 32 to 256; shapes grow along",
            "objects": "5: at most, and 1 at least, each number as often, up to 20",
            "clutter": "8: strokes and specks under the objects, that belong to no class",
            "noise": "0.03: standard deviation of the noise on each pixel and colour",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "Boxes and masks are of what is to be seen. A shape that others or the edge of the picture cover "
            "is a smaller object, and may be in two pieces; its box goes around both. A pixel at an edge "
            "belongs to the shape that covers its middle, though colours mix there.",
            "A shape of which less than 0.3 would be seen is not drawn at all, so that nothing is "
            "unlabelled and no object is a sliver: crowded pictures are somewhat rarer than others, and "
            "methods do better here than where slivers count.",
            "All shapes are turned at random and stretched by up to a quarter: circles include ellipses, "
            "squares rectangles, and a square on its tip is a square.",
            "Colour and place say nothing of the class, and in every channel an object differs from the "
            "mean of the ground by a quarter of the scale or more, which makes it easier to find than in "
            "photographs.",
            "Every split is drawn from the same distribution, with seeds apart: the test error says how well "
            "a model does on more scenes, and nothing of real pictures. Try it on coins.",
            "The ring's hole is background, or what lies below it.",
        ),
    )
)
def scenes(
    split: str,
    *,
    n: int = 500,
    size: int = 64,
    objects: int = 5,
    clutter: int = 8,
    noise: float = 0.03,
    seed: int = 0,
) -> DetectionDataset:
    """Return ``x`` (n, 3, size, size), ``y`` (n, size, size), and up to ``objects`` objects a picture."""
    n, seed = whole("n", n, at_least=1), whole("seed", seed, at_least=0)
    size = _within("size", size, *_SIZES)
    objects = _within("objects", objects, 1, _MOST)
    clutter, noise = whole("clutter", clutter, at_least=0), at_least_zero("noise", noise)
    blocks = []
    for part in parts_of(split):
        drawn = _blocks(stream("scenes", seed, part), size, objects, clutter, noise)
        for start in range(0, n, _BLOCK):
            blocks.append([each[: n - start] for each in next(drawn)])
    pixels, classes, instances, labels = (np.concatenate(each) for each in zip(*blocks, strict=True))

    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    return DetectionDataset(
        x.div_(255),
        torch.from_numpy(classes.astype(np.int64)),
        boxes=torch.from_numpy(visible_boxes(instances, objects)),
        labels=torch.from_numpy(labels),
        instances=torch.from_numpy(instances),
    )


def _blocks(rng: Generator, size: int, objects: int, clutter: int, noise: float) -> Iterator[Block]:
    """Yield pixels (b, size, size, 3), classes and instances (b, size, size), labels (b, m), for ever."""
    while True:
        canvas, color = ground(rng, _BLOCK, size)
        small = _clutter(rng, color, size, clutter)
        paint(canvas, small, patches(small, size), np.ones(small.shape.shape, bool))

        large = _objects(rng, color, size, objects)
        count = 1 + (rng.random(_BLOCK) * objects).astype(np.int64)
        there = np.arange(objects) < count[:, None]
        drawn = patches(large, size)
        covers = drawn.distance <= 0
        shown = number_pixels(covers & there[..., None, None], drawn.pixel, size)
        there &= _areas(shown, objects) >= _VISIBLE * AREAS[large.shape] * large.extent.prod(axis=-1)
        # What is left out uncovers others, so whatever stays shows as much as before, or more.
        shown = number_pixels(covers & there[..., None, None], drawn.pixel, size)
        paint(canvas, large, drawn, there)

        labels = np.where(there, large.shape + 1, 0)
        order = np.argsort(~there, axis=1, kind="stable")  # those that are there first, as they lie
        yield (
            _noisy(rng, canvas, noise),
            _looked_up(labels, shown),
            _looked_up(there.cumsum(axis=1), shown),
            np.take_along_axis(labels, order, axis=1),
        )


def _objects(rng: Generator, ground_color: Field, size: int, m: int) -> Figures:
    """Draw the shapes: anywhere but at the very edge, about a fifth to two fifths of the picture wide."""
    u = rng.random((8, _BLOCK, m))
    radius, stretch = size * (0.1 + 0.1 * u[0]), np.sqrt(1 + 0.25 * u[1])
    return Figures(
        shape=(u[2] * len(SHAPES)).astype(np.int64),
        middle=size * (0.12 + 0.76 * np.stack([u[3], u[4]], axis=-1)),
        extent=radius[..., None] * np.stack([stretch, 1 / stretch], axis=-1),
        turn=2 * np.pi * u[5],
        color=_contrasting(rng, ground_color, m),
        shade=(0.3 / size * (2 * np.stack([u[6], u[7]], axis=-1) - 1)).astype(np.float32),
    )


def _clutter(rng: Generator, ground_color: Field, size: int, m: int) -> Figures:
    """Draw strokes, which are very thin squares, and specks, which are tiny circles, half of each."""
    u = rng.random((6, _BLOCK, m))
    speck = u[0] < 0.5
    across = size / 64 * (0.8 + 0.6 * u[1])
    along = np.where(speck, across, size * (0.06 + 0.09 * u[2]))
    return Figures(
        shape=np.where(speck, SHAPES.index("circle"), SHAPES.index("square")),
        middle=size * np.stack([u[3], u[4]], axis=-1),
        extent=np.stack([along, across], axis=-1),
        turn=2 * np.pi * u[5],
        color=_contrasting(rng, ground_color, m),
        shade=np.zeros((_BLOCK, m, 2), np.float32),
    )


def _contrasting(rng: Generator, ground_color: Field, m: int) -> Field:
    """Return colours (b, m, 3), in each channel a quarter of the scale or more from the ground's."""
    color = ground_color[:, None] + (0.25 + 0.5 * rng.random((_BLOCK, m, 3))).astype(np.float32)
    return color - np.floor(color)


def _areas(shown: NDArray[np.uint8], m: int) -> NDArray[np.int64]:
    """Return how many pixels (b, m) show each of the figures 1 to m."""
    counts = np.bincount(_keys(shown, m).ravel(), minlength=len(shown) * (m + 1))
    return counts.reshape(-1, m + 1)[:, 1:]


def _looked_up(values: NDArray[np.int64], shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return at each pixel (b, size, size) the value (b, m) of the figure it shows, 0 where it shows none."""
    table = np.concatenate([np.zeros((len(values), 1), np.int64), values], axis=1).astype(np.uint8)
    return table.ravel().take(_keys(shown, values.shape[1]))


def _keys(shown: NDArray[np.uint8], m: int) -> NDArray[np.int64]:
    """Return a number for each pair of a picture and a figure on it, from 0 (none) to m, at each pixel."""
    return shown + (m + 1) * np.arange(len(shown))[:, None, None]


def _noisy(rng: Generator, canvas: Field, noise: float) -> NDArray[np.uint8]:
    """Add noise and round to bytes. The sum of two random bytes spreads by 255 / sqrt(6) about 255."""
    grains = rng.integers(0, 256, (2, *canvas.shape), dtype=np.uint8)
    sums = np.add(*grains, dtype=np.int16).astype(np.float32)
    sums -= 255
    sums *= np.float32(noise * np.sqrt(6))
    canvas *= 255
    canvas += sums
    return np.rint(np.clip(canvas, 0, 255, out=canvas), out=canvas).astype(np.uint8)


def _within(name: str, value: int, low: int, high: int) -> int:
    number = whole(name, value, at_least=low)
    if number > high:
        raise ValueError(f"{name} must be at most {high}, got {value!r}")
    return number
