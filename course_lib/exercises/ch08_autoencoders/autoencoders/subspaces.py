"""Exercises on principal components and on the angles between subspaces."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/autoencoders"
Array = np.ndarray

# PCA by SVD


def pca_rebuild(x: Array, new: Array, k: int) -> Array:
    """Project the new rows on the mean of x plus its first k principal directions."""
    mean = x.mean(axis=0)
    V = np.linalg.svd(x - mean, full_matrices=False)[2][:k]
    return mean + (new - mean) @ V.T @ V


def _by_eigenvectors(x: Array, new: Array, k: int) -> Array:
    mean = x.mean(axis=0)
    V = np.linalg.eigh((x - mean).T @ (x - mean))[1][:, ::-1][:, :k]  # values come in rising order
    return mean + (new - mean) @ V @ V.T


def _wrong(rebuild: Callable[[Array, Array, Array, Array, int], Array]) -> Callable[..., Array]:
    """rebuild(new, mean, U, rows of V^T, k), from the decomposition of the centred x."""

    def answer(x: Array, new: Array, k: int) -> Array:
        mean = x.mean(axis=0)
        U, _, Vt = np.linalg.svd(x - mean, full_matrices=False)
        return rebuild(new, mean, U, Vt, k)

    return answer


def _uncentred(x: Array, new: Array, k: int) -> Array:
    V = np.linalg.svd(x, full_matrices=False)[2][:k]
    return new @ V.T @ V


def _uncentred_directions(x: Array, new: Array, k: int) -> Array:
    V = np.linalg.svd(x, full_matrices=False)[2][:k]
    return x.mean(axis=0) + (new - x.mean(axis=0)) @ V.T @ V


def _own_mean(x: Array, new: Array, k: int) -> Array:
    V = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:k]
    return new.mean(axis=0) + (new - new.mean(axis=0)) @ V.T @ V


def _one_mean(x: Array, new: Array, k: int) -> Array:
    mean = x.mean()
    V = np.linalg.svd(x - mean, full_matrices=False)[2][:k]
    return mean + (new - mean) @ V.T @ V


def _scaled(x: Array, new: Array, k: int) -> Array:
    mean, spread = x.mean(axis=0), x.std(axis=0)
    V = np.linalg.svd((x - mean) / spread, full_matrices=False)[2][:k]
    return mean + (new - mean) / spread @ V.T @ V * spread


def _fitted_on_new(x: Array, new: Array, k: int) -> Array:
    return pca_rebuild(new, new, k)


def _clouds(rng: np.random.Generator) -> list[Case]:
    def cloud(n: int, d: int) -> Array:
        return (rng.normal(size=(n, d)) * np.arange(d, 0, -1) @ rng.normal(size=(d, d)) + 3).round(2)

    return [
        case(cloud(6, 2), cloud(3, 2), 1, label="the best line of a plane"),
        case(cloud(12, 4), cloud(5, 4), 2, label="two of four directions"),
        case(cloud(5, 5), cloud(7, 5), 2, label="as many examples as dimensions"),
        case(cloud(30, 6), cloud(2, 6), 3, label="three of six directions"),
        case(cloud(9, 3), cloud(4, 3), 2, label="a plane in space"),
    ]


PCA = Exercise(
    id="autoencoders/pca",
    section=SECTION,
    title="Principal components by SVD",
    reference=pca_rebuild,
    cases=_clouds,
    alternatives=[_by_eigenvectors],
    mistakes=[
        Mistake(
            _uncentred,
            "The data are not centred. Without subtracting the mean the first direction mostly points at it.",
        ),
        Mistake(
            _uncentred_directions,
            "The new rows are centred, but the directions come from data that are not: subtract the mean from x before the SVD.",
        ),
        Mistake(
            _wrong(lambda new, mean, U, Vt, k: (new - mean) @ Vt[:k].T @ Vt[:k]),
            "The mean is not added again: this is the deviation from it.",
        ),
        Mistake(
            _wrong(lambda new, mean, U, Vt, k: (new - mean) @ Vt[:k].T),
            "These are the codes, k numbers a row. Go back to d numbers: multiply by the directions, add the mean.",
        ),
        Mistake(
            _wrong(lambda new, mean, U, Vt, k: mean + new @ Vt[:k].T @ Vt[:k]),
            "The mean is added at the end, but was never subtracted from the new rows.",
        ),
        Mistake(
            _own_mean,
            "The new rows are centred with their own mean. The mean is learned from x, as the directions are.",
        ),
        Mistake(_fitted_on_new, "The components are those of the new rows. Learn them from x alone."),
        Mistake(
            _wrong(lambda new, mean, U, Vt, k: mean + (new - mean) @ Vt[-k:].T @ Vt[-k:]),
            "These are the last k directions, those of least spread. The singular values come in falling order.",
        ),
        Mistake(
            _wrong(lambda new, mean, U, Vt, k: mean + (new - mean) @ Vt[:, :k] @ Vt[:, :k].T),
            "The columns of the third result of svd are taken. It is V transposed: the directions are its rows.",
        ),
        Mistake(_one_mean, "One mean of all entries is subtracted. Every column has its own: axis=0."),
        Mistake(
            _scaled,
            "The columns are divided by their spread first. That is PCA of correlations, with another subspace.",
        ),
    ],
    hint="Rows of the third result of np.linalg.svd(x - mean, full_matrices=False) are the directions.",
)

# principal angles


def angles(A: Array, B: Array) -> Array:
    """Principal angles in degrees, smallest first: arccos of the singular values of Qa^T Qb."""
    Qa, Qb = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    return np.degrees(np.arccos(np.clip(np.linalg.svd(Qa.T @ Qb, compute_uv=False), 0, 1)))


def _by_svd(A: Array, B: Array) -> Array:
    Qa = np.linalg.svd(A, full_matrices=False)[0]
    Qb = np.linalg.svd(B, full_matrices=False)[0]
    squares = np.linalg.eigvalsh(Qa.T @ Qb @ Qb.T @ Qa)[::-1]
    return np.degrees(np.arccos(np.sqrt(np.clip(squares, 0, 1))))


def _cosines(change: Callable[[Array], Array], A: Array, B: Array) -> Array:
    Qa, Qb = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    return change(np.clip(np.linalg.svd(Qa.T @ Qb, compute_uv=False), 0, 1))


def _columns(A: Array, B: Array) -> Array:
    """Angles between the columns of the same number."""
    A, B = A / np.linalg.norm(A, axis=0), B / np.linalg.norm(B, axis=0)
    return np.sort(np.degrees(np.arccos(np.clip(abs((A * B).sum(axis=0)), 0, 1))))


def _not_orthogonal(A: Array, B: Array) -> Array:
    A, B = A / np.linalg.norm(A, axis=0), B / np.linalg.norm(B, axis=0)
    return np.degrees(np.arccos(np.clip(np.linalg.svd(A.T @ B, compute_uv=False), 0, 1)))


def _diagonal(A: Array, B: Array) -> Array:
    Qa, Qb = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    return np.sort(np.degrees(np.arccos(np.clip(abs(np.diag(Qa.T @ Qb)), 0, 1))))


def _bases(rng: np.random.Generator) -> list[Case]:
    def basis(d: int, k: int) -> Array:
        return rng.normal(size=(d, k)).round(2)

    x, y, z = np.eye(3)[:, :1], np.eye(3)[:, 1:2], np.eye(3)[:, 2:]
    return [
        case(x, x + y, label="two lines at 45 degrees"),
        case(np.hstack([x, y]), np.hstack([x, y + np.sqrt(3) * z]), label="two planes that share a line"),
        case(basis(5, 2), basis(5, 2), label="two planes in five dimensions"),
        case(3 * basis(6, 3), basis(6, 3), label="three dimensions of six"),
        case(basis(4, 1), -2 * basis(4, 1), label="two lines in four dimensions"),
    ]


ANGLES = Exercise(
    id="autoencoders/angles",
    section=SECTION,
    title="Between two subspaces",
    reference=angles,
    cases=_bases,
    alternatives=[_by_svd],
    atol=1e-5,
    mistakes=[
        Mistake(
            lambda A, B: _cosines(lambda s: s, A, B),
            "These are the cosines. Return the angles, in degrees.",
        ),
        Mistake(lambda A, B: _cosines(np.arccos, A, B), "These angles are in radians. Return degrees."),
        Mistake(
            lambda A, B: _cosines(lambda s: np.degrees(np.arcsin(s)), A, B),
            "The singular values are cosines, not sines: a subspace has angle 0 with itself.",
        ),
        Mistake(
            lambda A, B: _cosines(lambda s: np.degrees(np.arccos(s))[::-1], A, B),
            "The right angles, largest first. Return the smallest first.",
        ),
        Mistake(
            _columns,
            "These are angles between columns of the same number. Two bases of one subspace may have no column in common.",
        ),
        Mistake(
            _not_orthogonal,
            "The columns have length 1, but are not at right angles to one another. Take orthonormal bases, by QR.",
        ),
        Mistake(
            lambda A, B: np.degrees(np.arccos(np.clip(np.linalg.svd(A.T @ B, compute_uv=False), 0, 1))),
            "A^T B has cosines for singular values only if the columns are orthonormal. Make them so, by QR.",
        ),
        Mistake(
            _diagonal,
            "The diagonal of Qa^T Qb compares basis vectors in the order they happen to have. Take its singular values.",
        ),
    ],
    hint="np.linalg.qr gives an orthonormal basis; np.linalg.svd(..., compute_uv=False) gives the cosines.",
)
