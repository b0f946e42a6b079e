"""The exercise on one step of an LSTM's cell."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference.activations import sigmoid

SECTION = "10_transformers/lstm_and_gru"
Array = np.ndarray


def cell_step(a: Array, c: Array) -> tuple[Array, Array]:
    """h' and c' from pre-activations a (n, 4 k) in the order i, f, g, o and the cell c (n, k)."""
    i, f, g, o = np.split(a, 4, axis=1)
    c_next = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c_next), c_next


def _by_columns(a: Array, c: Array) -> tuple[Array, Array]:
    k = c.shape[1]
    h_next, c_next = np.empty_like(c), np.empty_like(c)
    for j in range(k):
        gate = [(np.tanh(a[:, b * k + j] / 2) + 1) / 2 for b in range(4)]
        c_next[:, j] = gate[1] * c[:, j] + gate[0] * np.tanh(a[:, 2 * k + j])
        h_next[:, j] = gate[3] * np.tanh(c_next[:, j])
    return h_next, c_next


def _ordered(order: str) -> Callable[[Array, Array], tuple[Array, Array]]:
    """The step with blocks taken in another order."""

    def answer(a: Array, c: Array) -> tuple[Array, Array]:
        block = dict(zip(order, np.split(a, 4, axis=1), strict=True))
        return cell_step(np.concatenate([block[name] for name in "ifgo"], axis=1), c)

    return answer


def _wrong(
    update: Callable[..., Array] = lambda i, f, g, c: f * c + i * g,
    show: Callable[[Array, Array, Array], Array] = lambda o, c_next, c: o * np.tanh(c_next),
    gate: Callable[[Array], Array] = sigmoid,
    candidate: Callable[[Array], Array] = np.tanh,
) -> Callable[[Array, Array], tuple[Array, Array]]:
    """The step with one part changed."""

    def answer(a: Array, c: Array) -> tuple[Array, Array]:
        i, f, g, o = np.split(a, 4, axis=1)
        c_next = update(gate(i), gate(f), candidate(g), c)
        return show(gate(o), c_next, c), c_next

    return answer


def _swapped(a: Array, c: Array) -> tuple[Array, Array]:
    h_next, c_next = cell_step(a, c)
    return c_next, h_next


def _interleaved(a: Array, c: Array) -> tuple[Array, Array]:
    n, k = c.shape
    return cell_step(a.reshape(n, k, 4).transpose(0, 2, 1).reshape(n, 4 * k), c)


def _kept_output(a: Array, c: Array) -> tuple[Array, Array]:
    h_next, _ = cell_step(a, c)
    return h_next, h_next


def _steps(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, k: int, label: str) -> Case:
        return case(rng.normal(0, 1.5, (n, 4 * k)).round(2), rng.normal(0, 1.5, (n, k)).round(2), label=label)

    return [
        draw(1, 1, "one sequence, one unit"),
        draw(1, 3, "three units"),
        draw(4, 2, "four sequences"),
        case(np.array([[-30.0, 30, 2, 30]]), np.array([[0.7]]), label="kept as it is, and shown"),
        draw(3, 4, "as many units as blocks"),
    ]


STEP = Exercise(
    id="lstm_and_gru/cell_step",
    section=SECTION,
    title="A step of the cell",
    reference=cell_step,
    cases=_steps,
    alternatives=[_by_columns],
    mistakes=[
        Mistake(
            _ordered("ifog"), "The last two blocks are exchanged: the third is the candidate, the fourth o."
        ),
        Mistake(_ordered("figo"), "The first two blocks are exchanged: the first is i, the second f."),
        Mistake(
            _interleaved,
            "The columns are dealt to the gates in turn. Each gate has a block of k columns side by side.",
        ),
        Mistake(
            _wrong(candidate=sigmoid),
            "The candidate goes through a sigmoid, so the cell can only grow. Take tanh for g.",
        ),
        Mistake(
            _wrong(gate=np.tanh),
            "The gates go through tanh, and may turn a sign. Gates are sigmoids, from 0 to 1.",
        ),
        Mistake(
            _wrong(gate=lambda z: z),
            "The gates are the pre-activations themselves. Put them through the sigmoid first.",
        ),
        Mistake(
            _wrong(update=lambda i, f, g, c: f * c + (1 - f) * g),
            "What is written is weighed by 1 - f, as in a coupled cell. The LSTM has an input gate of its own.",
        ),
        Mistake(
            _wrong(update=lambda i, f, g, c: (1 - f) * c + i * g),
            "The forget gate is turned round: f = 1 keeps the cell, f = 0 forgets it.",
        ),
        Mistake(
            _wrong(update=lambda i, f, g, c: f * c + g),
            "The whole candidate is written. The input gate says how much of it: i times g.",
        ),
        Mistake(
            _wrong(show=lambda o, c_next, c: o * c_next),
            "The cell is shown without its tanh: h is the output gate times tanh of the new cell.",
        ),
        Mistake(
            _wrong(show=lambda o, c_next, c: o * np.tanh(c)),
            "The output shows the old cell. It shows the new one: first write, then show.",
        ),
        Mistake(_swapped, "The two results are in the wrong order: h comes first, then c."),
        Mistake(
            _kept_output,
            "What is handed on as cell has gone through the output gate. The cell itself has not.",
        ),
    ],
    hint="Four blocks of k columns; sigmoid for three of them; then c' = f c + i g, and h' = o tanh(c').",
)
