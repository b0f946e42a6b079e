"""Exercises on what flows through a block: the gradient on its way back, and the maps kept for it."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/densenet"
Weights = list[np.ndarray]

# the gradient


def input_gradient(grad: np.ndarray, weights: Weights) -> np.ndarray:
    """From the last layer to the first: what has arrived at its maps goes on to all it has read."""
    total = np.array(grad, dtype=float)
    for w in reversed(weights):
        made, read = w.shape
        total = total[:read] + w.T @ total[read : read + made]
    return total


def _by_jacobians(grad: np.ndarray, weights: Weights) -> np.ndarray:
    start = weights[0].shape[1] if weights else len(grad)
    whole = np.eye(start)  # what all maps so far are, in terms of the input
    for w in weights:
        whole = np.vstack([whole, np.asarray(w) @ whole])
    return whole.T @ np.asarray(grad)


def _once(grad: np.ndarray, weights: Weights) -> np.ndarray:
    """Every layer sends back only what the output sends to it."""
    total = np.array(grad, dtype=float)
    for w in weights:
        made, read = w.shape
        total[:read] += w.T @ np.asarray(grad)[read : read + made]
    return total[: weights[0].shape[1]] if weights else total


def _chain(grad: np.ndarray, weights: Weights) -> np.ndarray:
    """Every layer sends back to the maps just before it alone."""
    total = np.array(grad, dtype=float)
    for i in reversed(range(len(weights))):
        made, read = weights[i].shape
        before = weights[i - 1].shape[1] if i else 0
        total[before:read] += (weights[i].T @ total[read : read + made])[before:]
    return total[: weights[0].shape[1]] if weights else total


def _without_direct(grad: np.ndarray, weights: Weights) -> np.ndarray:
    """What a layer sends back takes the place of what was there."""
    total = np.array(grad, dtype=float)
    for w in reversed(weights):
        made, read = w.shape
        total = w.T @ total[read : read + made]
    return total


def _direct(grad: np.ndarray, weights: Weights) -> np.ndarray:
    return np.array(grad, dtype=float)[: weights[0].shape[1]] if weights else np.array(grad, dtype=float)


def _whole(grad: np.ndarray, weights: Weights) -> np.ndarray:
    total = np.array(grad, dtype=float)
    for w in reversed(weights):
        made, read = w.shape
        total[:read] += w.T @ total[read : read + made]
    return total


def _blocks(rng: np.random.Generator) -> list[Case]:
    def block(start: int, *made: int) -> tuple[np.ndarray, Weights]:
        weights, read = [], start
        for new in made:
            weights.append(rng.integers(-3, 4, (new, read)).astype(float))
            read += new
        return rng.integers(-4, 5, read).astype(float), weights

    return [
        case(np.array([1.0, 10.0]), [np.array([[2.0]])], label="one channel, one layer"),
        case(
            np.array([1.0, 10.0, 100.0]),
            [np.array([[2.0]]), np.array([[3.0, 5.0]])],
            label="one channel, two layers: four paths",
        ),
        case(*block(3, 2), label="one layer of two channels"),
        case(*block(2, 2, 2), label="two layers"),
        case(*block(4, 3, 3, 3), label="three layers, growth rate 3"),
        case(*block(3, 1, 2, 1, 4), label="layers of different widths"),
        case(*block(2, 1, 1, 1, 1, 1, 1), label="six layers of one channel"),
        case(np.array([3.0, -1.0]), [], label="no layer at all"),
    ]


GRADIENT = Exercise(
    id="densenet/input_gradient",
    section=SECTION,
    title="The gradient on its way back",
    reference=input_gradient,
    cases=_blocks,
    alternatives=[_by_jacobians, lambda grad, weights: _whole(grad, weights)[: len(_direct(grad, weights))]],
    mistakes=[
        Mistake(
            _direct,
            "This is the direct path alone. The input has been read by every layer, and each of them sends something back.",
        ),
        Mistake(
            _once,
            "Each layer sends back only what comes from the output. Its maps were read by later layers, too: begin with the "
            "last layer, and let the sums gather.",
        ),
        Mistake(
            _chain,
            "Each layer sends its gradient only to the maps just before its own. It has read all earlier ones.",
        ),
        Mistake(
            _without_direct,
            "What a layer sends back replaces what was there. Maps are read several times, and gradients add up.",
        ),
        Mistake(
            lambda grad, weights: input_gradient(grad, weights) - _direct(grad, weights),
            "The direct path is missing: the input is part of the block's output, unchanged.",
        ),
        Mistake(
            _whole,
            "This is the gradient of all maps. Return that of the block's input, the first entries.",
        ),
    ],
    hint="Take the last layer: its part of grad is complete, as nobody reads its maps but the output. Send it back to what the layer has read; then its maps are done with.",
)

# memory


def deepest(budget: int, in_channels: int, growth_rate: int, bn_size: int, efficient: bool) -> int:
    """Add layers while what must be kept fits."""
    num_layers = 0
    while _kept(num_layers + 1, in_channels, growth_rate, bn_size, efficient) <= budget:
        num_layers += 1
    return num_layers


def _kept(n: int, c: int, k: int, b: int, efficient: bool) -> int:
    """Maps that n layers keep."""
    bottlenecks = 2 * b * k * n
    return (c + (n - 1) * k if efficient else 2 * n * c + n * (n - 1) * k) + bottlenecks


def _layer_by_layer(budget: int, in_channels: int, growth_rate: int, bn_size: int, efficient: bool) -> int:
    used, n, read = 0, 0, in_channels
    while True:
        new = growth_rate if n else in_channels
        used += (new if efficient else 2 * read) + 2 * bn_size * growth_rate
        if used > budget:
            return n
        n, read = n + 1, read + growth_rate


Kept = Callable[[int, int, int, int, bool], int]


def _deepest(kept: Kept = _kept, more: int = 0, strict: bool = False) -> Callable[..., int]:
    """A wrong search: other maps kept, another limit."""

    def answer(budget: int, in_channels: int, growth_rate: int, bn_size: int, efficient: bool) -> int:
        n = 0
        while kept(n + 1, in_channels, growth_rate, bn_size, efficient) <= budget - strict and n < 5000:
            n += 1
        return n + more

    return answer


DEEPEST = Exercise(
    id="densenet/deepest",
    section=SECTION,
    title="How deep a block fits?",
    reference=deepest,
    cases=[
        case(1000, 16, 8, 4, False, label="a thousand maps, all kept"),
        case(1000, 16, 8, 4, True, label="a thousand maps, joined again"),
        case(16 * 2 + 64, 16, 8, 4, False, label="exactly one layer fits"),
        case(16 + 8 + 128, 16, 8, 4, True, label="exactly two layers fit, joined again"),
        case(50, 16, 8, 4, False, label="none fits"),
        case(20000, 64, 32, 4, False, label="DenseNet's widths, all kept"),
        case(20000, 64, 32, 4, True, label="DenseNet's widths, joined again"),
        case(3000, 100, 12, 1, False, label="a narrow bottleneck, many maps at the start"),
        case(3000, 100, 12, 2, True, label="the same, joined again"),
        case(700, 30, 5, 2, False, label="a small growth rate"),
    ],
    alternatives=[_layer_by_layer],
    mistakes=[
        Mistake(
            _deepest(strict=True),
            "A block that fills the budget exactly is refused. It fits.",
        ),
        Mistake(
            _deepest(more=1),
            "One layer too many: this is the first number that does not fit.",
        ),
        Mistake(
            _deepest(lambda n, c, k, b, e: _kept(n, c, k, b, False)),
            "The argument efficient makes no difference here. With it, joined maps are not kept.",
        ),
        Mistake(
            _deepest(lambda n, c, k, b, e: _kept(n, c, k, b, True)),
            "All blocks are treated as efficient. Without it every layer keeps its joined input, twice.",
        ),
        Mistake(
            _deepest(
                lambda n, c, k, b, e: (c + (n - 1) * k if e else n * c + n * (n - 1) * k // 2) + 2 * b * k * n
            ),
            "The joined maps are counted once. They are kept twice, as the input of the normalization and as that of the 1 x 1 convolution.",
        ),
        Mistake(
            _deepest(
                lambda n, c, k, b, e: (c + (n - 1) * k if e else 2 * n * c + n * (n - 1) * k) + b * k * n
            ),
            "The bottleneck's maps are counted once. They are kept twice, before and behind normalization and ReLU.",
        ),
        Mistake(
            _deepest(lambda n, c, k, b, e: c + (n - 1) * k if e else 2 * n * c + n * (n - 1) * k),
            "The bottleneck's maps are missing.",
        ),
        Mistake(
            _deepest(lambda n, c, k, b, e: (c + n * k if e else 2 * n * c + n * (n + 1) * k) + 2 * b * k * n),
            "Each layer's own maps are counted among those it reads.",
        ),
        Mistake(
            _deepest(lambda n, c, k, b, e: (c + (n - 1) * k if e else 2 * (c + (n - 1) * k)) + 2 * b * k * n),
            "Only the last layer's joined maps are counted. Every layer keeps its own.",
        ),
        Mistake(
            _deepest(lambda n, c, k, b, e: _kept(n, c, k, 4, e)),
            "This is right for bn_size 4 only. Use the argument.",
        ),
    ],
    hint="Go layer by layer: what does the next one add to what is kept? Stop before the budget is exceeded.",
)
