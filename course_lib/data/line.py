"""Points about a straight line: the smallest regression."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.options import at_least_zero, number, whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import generate


@register(
    Sheet(
        name="line",
        kind="generated",
        what="Points scattered about a straight line, y = t0 + t1 x + noise, to fit with two numbers.",
        source="Made by this course.",
        licence="CC0 1.0: numbers from a seed",
        size="as many points as you ask for",
        splits={"train": 128, "validation": 128, "test": 128, "all": 384},
        shape=(1,),
        values="float32, x, uniform between 0 and 2",
        target="float32, y = t0 + t1 x + Gaussian noise",
        options={
            "n": "128: points in the split",
            "t0": "1.0: height of the line at x = 0",
            "t1": "2.0: its slope",
            "noise": "0.5: standard deviation of the noise",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "The best fit to n noisy points is not the true line: expect t0 and t1 to be off by about "
            "2 noise / sqrt(n), and the cost with one half in front to stop at about noise^2 / 2.",
            "x is not centred, so the two parameters are coupled and the cost surface is a slanted, narrow "
            "valley.",
            "y has shape (n,): compare it with predictions of shape (n,), since (n, 1) minus (n,) is (n, n).",
        ),
    )
)
def line(
    split: str, *, n: int = 128, t0: float = 1.0, t1: float = 2.0, noise: float = 0.5, seed: int = 0
) -> Dataset:
    """Return ``x`` (n, 1) and ``y`` (n,), float32."""
    n = whole("n", n, at_least=1)
    t0, t1 = number("t0", t0), number("t1", t1)
    noise = at_least_zero("noise", noise)

    def draw(rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x = 2 * rng.random(n)
        return x[:, None], t0 + t1 * x + noise * rng.standard_normal(n)

    return generate("line", seed, split, draw)
