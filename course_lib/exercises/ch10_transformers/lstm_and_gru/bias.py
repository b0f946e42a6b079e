"""The exercise on a forget gate that starts open."""

import math
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/lstm_and_gru"
Array = np.ndarray


def open_forget_gate(bias_ih: Array, bias_hh: Array, steps: float) -> tuple[Array, Array]:
    """Biases with which half of the cell is left after ``steps`` steps without input."""
    k = len(bias_ih) // 4
    f = 2 ** (-1 / steps)
    return _with_quarter(bias_ih, k, 2 * k, math.log(f / (1 - f))), _with_quarter(bias_hh, k, 2 * k, 0.0)


def _with_quarter(bias: Array, first: int, last: int, value: float) -> Array:
    new = np.array(bias, dtype=float)
    new[first:last] = value
    return new


def _by_blocks(bias_ih: Array, bias_hh: Array, steps: float) -> tuple[Array, Array]:
    new_ih, new_hh = bias_ih.reshape(4, -1) + 0.0, bias_hh.reshape(4, -1) + 0.0
    new_ih[1], new_hh[1] = -math.log(2 ** (1 / steps) - 1), 0
    return new_ih.ravel(), new_hh.ravel()


def _half(steps: float) -> float:
    return -math.log(2 ** (1 / steps) - 1)


def _valued(value: Callable[[float], float], quarter: int = 1) -> Callable[..., tuple[Array, Array]]:
    """Another value, or another quarter."""

    def answer(bias_ih: Array, bias_hh: Array, steps: float) -> tuple[Array, Array]:
        k = len(bias_ih) // 4
        first, last = quarter * k, (quarter + 1) * k
        return _with_quarter(bias_ih, first, last, value(steps)), _with_quarter(bias_hh, first, last, 0.0)

    return answer


def _both(bias_ih: Array, bias_hh: Array, steps: float) -> tuple[Array, Array]:
    new, _ = open_forget_gate(bias_ih, bias_hh, steps)
    k = len(bias_ih) // 4
    return new, _with_quarter(bias_hh, k, 2 * k, _half(steps))


def _other_left(bias_ih: Array, bias_hh: Array, steps: float) -> tuple[Array, Array]:
    return open_forget_gate(bias_ih, bias_hh, steps)[0], np.array(bias_hh, dtype=float)


def _everywhere(bias_ih: Array, bias_hh: Array, steps: float) -> tuple[Array, Array]:
    return np.full(len(bias_ih), _half(steps)), np.zeros(len(bias_hh))


def _interleaved(bias_ih: Array, bias_hh: Array, steps: float) -> tuple[Array, Array]:
    new_ih, new_hh = np.array(bias_ih, dtype=float), np.array(bias_hh, dtype=float)
    new_ih[1::4], new_hh[1::4] = _half(steps), 0
    return new_ih, new_hh


def _added(bias_ih: Array, bias_hh: Array, steps: float) -> tuple[Array, Array]:
    k = len(bias_ih) // 4
    new = np.array(bias_ih, dtype=float)
    new[k : 2 * k] += _half(steps)
    return new, np.array(bias_hh, dtype=float)


def _rest_zeroed(bias_ih: Array, bias_hh: Array, steps: float) -> tuple[Array, Array]:
    k = len(bias_ih) // 4
    return _with_quarter(np.zeros(4 * k), k, 2 * k, _half(steps)), np.zeros(4 * k)


def _biases(rng: np.random.Generator) -> list[Case]:
    def draw(k: int, steps: float, label: str) -> Case:
        return case(rng.normal(size=4 * k).round(2), rng.normal(size=4 * k).round(2), steps, label=label)

    return [
        draw(1, 1, "one unit, half is left after one step"),
        draw(2, 10, "two units, ten steps"),
        draw(3, 100, "three units, a hundred steps"),
        draw(4, 2.5, "four units, a time that is no whole number"),
    ]


OPEN = Exercise(
    id="lstm_and_gru/open_forget_gate",
    section=SECTION,
    title="A forget gate that starts open",
    reference=open_forget_gate,
    cases=_biases,
    alternatives=[_by_blocks],
    mistakes=[
        Mistake(
            _valued(_half, 0), "This is the first quarter, the input gate. The forget gate is the second."
        ),
        Mistake(
            _valued(_half, 2), "This is the third quarter, the candidate. The forget gate is the second."
        ),
        Mistake(
            _valued(_half, 3), "This is the last quarter, the output gate. The forget gate is the second."
        ),
        Mistake(
            _both, "Both biases hold the value, and the layer adds them: the gate starts with twice as much."
        ),
        Mistake(
            _other_left,
            "bias_hh still holds what was there, and the layer adds it. Set its forget quarter to 0.",
        ),
        Mistake(
            _added,
            "The value is added to what was there. Replace it, in bias_ih, and put 0 into bias_hh.",
        ),
        Mistake(_everywhere, "All four quarters are set. Leave i, g and o as they came."),
        Mistake(_interleaved, "Every fourth entry is set. A gate's k entries stand side by side."),
        Mistake(_rest_zeroed, "The other three quarters have become 0. Leave them as they came."),
        Mistake(
            _valued(lambda steps: 2 ** (-1 / steps)),
            "This is f itself. The bias stands before the sigmoid: find the number whose sigmoid is f.",
        ),
        Mistake(
            _valued(lambda steps: -_half(steps)),
            "The sign is wrong: this gate is shut where it should be open. A large bias keeps.",
        ),
        Mistake(
            _valued(lambda steps: math.log((1 - 0.5 / steps) / (0.5 / steps))),
            "f = 1 - 1/(2 steps) loses half as if what is lost did not shrink with what is left. Solve f^steps = 1/2.",
        ),
        Mistake(
            _valued(lambda steps: math.log(steps - 1) if steps > 1 else -math.inf),
            "log(steps - 1) leaves about 1/e of the cell, not half of it. Solve f^steps = 1/2 for f.",
        ),
        Mistake(
            _valued(lambda steps: -math.log(math.exp(1 / steps) - 1)),
            "With this gate 1/e of the cell is left after so many steps. Half of it is wanted.",
        ),
    ],
    hint="f multiplies the cell at every step: f^steps = 1/2. And sigmoid(b) = f says b = log(f / (1 - f)).",
)
