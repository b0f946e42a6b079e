"""The exercise on reading a filter."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/denoising"
Array = np.ndarray


def agreement(w: Array) -> tuple[float, float]:
    """Mean product of neighbours over mean square: side by side, and one above the other."""
    v = w - w.mean()
    return (v[:, 1:] * v[:, :-1]).mean() / (v**2).mean(), (v[1:] * v[:-1]).mean() / (v**2).mean()


def _by_loops(w: Array) -> tuple[float, float]:
    v = w - w.mean()
    rows, columns = v.shape
    across = [v[i, j] * v[i, j + 1] for i in range(rows) for j in range(columns - 1)]
    down = [v[i, j] * v[i + 1, j] for i in range(rows - 1) for j in range(columns)]
    return float(np.mean(across) / np.var(w)), float(np.mean(down) / np.var(w))


def _wrong(measure: Callable[[Array], float], centred: bool = True) -> Callable[[Array], tuple[float, float]]:
    """``measure`` of neighbours side by side, for the filter and for its transpose."""

    def answer(w: Array) -> tuple[float, float]:
        v = w - w.mean() if centred else w
        return measure(v), measure(v.T)

    return answer


def _right(v: Array) -> float:
    return (v[:, 1:] * v[:, :-1]).mean() / (v**2).mean()


def _swapped(w: Array) -> tuple[float, float]:
    return agreement(w)[1], agreement(w)[0]


def _mean(w: Array) -> tuple[float, float]:
    both = sum(agreement(w)) / 2
    return both, both


def _filters(rng: np.random.Generator) -> list[Case]:
    stroke = np.outer(np.ones(5), [0.0, 0, 1, 0, 0])
    blob = np.outer([0.0, 1, 2, 1, 0], [1.0, 2, 1])
    return [
        case(stroke, label="a stroke that runs down"),
        case(np.indices((4, 4)).sum(axis=0) % 2 * 2.0, label="a chess board"),
        case(blob + 1, label="a blob, taller than wide"),
        case(rng.normal(size=(6, 4)).round(2) + 0.5, label="no structure"),
        case(-3 * np.cumsum(rng.normal(size=(4, 7)).round(2), axis=1), label="a wide filter of bands"),
    ]


AGREE = Exercise(
    id="denoising/read_filter",
    section=SECTION,
    title="Read a filter",
    reference=agreement,
    cases=_filters,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(_swapped, "The order is turned round: side by side comes first, one above the other second."),
        Mistake(
            _wrong(_right, centred=False),
            "The mean of the filter is not subtracted: any filter of one sign seems to agree.",
        ),
        Mistake(
            _wrong(lambda v: (v * np.roll(v, 1, axis=1)).mean() / (v**2).mean()),
            "The last column is paired with the first, as np.roll does. They are no neighbours.",
        ),
        Mistake(
            _wrong(lambda v: (v[:, 1:] * v[:, :-1]).sum() / (v**2).sum()),
            "Sums in place of means: there are fewer pairs than weights, so even equal weights would give less than 1.",
        ),
        Mistake(
            _wrong(lambda v: (v[:, 1:] * v[:, :-1]).mean()),
            "The products are not divided by the mean square: a filter with large weights seems to agree more.",
        ),
        Mistake(
            _wrong(lambda v: abs(_right(v))),
            "The sign is lost. Neighbours of opposite sign disagree, and the measure is negative.",
        ),
        Mistake(
            _wrong(lambda v: (v[:, 2:] * v[:, :-2]).mean() / (v**2).mean()),
            "These are weights two apart. Take direct neighbours.",
        ),
        Mistake(
            _wrong(lambda v: (v[:, 1:] * v[:, :-1]).mean() / (v**2).mean() ** 0.5),
            "The products are divided by the standard deviation. They are squares, so divide by the mean square.",
        ),
        Mistake(_mean, "Both numbers are the mean of the two directions. Give each direction its own."),
    ],
    hint="v[:, 1:] * v[:, :-1] multiplies each weight with its neighbour on the left.",
)
