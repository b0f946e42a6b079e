"""The exercise on the encoder's layer, with the norms before or after."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/transformer"
Array = np.ndarray
Part = Callable[[Array], Array]


def normalize(x: Array, axis: int = 1) -> Array:
    """Mean 0 and variance 1 of the features of each position."""
    centred = x - x.mean(axis=axis, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=axis, keepdims=True) + 1e-5)


def _attend(x: Array, A: Array, V: Array, axis: int = 1) -> Array:
    scores = x @ A @ x.T / np.sqrt(x.shape[1])
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True) @ x @ V


def _feed(x: Array, W1: Array, W2: Array) -> Array:
    return np.maximum(x @ W1, 0) @ W2


def encoder_layer(x: Array, A: Array, V: Array, W1: Array, W2: Array, norm_first: bool) -> Array:
    """x + part(norm(x)) twice, or norm(x + part(x)) twice."""
    if norm_first:
        x = x + _attend(normalize(x), A, V)
        return x + _feed(normalize(x), W1, W2)
    x = normalize(x + _attend(x, A, V))
    return normalize(x + _feed(x, W1, W2))


def _by_parts(x: Array, A: Array, V: Array, W1: Array, W2: Array, norm_first: bool) -> Array:
    parts: list[Part] = [lambda z: _attend(z, A, V), lambda z: _feed(z, W1, W2)]
    for part in parts:
        x = x + part(normalize(x)) if norm_first else normalize(x + part(x))
    return x


def _by_rows(x: Array, A: Array, V: Array, W1: Array, W2: Array, norm_first: bool) -> Array:
    def norm(rows: Array) -> Array:
        return np.array([(row - row.mean()) / (row.var() + 1e-5) ** 0.5 for row in rows])

    read = norm(x) if norm_first else x
    mixed = []
    for q in read:
        scores = np.array([q @ A @ k for k in read]) / len(q) ** 0.5
        p = np.exp(scores - np.logaddexp.reduce(scores))
        mixed.append(p @ (read @ V))
    x = x + np.array(mixed)
    x = x if norm_first else norm(x)
    out = x + np.array([W2.T @ np.maximum(W1.T @ row, 0) for row in (norm(x) if norm_first else x)])
    return out if norm_first else norm(out)


Layer = Callable[[Array, Array, Array, Array, Array, bool], Array]


def _wrong(step: Callable[[Array, Part, bool], Array]) -> Layer:
    """Another way to join a part to what it reads, for both parts."""

    def answer(x: Array, A: Array, V: Array, W1: Array, W2: Array, norm_first: bool) -> Array:
        for part in (lambda z: _attend(z, A, V), lambda z: _feed(z, W1, W2)):
            x = step(x, part, norm_first)
        return x

    return answer


def _joined(x: Array, part: Part, norm_first: bool, norm: Part = normalize) -> Array:
    return x + part(norm(x)) if norm_first else norm(x + part(x))


def _column_norm(x: Array) -> Array:
    return normalize(x, axis=0)


def _half_normalized(x: Array) -> Array:
    return (x - x.mean(axis=1, keepdims=True)) / (x.var(axis=1, keepdims=True) + 1e-5)


def _parallel(x: Array, A: Array, V: Array, W1: Array, W2: Array, norm_first: bool) -> Array:
    if norm_first:
        u = normalize(x)
        return x + _attend(u, A, V) + _feed(u, W1, W2)
    return normalize(x + _attend(x, A, V) + _feed(x, W1, W2))


def _feed_first(x: Array, A: Array, V: Array, W1: Array, W2: Array, norm_first: bool) -> Array:
    x = _joined(x, lambda z: _feed(z, W1, W2), norm_first)
    return _joined(x, lambda z: _attend(z, A, V), norm_first)


def _not_rectified(x: Array, A: Array, V: Array, W1: Array, W2: Array, norm_first: bool) -> Array:
    x = _joined(x, lambda z: _attend(z, A, V), norm_first)
    return _joined(x, lambda z: z @ W1 @ W2, norm_first)


def _softmax_over_queries(x: Array, A: Array, V: Array, W1: Array, W2: Array, norm_first: bool) -> Array:
    x = _joined(x, lambda z: _attend(z, A, V, axis=0), norm_first)
    return _joined(x, lambda z: _feed(z, W1, W2), norm_first)


def _extra_norm(x: Array, A: Array, V: Array, W1: Array, W2: Array, norm_first: bool) -> Array:
    x = encoder_layer(x, A, V, W1, W2, norm_first)
    return normalize(x) if norm_first else x


def _values_not_normalized(x: Array, A: Array, V: Array, W1: Array, W2: Array, norm_first: bool) -> Array:
    if not norm_first:
        return encoder_layer(x, A, V, W1, W2, norm_first)
    u = normalize(x)
    scores = u @ A @ u.T / np.sqrt(x.shape[1])
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    x = x + e / e.sum(axis=1, keepdims=True) @ x @ V
    return x + _feed(normalize(x), W1, W2)


def _layers(rng: np.random.Generator) -> list[Case]:
    def draw(length: int, d: int, hidden: int, norm_first: bool, label: str, size: float = 1.0) -> Case:
        shapes = ((length, d), (d, d), (d, d), (d, hidden), (hidden, d))
        x, A, V, W1, W2 = (rng.normal(size=shape).round(2) for shape in shapes)
        return case(size * x + 0.5, A, V, W1, W2, norm_first, label=label)

    return [
        draw(3, 4, 6, False, "norms after, as in the paper"),
        draw(3, 4, 6, True, "norms before"),
        draw(4, 4, 4, False, "all sizes equal, norms after"),
        draw(4, 4, 4, True, "all sizes equal, norms before"),
        draw(1, 6, 3, True, "a single position"),
        draw(5, 3, 8, True, "large inputs", 30.0),
    ]


LAYER = Exercise(
    id="transformer/layer",
    section=SECTION,
    title="A layer, with its norms before or after",
    reference=encoder_layer,
    cases=_layers,
    alternatives=[_by_parts, _by_rows],
    mistakes=[
        Mistake(
            lambda x, A, V, W1, W2, norm_first: encoder_layer(x, A, V, W1, W2, not norm_first),
            "The two cases are exchanged: norm_first means that the parts read normalized input.",
        ),
        Mistake(
            lambda x, A, V, W1, W2, norm_first: encoder_layer(x, A, V, W1, W2, False),
            "The norms come after in both cases. Heed norm_first.",
        ),
        Mistake(
            lambda x, A, V, W1, W2, norm_first: encoder_layer(x, A, V, W1, W2, True),
            "The norms come before in both cases. Heed norm_first.",
        ),
        Mistake(
            _wrong(lambda x, part, first: part(normalize(x)) if first else normalize(part(x))),
            "The residual is missing: each part's output is added to what came in.",
        ),
        Mistake(
            _wrong(
                lambda x, part, first: normalize(x) + part(normalize(x)) if first else normalize(x + part(x))
            ),
            "With norms before, only the part reads normalized input. What is added to is x itself.",
        ),
        Mistake(
            _wrong(lambda x, part, first: x + part(normalize(x)) if first else x + normalize(part(x))),
            "With norms after, the sum is normalized. Here only the part's output is, and x grows.",
        ),
        Mistake(
            _wrong(lambda x, part, first: _joined(x, part, first, _column_norm)),
            "Each feature is normalized over the positions. A layer norm takes one position's features at a time.",
        ),
        Mistake(
            _wrong(lambda x, part, first: _joined(x, part, first, _half_normalized)),
            "This divides by the variance. Divide by its root.",
        ),
        Mistake(
            _parallel,
            "Both parts read the same input. The small net reads what attention has left.",
        ),
        Mistake(_feed_first, "The small net comes first here. Attention does."),
        Mistake(
            _not_rectified, "The ReLU between W1 and W2 is missing: two matrices in a row are one matrix."
        ),
        Mistake(
            _softmax_over_queries,
            "The softmax runs over the queries. Each position spreads a weight of 1 over all positions: along its row.",
        ),
        Mistake(
            _extra_norm,
            "With norms before, the layer ends with a sum. The norm after it belongs to the end of the whole stack.",
        ),
        Mistake(
            _values_not_normalized,
            "Queries and keys are normalized, the values are not. With norms before, the part reads norm(x) throughout.",
        ),
    ],
    hint="Write the two parts as functions of what they read. Then x + part(norm(x)), or norm(x + part(x)), twice.",
)
