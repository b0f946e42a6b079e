"""The exercise on one function for group, layer and instance normalization."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import normalization

SECTION = "03_regularization/normalization"


def group_norm(x: np.ndarray, num_groups: int, eps: float = 1e-5) -> np.ndarray:
    """Standardize every group of neighbouring channels of every image."""
    groups = x.reshape(len(x), num_groups, -1)
    mean, var = groups.mean(axis=2, keepdims=True), groups.var(axis=2, keepdims=True)
    return ((groups - mean) / np.sqrt(var + eps)).reshape(x.shape)


def _by_slices(x: np.ndarray, num_groups: int, eps: float = 1e-5) -> np.ndarray:
    y = np.empty(x.shape)
    size = x.shape[1] // num_groups
    for i in range(len(x)):
        for first in range(0, x.shape[1], size):
            part = x[i, first : first + size]
            y[i, first : first + size] = (part - part.mean()) / np.sqrt(part.var() + eps)
    return y


def _by_library(x: np.ndarray, num_groups: int, eps: float = 1e-5) -> np.ndarray:
    return normalization.group_norm(x, num_groups, np.ones(x.shape[1]), np.zeros(x.shape[1]), eps)


def _standardized(
    x: np.ndarray, axes: tuple[int, ...], eps: float, ddof: int = 0, outside: bool = False
) -> np.ndarray:
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True, ddof=ddof)
    return (x - mean) / (np.sqrt(var) + eps if outside else np.sqrt(var + eps))


def _over(
    axes: tuple[int, ...], ddof: int = 0, outside: bool = False
) -> Callable[[np.ndarray, int, float], np.ndarray]:
    """Groups (n, groups, channels of a group, h, w), standardized over other axes or otherwise."""

    def answer(x: np.ndarray, num_groups: int, eps: float = 1e-5) -> np.ndarray:
        groups = x.reshape(len(x), num_groups, -1, *x.shape[2:])
        return _standardized(groups, axes, eps, ddof, outside).reshape(x.shape)

    return answer


def _interleaved(x: np.ndarray, num_groups: int, eps: float = 1e-5) -> np.ndarray:
    groups = x.reshape(len(x), -1, num_groups, *x.shape[2:])
    return _standardized(groups, (1, 3, 4), eps).reshape(x.shape)


def _short(x: np.ndarray, num_groups: int, eps: float = 1e-5) -> np.ndarray:
    groups = x.reshape(len(x), num_groups, -1)
    mean = groups.mean(axis=2, keepdims=True)
    var = np.maximum((groups**2).mean(axis=2, keepdims=True) - mean**2, 0)
    return ((groups - mean) / np.sqrt(var + eps)).reshape(x.shape)


def _pictures(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-6, 7, shape).astype(float)

    # Means of 2^27: in double precision the ones in (2^27 +- 1)^2 are lost, so the short formula gives exactly 0.
    far = 2.0**27 + np.tile([1.0, -1.0, -1.0, 1.0], 8).reshape(2, 4, 2, 2)
    rising = whole(2, 6, 2, 3) + 10 * np.arange(6.0)[:, None, None]
    return [
        case(whole(1, 2, 2, 2), 1, label="one image, one group"),
        case(whole(2, 2, 2, 3), 2, label="two channels, a group for each"),
        case(rising, 2, label="six channels in two groups"),
        case(rising, 3, label="six channels in three groups"),
        case(rising, 1, label="one group: layer normalization"),
        case(rising, 6, label="as many groups as channels: instance normalization"),
        case(whole(3, 8, 3, 2), 2, 0.5, label="a large epsilon"),
        case(whole(1, 4, 1, 1), 2, label="a single position"),
        case(np.full((2, 4, 2, 2), 7.0), 2, label="constant images"),
        case(far, 2, label="values near a hundred million"),
    ]


GROUP_NORM = Exercise(
    id="normalization/group_norm",
    section=SECTION,
    title="One function for three layers",
    reference=group_norm,
    cases=_pictures,
    alternatives=[_by_slices, _by_library, _over((2, 3, 4))],
    mistakes=[
        Mistake(
            _interleaved,
            "Every num_groups-th channel shares a group here. Neighbours do: reshape to (n, groups, channels of a group, h, w).",
        ),
        Mistake(
            lambda x, num_groups, eps=1e-5: group_norm(x, x.shape[1] // num_groups, eps),
            "num_groups is taken for the number of channels in a group. It is the number of groups.",
        ),
        Mistake(
            _over((0, 2, 3, 4)),
            "The images share their statistics here. No image should know of another: leave axis 0 alone.",
        ),
        Mistake(
            lambda x, num_groups, eps=1e-5: group_norm(x, 1, eps),
            "The groups are ignored: this is layer normalization over all channels.",
        ),
        Mistake(
            lambda x, num_groups, eps=1e-5: group_norm(x, x.shape[1], eps),
            "Every channel is a group here: this is instance normalization. Channels of one group share a mean.",
        ),
        Mistake(
            lambda x, num_groups, eps=1e-5: _standardized(x, (0, 2, 3), eps),
            "This is batch normalization: a mean for each channel, over all images.",
        ),
        Mistake(
            _over((2,)),
            "Every position has a mean of its own here. A group shares one over all of its channels and positions.",
        ),
        Mistake(
            _over((2, 3, 4), ddof=1),
            "The variance is divided by m - 1. Divide by m, the number of values in a group.",
        ),
        Mistake(
            _over((2, 3, 4), outside=True),
            "Epsilon is added to the root. It belongs under it: sqrt(var + eps).",
        ),
        Mistake(
            _short,
            "Right on paper, but E[x^2] - E[x]^2 subtracts two numbers that agree in nearly all digits. Subtract the mean first, then square.",
        ),
        Mistake(
            lambda x, num_groups, eps=1e-5: group_norm(x, num_groups),
            "This is right for an epsilon of 1e-5 only. Use the argument.",
        ),
    ],
    hint="x.reshape(n, num_groups, -1) puts all the values of a group on one axis.",
)
