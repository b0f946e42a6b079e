"""The exercise on a schedule that ends where it should."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "09_generative_models/diffusion"
Array = np.ndarray


def mended(betas: Array, end: float) -> Array:
    """The betas whose sqrt(alpha_bar) runs from the old start to ``end``, shifted and stretched."""
    root = np.sqrt(np.cumprod(1 - betas))
    root = end + (root - root[-1]) * (root[0] - end) / (root[0] - root[-1])
    left = root**2
    return 1 - left / np.concatenate([[1.0], left[:-1]])


def _by_loop(betas: Array, end: float) -> Array:
    roots, product = [], 1.0
    for beta in betas:
        product *= 1 - beta
        roots.append(product**0.5)
    first, last = roots[0], roots[-1]
    share = [(root - last) / (first - last) for root in roots]
    wanted = [1.0] + [(1 - s) * end + s * first for s in share]
    return np.array([1 - (b / a) ** 2 for a, b in pairwise(wanted)])


Roots = Callable[[Array, float], Array]


def _stretch(values: Array, end: float) -> Array:
    return end + (values - values[-1]) * (values[0] - end) / (values[0] - values[-1])


def _from_left(left: Callable[[Array, float], Array]) -> Callable[..., Array]:
    """Betas that belong to another alpha_bar."""

    def answer(betas: Array, end: float) -> Array:
        new = left(np.cumprod(1 - betas), end)
        return 1 - new / np.append(1.0, new[:-1])

    return answer


def _scaled(betas: Array, end: float) -> Array:
    return 1 - (1 - betas) ** (np.log(end**2) / np.log(1 - betas).sum())


def _last_only(betas: Array, end: float) -> Array:
    return np.append(betas[:-1], 1 - end**2 / np.prod(1 - betas[:-1]))


def _roots(betas: Array, end: float) -> Array:
    return _stretch(np.sqrt(np.cumprod(1 - betas)), end)


def _alpha_bars(betas: Array, end: float) -> Array:
    return _roots(betas, end) ** 2


def _roots_as_left(betas: Array, end: float) -> Array:
    root = _roots(betas, end)
    return 1 - root / np.append(1.0, root[:-1])


def _ratio_to_start(betas: Array, end: float) -> Array:
    left = _alpha_bars(betas, end)
    return 1 - left / np.append(left[0] / (1 - betas[0]), left[0] * np.ones(len(left) - 1))


def _alphas(betas: Array, end: float) -> Array:
    return 1 - mended(betas, end)


def _without_first(betas: Array, end: float) -> Array:
    left = _alpha_bars(betas, end)
    return np.append(0.0, 1 - left[1:] / left[:-1])


def _straight_in_time(left: Array, end: float) -> Array:
    return np.linspace(np.sqrt(left[0]), end, len(left)) ** 2


def _from_one(left: Array, end: float) -> Array:
    root = np.sqrt(left)
    return (end + (root - root[-1]) * (1 - end) / (1 - root[-1])) ** 2


ENDING = Exercise(
    id="diffusion/ending",
    section=SECTION,
    title="A schedule that ends",
    reference=mended,
    cases=[
        case(np.array([0.1, 0.2, 0.4]), 0.1, label="three steps"),
        case(np.array([0.1, 0.2, 0.4]), 0.5, label="three steps, half of the amplitude"),
        case(np.array([0.05, 0.3]), 0.02, label="two steps"),
        case(np.linspace(1e-4, 0.02, 20), 0.01, label="twenty steps that leave most of the signal"),
        case(np.array([0.01, 0.5, 0.9, 0.99]), 0.2, label="a schedule that ends too low"),
    ],
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _from_left(_stretch),
            "alpha_bar is shifted and stretched, and ends at end itself. It is the amplitude, sqrt(alpha_bar), that must.",
        ),
        Mistake(
            _from_left(lambda left, end: _stretch(left, end**2)),
            "The end is right, but alpha_bar was stretched. Stretch its root, and square.",
        ),
        Mistake(
            _from_left(lambda left, end: left * (end**2 / left[-1])),
            "All of alpha_bar is multiplied by one factor: the start is moved, too. Keep the first value.",
        ),
        Mistake(
            _from_left(lambda left, end: (np.sqrt(left) - np.sqrt(left[-1]) + end) ** 2),
            "The root is shifted, not stretched, so the first value has moved. Keep it where it was.",
        ),
        Mistake(
            _scaled,
            "The end is right, but all steps were made stronger by one power, the first one as well. Shift and stretch sqrt(alpha_bar).",
        ),
        Mistake(
            _last_only,
            "Only the last beta was changed: everything falls in one leap. Spread the change over the schedule.",
        ),
        Mistake(
            _from_left(_straight_in_time),
            "The amplitudes fall by equal amounts from time to time. The line maps old amplitudes to new ones, so the shape stays.",
        ),
        Mistake(
            _from_left(_from_one),
            "The line keeps an amplitude of 1 where it is, the one before any step. Keep the first of the schedule.",
        ),
        Mistake(
            _roots, "These are the new amplitudes. Square them, and go on to the betas that belong to them."
        ),
        Mistake(_alpha_bars, "These are the new alpha_bar. Go on to the betas that belong to them."),
        Mistake(
            _roots_as_left,
            "The ratios of sqrt(alpha_bar) are taken for alpha_t. Square them first.",
        ),
        Mistake(
            _ratio_to_start,
            "Each alpha_bar is divided by the first one. alpha_t is alpha_bar_t over the one just before.",
        ),
        Mistake(_alphas, "These are the alphas. The betas are 1 - alpha."),
        Mistake(
            _without_first, "The first beta is 0 here. It is what it was: 1 - alpha_bar of the first time."
        ),
        Mistake(
            lambda betas, end: np.array(betas, dtype=float),
            "The schedule comes back as it was.",
        ),
    ],
    hint="Map r = sqrt(alpha_bar) by a straight line, so that r[0] stays and r[-1] becomes end. Then alpha_t is a ratio of neighbours of r**2.",
)
