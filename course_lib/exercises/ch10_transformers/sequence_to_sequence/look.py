"""The exercise on additive attention over sources of unequal length."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/sequence_to_sequence"
Array = np.ndarray


def softmax(scores: Array, axis: int = 2) -> Array:
    """Softmax along an axis, the largest score subtracted first."""
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def pairs(q: Array, k: Array) -> Array:
    """All sums of a query and a key, (n, t, s, h)."""
    return q[:, :, None] + k[:, None]


def there(k: Array, lengths: Array, more: int = 0) -> Array:
    """Whether a place belongs to the source, (n, 1, s)."""
    return np.arange(k.shape[1]) < lengths[:, None, None] + more


def look_back(q: Array, k: Array, w: Array, features: Array, lengths: Array) -> Array:
    """Averages (n, t, d) of features (n, s, d) by additive attention, with no weight on padding."""
    scores = np.tanh(pairs(q, k)) @ w
    return softmax(np.where(there(k, lengths), scores, -np.inf)) @ features


def _by_loops(q: Array, k: Array, w: Array, features: Array, lengths: Array) -> Array:
    found = np.empty((*q.shape[:2], features.shape[2]))
    for i, length in enumerate(lengths):
        for step in range(q.shape[1]):
            scores = np.tanh(q[i, step] + k[i, :length]) @ w
            e = np.exp(scores - scores.max())
            found[i, step] = (e / e.sum()) @ features[i, :length]
    return found


def _wrong(
    weigh: Callable[[Array, Array], Array] = lambda scores, mask: softmax(np.where(mask, scores, -np.inf)),
    compare: Callable[[Array, Array, Array], Array] = lambda q, k, w: np.tanh(pairs(q, k)) @ w,
    mask: Callable[[Array, Array], Array] = there,
) -> Callable[[Array, Array, Array, Array, Array], Array]:
    """Attention with one part changed."""

    def answer(q: Array, k: Array, w: Array, features: Array, lengths: Array) -> Array:
        with np.errstate(all="ignore"):
            return weigh(compare(q, k, w), mask(k, lengths)) @ features

    return answer


def _overflowing(scores: Array, mask: Array) -> Array:
    e = np.where(mask, np.exp(scores), 0.0)
    return e / e.sum(axis=2, keepdims=True)


def _sources(rng: np.random.Generator) -> list[Case]:
    def draw(t: int, lengths: list[int], s: int, label: str, scale: float = 1.0, low: float = 0.0) -> Case:
        n = len(lengths)
        q, k = rng.normal(low, 1.0, size=(n, t, 4)).round(2), rng.normal(size=(n, s, 4)).round(2)
        w = (scale * rng.normal(size=4)).round(2) - 2000 * low
        return case(q, k, w, rng.normal(size=(n, s, 3)).round(2), np.array(lengths), label=label)

    return [
        draw(1, [3], 3, "one step, nothing padded"),
        draw(4, [4, 4], 4, "nothing padded, four steps"),
        draw(2, [4, 2, 1], 4, "three lengths"),
        draw(3, [2, 3], 5, "the longest is padded, too"),
        draw(3, [5, 2], 5, "large scores", scale=4000.0),
        draw(2, [1, 3, 4], 5, "low scores", low=3.0),
    ]


LOOK = Exercise(
    id="sequence_to_sequence/look_back",
    section=SECTION,
    title="Look back, but not at the padding",
    reference=look_back,
    cases=_sources,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _wrong(weigh=lambda scores, mask: softmax(scores)),
            "The padding gets weight as well. Give its scores minus infinity before the softmax.",
        ),
        Mistake(
            _wrong(weigh=lambda scores, mask: softmax(scores * mask)),
            "The scores of the padding are 0, which is a score like others. It takes minus infinity.",
        ),
        Mistake(
            _wrong(weigh=lambda scores, mask: softmax(np.where(mask, scores, -100.0))),
            "The padding has the score -100, and a score may be lower than that. Minus infinity is below all.",
        ),
        Mistake(
            _wrong(weigh=lambda scores, mask: softmax(scores) * mask),
            "The weights of the padding are set to 0 after the softmax, so those left sum to less than 1. Mask the scores.",
        ),
        Mistake(
            _wrong(weigh=lambda scores, mask: softmax(np.where(mask, -np.inf, scores))),
            "The mask is turned round: only the padding is looked at (and where there is none, nothing).",
        ),
        Mistake(
            _wrong(mask=lambda k, lengths: there(k, lengths, 1)),
            "One place too many is looked at. The places of a source of length 3 are 0, 1 and 2.",
        ),
        Mistake(
            _wrong(weigh=lambda scores, mask: softmax(np.where(mask, scores, -np.inf), axis=1)),
            "The softmax runs over the steps. For each step, the weights of the source's places sum to 1.",
        ),
        Mistake(
            _wrong(weigh=lambda scores, mask: np.where(mask, scores, 0.0)),
            "The scores themselves are the weights here. Put them through a softmax.",
        ),
        Mistake(
            _wrong(weigh=_overflowing),
            "Large scores overflow. Subtract the largest score before the exponential.",
        ),
        Mistake(
            _wrong(compare=lambda q, k, w: pairs(q, k) @ w),
            "There is no tanh. Without it the query adds the same to all scores of a step, and changes nothing.",
        ),
        Mistake(
            _wrong(compare=lambda q, k, w: np.tanh(pairs(q, k) @ w)),
            "The tanh comes after the product with w, so all scores lie between -1 and 1. It comes before.",
        ),
        Mistake(
            _wrong(compare=lambda q, k, w: (q @ k.transpose(0, 2, 1)) / 2),
            "These are scaled dot products. Here queries and keys are added, put through tanh, and weighed by w.",
        ),
    ],
    hint="Scores (n, t, s): w times tanh of every sum of a query and a key. Minus infinity where a place is not below the length.",
)
