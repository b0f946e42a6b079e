"""The exercise on greedy training: what each pair reads."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/stacked_and_convolutional"
Array = np.ndarray
Arrays = tuple[Array, ...]


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def pair_inputs(x: Array, weights: list[Array], biases: list[Array]) -> Arrays:
    """x, then the code of every layer but the last."""
    inputs = [x]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        inputs.append(sigmoid(inputs[-1] @ W.T + b))
    return tuple(inputs)


def _recursive(x: Array, weights: list[Array], biases: list[Array]) -> list[Array]:
    if len(weights) == 1:
        return [x]
    h = 0.5 * (1 + np.tanh((x @ weights[0].T + biases[0]) / 2))
    return [x, *_recursive(h, weights[1:], biases[1:])]


def _walk(
    g: Callable[[Array], Array] = sigmoid, bias: float = 1.0
) -> Callable[[Array, list[Array], list[Array]], Arrays]:
    """The inputs with another activation, or without biases."""

    def answer(x: Array, weights: list[Array], biases: list[Array]) -> Arrays:
        inputs = [x]
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            inputs.append(g(inputs[-1] @ W.T + bias * b))
        return tuple(inputs)

    return answer


def _all_codes(x: Array, weights: list[Array], biases: list[Array]) -> Arrays:
    last = pair_inputs(x, weights, biases)[-1]
    return (*pair_inputs(x, weights, biases), sigmoid(last @ weights[-1].T + biases[-1]))


def _squashed(x: Array, weights: list[Array], biases: list[Array]) -> Arrays:
    """The sigmoid before the first layer, too."""
    return pair_inputs(sigmoid(x), weights, biases)


def _rebuilt(x: Array, weights: list[Array], biases: list[Array]) -> Arrays:
    """Each pair on what the first one rebuilds, with tied weights."""
    x_hat = sigmoid(x @ weights[0].T + biases[0]) @ weights[0]
    return (x, *(x_hat for _ in weights[1:]))


def _summed(x: Array, weights: list[Array], biases: list[Array]) -> Arrays:
    """The sums before the activation are returned, though the chain itself is right."""
    inputs = pair_inputs(x, weights, biases)
    return (x, *(h @ W.T + b for h, W, b in zip(inputs, weights[:-1], biases[:-1], strict=False)))


def _nets(rng: np.random.Generator) -> list[Case]:
    def net(n: int, *sizes: int) -> tuple[Array, list[Array], list[Array]]:
        weights = [rng.normal(size=(k, d)).round(2) for d, k in pairwise(sizes)]
        biases = [rng.normal(size=k).round(2) for k in sizes[1:]]
        return rng.normal(size=(n, sizes[0])).round(2), weights, biases

    return [
        case(*net(1, 3, 2, 1), label="two layers, one example"),
        case(*net(4, 5, 4, 3, 2), label="three layers"),
        case(*net(3, 4, 4, 4), label="all layers of one size"),
        case(*net(2, 3, 2), label="a single layer"),
        case(*net(5, 2, 6, 3, 6, 2), label="four layers, wide and narrow"),
    ]


PAIR_INPUTS = Exercise(
    id="stacked_and_convolutional/pair_inputs",
    section=SECTION,
    title="What each pair reads",
    reference=pair_inputs,
    cases=_nets,
    alternatives=[_recursive],
    mistakes=[
        Mistake(
            lambda x, weights, biases: tuple(x for _ in weights),
            "Every pair reads the pictures here. Only the first one does; the next reads the first one's codes.",
        ),
        Mistake(
            lambda x, weights, biases: _all_codes(x, weights, biases)[1:],
            "These are the codes that the pairs make. Their inputs begin with x and end before the last code.",
        ),
        Mistake(
            _all_codes,
            "One array too many: the last code is read by no pair.",
        ),
        Mistake(
            _walk(g=lambda z: z),
            "The codes have no activation. Each layer is sigmoid(W h + b).",
        ),
        Mistake(
            _summed,
            "The chain is right, but what is returned are the sums before the sigmoid. A pair reads the codes.",
        ),
        Mistake(_walk(bias=0.0), "The biases are missing: each layer is sigmoid(W h + b)."),
        Mistake(_walk(g=lambda z: np.maximum(z, 0)), "These layers have a sigmoid. Here they have a ReLU."),
        Mistake(
            _squashed,
            "The pictures go through a sigmoid before the first layer. The first pair reads x as it is.",
        ),
        Mistake(
            _rebuilt,
            "The later pairs read what the first one rebuilds. Its decoder is not asked: they read its code.",
        ),
        Mistake(
            lambda x, weights, biases: pair_inputs(x, weights, biases)[::-1],
            "The right arrays in the wrong order: begin with the outermost pair.",
        ),
    ],
    hint="Start with [x]. Each further entry is the code of the entry before.",
)
