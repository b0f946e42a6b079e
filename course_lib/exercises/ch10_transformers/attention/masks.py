"""The exercise on the causal mask, with queries that come late."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/attention"
Array = np.ndarray


def softmax(scores: Array) -> Array:
    """Softmax of each row, the largest score subtracted first."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def seen_by(n_queries: int, s: int, more: int = 0) -> Array:
    """Whether the last l of s positions see each of them, (l, s); ``more`` shifts the border."""
    return np.arange(s) <= np.arange(n_queries)[:, None] + s - n_queries + more


def causal_weights(scores: Array) -> Array:
    """Softmax of what each of the last l positions may see."""
    return softmax(np.where(seen_by(*scores.shape), scores, -np.inf))


def _by_loop(scores: Array) -> Array:
    n_queries, s = scores.shape
    p = np.zeros((n_queries, s))
    for i in range(n_queries):
        last = s - n_queries + i + 1
        e = np.exp(scores[i, :last] - scores[i, :last].max())
        p[i, :last] = e / e.sum()
    return p


def _by_tril(scores: Array) -> Array:
    past = np.tril(np.ones(scores.shape, dtype=bool), k=scores.shape[1] - scores.shape[0])
    e = np.exp(
        scores - np.where(past, scores, -np.inf).max(axis=1, keepdims=True),
        where=past,
        out=np.zeros(scores.shape),
    )
    return e / e.sum(axis=1, keepdims=True)


def _masked(allowed: Callable[[int, int], Array], fill: float = -np.inf) -> Callable[[Array], Array]:
    """Another border, or another score for what is masked."""

    def answer(scores: Array) -> Array:
        with np.errstate(all="ignore"):
            return softmax(np.where(allowed(*scores.shape), scores, fill))

    return answer


def _late(scores: Array) -> Array:
    return softmax(scores) * seen_by(*scores.shape)


def _multiplied(scores: Array) -> Array:
    return softmax(scores * seen_by(*scores.shape))


def _top_left(n_queries: int, s: int) -> Array:
    return np.arange(s) <= np.arange(n_queries)[:, None]


def _unnormalized(scores: Array) -> Array:
    kept = np.where(seen_by(*scores.shape), scores, -np.inf)
    return np.exp(kept - kept.max(axis=1, keepdims=True))


def _renormalized(scores: Array) -> Array:
    with np.errstate(all="ignore"):
        kept = _late(scores)
        return kept / kept.sum(axis=1, keepdims=True)


def _saved_from_nan(scores: Array) -> Array:
    kept = _late(scores)
    return kept / (kept.sum(axis=1, keepdims=True) + 1e-30)


def _subtracted(scores: Array) -> Array:
    return softmax(scores - 1000.0 * ~seen_by(*scores.shape))


def _down_the_columns(scores: Array) -> Array:
    with np.errstate(all="ignore"):
        return softmax(np.where(seen_by(*scores.shape), scores, -np.inf).T).T


def _overflowing(scores: Array) -> Array:
    with np.errstate(all="ignore"):
        e = np.where(seen_by(*scores.shape), np.exp(scores), 0.0)
        return e / e.sum(axis=1, keepdims=True)


def _tables(rng: np.random.Generator) -> list[Case]:
    def draw(n_queries: int, s: int, label: str, low: float = 0.0) -> Case:
        return case(rng.normal(size=(n_queries, s)).round(2) + low, label=label)

    return [
        case(np.zeros((3, 3)), label="equal scores, 3 positions"),
        draw(4, 4, "a whole sequence"),
        draw(1, 5, "only the newest position asks"),
        draw(2, 6, "the last two of six ask"),
        draw(3, 5, "low scores", -20_000.0),
        draw(4, 5, "high scores", 1000.0),
        case(np.array([[0.0, 1, 5e4], [2, 0, 5e4], [1, 2, 5e4]]), label="a future that fits far better"),
    ]


CAUSAL = Exercise(
    id="attention/causal",
    section=SECTION,
    title="A mask that does not leak",
    reference=causal_weights,
    cases=_tables,
    alternatives=[_by_loop, _by_tril],
    mistakes=[
        Mistake(softmax, "Nothing is masked: every position sees the future."),
        Mistake(
            _masked(lambda n_queries, s: seen_by(n_queries, s, 1)),
            "A leak: each position sees its right neighbour as well, the very thing it is to predict. Off by one.",
        ),
        Mistake(
            _masked(lambda n_queries, s: seen_by(n_queries, s, -1)),
            "A position may see itself, and here it does not (the first sees nothing). Off by one.",
        ),
        Mistake(
            _masked(_top_left),
            "Query i sees keys 0 to i. But the queries are the last l positions: query 0 stands at s - l.",
        ),
        Mistake(
            _masked(lambda n_queries, s: seen_by(n_queries, s)[::-1]),
            "The rows of the mask are upside down: the first query sees most. The last one does.",
        ),
        Mistake(
            _masked(lambda n_queries, s: np.arange(s) >= np.arange(n_queries)[:, None] + s - n_queries),
            "The mask is turned round: these positions see themselves and the future, and no past.",
        ),
        Mistake(
            _late,
            "The weights are set to 0 after the softmax. The future still stands in the sum, and the rows do not sum to 1.",
        ),
        Mistake(
            _multiplied,
            "Masked scores become 0, which is a score like others: weight e^0. It takes minus infinity.",
        ),
        Mistake(
            _masked(seen_by, -10.0),
            "Masked scores become -10. Where the other scores are lower still, that leaks. Take minus infinity.",
        ),
        Mistake(
            _masked(seen_by, -1e4),
            "Masked scores become a finite number. Among scores that are lower still it is the highest, and the "
            "future gets all of the weight. Take minus infinity.",
        ),
        Mistake(
            _subtracted,
            "A finite number is subtracted from the scores of the future. Where they are higher by more than that, "
            "the future wins all the same. Take minus infinity.",
        ),
        Mistake(
            _masked(lambda n_queries, s: np.arange(s) <= np.arange(n_queries)[:, None] + 1),
            "Query i sees keys 0 to i + 1, for any l and s. Query 0 stands at position s - l: shift the border by that.",
        ),
        Mistake(
            _down_the_columns,
            "The softmax runs down the columns, over the queries. Each query spreads a weight of 1 along its row.",
        ),
        Mistake(_unnormalized, "The rows do not sum to 1: divide the exponentials by their sum."),
        Mistake(
            _renormalized,
            "The largest score that is subtracted may be one of the future. Where that is far higher, nothing is left "
            "of the past, and 0 is divided by 0: mask first, then take the largest score of each row.",
        ),
        Mistake(
            _saved_from_nan,
            "Where the future's scores are far higher, a row of 0 is left of the past, and a small number in the "
            "denominator only hides the 0 / 0: mask the scores before the softmax.",
        ),
        Mistake(_overflowing, "High scores overflow. Subtract the largest score of each row first."),
    ],
    hint="Query i stands at position s - l + i, and sees all positions up to and including its own.",
)
