"""Exercises on the weighted average, and on the scale of its scores."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/attention"
Array = np.ndarray

# keys that stand for many


def softmax(scores: Array, axis: int = 1) -> Array:
    """Softmax, the largest score subtracted first."""
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def attend(Q: Array, K: Array, V: Array, many: Array) -> Array:
    """softmax(Q K^T / sqrt(d) + log n) V, for keys that each stand for n."""
    return softmax(Q @ K.T / np.sqrt(Q.shape[1]) + np.log(many)) @ V


def _by_loops(Q: Array, K: Array, V: Array, many: Array) -> Array:
    rows = []
    for q in Q:
        scores = [float(np.dot(q, k)) / len(q) ** 0.5 for k in K]
        e = [n * np.exp(score - max(scores)) for n, score in zip(many, scores, strict=True)]
        rows.append(sum(each * v for each, v in zip(e, V, strict=True)) / sum(e))
    return np.array(rows)


def _by_einsum(Q: Array, K: Array, V: Array, many: Array) -> Array:
    scores = np.einsum("id,jd->ij", Q / Q.shape[1] ** 0.5, K)
    p = many * np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.einsum("ij,je->ie", p, V) / np.einsum("ij->i", p)[:, None]


def _weighted(weights: Callable[[Array, Array, Array], Array]) -> Callable[..., Array]:
    """Averages with other weights, made of Q, K and the numbers of copies."""

    def answer(Q: Array, K: Array, V: Array, many: Array) -> Array:
        with np.errstate(all="ignore"):
            return weights(Q, K, many) @ V

    return answer


def _scores(Q: Array, K: Array) -> Array:
    return Q @ K.T / np.sqrt(Q.shape[1])


def _shares(e: Array) -> Array:
    return e / e.sum(axis=1, keepdims=True)


def _joined(Q: Array, K: Array, many: Array) -> Array:
    return _scores(Q, K) + np.log(many)


def _whole_copies(Q: Array, K: Array, V: Array, many: Array) -> Array:
    times = np.maximum(np.round(many), 1).astype(int)
    return softmax(_scores(Q, np.repeat(K, times, axis=0))) @ np.repeat(V, times, axis=0)


def _dictionaries(rng: np.random.Generator) -> list[Case]:
    def draw(n_queries: int, n_keys: int, d: int, e: int, label: str) -> Case:
        Q, K, V = (rng.normal(size=shape).round(2) for shape in ((n_queries, d), (n_keys, d), (n_keys, e)))
        return case(Q, K, V, rng.uniform(0.3, 6, n_keys).round(1), label=label)

    # all scores of one query are far below the best of the other, whose two best are both beyond what exp can take
    Q, K = (
        np.array([[2000.0, 0, 0, 0], [-1800, -1000, 0, 0]]),
        np.array([[3.0, 0, 1, 0], [2, 1, 0, 0], [-1, 2, 0, 1]]),
    )
    hand = np.array([[2.0, 0]]), np.eye(2), np.array([[10.0], [20]])
    return [
        case(*hand, np.ones(2), label="the example of the section: each key stands for one"),
        case(*hand, np.array([3.0, 3.0]), label="each stands for three: nothing changes"),
        case(*hand, np.array([1.0, 4.0]), label="the second stands for four"),
        draw(3, 3, 4, 2, "as many queries as keys"),
        draw(2, 5, 3, 3, "more keys than queries"),
        draw(6, 2, 8, 1, "more queries than keys"),
        case(
            Q, K, np.array([[1.0, 0], [0, 1], [2, 2]]), np.array([0.5, 2, 1.5]), label="scores of thousands"
        ),
    ]


ATTEND = Exercise(
    id="attention/attend",
    section=SECTION,
    title="Keys that stand for many",
    reference=attend,
    cases=_dictionaries,
    alternatives=[_by_loops, _by_einsum],
    mistakes=[
        Mistake(
            _weighted(lambda Q, K, n: softmax(_scores(Q, K))),
            "Every key counts once. One that stands for n keys must weigh as much as n equal keys together.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax(n * _scores(Q, K))),
            "The numbers multiply the scores. Copies of a key have its score: what adds up is their exponentials.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax(_scores(Q, K) + n)),
            "The numbers are added to the scores, and so count as e to the n. To add log n would be right.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: n * softmax(_scores(Q, K))),
            "The copies count above, but not in the sum by which you divide: the weights do not sum to 1.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax(_scores(Q, K)) / (n * softmax(_scores(Q, K))).sum(1)[:, None]),
            "The copies count in the sum by which you divide, but not above: the weights do not sum to 1.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax((Q @ K.T + np.log(n)) / np.sqrt(Q.shape[1]))),
            "log n is divided by the root of d with the rest. Divide the dot product alone.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax(_scores(Q, K) - np.log(n))),
            "A key that stands for many counts for less. It should count for more.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax(_scores(Q, K) + 2 * np.log(n))),
            "The numbers count twice. The copies share one exponential each: n of them, not n squared.",
        ),
        Mistake(
            _whole_copies,
            "Keys are repeated a whole number of times. The numbers need not be whole: use them as weights.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax(Q @ K.T + np.log(n))),
            "The scores are not divided by the root of d, the number of entries of a query.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax(Q @ K.T / Q.shape[1] + np.log(n))),
            "The scores are divided by d. Their variance is d, so divide by its root.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax(Q @ K.T / np.sqrt(len(K)) + np.log(n))),
            "The scores are divided by the root of the number of keys. Take the size of a query.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax(_joined(Q, K, n), axis=0)),
            "The softmax runs over the queries. Each query spreads a weight of 1 over the keys: along its row.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: softmax(np.clip(_scores(Q, K), -700, 700) + np.log(n))),
            "Scores are cut off so that nothing overflows, and large ones become equal. Subtract the largest instead.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: _shares(np.exp(_joined(Q, K, n)))),
            "Large scores overflow to NaN. Subtract each row's largest score before the exponential.",
        ),
        Mistake(
            _weighted(lambda Q, K, n: _shares(np.exp(_joined(Q, K, n) - _joined(Q, K, n).max()))),
            "The largest score of the whole matrix is subtracted: rows far below it become 0 / 0. Take each row's own.",
        ),
    ],
    hint="n equal keys have n equal exponentials. Put n into the sum of the softmax, above and below.",
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
