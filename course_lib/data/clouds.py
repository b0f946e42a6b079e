"""Two clouds of points with a straight gap of known width between them."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.options import above_zero, number, whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import generate


@register(
    Sheet(
        name="clouds",
        kind="generated",
        what="Two Gaussian clouds in the plane that a known line separates with a known margin.",
        source="Made by this course, for the bound (R / margin)^2 on a perceptron's mistakes: A. B. J. "
        "Novikoff (1962), On convergence proofs on perceptrons, Symposium on the Mathematical Theory "
        "of Automata 12, 615-622.",
        licence="CC0 1.0: numbers from a seed",
        size="as many points as you ask for",
        splits={"train": 100, "validation": 100, "test": 100, "all": 300},
        shape=(2,),
        values="float32, a point (x1, x2)",
        target="int64, 1 where cos(angle) x1 + sin(angle) x2 > 0, else 0",
        classes=("below", "above"),
        options={
            "n": "100: points in the split, half of them (rounded down) of class 1",
            "margin": "0.5: no point is nearer than this to the line, and the first drawn of each class "
            "is just as near",
            "spread": "1.0: standard deviation of the clouds",
            "angle": "30.0: direction of the line's normal, from class 0 to class 1, in degrees",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "Separable by construction, which real data seldom are: a perceptron always converges here.",
            "The margin is that of the line cos(angle) x1 + sin(angle) x2 = 0; another line may have a "
            "wider one, so (R / margin)^2 bounds the number of mistakes and does not predict it. With a "
            "bias, R counts its constant input too: R^2 = max |x|^2 + 1.",
            "A point that would fall inside the margin is mirrored out of it, so the clouds are Gaussian "
            "but for the edge that faces the line.",
        ),
    )
)
def clouds(
    split: str,
    *,
    n: int = 100,
    margin: float = 0.5,
    spread: float = 1.0,
    angle: float = 30.0,
    seed: int = 0,
) -> Dataset:
    """Return ``x`` (n, 2) and ``y`` (n,), in random order."""
    n = whole("n", n, at_least=2)
    margin = above_zero("margin", margin)
    spread = above_zero("spread", spread)
    radians = np.deg2rad(number("angle", angle))
    axes = np.array(
        [[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]]
    )  # across, along

    def draw(rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        y = np.arange(n) % 2
        distance = margin + spread * np.abs(
            2 + rng.standard_normal(n)
        )  # to the line; clouds 2 spreads behind margin
        distance[:2] = margin
        place = spread * rng.standard_normal(n)
        x = np.stack([(2 * y - 1) * distance, place], axis=1) @ axes
        order = rng.permutation(n)
        return x[order], y[order]

    return generate("clouds", seed, split, draw)
