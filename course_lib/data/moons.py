"""Two interleaved half circles: simple to see, impossible for a straight line."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.options import at_least_zero, whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import generate


@register(
    Sheet(
        name="moons",
        kind="generated",
        what="Two interleaved half circles in the plane, blurred by noise: no straight line separates them.",
        source="Made by this course; the shape is that of sklearn.datasets.make_moons, F. Pedregosa et al. "
        "(2011), Scikit-learn: Machine Learning in Python, JMLR 12, 2825-2830.",
        licence="CC0 1.0: numbers from a seed",
        size="as many points as you ask for",
        splits={"train": 200, "validation": 200, "test": 200, "all": 600},
        shape=(2,),
        values="float32, a point (x1, x2)",
        target="int64, 0 on the upper half circle, 1 on the lower one",
        classes=("upper", "lower"),
        options={
            "n": "200: points in the split, half of them (rounded down) of class 1",
            "noise": "0.1: standard deviation of the noise added to either coordinate",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "A straight line still gets nearly nine in ten right: compare a model with that, and not with "
            "one half.",
            "From a noise of about 0.2 on, the moons overlap and no model can be right on every point.",
            "Angles are drawn at random, where scikit-learn spaces them evenly, so that splits share no "
            "point.",
        ),
    )
)
def moons(split: str, *, n: int = 200, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Return ``x`` (n, 2) and ``y`` (n,), in random order."""
    n = whole("n", n, at_least=2)
    noise = at_least_zero("noise", noise)

    def draw(rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        y = np.arange(n) % 2
        angle = np.pi * rng.random(n)
        upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        x = np.where(y[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
        x = x + noise * rng.standard_normal((n, 2))
        order = rng.permutation(n)
        return x[order], y[order]

    return generate("moons", seed, split, draw)
