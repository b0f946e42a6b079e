"""The exercise on centred kernel alignment without the bias of few examples."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.exercises.ch07_transfer_learning.what_transfers.similarity import by_features

SECTION = "07_transfer_learning/what_transfers"


def _product(k: np.ndarray, other: np.ndarray) -> float:
    n = len(k)
    k, other = k - np.diag(np.diag(k)), other - np.diag(np.diag(other))
    whole = k.sum() * other.sum() / ((n - 1) * (n - 2))
    return float((k * other).sum() + whole - 2 / (n - 2) * (k.sum(axis=0) @ other.sum(axis=0)))


def _ratio_of(product: Callable[[np.ndarray, np.ndarray], float]) -> Callable[..., float]:
    def answer(x: np.ndarray, y: np.ndarray) -> float:
        k, other = x @ x.T, y @ y.T
        return product(k, other) / float(np.sqrt(product(k, k) * product(other, other)))

    return answer


debiased_cka = _ratio_of(_product)


def _terms(
    second: float = 1, third: float = 1, hollow: bool = True
) -> Callable[[np.ndarray, np.ndarray], float]:
    def product(k: np.ndarray, other: np.ndarray) -> float:
        n = len(k)
        if hollow:
            k, other = k - np.diag(np.diag(k)), other - np.diag(np.diag(other))
        whole = k.sum() * other.sum() / ((n - 1) * (n - 2))
        return float(
            (k * other).sum() + second * whole - third * 2 / (n - 2) * (k.sum(axis=0) @ other.sum(axis=0))
        )

    return product


_hollow_only = _ratio_of(_terms(second=0, third=0))


def _no_root(x: np.ndarray, y: np.ndarray) -> float:
    k, other = x @ x.T, y @ y.T
    return _product(k, other) / (_product(k, k) * _product(other, other))


def _mixed(x: np.ndarray, y: np.ndarray) -> float:
    x0, y0 = x - x.mean(axis=0), y - y.mean(axis=0)
    below = np.linalg.norm(x0.T @ x0) * np.linalg.norm(y0.T @ y0)
    return float(_product(x @ x.T, y @ y.T) / below)


def _clipped(x: np.ndarray, y: np.ndarray) -> float:
    return max(debiased_cka(x, y), 0.0)


def _debiased_cases(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-4, 5, shape).astype(float)

    x = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [2.0, 1.0]])
    y = np.array([[1.0], [-1.0], [1.0], [-1.0], [0.5]])
    return [
        case(x, 2 * x, label="a representation with its double"),
        case(x, y, label="two features against one; the estimate is negative"),
        case(whole(7, 2) + 3, whole(7, 3) - 2, label="features not centred"),
        case(whole(6, 12), whole(6, 15), label="fewer examples than features"),
        case(whole(12, 3), whole(12, 3), label="twelve examples"),
    ]


DEBIASED = Exercise(
    id="what_transfers/debiased_cka",
    section=SECTION,
    title="CKA without bias",
    reference=debiased_cka,
    cases=_debiased_cases,
    mistakes=[
        Mistake(
            by_features,
            "This is the plain CKA: an example is still compared with itself. Empty both diagonals and correct the sums.",
        ),
        Mistake(
            _ratio_of(_terms(hollow=False)),
            "The diagonals still stand in K and L. Set them to zero before any sum is taken.",
        ),
        Mistake(
            _ratio_of(_terms(second=0)),
            "The term with the sums of all entries is missing: sum(K) sum(L) / ((n - 1)(n - 2)).",
        ),
        Mistake(
            _ratio_of(_terms(third=0)),
            "The term with the sums of the rows is missing: subtract 2 / (n - 2) times their product.",
        ),
        Mistake(
            _ratio_of(_terms(third=0.5)),
            "The last term is taken once. It stands there twice: 2 / (n - 2).",
        ),
        Mistake(
            _hollow_only,
            "The diagonals are empty, but the means of the features are still inside: the two other terms take them off.",
        ),
        Mistake(
            lambda x, y: _hollow_only(x - x.mean(axis=0), y - y.mean(axis=0)),
            "The features are centred and the diagonals emptied. That leaves rows that no longer sum to 0: the two other terms correct it.",
        ),
        Mistake(
            _no_root,
            "Below stands h(K, K) h(L, L) without the root: the result changes with the scale of x.",
        ),
        Mistake(
            _mixed,
            "The numerator is without bias, the denominator is the plain one. Use h in all three places.",
        ),
        Mistake(
            _clipped,
            "Negative estimates are set to 0 here. Leave them: cut off, the average of many would be too high again.",
        ),
    ],
    hint="np.fill_diagonal(k, 0) empties a diagonal in place: do it on a matrix that you made yourself.",
)
