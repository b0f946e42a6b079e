"""Gaussians on a circle: a density with several peaks, on which one can count how many a model has found."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.options import above_zero, at_least_zero, whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import generate

MODES = 8


def _names(modes: int) -> tuple[str, ...]:
    return tuple(f"mode {mode}" for mode in range(modes))


@register(
    Sheet(
        name="ring",
        kind="generated",
        what="Eight narrow Gaussians in the plane, their centres spaced evenly on a circle.",
        source="Made by this course; eight Gaussians on a circle as a test of generative models: L. Metz, "
        "B. Poole, D. Pfau and J. Sohl-Dickstein (2017), Unrolled generative adversarial networks, ICLR.",
        licence="CC0 1.0: numbers from a seed",
        size="as many points as you ask for",
        splits={"train": 1000, "validation": 1000, "test": 1000, "all": 3000},
        shape=(2,),
        values="float32, a point (x1, x2)",
        target="int64, k for the Gaussian whose centre is at the angle 360 k / modes degrees, counted from "
        "the x1 axis to the x2 axis",
        classes=_names(MODES),
        options={
            "n": "1000: points in the split, as evenly over the modes as n allows",
            "modes": "8: number of Gaussians",
            "radius": "2.0: of the circle",
            "std": "0.1: standard deviation of each Gaussian in either direction",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "Points of one mode say nothing about where the others are: a model may draw perfect points and "
            "still have missed seven modes. Count them.",
            "Every mode has the same number of points here, where independent draws would differ by chance.",
            "With the paper's standard deviation, 0.02, modes are harder to hit: say which one you used.",
        ),
    )
)
def ring(
    split: str,
    *,
    n: int = 1000,
    modes: int = MODES,
    radius: float = 2.0,
    std: float = 0.1,
    seed: int = 0,
) -> Dataset:
    """Return ``x`` (n, 2) and ``y`` (n,), in random order."""
    modes = whole("modes", modes, at_least=1)
    n = whole("n", n, at_least=modes)
    radius = above_zero("radius", radius)
    std = at_least_zero("std", std)

    def draw(rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        y = np.arange(n) % modes
        angle = 2 * np.pi * y / modes
        x = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) + std * rng.standard_normal((n, 2))
        order = rng.permutation(n)
        return x[order], y[order]

    drawn = generate("ring", seed, split, draw)
    return Dataset(drawn.x, drawn.y, classes=_names(modes))
