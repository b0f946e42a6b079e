"""The exercise on what a linear map does to waves: how much energy leaves its frequency?"""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spectral_or_spatial"
Array = np.ndarray


def leak(M: Array, L: Array) -> float:
    """The share of M's energy that goes from one frequency to another."""
    frequencies, U = np.linalg.eigh(L)
    energy = (U.T @ M @ U) ** 2
    elsewhere = np.abs(frequencies[:, None] - frequencies) > 1e-6
    return float(energy[elsewhere].sum() / energy.sum())


def _by_projections(M: Array, L: Array) -> float:
    frequencies, U = np.linalg.eigh(L)
    groups = np.cumsum(np.diff(frequencies, prepend=frequencies[0]) > 1e-6)
    stays = 0.0
    for group in np.unique(groups):
        P = U[:, groups == group] @ U[:, groups == group].T
        stays += float(np.sum((P @ M @ P) ** 2))
    return 1 - stays / float(np.sum(M**2))


def _of(answer: Callable[[Array, Array], float]) -> Callable[[Array, Array], float]:
    """Something else made of the map in the waves' coordinates, and of which entries are elsewhere."""

    def wrong(M: Array, L: Array) -> float:
        frequencies, U = np.linalg.eigh(L)
        return float(answer(U.T @ M @ U, np.abs(frequencies[:, None] - frequencies) > 1e-6))

    return wrong


def _with(change: Callable[[Array, Array], Array]) -> Callable[[Array, Array], float]:
    """The right share of a wrong matrix, made of U and M."""

    def wrong(M: Array, L: Array) -> float:
        frequencies, U = np.linalg.eigh(L)
        energy = change(U, M) ** 2
        return float(energy[np.abs(frequencies[:, None] - frequencies) > 1e-6].sum() / energy.sum())

    return wrong


def _own_waves(M: Array, L: Array) -> float:
    frequencies, U = np.linalg.eigh(M)
    energy = (U.T @ L @ U) ** 2
    return float(energy[np.abs(frequencies[:, None] - frequencies) > 1e-6].sum() / energy.sum())


def _laplacian(n: int, links: list[tuple[int, int]]) -> Array:
    A = np.zeros((n, n))
    for i, j in links:
        A[i, j] = A[j, i] = 1
    return np.diag(A.sum(axis=1)) - A


def _maps(rng: np.random.Generator) -> list[Case]:
    path = _laplacian(4, [(0, 1), (1, 2), (2, 3)])
    tail = _laplacian(5, [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4)])
    long = _laplacian(9, [(i, i + 1) for i in range(8)])
    ring = _laplacian(6, [(i, (i + 1) % 6) for i in range(6)])
    return [
        case(np.eye(4) - 0.25 * path, path, label="a polynomial of L: nothing leaks"),
        case(np.diag([1.0, 0, 1, 1]), path, label="a ReLU that silences one node"),
        case(rng.normal(size=(4, 4)).round(2), path, label="any matrix, not symmetric"),
        case(rng.normal(size=(5, 5)).round(2), tail, label="another graph, another matrix"),
        case(rng.normal(size=(9, 9)).round(2), long, label="a long path: frequencies near each other differ"),
        case(
            np.roll(np.eye(6), 1, axis=0),
            ring,
            label="one step round a ring, whose frequencies come in pairs",
        ),
        case(np.diag([1.0, 0, 0, 1, 1, 0]), ring, label="a ReLU on the ring"),
    ]


LEAK = Exercise(
    id="spectral_or_spatial/leak",
    section=SECTION,
    title="How much leaves its frequency?",
    reference=leak,
    cases=_maps,
    alternatives=[_by_projections],
    mistakes=[
        Mistake(
            _of(lambda G, away: (G**2)[~np.eye(len(G), dtype=bool)].sum() / (G**2).sum()),
            "All that is off the diagonal counts as leaked. Two waves of the same frequency may mix freely.",
        ),
        Mistake(
            _of(lambda G, away: (G**2)[~away].sum() / (G**2).sum()),
            "This is the share that stays at its frequency. The exercise asks for the other one.",
        ),
        Mistake(
            _of(lambda G, away: (G**2)[away].sum()),
            "This is the leaked energy itself. Divide it by the energy of the whole map.",
        ),
        Mistake(
            _of(lambda G, away: (G**2)[away].sum() / (G**2)[~away].sum()),
            "The leaked energy is divided by what stays. Divide it by the whole.",
        ),
        Mistake(
            _of(lambda G, away: np.abs(G)[away].sum() / np.abs(G).sum()),
            "The entries are not squared. Energy is a sum of squares.",
        ),
        Mistake(
            _of(lambda G, away: np.sqrt((G**2)[away].sum() / (G**2).sum())),
            "This is the root of the share: a ratio of lengths. Energy is the square of a length.",
        ),
        Mistake(
            _of(lambda G, away: (G**2)[np.triu(away)].sum() / (G**2).sum()),
            "Only what goes from a faster to a slower wave is counted. Count both triangles.",
        ),
        Mistake(
            _with(lambda U, M: U @ M @ U.T),
            "The two changes of basis are the wrong way round. The waves are the columns of U, so it is U.T @ M @ U.",
        ),
        Mistake(
            _with(lambda U, M: M @ U),
            "What comes out is still written node by node. Transform it, too: multiply by U.T from the left.",
        ),
        Mistake(
            _with(lambda U, M: U.T @ M),
            "What goes in is still written node by node. Put in the waves: multiply by U from the right.",
        ),
        Mistake(
            _with(lambda U, M: M),
            "This asks what goes from node to node. Go over to the waves' coordinates first.",
        ),
        Mistake(
            _own_waves,
            "The waves are those of M, and the map is L. It is the other way round.",
        ),
    ],
    hint="Entry (k, l) of U.T @ M @ U is how much of wave k comes out when wave l goes in.",
)
