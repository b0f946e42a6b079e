"""Exercises on the weighted average, and on the scale of its scores."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/attention"
Array = np.ndarray

# attention by hand


def softmax(scores: Array, axis: int = 1) -> Array:
    """Softmax, the largest score subtracted first."""
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def attend(Q: Array, K: Array, V: Array) -> Array:
    """softmax(Q K^T / sqrt(d)) V."""
    return softmax(Q @ K.T / np.sqrt(Q.shape[1])) @ V


def _by_loops(Q: Array, K: Array, V: Array) -> Array:
    rows = []
    for q in Q:
        scores = [float(np.dot(q, k)) / len(q) ** 0.5 for k in K]
        e = [np.exp(score - max(scores)) for score in scores]
        rows.append(sum(each * v for each, v in zip(e, V, strict=True)) / sum(e))
    return np.array(rows)


def _by_einsum(Q: Array, K: Array, V: Array) -> Array:
    scores = np.einsum("id,jd->ij", Q / Q.shape[1] ** 0.5, K)
    p = np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
    return np.einsum("ij,je->ie", p, V)


def _weighted(weights: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    """Averages with other weights, made of Q and K."""

    def answer(Q: Array, K: Array, V: Array) -> Array:
        return weights(Q, K) @ V

    return answer


def _scores(Q: Array, K: Array) -> Array:
    return Q @ K.T / np.sqrt(Q.shape[1])


def _overflowing(Q: Array, K: Array) -> Array:
    with np.errstate(all="ignore"):
        e = np.exp(_scores(Q, K))
        return e / e.sum(axis=1, keepdims=True)


def _distances(Q: Array, K: Array) -> Array:
    return softmax(-((Q[:, None] - K) ** 2).sum(axis=2) / (2 * np.sqrt(Q.shape[1])))


def _one_maximum(Q: Array, K: Array) -> Array:
    with np.errstate(all="ignore"):
        e = np.exp(_scores(Q, K) - _scores(Q, K).max())
        return e / e.sum(axis=1, keepdims=True)


def _cosines(Q: Array, K: Array) -> Array:
    lengths = np.linalg.norm(Q, axis=1)[:, None] * np.linalg.norm(K, axis=1)
    return softmax(Q @ K.T / lengths)


def _dictionaries(rng: np.random.Generator) -> list[Case]:
    def draw(n_queries: int, n_keys: int, d: int, e: int, label: str, size: float = 1.0) -> Case:
        Q, K, V = (rng.normal(size=shape).round(2) for shape in ((n_queries, d), (n_keys, d), (n_keys, e)))
        return case(size * Q, K, V, label=label)

    return [
        case(np.array([[2.0, 0]]), np.eye(2), np.array([[10.0], [20]]), label="the example of the section"),
        draw(3, 3, 4, 2, "as many queries as keys"),
        draw(2, 5, 3, 3, "more keys than queries"),
        draw(6, 2, 8, 1, "more queries than keys"),
        draw(3, 4, 9, 2, "scores of thousands", 1000.0),
    ]


ATTEND = Exercise(
    id="attention/attend",
    section=SECTION,
    title="Attention by hand",
    reference=attend,
    cases=_dictionaries,
    alternatives=[_by_loops, _by_einsum],
    mistakes=[
        Mistake(
            _weighted(lambda Q, K: softmax(Q @ K.T)),
            "The scores are not divided by the root of d, the number of entries of a query.",
        ),
        Mistake(
            _weighted(lambda Q, K: softmax(Q @ K.T / Q.shape[1])),
            "The scores are divided by d. Their variance is d, so divide by its root.",
        ),
        Mistake(
            _weighted(lambda Q, K: softmax(Q @ K.T / np.sqrt(len(K)))),
            "The scores are divided by the root of the number of keys. Take the size of a query.",
        ),
        Mistake(
            lambda Q, K, V: softmax(Q @ K.T / np.sqrt(V.shape[1])) @ V,
            "The scores are divided by the root of the size of a value. Take the size of a query.",
        ),
        Mistake(
            _weighted(lambda Q, K: softmax(np.clip(_scores(Q, K), -700, 700))),
            "Scores are cut off so that nothing overflows, and large ones become equal. Subtract the largest instead.",
        ),
        Mistake(
            _weighted(lambda Q, K: softmax(Q @ K.T * np.sqrt(Q.shape[1]))),
            "The scores are multiplied by the root of d. That makes them larger still: divide.",
        ),
        Mistake(
            _weighted(lambda Q, K: softmax(_scores(Q, K), axis=0)),
            "The softmax runs over the queries. Each query spreads a weight of 1 over the keys: along its row.",
        ),
        Mistake(
            _weighted(lambda Q, K: softmax(Q @ K.T) / np.sqrt(Q.shape[1])),
            "The division comes after the softmax: the weights do not sum to 1. Divide the scores.",
        ),
        Mistake(
            _weighted(
                lambda Q, K: np.exp(
                    _scores(Q, K) - np.logaddexp.reduce(_scores(Q, K), axis=None, keepdims=True)
                )
            ),
            "One sum is taken over the whole matrix. Every row has a sum of its own.",
        ),
        Mistake(
            _weighted(lambda Q, K: np.exp(_scores(Q, K) - _scores(Q, K).max(axis=1, keepdims=True))),
            "The exponentials are not divided by their sum, so this is no average.",
        ),
        Mistake(
            _weighted(_overflowing),
            "Large scores overflow to NaN. Subtract each row's largest score before the exponential.",
        ),
        Mistake(
            _weighted(lambda Q, K: np.eye(len(K))[_scores(Q, K).argmax(axis=1)]),
            "Only the value of the best key is taken. Average all of them, with the weights of the softmax.",
        ),
        Mistake(
            _weighted(_distances),
            "The keys are compared by distance. That is another kernel; here the dot product compares.",
        ),
        Mistake(
            _weighted(_one_maximum),
            "The largest score of the whole matrix is subtracted: rows far below it become 0 / 0. Take each row's own.",
        ),
        Mistake(
            _weighted(_cosines),
            "The scores are divided by the lengths of the vectors: cosines. Divide by the root of d alone.",
        ),
    ],
    hint="Scores (l, s), then a softmax along each row, then a product with V.",
)

# the scale that makes the variance 1


def score_scale(d: int, mean_q: float, var_q: float, mean_k: float, var_k: float) -> float:
    """1 / sqrt(Var(q . k)) for independent entries."""
    return float(1 / np.sqrt(d * (var_q * var_k + var_q * mean_k**2 + mean_q**2 * var_k)))


def _by_squares(d: int, mean_q: float, var_q: float, mean_k: float, var_k: float) -> float:
    square = (var_q + mean_q**2) * (var_k + mean_k**2)
    return float((d * (square - (mean_q * mean_k) ** 2)) ** -0.5)


def _scale_of(variance: Callable[..., float], power: float = -0.5) -> Callable[..., float]:
    """Another variance of a product, or another power."""

    def answer(d: int, mean_q: float, var_q: float, mean_k: float, var_k: float) -> float:
        return float(variance(d, mean_q, var_q, mean_k, var_k) ** power)

    return answer


def _variance(d: int, mq: float, vq: float, mk: float, vk: float) -> float:
    return d * (vq * vk + vq * mk**2 + mq**2 * vk)


SCALE = Exercise(
    id="attention/scale",
    section=SECTION,
    title="The scale of a score",
    reference=score_scale,
    cases=[
        case(64, 0.0, 1.0, 0.0, 1.0, label="as in the section"),
        case(16, 0.0, 4.0, 0.0, 0.25, label="large queries, small keys"),
        case(9, 1.0, 1.0, 0.0, 1.0, label="queries with a mean"),
        case(9, 0.0, 1.0, 2.0, 1.0, label="keys with a mean"),
        case(25, 0.5, 2.0, -1.5, 3.0, label="both"),
        case(1, 2.0, 0.5, 3.0, 1.5, label="a single entry"),
    ],
    alternatives=[_by_squares],
    mistakes=[
        Mistake(
            _scale_of(lambda d, mq, vq, mk, vk: d),
            "This is 1 over the root of d. It is right where means are 0 and variances 1; here they need not be.",
        ),
        Mistake(
            _scale_of(lambda d, mq, vq, mk, vk: d * vq * vk),
            "The means do not count here. With a mean in the keys, the variance of the queries counts for more.",
        ),
        Mistake(
            _scale_of(lambda d, mq, vq, mk, vk: d * (vq + mq**2) * (vk + mk**2)),
            "This is the mean square of the product. Subtract the square of its mean.",
        ),
        Mistake(
            _scale_of(lambda d, mq, vq, mk, vk: d * (vq * vk + vq * mk + mq * vk)),
            "The means count as they are. They have to be squared, like a standard deviation.",
        ),
        Mistake(
            _scale_of(lambda d, mq, vq, mk, vk: d * (vq + vk)),
            "The variances are added, as for a sum. The entries are multiplied.",
        ),
        Mistake(_scale_of(_variance, -1.0), "This is 1 over the variance. Divide by the standard deviation."),
        Mistake(
            _scale_of(_variance, 0.5),
            "This is the standard deviation itself. The factor that makes it 1 is one over it.",
        ),
        Mistake(
            _scale_of(lambda d, mq, vq, mk, vk: d**2 * _variance(1, mq, vq, mk, vk)),
            "The d terms count as d squared, as if they were all the same. Independent terms add their variances.",
        ),
        Mistake(
            _scale_of(lambda d, mq, vq, mk, vk: _variance(1, mq, vq, mk, vk)),
            "This is for one product of two entries. A score is a sum of d of them.",
        ),
        Mistake(
            _scale_of(lambda d, mq, vq, mk, vk: d * (vq * vk + vq * mq**2 + vk * mk**2)),
            "Each mean goes with the variance of its own side. It is multiplied with the other's.",
        ),
        Mistake(
            _scale_of(lambda d, mq, vq, mk, vk: _variance(d, mq, vq**2, mk, vk**2)),
            "The variances are squared, as if they were standard deviations. They are squares already.",
        ),
    ],
    hint="Var(qk) = E[q^2] E[k^2] - E[q]^2 E[k]^2 for independent q and k, and E[q^2] = Var(q) + E[q]^2.",
)
