"""An exercise on many curvatures: what share of them points down."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "05_optimization/challenges"


def share_of_descent(hessians: np.ndarray, tolerance: float = 1e-6) -> np.ndarray:
    """Share of the eigenvalues below minus the tolerance, times the largest size, of each matrix."""
    values = np.linalg.eigvalsh(hessians)
    return (values < -tolerance * np.abs(values).max(axis=1, keepdims=True)).mean(axis=1)


def _one_by_one(hessians: np.ndarray, tolerance: float = 1e-6) -> list[float]:
    shares = []
    for matrix in hessians:
        values = np.linalg.eigvalsh(matrix)
        scale = max(abs(values[0]), abs(values[-1]))
        shares.append(sum(value < -tolerance * scale for value in values) / len(matrix))
    return shares


def _share(
    values: Callable[[np.ndarray], np.ndarray] = np.linalg.eigvalsh,
    scale: Callable[[np.ndarray], np.ndarray] = lambda v: np.abs(v).max(axis=1, keepdims=True),
    count: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda v, floor: (v < -floor).mean(axis=1),
) -> Callable[..., np.ndarray]:
    """A wrong share: of other numbers, against another scale, or counted otherwise."""

    def answer(hessians: np.ndarray, tolerance: float = 1e-6) -> np.ndarray:
        found = values(hessians)
        return count(found, tolerance * scale(found))

    return answer


def _turned(rng: np.random.Generator, *spectra: list[float]) -> np.ndarray:
    """Symmetric matrices (k, d, d) with the given eigenvalues, in random directions."""
    matrices = []
    for spectrum in spectra:
        basis = np.linalg.qr(rng.normal(size=(len(spectrum), len(spectrum))))[0]
        matrix = basis @ np.diag(spectrum) @ basis.T
        matrices.append((matrix + matrix.T) / 2)
    return np.stack(matrices)


def _cases(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.stack([np.diag([1.0, -1.0]), np.diag([2.0, 3.0])]), label="a saddle and a minimum"),
        case(np.array([[[1.0, 3.0], [3.0, 1.0]]]), label="a saddle that lies across the axes"),
        case(
            _turned(rng, [3.0, 1.0, 0.0, -2.0], [5.0, -1.0, -1.0, -2.0], [4.0, 2.0, 1.0, 0.5]),
            label="three of four parameters, with a flat direction",
        ),
        case(_turned(rng, [-1.0, -2.0, -4.0], [1.0, 1.0, 8.0]), label="a maximum and a minimum"),
        case(
            _turned(rng, [1e6, 1.0, -1.0, -500.0], [1e-6, 1e-7, -1e-7, -1e-6]),
            1e-5,
            label="costs in large and in small units",
        ),
        case(
            _turned(rng, [0.1, 0.01, -0.02, -10.0], [10.0, 0.2, -0.4, -5.0]),
            0.01,
            label="a largest curvature that points down",
        ),
        case(_turned(rng, [0.0] * 3, [2.0, 0.0, 0.0]), label="no curvature at all"),
        case(
            _turned(rng, [*np.linspace(-1, 3, 12)], [*np.linspace(-3, 0.5, 12)]),
            0.1,
            label="twelve parameters",
        ),
    ]


SHARE = Exercise(
    id="challenges/share_of_descent",
    section=SECTION,
    title="In how many directions down?",
    reference=share_of_descent,
    cases=_cases,
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            _share(scale=lambda v: np.ones((len(v), 1))),
            "The tolerance is absolute here. What rounding leaves depends on the largest curvature: multiply by it.",
        ),
        Mistake(
            _share(scale=lambda v: v.max(axis=1, keepdims=True)),
            "The tolerance is scaled by the largest eigenvalue. Its size may be smaller than that of the most negative "
            "one: take the largest absolute value.",
        ),
        Mistake(
            _share(scale=lambda v: np.abs(v).max()),
            "One scale for all matrices. Each has its own, or the small ones count as flat.",
        ),
        Mistake(
            _share(scale=lambda v: np.zeros((len(v), 1))),
            "The tolerance is not used, so that rounding errors around zero are counted as directions.",
        ),
        Mistake(
            _share(count=lambda v, floor: (v < -floor).sum(axis=1)),
            "These are numbers of directions. Divide by how many there are.",
        ),
        Mistake(
            _share(count=lambda v, floor: (v < floor).mean(axis=1)),
            "Flat directions are counted as well: an eigenvalue must lie below minus the tolerance.",
        ),
        Mistake(
            _share(count=lambda v, floor: 1 - (v > floor).mean(axis=1)),
            "Everything that does not curve up is counted. What is flat does not curve down.",
        ),
        Mistake(
            _share(count=lambda v, floor: (v > floor).mean(axis=1)),
            "This is the share of the directions that curve up.",
        ),
        Mistake(
            _share(
                count=lambda v, floor: (
                    (v < -floor).sum(axis=1) / np.maximum((np.abs(v) > floor).sum(axis=1), 1)
                )
            ),
            "Divided by the directions that are not flat. Divide by all of them.",
        ),
        Mistake(
            _share(count=lambda v, floor: (v < -floor).mean()),
            "One number for all matrices together. Return one for each.",
        ),
        Mistake(
            _share(count=lambda v, floor: (v < -floor).any(axis=1).astype(float)),
            "This says whether there is any way down. Return the share of such directions.",
        ),
        Mistake(
            _share(values=lambda h: np.diagonal(h, axis1=1, axis2=2)),
            "The signs are those of the diagonal. [[1, 3], [3, 1]] has a positive diagonal and a way down.",
        ),
        Mistake(
            _share(values=lambda h: np.linalg.svd(h, compute_uv=False)),
            "Singular values have no sign. For a symmetric matrix take eigvalsh.",
        ),
        Mistake(
            lambda hessians, tolerance=1e-6: share_of_descent(hessians),
            "The tolerance is always 1e-6 here. Use the argument.",
        ),
    ],
    hint="np.linalg.eigvalsh takes a stack of matrices and returns (k, d). Compare each row with its own largest size.",
)

EXERCISES = [SHARE]
