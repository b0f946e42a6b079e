"""The exercise on a layer of Chebyshev's polynomials."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import graph

SECTION = "11_graph_networks/spectral_convolution"
Array = np.ndarray


def chebyshev_layer(L: Array, x: Array, W: Array, lambda_max: float) -> Array:
    """The recursion on signals, each term with its matrix."""
    return graph.chebyshev_filter(
        x, graph.scaled_laplacian(L, lambda_max), W.transpose(0, 2, 1), np.zeros(W.shape[2])
    )


def _by_waves(L: Array, x: Array, W: Array, lambda_max: float) -> Array:
    values, U = np.linalg.eigh(L)
    angle = np.arccos(np.clip(2 * values / lambda_max - 1, -1, 1))
    return sum(
        (U @ (np.cos(k * angle)[:, None] * (U.T @ x)) @ w for k, w in enumerate(W)),
        np.zeros((len(x), W.shape[2])),
    )


def _recursive(
    scaled: Callable[[Array, float], Array] = lambda L, top: 2 * L / top - np.eye(len(L)),
    follow: Callable[[Array, Array, Array], Array] = lambda S, last, before: 2 * S @ last - before,
    first: Callable[[Array, Array], Array] = lambda S, x: S @ x,
) -> Callable[[Array, Array, Array, float], Array]:
    """Another scaling, another recursion, or another T_1."""

    def answer(L: Array, x: Array, W: Array, lambda_max: float) -> Array:
        S = scaled(L, lambda_max)
        before, last = x, first(S, x)
        y = x @ W[0]
        for w in W[1:]:
            y = y + last @ w
            before, last = last, follow(S, last, before)
        return y

    return answer


def _turned(L: Array, x: Array, W: Array, lambda_max: float) -> Array:
    return chebyshev_layer(L, x, W[::-1], lambda_max)


def _own_bound(L: Array, x: Array, W: Array, lambda_max: float) -> Array:
    return chebyshev_layer(L, x, W, float(2 * np.diag(L).max()))


def _late(L: Array, x: Array, W: Array, lambda_max: float) -> Array:
    return chebyshev_layer(L, x, np.concatenate([np.zeros_like(W[:1]), W]), lambda_max)


def _first_term(L: Array, x: Array, W: Array, lambda_max: float) -> Array:
    return chebyshev_layer(L, x, W[:2], lambda_max)


def _summed(L: Array, x: Array, W: Array, lambda_max: float) -> Array:
    terms = graph.chebyshev(graph.scaled_laplacian(L, lambda_max), x, len(W))
    return terms.sum(axis=0) @ W.sum(axis=0)


def _graphs(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, out: int, K: int, top: float | None, label: str) -> Case:
        A = np.triu((rng.random((n, n)) < 0.5) | np.eye(n, k=1, dtype=bool), 1) * 1.0
        L = graph.laplacian(A + A.T, "sym" if top == 2.0 else None)
        bound = float(2 * np.diag(L).max()) if top is None else top
        return case(
            L,
            rng.normal(size=(n, d)).round(2),
            rng.normal(size=(K, d, out)).round(2),
            bound,
            label=label,
        )

    return [
        draw(3, 1, 1, 2, 2.0, "two terms, one feature"),
        draw(4, 2, 3, 1, 2.0, "one term"),
        draw(5, 2, 2, 3, 2.0, "three terms"),
        draw(6, 3, 2, 4, None, "four terms, a Laplacian that is not normalized"),
        draw(7, 1, 2, 6, 14.5, "six terms, a bound that is not tight"),
    ]


LAYER = Exercise(
    id="spectral_convolution/layer",
    section=SECTION,
    title="A Chebyshev layer",
    reference=chebyshev_layer,
    cases=_graphs,
    alternatives=[_recursive(), _by_waves],
    mistakes=[
        Mistake(
            _recursive(scaled=lambda L, top: L),
            "The Laplacian is not scaled. Its eigenvalues go from 0 to lambda_max: bring them to -1 ... 1.",
        ),
        Mistake(
            _recursive(scaled=lambda L, top: 2 * L / top),
            "The identity is not subtracted: the eigenvalues go from 0 to 2. Subtract I.",
        ),
        Mistake(
            _recursive(scaled=lambda L, top: L / top - np.eye(len(L))),
            "A factor 2 is missing: L / lambda_max - I has eigenvalues from -1 to 0. It is 2 L / lambda_max - I.",
        ),
        Mistake(
            _recursive(scaled=lambda L, top: L - np.eye(len(L))),
            "The bound is always 2 here, as for a normalized Laplacian. Divide by lambda_max, and double.",
        ),
        Mistake(
            _recursive(scaled=lambda L, top: 2 * L / top - np.ones_like(L)),
            "1 is subtracted from every entry. Subtract the identity, from the diagonal alone.",
        ),
        Mistake(
            _recursive(follow=lambda S, last, before: 2 * S @ last),
            "T_(k-2) is not subtracted in the recursion.",
        ),
        Mistake(
            _recursive(follow=lambda S, last, before: S @ last - before),
            "The factor 2 of the recursion is missing: 2 z T_(k-1) - T_(k-2).",
        ),
        Mistake(
            _recursive(follow=lambda S, last, before: 2 * S @ last + before),
            "T_(k-2) is added. It is subtracted.",
        ),
        Mistake(
            _recursive(follow=lambda S, last, before: S @ last),
            "These are powers of the scaled Laplacian. Chebyshev's polynomials have a recursion over two terms.",
        ),
        Mistake(
            _recursive(first=lambda S, x: 2 * S @ x),
            "T_1 is 2 z here. That is another kind of Chebyshev polynomial: T_1(z) = z.",
        ),
        Mistake(
            _own_bound,
            "lambda_max is not used: the bound here is twice the largest degree. Scale by the bound that is given.",
        ),
        Mistake(_turned, "The matrices are used from last to first. W[0] belongs to T_0."),
        Mistake(_late, "The terms are off by one: W[0] belongs to T_0, which is x itself."),
        Mistake(_first_term, "Only the first two terms are there. Go on to T_(K-1)."),
        Mistake(_summed, "The terms are summed before the matrices come. Each term has a matrix of its own."),
    ],
    hint="Keep the last two terms, and add term @ W[k] as you go: T_0 x = x, T_1 x = L' x, T_2 x = 2 L' (T_1 x) - x.",
)
