"""Exercises on the network itself: there and back, and how it copies."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/autoencoders"
Array = np.ndarray


def relu(z: Array) -> Array:
    """max(0, z)."""
    return np.maximum(z, 0)


def linear(z: Array) -> Array:
    """z itself."""
    return z


# there and back

Net = tuple[Any, Any, Any, Any]
Answer = Callable[[Array, list[Array], list[Array], list[Array]], tuple[Array, Array]]


def _net(
    up: Callable[[Array], Array] = relu,
    code: Callable[[Array], Array] = linear,
    down: Callable[[Array], Array] = relu,
    output: Callable[[Array], Array] = linear,
    reads: Callable[[Array], Array] = linear,
    with_b: bool = True,
    with_c: bool = True,
) -> Answer:
    """A tied net with activations up to the code, on it, between code and output, and on the output."""

    def answer(x: Array, W: list[Array], b: list[Array], c: list[Array]) -> tuple[Array, Array]:
        last = len(W) - 1
        h = x
        for i, (weight, bias) in enumerate(zip(W, b, strict=True)):
            h = (code if i == last else up)(h @ weight.T + with_b * bias)
        x_hat = reads(h)
        for i, (weight, bias) in enumerate(zip(reversed(W), c, strict=True)):
            x_hat = (output if i == last else down)(x_hat @ weight + with_c * bias)
        return h, x_hat

    return answer


def tied(x: Array, W: list[Array], b: list[Array], c: list[Array]) -> tuple[Array, Array]:
    """Down to the code by W, up again by the transposed W in reverse order; ReLU in hidden layers alone."""
    return _net()(x, W, b, c)


def _columns(x: Array, W: list[Array], b: list[Array], c: list[Array]) -> tuple[Array, Array]:
    """The same with examples in columns."""
    h = x.T
    for weight, bias in zip(W[:-1], b[:-1], strict=True):
        h = np.maximum(weight @ h + bias[:, None], 0)
    h = W[-1] @ h + b[-1][:, None]
    x_hat = h
    for i in range(len(W)):
        x_hat = (np.maximum(x_hat, 0) if i else x_hat).T @ W[-1 - i] + c[i]
        x_hat = x_hat.T
    return h.T, x_hat.T


def _swapped(x: Array, W: list[Array], b: list[Array], c: list[Array]) -> tuple[Array, Array]:
    h, x_hat = tied(x, W, b, c)
    return x_hat, h


def _nets(rng: np.random.Generator) -> list[Case]:
    def net(n: int, *sizes: int) -> tuple[Array, list[Array], list[Array], list[Array]]:
        def some(*shape: int) -> Array:
            return rng.normal(size=shape).round(2)

        steps = list(itertools.pairwise(sizes))
        W, b = [some(k, d) for d, k in steps], [some(k) for _, k in steps]
        return some(n, sizes[0]), W, b, [some(d) for d, _ in reversed(steps)]

    return [
        case(*net(2, 3, 2), label="no hidden layer"),
        case(*net(3, 5, 4, 2), label="a hidden layer on each side"),
        case(*net(4, 6, 5, 4, 2), label="two hidden layers on each side"),
        case(*net(3, 2, 4, 6), label="a code larger than the input"),
        case(*net(5, 3, 3, 3), label="square weights"),
    ]


ENCODE_DECODE = Exercise(
    id="autoencoders/encode_decode",
    section=SECTION,
    title="There and back",
    reference=tied,
    cases=_nets,
    alternatives=[_columns],
    mistakes=[
        Mistake(_net(code=relu), "The code has a ReLU here. It is linear: only hidden layers have one."),
        Mistake(_net(output=relu), "The reconstruction has a ReLU here. The output is linear."),
        Mistake(
            _net(code=relu, output=relu), "Every layer has a ReLU here. The code and the output have none."
        ),
        Mistake(
            _net(down=linear), "The code is right, but the hidden layers of the decoder have lost their ReLU."
        ),
        Mistake(_net(up=linear), "The hidden layers of the encoder have no ReLU here."),
        Mistake(
            _net(up=linear, down=linear),
            "There is no ReLU at all here: hidden layers have one, on both sides.",
        ),
        Mistake(_net(reads=relu), "The code is right, but the decoder reads relu(h). It must read h itself."),
        Mistake(_net(with_b=False), "The encoder's biases b are missing."),
        Mistake(_net(with_c=False), "The code is right, but the decoder's biases c are missing."),
        Mistake(_swapped, "The code and the reconstruction come in the wrong order: return h, then x_hat."),
    ],
    hint="For rows, W x becomes x @ W.T. Which matrix fits behind the code, and is it transposed then?",
)

# a net that copies

ONE = np.eye(2)


def rebuilt(net: Net, x: Array) -> Array:
    """What a net (W, b, V, c) with a ReLU code makes of x (n, 2)."""
    W, b, V, c = (np.asarray(part, dtype=float) for part in net)
    if W.ndim != 2 or W.shape[1] != 2:
        raise ValueError(f"W must have shape (k, 2), got {W.shape}")
    k = len(W)
    for name, part, shape in (("b", b, (k,)), ("V", V, (2, k)), ("c", c, (2,))):
        if part.shape != shape:
            raise ValueError(f"with W of shape {W.shape}, {name} must have shape {shape}, got {part.shape}")
    return relu(x @ W.T + b) @ V.T + c


def _weights(W: Array, V: Array, b: float = 0.0, c: float = 0.0) -> Net:
    return W.tolist(), [b] * len(W), V.tolist(), [c] * 2


def _beside(*blocks: Array) -> Array:
    return np.concatenate(blocks, axis=1)


def _above(*blocks: Array) -> Array:
    return np.concatenate(blocks, axis=0)


PAIR = _above(ONE, -ONE)  # each input with its own sign and with the opposite one
TURNS = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])  # the same units, input by input

COPY = Exercise(
    id="autoencoders/copy",
    section=SECTION,
    title="A net that cheats",
    reference=_weights(PAIR, _beside(ONE, -ONE)),
    cases=[
        case(np.array([[1.0, 2.0]]), label="positive inputs"),
        case(np.array([[-1.0, -2.0]]), label="negative inputs"),
        case(np.array([[3.0, -0.5], [0.0, -7.0]]), label="both signs"),
        case(np.array([[-3e5, 2e5], [0.001, -0.002]]), label="very large and very small inputs"),
        case(np.array([[-1e12, 0.001]]), label="one very large, one small"),
    ],
    apply=rebuilt,
    alternatives=[
        _weights(2 * PAIR, 0.5 * _beside(ONE, -ONE)),
        _weights(TURNS, np.array([[1.0, -1, 0, 0], [0, 0, 1, -1]])),
    ],
    mistakes=[
        Mistake(
            _weights(ONE, ONE),
            "Negative values come out as 0. Two more units must carry them, and the decoder must listen to these.",
        ),
        Mistake(
            _weights(PAIR, _beside(ONE, ONE)),
            "This gives |x|: the units for negative values are added. Their part must be subtracted.",
        ),
        Mistake(
            _weights(_above(ONE, ONE), _beside(ONE, -ONE)),
            "All outputs are 0: the second pair of units is the same as the first, and is subtracted.",
        ),
        Mistake(
            _weights(TURNS, _beside(ONE, -ONE)),
            "The units come in another order than the decoder expects: each pair must be subtracted in its own row.",
        ),
        Mistake(
            _weights(PAIR, _beside(ONE, -ONE), 1.0),
            "Near 0 both units of a pair are active because of the biases, and 2x comes out. Here b is not needed.",
        ),
        Mistake(
            _weights(ONE, ONE, 10.0, -10.0),
            "A bias that lifts the inputs and is taken off again copies everything above -10. Smaller inputs are lost.",
        ),
        Mistake(
            _weights(PAIR, -_beside(ONE, -ONE)),
            "All signs are turned round: this gives -x.",
        ),
        Mistake(
            _weights(PAIR, 0.5 * _beside(ONE, -ONE)),
            "Half of x comes out. Only one unit of each pair is active at a time, so there is no mean to take.",
        ),
    ],
    hint="relu(x) - relu(-x) = x, for every x.",
)
