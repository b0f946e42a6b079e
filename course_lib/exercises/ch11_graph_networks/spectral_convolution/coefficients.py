"""The exercise on the Chebyshev coefficients of a response."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "11_graph_networks/spectral_convolution"
Array = np.ndarray


def chebyshev_coefficients(values: Array, K: int) -> Array:
    """2 / N sum_j g(cos phi_j) cos(k phi_j), half of it for k = 0."""
    theta = _sums(values, K) * 2 / len(values)
    theta[0] /= 2
    return theta


def _sums(values: Array, K: int, shift: float = 0.5) -> Array:
    angles = np.pi * (np.arange(len(values)) + shift) / len(values)
    return np.cos(np.outer(np.arange(K), angles)) @ values


def _by_solving(values: Array, K: int) -> Array:
    N = len(values)
    angles = np.pi * (np.arange(N) + 0.5) / N
    return np.linalg.solve(np.cos(np.outer(angles, np.arange(N))), values)[:K]


def _by_numpy(values: Array, K: int) -> Array:
    N = len(values)
    z = np.cos(np.pi * (np.arange(N) + 0.5) / N)
    return np.polynomial.chebyshev.chebfit(z, values, N - 1)[:K]


def _halved(values: Array, K: int) -> Array:
    return chebyshev_coefficients(values, K) / 2


def _powers(values: Array, K: int) -> Array:
    return np.polynomial.chebyshev.cheb2poly(chebyshev_coefficients(values, len(values)))[:K]


def _of_shift(shift: float) -> Callable[[Array, int], Array]:
    def answer(values: Array, K: int) -> Array:
        theta = _sums(values, K, shift) * 2 / len(values)
        theta[0] /= 2
        return theta

    return answer


def _by_k(values: Array, K: int) -> Array:
    theta = _sums(values, K) * 2 / K
    theta[0] /= 2
    return theta


def _sines(values: Array, K: int) -> Array:
    angles = np.pi * (np.arange(len(values)) + 0.5) / len(values)
    theta = np.sin(np.outer(np.arange(K), angles)) @ values * 2 / len(values)
    theta[0] = values.mean()
    return theta


def _last_first(values: Array, K: int) -> Array:
    return chebyshev_coefficients(values, len(values))[::-1][:K]


def _from_one(values: Array, K: int) -> Array:
    return _sums(values, K + 1)[1:] * 2 / len(values)


def _sampled(g: Callable[[Array], Array], N: int) -> Array:
    return np.round(g(np.cos(np.pi * (np.arange(N) + 0.5) / N)), 6)


COEFFICIENTS = Exercise(
    id="spectral_convolution/coefficients",
    section=SECTION,
    title="Coefficients of a response",
    reference=chebyshev_coefficients,
    cases=[
        case(np.full(4, 3.0), 2, label="a constant"),
        case(_sampled(lambda z: 2 * z + 1, 5), 3, label="a straight line"),
        case(_sampled(lambda z: 2 * z**2 - 1, 6), 6, label="T_2"),
        case(_sampled(lambda z: np.exp(-2 * (z + 1)), 12), 5, label="heat"),
        case(_sampled(lambda z: (z > 0.2) * 1.0 - z**3, 9), 7, label="a step"),
    ],
    alternatives=[_by_solving, _by_numpy],
    rtol=1e-4,
    atol=1e-6,
    mistakes=[
        Mistake(
            lambda values, K: _sums(values, K) * 2 / len(values),
            "The coefficient of T_0 is twice too large: for k = 0 the sum of squares is N, not N / 2.",
        ),
        Mistake(
            lambda values, K: _sums(values, K) / len(values),
            "All but the first are half of what they should be: for k > 0 divide by N / 2.",
        ),
        Mistake(
            _halved,
            "All coefficients are half of what they should be.",
        ),
        Mistake(
            lambda values, K: _sums(values, K) / np.r_[1.0, np.full(K - 1, 0.5)],
            "The sums are not divided by the number of values.",
        ),
        Mistake(_by_k, "The sums are divided by K. Divide by the number N of values."),
        Mistake(
            _of_shift(0.0),
            "The angles are pi j / N. The values are given half a step further: pi (j + 1/2) / N.",
        ),
        Mistake(
            _of_shift(1.0),
            "The angles are pi (j + 1) / N. The values are given at pi (j + 1/2) / N.",
        ),
        Mistake(
            lambda values, K: chebyshev_coefficients(values[::-1], K),
            "The values are read from the other end, so odd coefficients have the wrong sign: cos(phi_j) falls as j grows.",
        ),
        Mistake(_sines, "Sines in place of cosines. T_k(cos phi) = cos(k phi)."),
        Mistake(_from_one, "The coefficients begin with that of T_1. Begin with T_0."),
        Mistake(
            _powers, "These are coefficients of powers 1, z, z^2 and so on. Give those of T_0, T_1, T_2."
        ),
        Mistake(_last_first, "The coefficients come in falling order. Begin with T_0."),
    ],
    hint="For each k: the mean of values times cos(k phi_j), times 2 if k > 0.",
)
