"""Exercises on several heads: the reshape, and the number of parameters."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/attention"
Array = np.ndarray

# (n, l, d) to (n, h, l, d / h)


def split_heads(x: Array, h: int) -> Array:
    """Head a gets the a-th run of d / h features."""
    n, length, d = x.shape
    return x.reshape(n, length, h, d // h).transpose(0, 2, 1, 3)


def _by_parts(x: Array, h: int) -> Array:
    return np.stack(np.split(x, h, axis=2), axis=1)


def _by_loop(x: Array, h: int) -> Array:
    n, length, d = x.shape
    heads = np.zeros((n, h, length, d // h))
    for feature in range(d):
        heads[:, feature // (d // h), :, feature % (d // h)] = x[:, :, feature]
    return heads


def _reshaped(x: Array, h: int) -> Array:
    n, length, d = x.shape
    return x.reshape(n, h, length, d // h)


def _untransposed(x: Array, h: int) -> Array:
    n, length, d = x.shape
    return x.reshape(n, length, h, d // h)


def _interleaved(x: Array, h: int) -> Array:
    n, length, d = x.shape
    return x.reshape(n, length, d // h, h).transpose(0, 3, 1, 2)


def _size_of_heads(x: Array, h: int) -> Array:
    n, length, d = x.shape
    return x.reshape(n, length, d // h, h).transpose(0, 2, 1, 3)


def _last_two(x: Array, h: int) -> Array:
    return split_heads(x, h).swapaxes(2, 3)


def _heads_first(x: Array, h: int) -> Array:
    return split_heads(x, h).swapaxes(0, 1)


def _folded(x: Array, h: int) -> Array:
    n, length, d = x.shape
    return split_heads(x, h).reshape(n * h, length, d // h)


def _positions_cut(x: Array, h: int) -> Array:
    n, length, d = x.shape
    return x.transpose(0, 2, 1).reshape(n, h, length, d // h)


def _copied(x: Array, h: int) -> Array:
    return np.repeat(x[:, None], h, axis=1)


def _backwards(x: Array, h: int) -> Array:
    return split_heads(x, h)[:, ::-1]


def _batches(rng: np.random.Generator) -> list[Case]:
    def draw(shape: tuple[int, ...], h: int, label: str) -> Case:
        return case(np.arange(1.0, 1 + np.prod(shape)).reshape(shape), h, label=label)

    return [
        draw((1, 2, 4), 2, "2 positions, 4 features, 2 heads"),
        draw((2, 3, 6), 2, "two sequences"),
        draw((2, 4, 6), 3, "three heads of two"),
        draw((1, 3, 4), 4, "heads of one feature"),
        draw((3, 2, 5), 1, "one head"),
        case(rng.normal(size=(2, 5, 8)).round(2), 2, label="random numbers"),
    ]


SPLIT = Exercise(
    id="attention/heads",
    section=SECTION,
    title="Split the heads",
    reference=split_heads,
    cases=_batches,
    alternatives=[_by_parts, _by_loop],
    mistakes=[
        Mistake(
            _reshaped,
            "A reshape straight to the shape of the answer: each head gets a run of positions. Split the features.",
        ),
        Mistake(
            _untransposed,
            "This is (n, l, h, d / h): the heads come after the positions. Exchange the two axes.",
        ),
        Mistake(
            _interleaved,
            "The features are dealt out in turn: head 0 gets every h-th. Each head gets neighbouring features.",
        ),
        Mistake(
            _size_of_heads,
            "There are d / h heads of h features here. It is h heads of d / h features.",
        ),
        Mistake(_last_two, "Positions and features are exchanged within each head: (n, h, d / h, l)."),
        Mistake(_heads_first, "The heads come before the batch: (h, n, l, d / h). The batch is first."),
        Mistake(_folded, "Heads and batch are one axis, (n h, l, d / h). Keep them apart."),
        Mistake(
            _positions_cut,
            "The transpose comes before the reshape, so positions and features are mixed. Reshape the features first.",
        ),
        Mistake(_copied, "Every head gets all d features. They are shared out: d / h for each."),
        Mistake(_backwards, "The heads come in reverse order: head 0 has the first features."),
    ],
    hint="A reshape may cut one axis in two, next to each other. Which one? Then bring the axes into order.",
)

# the number of parameters


def count(d: int, h: int, d_key: int, d_value: int, bias: bool) -> int:
    """Four projections: d x d, d x d_key, d x d_value, d x d, and d biases for each."""
    return 2 * d * d + d * d_key + d * d_value + 4 * d * bias


def _by_matrices(d: int, h: int, d_key: int, d_value: int, bias: bool) -> int:
    total = 0
    for size_in in (d, d_key, d_value):
        for _ in range(h):
            total += (d // h) * (size_in + bool(bias))
    return total + d * (d + bool(bias))


def _counted(wrong: Callable[[int, int, int, int, bool], int]) -> Callable[..., int]:
    """A wrong count under the arguments' names."""

    def answer(d: int, h: int, d_key: int, d_value: int, bias: bool) -> int:
        return wrong(d, h, d_key, d_value, bias)

    return answer


COUNT = Exercise(
    id="attention/parameters",
    section=SECTION,
    title="Parameters of multi-head attention",
    reference=count,
    cases=[
        case(16, 4, 16, 16, True, label="the layer of the section"),
        case(16, 4, 16, 16, False, label="without biases"),
        case(768, 12, 768, 768, True, label="a layer of BERT-base"),
        case(12, 1, 12, 12, True, label="a single head"),
        case(8, 2, 5, 3, True, label="keys and values of other sizes"),
        case(6, 3, 10, 1, False, label="the same without biases"),
    ],
    alternatives=[_by_matrices],
    mistakes=[
        Mistake(
            _counted(lambda d, h, dk, dv, bias: h * count(d, h, dk, dv, bias)),
            "Each head has matrices of d outputs here. Of d / h: h heads have as many weights as one.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: d * (d + dk + dv) + 3 * d * bias),
            "The projection of the output is missing: d x d, and its biases.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: 4 * d * d + 4 * d * bias),
            "All four matrices are d x d here. Those of keys and values read d_key and d_value features.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: count(d, h, dk, dv, False)),
            "The biases are missing where bias is True: d for each of the four.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: count(d, h, dk, dv, True)),
            "Biases are counted whether there are any or not.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: 2 * d * d + d * dk + d * dv + d * bias),
            "Only one projection has biases here. All four do.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: 2 * d * d + d * dk + d * dv + 3 * d * bias),
            "Three projections have biases here. That of the output has some as well.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: 2 * d * d + d * dk + d * dv + (2 * d + dk + dv) * bias),
            "A bias belongs to an output of a projection. All four have d outputs, whatever they read.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: d * d + (d * (d + dk + dv)) // h + 4 * d * bias),
            "This is one head's share of the three projections. Count all heads.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: d * d + dk * dk + dv * dv + d * d + 4 * d * bias),
            "Keys and values keep their size here. All are projected to d features, to fit the queries and the output.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: d * (d + dk + dv) + d * dv + 4 * d * bias),
            "The last projection reads d_value features here. It reads what the heads have joined: d.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: 2 * d * d + d * dk + d * dv + 4 * bias),
            "A bias counts as one number here. Each of the d outputs of a projection has one.",
        ),
        Mistake(
            _counted(lambda d, h, dk, dv, bias: 3 * d * d + d * dk + d * dv + 4 * d * bias),
            "One d x d matrix too many. Two do not depend on keys and values: the queries' and the output's.",
        ),
    ],
    hint="Four linear layers, each with d outputs. How many inputs has each? The heads only share them out.",
)
