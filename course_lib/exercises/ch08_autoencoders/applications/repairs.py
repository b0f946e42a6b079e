"""The exercise on taking a known stamp off again."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/applications"
Array = np.ndarray


def unstamp(y: Array, m: Array, alpha: float) -> Array:
    """Solve y = (1 - alpha m) x + alpha m for x, where anything of x is left."""
    cover = alpha * m
    left = np.where(cover < 1, 1 - cover, 1.0)
    return np.where(cover < 1, np.clip((y - cover) / left, 0, 1), y)


def _pixel_by_pixel(y: Array, m: Array, alpha: float) -> Array:
    x = np.array(y, dtype=float)
    for place in zip(*np.nonzero(alpha * np.asarray(m) < 1), strict=True):
        cover = alpha * m[place]
        x[(slice(None), *place)] = [
            min(max((v - cover) / (1 - cover), 0), 1) for v in y[(slice(None), *place)]
        ]
    return x


def _wrong(solve: Callable[[Array, Array, float, Array], Array]) -> Callable[[Array, Array, float], Array]:
    """solve(y, m, alpha, share left) in the place of the right solution, then clipped."""

    def answer(y: Array, m: Array, alpha: float) -> Array:
        cover = alpha * m
        left = np.where(cover < 1, 1 - cover, 1.0)
        return np.where(cover < 1, np.clip(solve(y, m, alpha, left), 0, 1), y)

    return answer


def _unclipped(y: Array, m: Array, alpha: float) -> Array:
    cover = alpha * m
    left = np.where(cover < 1, 1 - cover, 1.0)
    return np.where(cover < 1, (y - cover) / left, y)


def _eps(y: Array, m: Array, alpha: float) -> Array:
    return np.clip((y - alpha * m) / np.maximum(1 - alpha * m, 1e-8), 0, 1)


def _where_ink(y: Array, m: Array, alpha: float) -> Array:
    """Takes every pixel with ink for one with full ink."""
    cover = alpha * (m > 0)
    left = np.where(cover < 1, 1 - cover, 1.0)
    return np.where(cover < 1, np.clip((y - cover) / left, 0, 1), y)


def _stamped(rng: np.random.Generator) -> list[Case]:
    def stamped(h: int, w: int, alpha: float, noise: float = 0.0) -> tuple[Array, Array, float]:
        x = rng.uniform(0.1, 0.9, (3, h, w))
        m = rng.choice([0, 0.2, 0.5, 0.8, 1], (h, w))
        m.flat[:2] = [1, 0.5]
        y = (1 - alpha * m) * x + alpha * m + noise * rng.normal(size=x.shape)
        return y.clip(0, 1).round(3), m, alpha

    return [
        case(*stamped(1, 2, 0.5), label="two pixels, half covered at most"),
        case(*stamped(4, 3, 0.6), label="4 x 3 pixels"),
        case(*stamped(5, 5, 0.7, noise=0.2), label="a noisy picture, so that some values leave [0, 1]"),
        case(*stamped(4, 6, 1.0, noise=0.1), label="a stamp that hides some pixels altogether"),
    ]


UNSTAMP = Exercise(
    id="applications/unstamp",
    section=SECTION,
    title="Off again",
    reference=unstamp,
    cases=_stamped,
    alternatives=[_pixel_by_pixel],
    mistakes=[
        Mistake(
            _wrong(lambda y, m, alpha, left: y - alpha * m),
            "The white is subtracted, but what is left of the picture stays dim: divide by its share, 1 - alpha m.",
        ),
        Mistake(
            _wrong(lambda y, m, alpha, left: y / left),
            "Divided by the share left, but the white was not subtracted before.",
        ),
        Mistake(
            _wrong(lambda y, m, alpha, left: (y - alpha * m) / (1 - alpha if alpha < 1 else 1.0)),
            "Divided by 1 - alpha everywhere. Half a pixel of ink covers half as much: 1 - alpha m.",
        ),
        Mistake(
            _wrong(lambda y, m, alpha, left: (y - alpha) / left),
            "All of alpha is subtracted everywhere. Where there is no ink, nothing was added.",
        ),
        Mistake(
            _wrong(lambda y, m, alpha, left: left * y + alpha * m),
            "This stamps the picture a second time.",
        ),
        Mistake(_unclipped, "Values below 0 or above 1 are left. Clip, after dividing."),
        Mistake(
            _eps,
            "Pixels of which nothing is left become 0 or 1 by dividing by next to nothing. Leave them as they are.",
        ),
        Mistake(
            _where_ink,
            "Every pixel with any ink is treated as fully inked. The edges of letters have m between 0 and 1.",
        ),
    ],
    hint="Solve y = (1 - alpha m) x + alpha m for x; think apart of pixels where alpha m = 1.",
)
