"""Exercises on filters of a graph's waves: the slow ones only, and what was not measured."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spectral_convolution"
Array = np.ndarray


def _laplacian(A: Array) -> Array:
    return np.diag(A.sum(axis=1)) - A


def _normalized(A: Array) -> Array:
    root = A.sum(axis=1) ** -0.5
    return np.eye(len(A)) - root[:, None] * A * root


def _weighted(rng: np.random.Generator, n: int) -> Array:
    """A connected graph with weights of its own for all links, so that no two frequencies coincide."""
    upper = np.triu(rng.random((n, n)) < 0.4, 1) | np.eye(n, k=1, dtype=bool)
    A = np.where(upper, rng.integers(2, 30, (n, n)) / 10, 0.0)
    return A + A.T


# the slow waves only


def low_pass(A: Array, x: Array, keep: int) -> Array:
    """U_keep U_keep^T x."""
    U = np.linalg.eigh(_laplacian(A))[1][:, :keep]
    return U @ U.T @ x


def _by_waves(A: Array, x: Array, keep: int) -> Array:
    values, waves = np.linalg.eig(_laplacian(A))
    slow = np.argsort(values.real)[:keep]
    return sum((waves[:, [k]] @ (waves[:, [k]].T @ x) for k in slow), np.zeros(x.shape)).real


def _by_response(A: Array, x: Array, keep: int) -> Array:
    _, U = np.linalg.eigh(_laplacian(A))
    return U @ ((np.arange(len(A)) < keep)[:, None] * (U.T @ x))


def _waves(
    choose: Callable[[Array, int], Array], matrix: Callable[[Array], Array] = _laplacian
) -> Callable[[Array, Array, int], Array]:
    """The part in other waves."""

    def answer(A: Array, x: Array, keep: int) -> Array:
        U = choose(np.linalg.eigh(matrix(A))[1], keep)
        return U @ (U.T @ x)

    return answer


def _coefficients(A: Array, x: Array, keep: int) -> Array:
    x_hat = np.linalg.eigh(_laplacian(A))[1].T @ x
    x_hat[keep:] = 0
    return x_hat


def _no_way_back(A: Array, x: Array, keep: int) -> Array:
    U = np.linalg.eigh(_laplacian(A))[1]
    x_hat = U.T @ x
    x_hat[keep:] = 0
    return U.T @ x_hat


def _scaled(A: Array, x: Array, keep: int) -> Array:
    values, U = np.linalg.eigh(_laplacian(A))
    return U[:, :keep] @ (values[:keep, None] * (U[:, :keep].T @ x))


def _by_size(A: Array, x: Array, keep: int) -> Array:
    U = np.linalg.eigh(_laplacian(A))[1]
    x_hat = U.T @ x
    power = (x_hat**2).sum(axis=1)
    return U @ (x_hat * (power >= np.sort(power)[-keep])[:, None])


def _signals(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, c: int, keep: int, label: str) -> Case:
        return case(_weighted(rng, n), rng.normal(size=(n, c)).round(2), keep, label=label)

    path = np.diag([1.0, 1.0], 1)
    return [
        case(path + path.T, np.array([[1.0], [2.0], [6.0]]), 1, label="the mean alone"),
        case(path + path.T, np.array([[1.0], [2.0], [6.0]]), 2, label="two waves of a path"),
        draw(6, 2, 6, "all waves"),
        draw(7, 3, 3, "three of seven"),
        draw(9, 1, 7, "seven of nine"),
    ]


LOW_PASS = Exercise(
    id="spectral_convolution/low_pass",
    section=SECTION,
    title="The slow waves only",
    reference=low_pass,
    cases=_signals,
    alternatives=[_by_waves, _by_response],
    mistakes=[
        Mistake(
            _waves(lambda U, keep: U[:, -keep:]),
            "These are the fastest waves. eigh sorts the eigenvalues from small to large: take the first.",
        ),
        Mistake(
            _waves(lambda U, keep: U[:, keep:]),
            "This is what should be dropped: all waves but the slowest.",
        ),
        Mistake(
            _waves(lambda U, keep: U[:, 1 : keep + 1]),
            "The first wave, the constant one, is left out. It is the slowest of all, with frequency 0.",
        ),
        Mistake(
            _waves(lambda U, keep: U[:, :keep], lambda A: A),
            "These are the eigenvectors of A, in which the smoothest comes last. Take those of D - A.",
        ),
        Mistake(
            _waves(lambda U, keep: U[:, :keep], _normalized),
            "These are the waves of the normalized Laplacian. Take D - A.",
        ),
        Mistake(
            _waves(lambda U, keep: U[:keep].T),
            "The rows of U are taken for waves. They are its columns: U[:, k].",
        ),
        Mistake(
            _coefficients,
            "These are the coefficients, the others set to 0. Transform them back: U times them.",
        ),
        Mistake(
            _no_way_back,
            "U^T is applied twice. There it is U^T, on the way back U.",
        ),
        Mistake(
            _scaled,
            "The waves that are kept are multiplied by their frequencies. Keep them as they are: response 1.",
        ),
        Mistake(
            _by_size,
            "The largest coefficients are kept. The slowest waves are asked for, however little there is in them.",
        ),
    ],
    hint="U[:, :keep].T @ x are the coefficients of the slowest waves; how do you get from them to a signal?",
)

# what was not measured


def fill(A: Array, x: Array, measured: Array, gamma: float) -> Array:
    """Solve (M + gamma L) y = M x."""
    M = measured.astype(float)
    return np.linalg.solve(np.diag(M) + gamma * _laplacian(A), np.where(measured, x, 0.0))


def _by_least_squares(A: Array, x: Array, measured: Array, gamma: float) -> Array:
    """A row for each measured value, and one for each link."""
    i, j = np.nonzero(np.triu(A, 1))
    differences = np.zeros((len(i), len(A)))
    weight = np.sqrt(gamma * A[i, j])
    differences[np.arange(len(i)), i], differences[np.arange(len(i)), j] = weight, -weight
    rows = np.concatenate([np.eye(len(A))[measured], differences])
    right = np.concatenate([x[measured], np.zeros(len(i))])
    return np.linalg.lstsq(rows, right, rcond=None)[0]


def _solved(
    matrix: Callable[[Array, Array, float], Array],
    right: Callable[[Array, Array], Array] = lambda x, measured: np.where(measured, x, 0.0),
) -> Callable[[Array, Array, Array, float], Array]:
    """Another matrix (from L, measured and gamma), or another right-hand side."""

    def answer(A: Array, x: Array, measured: Array, gamma: float) -> Array:
        return np.linalg.solve(matrix(_laplacian(A), measured, gamma), right(x, measured))

    return answer


def _system(L: Array, measured: Array, gamma: float) -> Array:
    return np.diag(measured.astype(float)) + gamma * L


def _zero_measured(A: Array, x: Array, measured: Array, gamma: float) -> Array:
    return np.linalg.solve(np.eye(len(A)) + gamma * _laplacian(A), np.where(measured, x, 0.0))


def _mean_measured(A: Array, x: Array, measured: Array, gamma: float) -> Array:
    filled = np.where(measured, x, x[measured].mean())
    return np.linalg.solve(np.eye(len(A)) + gamma * _laplacian(A), filled)


def _kept(A: Array, x: Array, measured: Array, gamma: float) -> Array:
    return np.where(measured, x, fill(A, x, measured, gamma))


def _harmonic(A: Array, x: Array, measured: Array, gamma: float) -> Array:
    """The measured values stay; the others are the mean of their neighbours."""
    L = _laplacian(A)
    y = np.where(measured, x, 0.0)
    if not measured.all():
        y[~measured] = np.linalg.solve(L[~measured][:, ~measured], -L[~measured] @ y)
    return y


def _only_missing(A: Array, x: Array, measured: Array, gamma: float) -> Array:
    return np.where(measured, 0.0, fill(A, x, measured, gamma))


def _normal_system(A: Array, x: Array, measured: Array, gamma: float) -> Array:
    return np.linalg.solve(
        np.diag(measured.astype(float)) + gamma * _normalized(A), np.where(measured, x, 0.0)
    )


def _other_part(A: Array, x: Array, measured: Array, gamma: float) -> Array:
    return np.where(measured, x, 0.0) - fill(A, x, measured, gamma)


def _fields(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, measured: list[int], gamma: float, label: str) -> Case:
        there = np.isin(np.arange(n), measured)
        x = np.where(there, rng.normal(size=n).round(2), rng.choice([np.nan, 50.0, -30.0], n))
        return case(_weighted(rng, n), x, there, gamma, label=label)

    path = np.diag([1.0, 1.0], 1)
    ends = np.array([True, False, True])
    return [
        case(path + path.T, np.array([0.0, np.nan, 3.0]), ends, 1.0, label="a path, its middle not measured"),
        case(path + path.T, np.array([1.0, 2.0, 6.0]), np.ones(3, bool), 0.5, label="all are measured"),
        draw(6, [0, 2, 3, 5], 2.0, "two broken sensors"),
        draw(8, [4], 0.7, "one sensor is left"),
        draw(9, [1, 2, 6, 8], 0.1, "little smoothing"),
    ]


FILL = Exercise(
    id="spectral_convolution/fill",
    section=SECTION,
    title="Fill in what was not measured",
    reference=fill,
    cases=_fields,
    alternatives=[_by_least_squares, _solved(_system)],
    mistakes=[
        Mistake(
            _zero_measured,
            "Broken sensors count as if they had measured 0. They have no term in the sum: put 0 for them in the diagonal as well.",
        ),
        Mistake(
            _mean_measured,
            "Broken sensors count as if they had measured the mean. They have no term in the sum at all.",
        ),
        Mistake(
            _kept,
            "Measured values are put back afterwards. They are noisy, and the minimum moves them, too.",
        ),
        Mistake(
            _harmonic,
            "Measured values stay as they are, whatever gamma is. The minimum weighs them against the variation.",
        ),
        Mistake(
            _solved(lambda L, measured, gamma: _system(L, measured, 2 * gamma)),
            "The variation counts twice. Both terms of the gradient have a factor 2, which cancels.",
        ),
        Mistake(
            _solved(lambda L, measured, gamma: _system(L, measured, gamma / 2)),
            "The variation counts half. Both terms of the gradient have a factor 2, which cancels.",
        ),
        Mistake(
            _solved(lambda L, measured, gamma: _system(L, measured, 1 / gamma)),
            "gamma divides the Laplacian. It multiplies it: more gamma, smoother signal.",
        ),
        Mistake(
            _solved(lambda L, measured, gamma: _system(L, measured, 1.0)),
            "gamma is not used: the weight of the variation is 1 here.",
        ),
        Mistake(
            _normal_system, "This is the variation of the normalized Laplacian. Take L = D - A, with weights."
        ),
        Mistake(
            _only_missing,
            "Only the broken sensors get a value, the others 0. Return the whole signal.",
        ),
        Mistake(_other_part, "This is what has been smoothed away. Return the smooth signal."),
    ],
    hint="The gradient is zero where (M + gamma L) y = M x, with M = 1 on the diagonal for measured nodes, else 0.",
)
