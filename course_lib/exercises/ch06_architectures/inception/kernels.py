"""The exercise on a module as one convolution with many zeros."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/inception"

Array = NDArray[np.float64]


def one_kernel(weights: Sequence[Array]) -> Array:
    """Put zeros around the small kernels, and concatenate the kernels of all branches."""
    largest = max(w.shape[-1] for w in weights)
    padded = []
    for w in weights:
        margin = (largest - w.shape[-1]) // 2
        padded.append(np.pad(w, [(0, 0), (0, 0), (margin, margin), (margin, margin)]))
    return np.concatenate(padded)


def _by_slices(weights: Sequence[Array]) -> Array:
    largest, rows = max(w.shape[-1] for w in weights), sum(len(w) for w in weights)
    result, row = np.zeros((rows, weights[0].shape[1], largest, largest)), 0
    for w in weights:
        first = (largest - w.shape[-1]) // 2
        last = first + w.shape[-1]
        result[row : row + len(w), :, first:last, first:last] = w
        row += len(w)
    return result


def _placed(
    first: Callable[[int, int], int] = lambda largest, k: (largest - k) // 2, background: float = 0.0
) -> Callable[[Sequence[Array]], Array]:
    """Kernels put elsewhere, or on something else than zeros."""

    def answer(weights: Sequence[Array]) -> Array:
        largest, parts = max(w.shape[-1] for w in weights), []
        for w in weights:
            k = w.shape[-1]
            part = np.full((*w.shape[:2], largest, largest), background)
            start = first(largest, k)
            part[:, :, start : start + k, start : start + k] = w
            parts.append(part)
        return np.concatenate(parts)

    return answer


def _edge(weights: Sequence[Array]) -> Array:
    largest, parts = max(w.shape[-1] for w in weights), []
    for w in weights:
        margin = (largest - w.shape[-1]) // 2
        parts.append(np.pad(w, [(0, 0), (0, 0), (margin, margin), (margin, margin)], mode="edge"))
    return np.concatenate(parts)


def _shared(weights: Sequence[Array]) -> Array:
    """Each small kernel divided by how many more entries it gets."""
    largest = max(w.shape[-1] for w in weights)
    return one_kernel([w * (w.shape[-1] / largest) ** 2 for w in weights])


def _branches(rng: np.random.Generator) -> list[Case]:
    def drawn(c_in: int, *branches: tuple[int, int]) -> list[Array]:
        return [rng.integers(1, 9, (c, c_in, k, k)).astype(float) for c, k in branches]

    return [
        case(drawn(1, (1, 1), (1, 3)), label="a 1x1 and a 3x3 kernel"),
        case(drawn(2, (1, 1), (1, 3), (1, 5)), label="1x1, 3x3 and 5x5 on two channels"),
        case(drawn(3, (2, 1), (4, 3), (3, 5)), label="several channels in each branch"),
        case(drawn(2, (2, 5), (3, 1)), label="the largest first"),
        case(drawn(2, (2, 3), (2, 7), (1, 3)), label="3x3, 7x7, 3x3"),
        case(drawn(3, (4, 3)), label="a single branch"),
    ]


ONE_KERNEL = Exercise(
    id="inception/one_kernel",
    section=SECTION,
    title="A module is a large kernel full of zeros",
    reference=one_kernel,
    cases=_branches,
    alternatives=[_by_slices],
    mistakes=[
        Mistake(
            _placed(first=lambda largest, k: 0),
            "The small kernels sit in the upper left corner. Then they look up and to the left of the place they answer for: put them into the middle.",
        ),
        Mistake(
            _placed(first=lambda largest, k: largest - k),
            "The small kernels sit in the lower right corner. Put them into the middle.",
        ),
        Mistake(
            _edge,
            "The small kernels are continued with the values at their edge, so they see more than they did. Outside them must be zeros.",
        ),
        Mistake(
            _placed(background=1.0),
            "Around the small kernels are ones. A weight that was not there is a 0.",
        ),
        Mistake(
            _shared,
            "The small kernels are weakened for having more entries. The zeros add nothing, so their own weights stay as they are.",
        ),
        Mistake(
            lambda weights: one_kernel(list(weights)[::-1]),
            "The branches are in reverse order. Channels come in the order of the list.",
        ),
        Mistake(
            lambda weights: one_kernel(sorted(weights, key=lambda w: w.shape[-1])),
            "The branches are sorted by size. Channels come in the order of the list.",
        ),
        Mistake(
            lambda weights: one_kernel([w[:, :, ::-1, ::-1] for w in weights]),
            "The kernels are turned around. Layers of networks correlate, and the kernel stays as it is.",
        ),
        Mistake(
            lambda weights: one_kernel([w.transpose(0, 1, 3, 2) for w in weights]),
            "Rows and columns of the kernels are exchanged.",
        ),
    ],
    hint="np.pad takes a pair (before, after) for each of the four axes; then np.concatenate.",
)
