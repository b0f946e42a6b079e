"""An exercise on how the net was trained: its update rule."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/alexnet"
Array = NDArray[np.float64]


def train(w: Array, gradients: Array, rates: Array, momentum: float = 0.9, decay: float = 5e-4) -> Array:
    """The rate of a step scales what is put into the velocity, and stays with it."""
    w, v = w.astype(float), np.zeros(len(w))
    for gradient, rate in zip(gradients, rates, strict=True):
        v = momentum * v - decay * rate * w - rate * gradient
        w = w + v
    return w


Step = Callable[[Array, Array, Array, float, float, float], tuple[Array, Array]]


def _steps(step: Step) -> Callable[..., Array]:
    """A wrong rule: what a step makes of the weights and the velocity."""

    def answer(w: Array, gradients: Array, rates: Array, momentum: float = 0.9, decay: float = 5e-4) -> Array:
        w, v = w.astype(float), np.zeros(len(w))
        for gradient, rate in zip(gradients, rates, strict=True):
            w, v = step(w, v, gradient, rate, momentum, decay)
        return w

    return answer


def _torchs(w: Array, v: Array, g: Array, rate: float, m: float, decay: float) -> tuple[Array, Array]:
    v = m * v + g + decay * w
    return w - rate * v, v


def _moved(velocity: Callable[[Array, Array, Array, float, float, float], Array]) -> Callable[..., Array]:
    def step(w: Array, v: Array, g: Array, rate: float, m: float, decay: float) -> tuple[Array, Array]:
        v = velocity(w, v, g, rate, m, decay)
        return w + v, v

    return _steps(step)


def _nesterov(w: Array, v: Array, g: Array, rate: float, m: float, decay: float) -> tuple[Array, Array]:
    put_in = -rate * (g + decay * w)
    v = m * v + put_in
    return w + m * v + put_in, v


def _decoupled(w: Array, v: Array, g: Array, rate: float, m: float, decay: float) -> tuple[Array, Array]:
    v = m * v - rate * g
    return w + v - rate * decay * w, v


def _run(seed: int, steps: int, units: int, *rates: float) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    parts = np.array_split(np.arange(steps), len(rates))
    each = np.concatenate([np.full(len(part), rate) for part, rate in zip(parts, rates, strict=True)])
    return rng.normal(size=units), rng.normal(size=(steps, units)), each


UPDATE = Exercise(
    id="alexnet/update",
    section=SECTION,
    title="The update rule of 2012",
    reference=train,
    cases=[
        case(np.array([1.0]), np.array([[2.0]]), np.array([0.1]), 0.9, 0.5, label="one weight, one step"),
        case(*_run(0, 3, 2, 0.1), 0.9, 0.2, label="three steps of one rate, a strong decay"),
        case(*_run(1, 6, 3, 0.1, 0.01), 0.9, 0.3, label="a rate that is divided by 10 half-way"),
        case(*_run(2, 20, 4, 0.5, 0.05, 0.005), label="three rates, the paper's momentum and decay"),
        case(*_run(3, 5, 2, 0.2), 0.0, 0.1, label="no momentum"),
        case(
            np.array([3.0, -2.0]),
            np.zeros((10, 2)),
            np.full(10, 0.3),
            0.5,
            0.2,
            label="no gradient: only decay",
        ),
    ],
    mistakes=[
        Mistake(
            _steps(_torchs),
            "This is PyTorch's rule: the rate multiplies the whole velocity. In the paper's each gradient enters with the "
            "rate of its own step, and the two part when the rate changes.",
        ),
        Mistake(
            _moved(lambda w, v, g, rate, m, decay: m * v - decay * w - rate * g),
            "The decay is not multiplied by the rate.",
        ),
        Mistake(
            _moved(lambda w, v, g, rate, m, decay: m * v + decay * rate * w - rate * g),
            "The decay has the wrong sign: it makes the weights grow.",
        ),
        Mistake(
            _moved(lambda w, v, g, rate, m, decay: m * v - decay * rate * w + rate * g),
            "This climbs: the gradient is subtracted from the velocity.",
        ),
        Mistake(
            _moved(lambda w, v, g, rate, m, decay: m * v - rate * g),
            "The decay is missing.",
        ),
        Mistake(
            _moved(lambda w, v, g, rate, m, decay: -decay * rate * w - rate * g),
            "The momentum is missing: the velocity should keep `momentum` of what it was.",
        ),
        Mistake(
            _moved(lambda w, v, g, rate, m, decay: m * v - (1 - m) * rate * (g + decay * w)),
            "The new part is multiplied by 1 - momentum, as in a running mean. Here it is added whole.",
        ),
        Mistake(
            _steps(_nesterov),
            "This is Nesterov's form, with the new velocity applied once more. The paper has plain momentum.",
        ),
        Mistake(
            _steps(_decoupled),
            "The decay is applied to the weights directly. In the paper it goes into the velocity, and so acts on later "
            "steps, too.",
        ),
        Mistake(
            _steps(
                lambda w, v, g, rate, m, decay: (w + v, m * v - decay * rate * w - rate * g),
            ),
            "The weights move by the old velocity. Make the new one first, then move by it.",
        ),
        Mistake(
            _steps(lambda w, v, g, rate, m, decay: ((new := m * v - decay * w * rate - rate * g), new)),
            "The velocity is returned in place of the weights: add it to them.",
        ),
    ],
    rtol=1e-7,
    hint="Two lines in a loop: the new velocity from the old one and the weights as they are, then the weights.",
)
