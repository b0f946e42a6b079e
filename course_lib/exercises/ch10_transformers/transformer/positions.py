"""The exercise on the positional encoding: the matrix that moves every position on by k."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "10_transformers/transformer"
Array = np.ndarray


def shift_matrix(k: float, d: int) -> Array:
    """Blocks [[cos, sin], [-sin, cos]] of the angles k w_j along the diagonal."""
    angles = k * 10000.0 ** -(np.arange(0, d, 2) / d)
    M = np.zeros((d, d))
    for j, angle in enumerate(angles):
        M[2 * j, 2 * j] = M[2 * j + 1, 2 * j + 1] = np.cos(angle)
        M[2 * j, 2 * j + 1], M[2 * j + 1, 2 * j] = np.sin(angle), -np.sin(angle)
    return M


def _by_kron(k: float, d: int) -> Array:
    angles = k / 10000.0 ** (2 * np.arange(d // 2) / d)
    return np.kron(np.diag(np.cos(angles)), np.eye(2)) + np.kron(
        np.diag(np.sin(angles)), np.array([[0, 1], [-1, 0]])
    )


def _by_diagonals(k: float, d: int) -> Array:
    angles = np.repeat(k * 10000.0 ** -(np.arange(0, d, 2) / d), 2)
    sines = np.sin(angles) * (np.arange(d) % 2 == 0)
    return np.diag(np.cos(angles)) + np.diag(sines[:-1], 1) - np.diag(sines[:-1], -1)


def _wrong(
    angle: Callable[[float, int, Array], Array] | None = None,
    block: Callable[[float, float], list[list[float]]] | None = None,
) -> Callable[[float, int], Array]:
    """Other angles (of k, d and j = 0 ... d/2 - 1), or another block (of cosine and sine)."""

    def answer(k: float, d: int) -> Array:
        j = np.arange(d // 2)
        angles = angle(k, d, j) if angle else k * 10000.0 ** (-2 * j / d)
        M = np.zeros((d, d))
        for i, each in enumerate(angles):
            c, s = np.cos(each), np.sin(each)
            M[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = block(c, s) if block else [[c, s], [-s, c]]
        return M

    return answer


def _in_halves(k: float, d: int) -> Array:
    angles = k * 10000.0 ** -(np.arange(0, d, 2) / d)
    c, s = np.diag(np.cos(angles)), np.diag(np.sin(angles))
    return np.block([[c, s], [-s, c]])


def _first_pair_only(k: float, d: int) -> Array:
    M = np.eye(d)
    M[:2, :2] = [[np.cos(k), np.sin(k)], [-np.sin(k), np.cos(k)]]
    return M


SHIFT = Exercise(
    id="transformer/shift",
    section=SECTION,
    title="A matrix that moves positions",
    reference=shift_matrix,
    cases=[
        case(0, 4, label="no shift"),
        case(1, 2, label="one clock, one step"),
        case(1, 4, label="two clocks"),
        case(5, 8, label="five on"),
        case(-3, 6, label="three back"),
        case(0.5, 6, label="half a step"),
        case(1000, 16, label="far away"),
    ],
    alternatives=[_by_kron, _by_diagonals],
    mistakes=[
        Mistake(
            _wrong(block=lambda c, s: [[c, -s], [s, c]]),
            "This turns the wrong way: it takes position t to t - k. The sine of a sum has a plus.",
        ),
        Mistake(
            _wrong(block=lambda c, s: [[s, c], [c, -s]]),
            "The first row of a block makes the sine of the sum: cosine times sine, sine times cosine. The columns are exchanged here.",
        ),
        Mistake(
            _wrong(block=lambda c, s: [[c, s], [s, c]]),
            "Both signs are plus. The cosine of a sum is a difference: minus sine times sine.",
        ),
        Mistake(
            _wrong(block=lambda c, s: [[c, 0.0], [0.0, c]]),
            "Only cosines, on the diagonal. Each clock's sine and cosine have to be mixed.",
        ),
        Mistake(
            _wrong(angle=lambda k, d, j: k * 10000.0 ** (-j / d)),
            "The exponent is j / d. It is 2 j / d, so that the d / 2 clocks reach from 1 to nearly 1/10000.",
        ),
        Mistake(
            _wrong(angle=lambda k, d, j: k * 10000.0 ** (2 * j / d)),
            "The clocks run faster and faster: the power has lost its minus.",
        ),
        Mistake(
            _wrong(angle=lambda k, d, j: k + 10000.0 ** (-2 * j / d)),
            "The shift is added to the frequency. A clock that runs at w turns by k times w.",
        ),
        Mistake(
            _wrong(angle=lambda k, d, j: 10000.0 ** (-2 * j / d)),
            "This moves on by one position, whatever k is.",
        ),
        Mistake(
            _wrong(angle=lambda k, d, j: k * np.ones(d // 2)),
            "All clocks turn by the same angle. Each has a frequency of its own.",
        ),
        Mistake(
            _in_halves,
            "This is for encodings with all sines first and all cosines after. Here each sine stands beside its cosine.",
        ),
        Mistake(
            _first_pair_only,
            "Only the fastest clock is turned, and the others stand still. Each pair of features needs its block.",
        ),
        Mistake(
            _wrong(angle=lambda k, d, j: k * np.degrees(10000.0 ** (-2 * j / d))),
            "The angles are in degrees. NumPy's sine and cosine take radians.",
        ),
    ],
    hint="Blocks of 2 x 2 along the diagonal. Write sin((t + k) w) and cos((t + k) w) as sums of sin(t w), cos(t w).",
)
