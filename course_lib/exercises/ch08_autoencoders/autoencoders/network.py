"""Exercises on the network itself: there and back, and how it copies."""

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/autoencoders"
Array = np.ndarray


def relu(z: Array) -> Array:
    """max(0, z)."""
    return np.maximum(z, 0)


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


# there and back


def encode_decode(x: Array, W: Array, b: Array, V: Array, c: Array) -> tuple[Array, Array]:
    """h = relu(W x + b), x_hat = sigmoid(V h + c), for the rows of x."""
    h = relu(x @ W.T + b)
    return h, sigmoid(h @ V.T + c)


def _einsum(x: Array, W: Array, b: Array, V: Array, c: Array) -> tuple[Array, Array]:
    h = np.einsum("nd,kd->nk", x, W) + b
    h = np.where(h > 0, h, 0)
    return h, 0.5 * (1 + np.tanh((np.einsum("nk,dk->nd", h, V) + c) / 2))


def _net(
    g: Callable[[Array], Array] = relu,
    f: Callable[[Array], Array] = sigmoid,
    W_of: Callable[[Array, Array], Array] = lambda W, V: W,
    V_of: Callable[[Array, Array], Array] = lambda W, V: V,
    b_of: Callable[[Array], Array] = lambda b: b,
    c_of: Callable[[Array], Array] = lambda c: c,
) -> Callable[..., tuple[Array, Array]]:
    """Another net: other activations, weights or biases."""

    def answer(x: Array, W: Array, b: Array, V: Array, c: Array) -> tuple[Array, Array]:
        h = g(x @ W_of(W, V).T + b_of(b))
        return h, f(h @ V_of(W, V).T + c_of(c))

    return answer


def _swapped(x: Array, W: Array, b: Array, V: Array, c: Array) -> tuple[Array, Array]:
    h, x_hat = encode_decode(x, W, b, V, c)
    return x_hat, h


def _before(x: Array, W: Array, b: Array, V: Array, c: Array) -> tuple[Array, Array]:
    return x @ W.T + b, encode_decode(x, W, b, V, c)[1]


def _skipped(x: Array, W: Array, b: Array, V: Array, c: Array) -> tuple[Array, Array]:
    z = x @ W.T + b
    return relu(z), sigmoid(z @ V.T + c)


def _nets(rng: np.random.Generator) -> list[Case]:
    def net(n: int, d: int, k: int) -> tuple[Array, ...]:
        return tuple(rng.normal(size=shape).round(2) for shape in ((n, d), (k, d), (k,), (d, k), (d,)))

    return [
        case(*net(1, 3, 2), label="one example"),
        case(*net(5, 4, 2), label="five examples, a code of 2"),
        case(*net(4, 2, 6), label="a code larger than the input"),
        case(*net(3, 3, 3), label="square weights"),
        case(*net(2, 6, 1), label="a code of a single number"),
    ]


ENCODE_DECODE = Exercise(
    id="autoencoders/encode_decode",
    section=SECTION,
    title="There and back",
    reference=encode_decode,
    cases=_nets,
    alternatives=[_einsum],
    mistakes=[
        Mistake(_net(g=lambda z: z), "The code has no activation. It is relu(W x + b)."),
        Mistake(_before, "x_hat is right, but h is what came before the ReLU. Return the code itself."),
        Mistake(
            _skipped, "The decoder reads the sums before the ReLU. It must see the code and nothing else."
        ),
        Mistake(_net(f=lambda z: z), "The output has no activation: these pixels may be below 0 or above 1."),
        Mistake(_net(g=sigmoid, f=relu), "The two activations are exchanged: the code has the ReLU."),
        Mistake(_net(g=sigmoid), "The code goes through a sigmoid here. It goes through a ReLU."),
        Mistake(_net(b_of=np.zeros_like), "The encoder's bias b is missing."),
        Mistake(_net(c_of=np.zeros_like), "The decoder's bias c is missing."),
        Mistake(
            _net(V_of=lambda W, V: W.T),
            "The decoder uses the encoder's weights transposed. That is a tied autoencoder; this one has V.",
        ),
        Mistake(_swapped, "The code and the reconstruction come in the wrong order: return h, then x_hat."),
    ],
    hint="For rows, W x becomes x @ W.T. Which of the two shapes of V fits behind a code of k numbers?",
)

# a net that copies

ONE = np.eye(2)
Net = tuple[Any, Any, Any, Any]


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
