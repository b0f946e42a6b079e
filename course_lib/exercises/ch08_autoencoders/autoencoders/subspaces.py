"""Exercises on principal components and on the angles between subspaces."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/autoencoders"
Array = np.ndarray

# PCA by SVD

Count = Callable[[Array, float], int]


def needed(s: Array, share: float) -> int:
    """The smallest k with sum of s_j^2 for j > k at most this share of the sum of all."""
    kept = np.cumsum(s**2) / np.sum(s**2)
    return int(np.argmax(kept >= 1 - share)) + 1


def pca_rebuild(x: Array, new: Array, share: float) -> Array:
    """Project the new rows on the mean of x plus as many principal directions as are needed."""
    mean = x.mean(axis=0)
    _, s, V = np.linalg.svd(x - mean, full_matrices=False)
    V = V[: needed(s, share)]
    return mean + (new - mean) @ V.T @ V


def _by_eigenvectors(x: Array, new: Array, share: float) -> Array:
    mean = x.mean(axis=0)
    values, V = np.linalg.eigh((x - mean).T @ (x - mean))  # in rising order
    k = len(values) - int(np.sum(np.cumsum(values) <= share * values.sum()))
    return mean + (new - mean) @ V[:, -k:] @ V[:, -k:].T


def _wrong(
    rebuild: Callable[[Array, Array, Array, int], Array], count: Count = needed
) -> Callable[[Array, Array, float], Array]:
    """rebuild(new, mean, rows of V^T, k), from the decomposition of the centred x."""

    def answer(x: Array, new: Array, share: float) -> Array:
        mean = x.mean(axis=0)
        _, s, Vt = np.linalg.svd(x - mean, full_matrices=False)
        return rebuild(new, mean, Vt, count(s, share))

    return answer


def _counted(count: Count) -> Callable[[Array, Array, float], Array]:
    """The right reconstruction from a wrong number of components."""
    return _wrong(lambda new, mean, Vt, k: mean + (new - mean) @ Vt[:k].T @ Vt[:k], count)


def _uncentred(x: Array, new: Array, share: float) -> Array:
    _, s, V = np.linalg.svd(x, full_matrices=False)
    V = V[: needed(s, share)]
    return new @ V.T @ V


def _uncentred_directions(x: Array, new: Array, share: float) -> Array:
    _, s, V = np.linalg.svd(x, full_matrices=False)
    V = V[: needed(s, share)]
    return x.mean(axis=0) + (new - x.mean(axis=0)) @ V.T @ V


def _own_mean(x: Array, new: Array, share: float) -> Array:
    return pca_rebuild(x, new - new.mean(axis=0) + x.mean(axis=0), share) - x.mean(axis=0) + new.mean(axis=0)


def _fitted_on_new(x: Array, new: Array, share: float) -> Array:
    return pca_rebuild(new, new, share)


def _counted_on_new(x: Array, new: Array, share: float) -> Array:
    mean = x.mean(axis=0)
    V = np.linalg.svd(x - mean, full_matrices=False)[2]
    s = np.linalg.norm((new - mean) @ V.T, axis=0)
    k = needed(s, share)
    return mean + (new - mean) @ V[:k].T @ V[:k]


def _clouds(rng: np.random.Generator) -> list[Case]:
    def cloud(n: int, d: int, first: float = 3.0) -> Array:
        """Spread `first` along one direction, and 2, 1, 1, 1, ... along the others."""
        spread = np.ones(d)
        spread[:2] = first, 2
        turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
        return (rng.normal(size=(n, d)) * spread @ turn + 3).round(2)

    return [
        case(cloud(6, 2, 9), cloud(3, 2), 0.3, label="the best line of a plane"),
        case(cloud(12, 4), cloud(5, 4), 0.1, label="a tenth may be lost"),
        case(cloud(7, 5), cloud(7, 5), 0.02, label="a fiftieth may be lost"),
        case(cloud(30, 6), cloud(4, 6), 0.05, label="a twentieth may be lost"),
        case(cloud(40, 8), cloud(9, 8), 0.2, label="a fifth may be lost"),
    ]


PCA = Exercise(
    id="autoencoders/pca",
    section=SECTION,
    title="As few components as will do",
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
            _wrong(lambda new, mean, Vt, k: (new - mean) @ Vt[:k].T @ Vt[:k]),
            "The mean is not added again: this is the deviation from it.",
        ),
        Mistake(
            _wrong(lambda new, mean, Vt, k: (new - mean) @ Vt[:k].T),
            "These are the codes, k numbers a row. Go back to d numbers: multiply by the directions, add the mean.",
        ),
        Mistake(
            _wrong(lambda new, mean, Vt, k: mean + new @ Vt[:k].T @ Vt[:k]),
            "The mean is added at the end, but was never subtracted from the new rows.",
        ),
        Mistake(
            _own_mean,
            "The new rows are centred with their own mean. The mean is learned from x, as the directions are.",
        ),
        Mistake(_fitted_on_new, "The components are those of the new rows. Learn them from x alone."),
        Mistake(
            _wrong(lambda new, mean, Vt, k: mean + (new - mean) @ Vt[-k:].T @ Vt[-k:]),
            "These are the last k directions, those of least spread. The singular values come in falling order.",
        ),
        Mistake(
            _counted(lambda s, share: needed(np.sqrt(s), share)),
            "More components than needed: the shares are those of the singular values. Square the values first.",
        ),
        Mistake(
            _counted(lambda s, share: needed(s, share) + 1),
            "One component more than needed: with one less, the share that is lost would still be small enough.",
        ),
        Mistake(
            _counted(lambda s, share: needed(s, share) - 1),
            "One component less than needed: this loses more than the share allows.",
        ),
        Mistake(
            _counted_on_new,
            "So many components serve the new rows. How many are kept is decided by what x loses.",
        ),
        Mistake(
            _counted(lambda s, share: needed(s, 1 - share)),
            "So few components keep this share. It is the share that may be lost.",
        ),
        Mistake(
            _counted(lambda s, share: int(np.sum(s**2 > share * np.sum(s**2)))),
            "These are the components that matter more than the share, each by itself. Add up all that are left out.",
        ),
    ],
    hint="s**2 of U, s, Vt = np.linalg.svd(x - mean, full_matrices=False), from k on, is what k directions lose.",
)

# angles between pictures and a flat


def angles(x: Array, V: Array, c: Array) -> Array:
    """arccos(|Q^T u| / |u|) in degrees for each u = x - c, with an orthonormal basis Q of the span of V."""
    return _degrees(_cosines(x - c, np.linalg.qr(V)[0]))


def _cosines(u: Array, Q: Array) -> Array:
    return np.clip(np.linalg.norm(u @ Q, axis=1) / np.linalg.norm(u, axis=1), 0, 1)


def _degrees(cosines: Array) -> Array:
    return np.degrees(np.arccos(cosines))


def _by_tangent(x: Array, V: Array, c: Array) -> Array:
    u = (x - c).T  # (d, n)
    flat = V @ np.linalg.lstsq(V, u, rcond=None)[0]
    return np.degrees(np.arctan2(np.linalg.norm(u - flat, axis=0), np.linalg.norm(flat, axis=0)))


def _unit(V: Array) -> Array:
    return V / np.linalg.norm(V, axis=0)


def _to_columns(x: Array, V: Array, c: Array) -> Array:
    u = x - c
    return _degrees(np.clip(abs(u @ _unit(V)) / np.linalg.norm(u, axis=1, keepdims=True), 0, 1).max(axis=1))


def _to_rebuilt(x: Array, V: Array, c: Array) -> Array:
    Q = np.linalg.qr(V)[0]
    x_hat = c + (x - c) @ Q @ Q.T
    cosines = (x * x_hat).sum(axis=1) / np.linalg.norm(x, axis=1) / np.linalg.norm(x_hat, axis=1)
    return _degrees(np.clip(cosines, -1, 1))


def _of_bases(x: Array, V: Array, c: Array) -> Array:
    Q = np.linalg.qr(V)[0]
    return np.degrees(np.linalg.norm((x - c) - (x - c) @ Q @ Q.T, axis=1) / np.linalg.norm(x - c, axis=1))


def _flats(rng: np.random.Generator) -> list[Case]:
    def some(*shape: int) -> Array:
        return rng.normal(size=shape).round(2)

    plane = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    points = np.array([[2.0, 1.0, 1.0], [1.0, 1.0, 2.0], [1.0, 3.0, 3.0], [3.0, 0.0, 1.0]])
    return [
        case(points, plane, np.ones(3), label="in the plane, across it, at 45 degrees"),
        case(some(4, 5), some(5, 2), some(5), label="a plane in five dimensions"),
        case(some(3, 6) + 3, 3 * some(6, 3), some(6), label="three dimensions of six"),
        case(some(5, 4), -2 * some(4, 1), some(4), label="a line in four dimensions"),
    ]


ANGLES = Exercise(
    id="autoencoders/angles",
    section=SECTION,
    title="How far a picture sticks out",
    reference=angles,
    cases=_flats,
    alternatives=[_by_tangent],
    atol=1e-4,
    mistakes=[
        Mistake(
            lambda x, V, c: _cosines(x - c, np.linalg.qr(V)[0]),
            "These are the cosines. Return the angles, in degrees.",
        ),
        Mistake(
            lambda x, V, c: np.radians(angles(x, V, c)),
            "These angles are in radians. Return degrees.",
        ),
        Mistake(
            lambda x, V, c: 90 - angles(x, V, c),
            "These are the angles to what is at right angles to the flat: what lies in it must have 0, not 90.",
        ),
        Mistake(
            lambda x, V, c: angles(x, V, np.zeros_like(c)),
            "The flat goes through c. Subtract c from x before you look at directions.",
        ),
        Mistake(
            _to_columns,
            "These are the angles to the nearest column. The flat holds all mixtures of the columns, too.",
        ),
        Mistake(
            lambda x, V, c: _degrees(_cosines(x - c, _unit(V))),
            "The columns have length 1, but are not at right angles to one another. Take an orthonormal basis, by QR.",
        ),
        Mistake(
            lambda x, V, c: _degrees(_cosines(x - c, V)),
            "The columns of V are used as if they were orthonormal. Make them so, by QR.",
        ),
        Mistake(
            _to_rebuilt,
            "This is the angle between x and its reconstruction, seen from 0. Look from c at both.",
        ),
        Mistake(
            _of_bases,
            "This is the sine, taken for an angle: the length that sticks out over the whole. Take its arcsin.",
        ),
    ],
    hint="With Q = np.linalg.qr(V)[0], the part of u in the flat has length |Q^T u|.",
)
