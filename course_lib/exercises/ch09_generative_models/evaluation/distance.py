"""The exercise on the Frechet distance of two Gaussians."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/evaluation"
Array = np.ndarray


def _root(S: Array) -> Array:
    """Symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(S)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def frechet(mu1: Array, S1: Array, mu2: Array, S2: Array) -> float:
    """|mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2)."""
    A = _root(S1)
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(A @ S2 @ A), 0)).sum()
    return float(((mu1 - mu2) ** 2).sum() + np.trace(S1) + np.trace(S2) - 2 * shared)


def _by_singular_values(mu1: Array, S1: Array, mu2: Array, S2: Array) -> float:
    shared = np.linalg.svd(_root(S1) @ _root(S2), compute_uv=False).sum()
    return float(np.sum((mu1 - mu2) ** 2) + np.trace(S1 + S2) - 2 * shared)


def _by_eigenvalues_of_the_product(mu1: Array, S1: Array, mu2: Array, S2: Array) -> float:
    values = np.linalg.eigvals(S1 @ S2)
    shared = np.sqrt(np.maximum(values.real, 0)).sum()
    return float(np.dot(mu1 - mu2, mu1 - mu2) + np.trace(S1 + S2) - 2 * shared)


def _wrong(
    means: Callable[[Array], float] = lambda gap: float(gap @ gap),
    spread: Callable[[Array, Array], float] = lambda S1, S2: frechet(
        np.zeros(len(S1)), S1, np.zeros(len(S1)), S2
    ),
) -> Callable[..., float]:
    """Another part of the means or of the covariances."""

    def answer(mu1: Array, S1: Array, mu2: Array, S2: Array) -> float:
        return means(mu1 - mu2) + spread(S1, S2)

    return answer


def _entrywise(S1: Array, S2: Array) -> float:
    product = S1 @ S2
    return float(np.trace(S1 + S2) - 2 * np.trace(np.sqrt(np.abs(product))))


def _shared(S1: Array, S2: Array) -> float:
    A = _root(S1)
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(A @ S2 @ A), 0)).sum())


def _by_half(product: Array) -> float:
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0)).sum())


def _by_stretching(product: Array) -> float:
    return float(np.sqrt(np.linalg.svd(product, compute_uv=False)).sum())


def _root_of_all(mu1: Array, S1: Array, mu2: Array, S2: Array) -> float:
    return float(np.sqrt(max(frechet(mu1, S1, mu2, S2), 0.0)))


def _gaussians(rng: np.random.Generator) -> list[Case]:
    def covariance(d: int, rank: int | None = None) -> Array:
        factor = rng.normal(size=(d if rank is None else rank, d)).round(1)
        return factor.T @ factor + (0.5 * np.eye(d) if rank is None else 0)

    one = np.ones(1)
    return [
        case(0 * one, 4 * np.eye(1), 3 * one, 9 * np.eye(1), label="one dimension"),
        case(np.zeros(2), np.eye(2), np.array([3.0, 4.0]), np.eye(2), label="one shape, two places"),
        case(np.zeros(2), np.diag([4.0, 1.0]), np.zeros(2), np.diag([1.0, 9.0]), label="along the axes"),
        case(
            np.zeros(2),
            np.array([[2.0, 1.5], [1.5, 2.0]]),
            np.ones(2),
            np.array([[2.0, -1.5], [-1.5, 2.0]]),
            label="two slanted ones",
        ),
        case(
            rng.normal(size=3).round(1),
            covariance(3),
            rng.normal(size=3).round(1),
            covariance(3),
            label="three features",
        ),
        case(
            rng.normal(size=5).round(1),
            covariance(5),
            rng.normal(size=5).round(1),
            covariance(5),
            label="five features",
        ),
        case(np.zeros(3), covariance(3, 1), np.ones(3), covariance(3), label="a flat one: points on a line"),
    ]


FRECHET = Exercise(
    id="evaluation/frechet",
    section=SECTION,
    title="The distance of two Gaussians",
    reference=frechet,
    cases=_gaussians,
    alternatives=[_by_singular_values, _by_eigenvalues_of_the_product],
    mistakes=[
        Mistake(
            _wrong(means=lambda gap: float(np.sqrt(gap @ gap))),
            "The distance of the means is not squared. Everything here is a mean squared distance.",
        ),
        Mistake(
            _wrong(means=lambda gap: float(np.mean(gap**2))),
            "The squared gaps of the means are averaged over the features. Sum them.",
        ),
        Mistake(
            _wrong(spread=lambda S1, S2: float(np.trace(S1 + S2)) - 2 * _by_half(S1 @ S2)),
            "The product was treated as symmetric, and half of it was never read (that is what eigvalsh does). It is not symmetric: eigvals reads all of it.",
        ),
        Mistake(
            _wrong(spread=lambda S1, S2: float(np.trace(S1 + S2)) - 2 * _by_stretching(S1 @ S2)),
            "You took the roots of the singular values of S1 S2. Those are its eigenvalues only where the product is symmetric.",
        ),
        Mistake(
            _wrong(spread=lambda S1, S2: float(np.trace(S1 + S2) - 2 * np.sqrt(np.trace(S1 @ S2)))),
            "The eigenvalues are summed first and the root comes after. Take the root of each, then sum.",
        ),
        Mistake(
            _wrong(spread=_entrywise),
            "The root is taken entry by entry. What is asked for is the matrix that, multiplied with itself, gives the product.",
        ),
        Mistake(
            _wrong(spread=lambda S1, S2: float(((np.sqrt(np.diag(S1)) - np.sqrt(np.diag(S2))) ** 2).sum())),
            "Each feature is treated by itself, as if they were uncorrelated. The entries off the diagonal count.",
        ),
        Mistake(
            _wrong(spread=lambda S1, S2: float(((_root(S1) - _root(S2)) ** 2).sum())),
            "You subtract the two roots and square. That is right only where S1 and S2 commute; else the cross term is another.",
        ),
        Mistake(
            _wrong(spread=lambda S1, S2: float(np.trace(S1 + S2)) - _shared(S1, S2)),
            "The root of the product is subtracted once. It comes twice, as in (a - b)^2.",
        ),
        Mistake(
            _wrong(spread=lambda S1, S2: float(np.trace(S1 + S2)) + 2 * _shared(S1, S2)),
            "The root of the product is added. Two equal Gaussians must be at distance 0.",
        ),
        Mistake(
            _wrong(spread=lambda S1, S2: float(np.trace(S1 + S2) - 2 * np.trace(S1 @ S2))),
            "The trace of the product without a root is subtracted: the units do not fit.",
        ),
        Mistake(
            _root_of_all,
            "You took the root at the end. The distance asked for is the squared one, as FID is.",
        ),
    ],
    hint="tr (S1 S2)^1/2 is the sum of the roots of the eigenvalues of S1 S2; no matrix root is needed.",
)
