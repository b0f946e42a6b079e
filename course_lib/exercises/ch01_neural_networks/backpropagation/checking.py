"""Exercises on gradient checking, and on a bug that it finds."""

import itertools
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "01_neural_networks/backpropagation"

# the numerical gradient

Function = Callable[[np.ndarray], float]


def numerical_gradient(f: Function, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Central differences, entry by entry, in a float64 copy of x."""
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        here = x[index]
        x[index] = here + h
        above = f(x)
        x[index] = here - h
        below = f(x)
        x[index] = here
        gradient[index] = (above - below) / (2 * h)
    return gradient


def _with_steps(f: Function, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    x = np.array(x, dtype=np.float64)
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + step) - f(x - step)) / (2 * h) for step in steps]).reshape(x.shape)


def _one_sided(f: Function, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    x = np.array(x, dtype=np.float64)
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + step) - f(x)) / h for step in steps]).reshape(x.shape)


def _not_put_back(f: Function, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = f(x)
        x[index] -= 2 * h
        gradient[index] = (above - f(x)) / (2 * h)
    return gradient


def _all_at_once(f: Function, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    x = np.array(x, dtype=np.float64)
    return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))


def _whole_numbers(f: Function, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """What happens when the copy of x keeps x's element type."""
    x = np.array(x)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        here = x[index]
        x[index] = here + h
        above = f(x)
        x[index] = here - h
        below = f(x)
        x[index] = here
        gradient[index] = (above - below) / (2 * h)
    return gradient


def _cubes(x: np.ndarray) -> float:
    return float(np.sum(x**3))


def _coupled(x: np.ndarray) -> float:
    return float(np.prod(x + 2.0) + np.sum(np.arange(1.0, x.size + 1) * np.ravel(x) ** 3))


def _layer(x: np.ndarray) -> float:
    return float(np.sum(np.tanh(np.array([[1.0, -2.0], [0.5, 3.0]]) @ x) ** 2))


NUMERICAL_GRADIENT = Exercise(
    id="backpropagation/numerical_gradient",
    section=SECTION,
    title="The numerical gradient",
    reference=numerical_gradient,
    cases=[
        case(_cubes, np.array([2.0]), 0.5, label="x^3 at 2 with a step of 0.5"),
        case(_coupled, np.array([1.0, -0.5, 0.25]), 0.25, label="three numbers that depend on one another"),
        case(_layer, np.array([[0.3, -0.2, 0.1], [0.7, 0.4, -0.6]]), label="a matrix, and the default step"),
        case(_coupled, np.array([[0.5, -1.0]]), 0.125, label="an array of shape (1, 2)"),
        case(_cubes, np.array([1, 2, -3]), 0.5, label="an array of whole numbers"),
        case(_cubes, np.zeros((0, 2)), label="nothing to differentiate"),
    ],
    alternatives=[_with_steps],
    mistakes=[
        Mistake(
            lambda f, x, h=1e-5: numerical_gradient(f, x, h) * h * h,
            "Without brackets, / 2 * h divides by 2 and then multiplies by h. Write / (2 * h).",
        ),
        Mistake(
            lambda f, x, h=1e-5: numerical_gradient(f, x),
            "The step is not the h that was passed in. Use the argument h.",
        ),
        Mistake(
            lambda f, x, h=1e-5: numerical_gradient(f, x, h).astype(np.asarray(x).dtype),
            "On whole numbers the gradient is cut off: np.zeros_like(x) of integers holds integers. Make it of floats.",
        ),
        Mistake(
            _one_sided,
            "This is the one-sided difference (f(x + h) - f(x)) / h. Step to both sides, and divide by 2h.",
        ),
        Mistake(
            lambda f, x, h=1e-5: 2 * numerical_gradient(f, x, h),
            "This is twice too large: the two points are 2h apart, so divide by 2h.",
        ),
        Mistake(
            lambda f, x, h=1e-5: -numerical_gradient(f, x, h),
            "The sign is the wrong way round: f(x + h) comes first, and f(x - h) is subtracted from it.",
        ),
        Mistake(
            _not_put_back,
            "An entry is not put back before the next one moves, so later entries are measured at another x.",
        ),
        Mistake(
            _all_at_once,
            "All entries move at once here, which is the slope in one direction. Move one entry at a time.",
        ),
        Mistake(
            _whole_numbers,
            "On whole numbers the step is cut off: the copy of x still holds integers. Copy it as floats.",
        ),
        Mistake(
            lambda f, x, h=1e-5: numerical_gradient(f, x, h).ravel(),
            "The numbers are right, but a gradient has the shape of x. Yours is flat.",
        ),
    ],
    hint="Copy x as floats. For each index of np.ndindex(x.shape): move it up, call f, move it down, call f, "
    "put it back.",
)

# the bug

Params = list[tuple[np.ndarray, np.ndarray]]
Arrays = list[np.ndarray]


def _backward_with(slope: Callable[[Arrays, Arrays, int], np.ndarray]) -> Callable[..., Params]:
    """The backward pass of a tanh net, with slope(z, a, layer) where g'(z_{l-1}) belongs."""

    def answer(params: Params, z: Arrays, a: Arrays, delta: np.ndarray) -> Params:
        grads: Params = []
        for layer in range(len(params), 0, -1):
            w, _ = params[layer - 1]
            grads.insert(0, (delta.T @ a[layer - 1], delta.sum(axis=0)))
            if layer > 1:
                delta = (delta @ w) * slope(z, a, layer)
        return grads

    return answer


mend_backward = _backward_with(lambda z, a, layer: 1 - np.tanh(z[layer - 2]) ** 2)


def _net(
    sizes: list[int], n: int, seed: int, scale: float = 1.0
) -> tuple[Params, Arrays, Arrays, np.ndarray]:
    """A tanh net with a linear output, its forward pass on random inputs, and a random output signal."""
    rng = np.random.default_rng(seed)
    params = [
        (rng.normal(0, scale / np.sqrt(i), (o, i)), rng.normal(0, 0.3, o))
        for i, o in itertools.pairwise(sizes)
    ]
    z: Arrays = []
    a: Arrays = [rng.normal(size=(n, sizes[0]))]
    for layer, (w, b) in enumerate(params, start=1):
        z.append(a[-1] @ w.T + b)
        a.append(z[-1] if layer == len(params) else np.tanh(z[-1]))
    return params, z, a, rng.normal(size=(n, sizes[-1]))


MEND_BACKWARD = Exercise(
    id="backpropagation/mend_backward",
    section=SECTION,
    title="Find the bug",
    reference=mend_backward,
    cases=[
        case(*_net([2, 3, 1], 1, seed=1), label="one hidden layer, one example"),
        case(*_net([2, 4, 4, 1], 5, seed=2), label="two hidden layers of one width, five examples"),
        case(*_net([3, 3, 3, 3], 3, seed=3), label="every layer of width three"),
        case(*_net([2, 3, 3, 3, 1], 4, seed=4, scale=2.0), label="three hidden layers, large weights"),
        case(*_net([3, 1], 4, seed=5), label="no hidden layer"),
    ],
    alternatives=[_backward_with(lambda z, a, layer: 1 - a[layer - 1] ** 2)],
    mistakes=[
        Mistake(
            _backward_with(lambda z, a, layer: 1 - np.tanh(z[layer - 3]) ** 2),
            "z[layer - 3] is one too far, and from layer 2 it wraps round to the last. Delta reaches the units of z[layer - 2].",
        ),
        Mistake(
            _backward_with(lambda z, a, layer: 1 - np.tanh(z[layer - 1]) ** 2),
            "The bug is still in it. The last layer's pair is right: look at how delta goes down a layer.",
        ),
        Mistake(
            _backward_with(lambda z, a, layer: np.ones_like(z[layer - 2])),
            "g' is gone altogether. It belongs there, but at the pre-activations of another layer.",
        ),
        Mistake(
            _backward_with(lambda z, a, layer: 1 - a[layer] ** 2),
            "a[layer] belongs to the layer above, and delta has just left it for the layer below.",
        ),
        Mistake(
            _backward_with(lambda z, a, layer: 1 - z[layer - 2] ** 2),
            "The layer is right now, but 1 - z^2 is not the derivative: it is 1 - tanh(z)^2.",
        ),
        Mistake(
            _backward_with(lambda z, a, layer: 1 - np.tanh(a[layer - 1]) ** 2),
            "The layer is right now, but a[layer - 1] already is tanh(z): this applies the tanh twice.",
        ),
        Mistake(
            lambda params, z, a, delta: mend_backward(params, z, a, delta)[::-1],
            "The gradients are right, but in reverse order: the pair of layer 1 comes first, as in params.",
        ),
        Mistake(
            lambda params, z, a, delta: [
                (dw / len(delta), db / len(delta)) for dw, db in mend_backward(params, z, a, delta)
            ],
            "The bug is mended, but now the gradients are divided by the number of examples. Keep the sums.",
        ),
    ],
    hint="z[0] belongs to layer 1. Whose z does the line use when delta goes down from layer 2 to layer 1?",
)

EXERCISES = [NUMERICAL_GRADIENT, MEND_BACKWARD]
