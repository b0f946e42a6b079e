"""The exercise on the gradient along the cell."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/lstm_and_gru"
Array = np.ndarray


def cell_gradients(grad_h: Array, c: Array, f: Array, o: Array) -> Array:
    """dE/dc_1 ... dE/dc_T (T, k) with all gates held fixed."""
    grad_c = grad_h * o * (1 - np.tanh(c) ** 2)
    for t in range(len(c) - 2, -1, -1):
        grad_c[t] += f[t + 1] * grad_c[t + 1]
    return grad_c


def _by_products(grad_h: Array, c: Array, f: Array, o: Array) -> Array:
    own = grad_h * o / np.cosh(c) ** 2
    return np.array(
        [sum(own[s] * np.prod(f[t + 1 : s + 1], axis=0) for s in range(t, len(c))) for t in range(len(c))]
    )


def _wrong(
    own: Callable[..., Array] = lambda grad_h, c, o: grad_h * o * (1 - np.tanh(c) ** 2),
    gate: Callable[[Array, int], Array] = lambda f, t: f[t + 1],
) -> Callable[..., Array]:
    """Another share of each step, or another gate on the way back."""

    def answer(grad_h: Array, c: Array, f: Array, o: Array) -> Array:
        grad_c = own(grad_h, c, o)
        for t in range(len(c) - 2, -1, -1):
            grad_c[t] = grad_c[t] + gate(f, t) * grad_c[t + 1]
        return grad_c

    return answer


def _own(grad_h: Array, c: Array, f: Array, o: Array) -> Array:
    return grad_h * o * (1 - np.tanh(c) ** 2)


def _last_only(grad_h: Array, c: Array, f: Array, o: Array) -> Array:
    grad_c = _own(grad_h, c, f, o)
    for t in range(len(c) - 2, -1, -1):
        grad_c[t] = f[t + 1] * grad_c[t + 1]
    return grad_c


def _next_only(grad_h: Array, c: Array, f: Array, o: Array) -> Array:
    own = _own(grad_h, c, f, o)
    grad_c = own.copy()
    grad_c[:-1] += f[1:] * own[1:]
    return grad_c


def _forward(grad_h: Array, c: Array, f: Array, o: Array) -> Array:
    grad_c = _own(grad_h, c, f, o)
    for t in range(1, len(c)):
        grad_c[t] += f[t] * grad_c[t - 1]
    return grad_c


def _from_the_end(grad_h: Array, c: Array, f: Array, o: Array) -> Array:
    return cell_gradients(grad_h, c, f, o)[::-1]


def _walks(rng: np.random.Generator) -> list[Case]:
    def draw(T: int, k: int, label: str) -> Case:
        grad_h, c = rng.normal(size=(2, T, k)).round(2)
        f, o = rng.uniform(0.05, 0.95, (2, T, k)).round(2)
        return case(grad_h, c, f, o, label=label)

    last = draw(5, 2, "")
    grad_h = np.zeros((5, 2))
    grad_h[-1] = 1
    return [
        draw(1, 2, "one step"),
        draw(2, 1, "two steps, one unit"),
        case(grad_h, *last.args[1:], label="only the last output counts"),
        draw(6, 3, "every output counts"),
    ]


CONVEYOR = Exercise(
    id="lstm_and_gru/cell_gradients",
    section=SECTION,
    title="The gradient along the cell",
    reference=cell_gradients,
    cases=_walks,
    alternatives=[_by_products],
    mistakes=[
        Mistake(
            _wrong(gate=lambda f, t: f[t]),
            "The forget gate of the wrong step: c_t reaches c_{t+1} through f_{t+1}, which in these arrays is f[t + 1] for c[t].",
        ),
        Mistake(_own, "This is what each c_t does through its own output. It also lives on in c_{t+1}."),
        Mistake(
            _last_only,
            "Only the last output counts here. Each step adds what its own output says: gradients add up.",
        ),
        Mistake(
            _next_only, "One step back only. What comes back to c_{t+1} from later steps flows on to c_t."
        ),
        Mistake(_forward, "The sum runs from the first step to the last. Gradients flow the other way."),
        Mistake(_from_the_end, "The steps are in the wrong order: the first row belongs to c_1."),
        Mistake(
            _wrong(gate=lambda f, t: np.ones_like(f[t])),
            "The forget gates are missing on the way back: each step multiplies by f.",
        ),
        Mistake(
            _wrong(gate=lambda f, t: f[t + 1] * (1 - f[t + 1])),
            "f (1 - f) is the slope of the sigmoid. The cell is multiplied by f itself, and so is its gradient.",
        ),
        Mistake(
            _wrong(lambda grad_h, c, o: grad_h * o),
            "The slope of the tanh is missing: h = o tanh(c).",
        ),
        Mistake(
            _wrong(lambda grad_h, c, o: grad_h * o * (1 - c**2)),
            "1 - c^2 would be right if c were the result of the tanh. It is its argument: 1 - tanh(c)^2.",
        ),
        Mistake(
            _wrong(lambda grad_h, c, o: grad_h * (1 - np.tanh(c) ** 2)),
            "The output gate is missing: what is not shown does not act through h.",
        ),
        Mistake(
            _wrong(lambda grad_h, c, o: grad_h * o * np.tanh(c)),
            "This is grad_h times h: the tanh has not been differentiated.",
        ),
    ],
    hint="Start at the last step. dE/dc_t is the share through h_t, plus f_{t+1} times dE/dc_{t+1}.",
)
