"""The exercise on a step of the GRU as it was first published."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference.activations import sigmoid

SECTION = "10_transformers/lstm_and_gru"
Array = np.ndarray


def gru_step_reset_first(x: Array, h: Array, W: Array, U: Array, b: Array) -> Array:
    """h' of the GRU of Cho et al.: reset before the product, z keeps, blocks r, z, n, one bias."""
    k = h.shape[1]
    r, z = np.split(sigmoid(x @ W[: 2 * k].T + h @ U[: 2 * k].T + b[: 2 * k]), 2, axis=1)
    n = np.tanh(x @ W[2 * k :].T + (r * h) @ U[2 * k :].T + b[2 * k :])
    return z * h + (1 - z) * n


def _by_sequence(x: Array, h: Array, W: Array, U: Array, b: Array) -> Array:
    W_r, W_z, W_n = W.reshape(3, -1, x.shape[1])
    U_r, U_z, U_n = U.reshape(3, -1, h.shape[1])
    b_r, b_z, b_n = b.reshape(3, -1)
    rows = []
    for now, state in zip(x, h, strict=True):
        r = 1 / (1 + np.exp(-(W_r @ now + U_r @ state + b_r)))
        z = 1 / (1 + np.exp(-(W_z @ now + U_z @ state + b_z)))
        n = np.tanh(W_n @ now + U_n @ (r * state) + b_n)
        rows.append(n + z * (state - n))
    return np.array(rows)


def _step(
    order: str = "rzn",
    inner: Callable[[Array, Array, Array], Array] = lambda r, h, U: (r * h) @ U.T,
    mix: Callable[[Array, Array, Array], Array] = lambda z, n, h: z * h + (1 - z) * n,
    gate: Callable[[Array], Array] = sigmoid,
    squash: Callable[[Array], Array] = np.tanh,
) -> Callable[..., Array]:
    """The step with one part changed."""

    def answer(x: Array, h: Array, W: Array, U: Array, b: Array) -> Array:
        part = dict(zip(order, zip(*(np.split(a, 3) for a in (W, U, b)), strict=True), strict=True))
        r, z = (gate(x @ part[name][0].T + h @ part[name][1].T + part[name][2]) for name in "rz")
        W_n, U_n, b_n = part["n"]
        return mix(z, squash(x @ W_n.T + inner(r, h, U_n) + b_n), h)

    return answer


def _reset_input(x: Array, h: Array, W: Array, U: Array, b: Array) -> Array:
    k = h.shape[1]
    r, z = np.split(sigmoid(x @ W[: 2 * k].T + h @ U[: 2 * k].T + b[: 2 * k]), 2, axis=1)
    n = np.tanh(r * (x @ W[2 * k :].T + h @ U[2 * k :].T + b[2 * k :]))
    return z * h + (1 - z) * n


def _reset_kept(x: Array, h: Array, W: Array, U: Array, b: Array) -> Array:
    k = h.shape[1]
    r, z = np.split(sigmoid(x @ W[: 2 * k].T + h @ U[: 2 * k].T + b[: 2 * k]), 2, axis=1)
    n = np.tanh(x @ W[2 * k :].T + (r * h) @ U[2 * k :].T + b[2 * k :])
    return z * (r * h) + (1 - z) * n


def _steps(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, d: int, k: int, label: str) -> Case:
        shapes = ((n, d), (n, k), (3 * k, d), (3 * k, k), (3 * k,))
        return case(*(rng.normal(0, 1.2, shape).round(2) for shape in shapes), label=label)

    return [
        draw(1, 1, 1, "one sequence, one input, one unit"),
        draw(1, 3, 2, "two units"),
        draw(4, 2, 3, "four sequences"),
        draw(3, 3, 3, "square weights"),
    ]


RESET_FIRST = Exercise(
    id="lstm_and_gru/gru_step",
    section=SECTION,
    title="The GRU as it was published",
    reference=gru_step_reset_first,
    cases=_steps,
    alternatives=[_by_sequence],
    mistakes=[
        Mistake(
            _step(inner=lambda r, h, U: r * (h @ U.T)),
            "The reset gate acts after the product, as in torch. Here it acts before: on the state.",
        ),
        Mistake(
            _step(mix=lambda z, n, h: (1 - z) * h + z * n),
            "The update gate is turned round: here z = 1 keeps the old state.",
        ),
        Mistake(_step(order="zrn"), "The first two blocks are exchanged: the first is r, the second z."),
        Mistake(_step(order="nzr"), "The first and the last block are exchanged: the order is r, z, n."),
        Mistake(
            _step(inner=lambda r, h, U: h @ U.T),
            "The reset gate is not used: the candidate must read r times the state.",
        ),
        Mistake(
            _step(inner=lambda r, h, U: ((1 - r) * h) @ U.T),
            "The reset gate is turned round: r = 0 lets the candidate forget the state.",
        ),
        Mistake(
            _step(squash=sigmoid), "The candidate goes through a sigmoid. It is a value, not a gate: tanh."
        ),
        Mistake(_step(squash=lambda a: a), "The candidate is not squashed: the tanh is missing."),
        Mistake(_step(gate=np.tanh), "The gates go through tanh. They are shares: take the sigmoid."),
        Mistake(_reset_input, "The reset gate damps the input as well. Only the state goes through it."),
        Mistake(
            _step(inner=lambda r, h, U: (r * h) @ U),
            "The last block of U is not transposed: its rows belong to the units of the candidate.",
        ),
        Mistake(
            _reset_kept,
            "What is kept is reset, too. The reset gate acts on the candidate alone: keep h itself.",
        ),
        Mistake(
            _step(mix=lambda z, n, h: h + (1 - z) * n),
            "The old state is kept whole and the candidate added. The two share: z and 1 - z.",
        ),
    ],
    hint="r and z first; then the candidate from x and r * h; then z of the old and 1 - z of the new.",
)
