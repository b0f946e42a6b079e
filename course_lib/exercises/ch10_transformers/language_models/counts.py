"""The exercise on smoothing: Kneser-Ney for pairs of tokens."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/language_models"
Array = np.ndarray


def pair_counts(tokens: Array, V: int) -> Array:
    """How often each token followed each other one: (V, V), contexts in rows."""
    c = np.zeros((V, V))
    np.add.at(c, (tokens[:-1], tokens[1:]), 1.0)
    return c


def _below(c: Array, D: float) -> Array:
    """The model of no context: in how many contexts has each token been seen?"""
    n = (c > 0).sum(axis=0)
    return np.asarray((np.maximum(n - D, 0) + D * (n > 0).sum() / len(n)) / n.sum())


def _interpolated(c: Array, q: Array, D: float) -> Array:
    """Discounted frequencies, and what was taken from each row shared out like q; q alone in empty rows."""
    total = c.sum(axis=1, keepdims=True)
    p = (np.maximum(c - D, 0) + D * (c > 0).sum(axis=1, keepdims=True) * q) / np.maximum(total, 1)
    return np.asarray(np.where(total > 0, p, q))


def kneser_ney(tokens: Array, V: int, D: float) -> Array:
    """Interpolated Kneser-Ney of order 2, (V, V)."""
    c = pair_counts(tokens, V)
    return _interpolated(c, _below(c, D), D)


def _by_loop(tokens: Array, V: int, D: float) -> Array:
    pairs = [(int(h), int(w)) for h, w in pairwise(tokens)]
    kinds = set(pairs)
    before = [sum(w == token for _, w in kinds) for token in range(V)]
    spared = D * sum(n > 0 for n in before)
    q = [(max(n - D, 0) + spared / V) / len(kinds) for n in before]
    rows = []
    for h in range(V):
        followers = [w for g, w in pairs if g == h]
        if not followers:
            rows.append(q)
            continue
        backed = D * len(set(followers))
        rows.append([(max(followers.count(w) - D, 0) + backed * q[w]) / len(followers) for w in range(V)])
    return np.array(rows)


def _with(
    below: Callable[[Array, float], Array] = _below,
    mix: Callable[[Array, Array, float], Array] = _interpolated,
) -> Callable[[Array, int, float], Array]:
    """Another model of no context, or another mixture with it."""

    def answer(tokens: Array, V: int, D: float) -> Array:
        with np.errstate(all="ignore"):
            c = pair_counts(tokens, V)
            return mix(c, below(c, D), D)

    return answer


def _frequency(c: Array, D: float) -> Array:
    n = c.sum(axis=0)
    return np.asarray((np.maximum(n - D, 0) + D * (n > 0).sum() / len(n)) / n.sum())


def _undiscounted(c: Array, D: float) -> Array:
    n = (c > 0).sum(axis=0)
    return np.asarray(n / n.sum())


def _by_rows(c: Array, D: float) -> Array:
    n = (c > 0).sum(axis=1)
    return np.asarray((np.maximum(n - D, 0) + D * (n > 0).sum() / len(n)) / n.sum())


def _uniform(c: Array, D: float) -> Array:
    return np.full(len(c), 1 / len(c))


def _one_discount(c: Array, q: Array, D: float) -> Array:
    total = c.sum(axis=1, keepdims=True)
    p = (np.maximum(c - D, 0) + D * q) / np.maximum(total, 1)
    return np.asarray(np.where(total > 0, p, q))


def _not_interpolated(c: Array, q: Array, D: float) -> Array:
    total = c.sum(axis=1, keepdims=True)
    spared = D * (c > 0).sum(axis=1, keepdims=True)
    p = np.where(c > 0, c - D, spared * q) / np.maximum(total, 1)
    return np.asarray(np.where(total > 0, p, q))


def _nothing_returned(c: Array, q: Array, D: float) -> Array:
    total = c.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, np.maximum(c - D, 0) / np.maximum(total, 1), q))


def _uniform_rows(c: Array, q: Array, D: float) -> Array:
    return np.asarray(np.where(c.sum(axis=1, keepdims=True) > 0, _interpolated(c, q, D), 1 / len(c)))


def _empty_rows(c: Array, q: Array, D: float) -> Array:
    return np.asarray(np.where(c.sum(axis=1, keepdims=True) > 0, _interpolated(c, q, D), 0.0))


def _transposed(tokens: Array, V: int, D: float) -> Array:
    return kneser_ney(tokens, V, D).T.copy()


def _at_most_once(tokens: Array, V: int, D: float) -> Array:
    c = np.minimum(pair_counts(tokens, V), 1)
    return _interpolated(c, _below(c, D), D)


def _round_the_end(tokens: Array, V: int, D: float) -> Array:
    return kneser_ney(np.append(tokens, tokens[0]), V, D)


def _backwards(tokens: Array, V: int, D: float) -> Array:
    return kneser_ney(tokens[::-1], V, D)


def _last_is_a_context(tokens: Array, V: int, D: float) -> Array:
    c = pair_counts(tokens, V)
    total = np.bincount(tokens, minlength=V)[:, None].astype(float)
    q = _below(c, D)
    p = (np.maximum(c - D, 0) + D * (c > 0).sum(axis=1, keepdims=True) * q) / np.maximum(total, 1)
    return np.asarray(np.where(total > 0, p, q))


def _streams(rng: np.random.Generator) -> list[Case]:
    def draw(t: int, V: int, D: float, seen: int, label: str) -> Case:
        weights = 1 / np.arange(1, seen + 1)
        return case(rng.choice(seen, size=t, p=weights / weights.sum()), V, D, label=label)

    return [
        case(np.array([0, 1, 0, 1, 0, 1, 2, 1]), 3, 0.5, label="three tokens"),
        draw(30, 4, 0.75, 4, "thirty tokens"),
        draw(40, 9, 0.75, 6, "three tokens never come"),
        case(np.array([3, 0, 1, 3, 0, 1, 4, 0, 2]), 5, 0.75, label="the last token comes once: no context"),
        case(np.array([0, 1] * 6 + [2, 3, 4, 3, 5, 3]), 6, 0.5, label="frequent, but after one token only"),
        draw(50, 5, 1.0, 5, "the largest discount"),
    ]


KNESER_NEY = Exercise(
    id="language_models/kneser_ney",
    section=SECTION,
    title="Kneser-Ney for pairs",
    reference=kneser_ney,
    cases=_streams,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _with(below=_frequency),
            "Below counts how often a token came. Count after how many different tokens it came.",
        ),
        Mistake(
            _with(below=_undiscounted),
            "The lower model is not discounted, so tokens that never came get nothing. It gives D from each as well, "
            "to all V alike.",
        ),
        Mistake(
            _with(below=_uniform),
            "The lower model is 1/V for every token. It knows in how many contexts each of them has been seen.",
        ),
        Mistake(
            _with(below=_by_rows),
            "The lower model counts how many different tokens come after a token. Before it, it should be.",
        ),
        Mistake(
            _with(mix=_one_discount),
            "D is given to the lower model once for a context. It was taken from every different token that followed: D N(h).",
        ),
        Mistake(
            _with(mix=_not_interpolated),
            "The lower model is asked only where a pair was never seen (back-off), and rows sum to less than 1. Add it "
            "everywhere.",
        ),
        Mistake(
            _with(mix=_nothing_returned),
            "The discount is taken and given to nobody: rows do not sum to 1. The lower model shares it out.",
        ),
        Mistake(
            _with(mix=_uniform_rows),
            "After a context that never came, the lower model answers, and not 1/V.",
        ),
        Mistake(
            _with(mix=_empty_rows),
            "After a context that never came, all is 0 or NaN. The lower model answers there.",
        ),
        Mistake(
            _at_most_once,
            "Each pair counts once, however often it came. With counts[h, w] += 1 for arrays h and w, NumPy adds 1 once to "
            "each entry: use np.add.at, or a loop.",
        ),
        Mistake(
            _round_the_end,
            "The first token of the text counts as coming after the last. np.roll goes round; nothing follows the last.",
        ),
        Mistake(_transposed, "Rows and columns are exchanged: entry (h, w) is the probability of w after h."),
        Mistake(_backwards, "The pairs are read backwards. A context comes before its token."),
        Mistake(
            _last_is_a_context,
            "The last token of the text counts as a context, but nothing followed it. c(h) is how often something did.",
        ),
    ],
    hint="Make the matrix of counts c (V, V) first. Rows give c(h) and N(h), columns the counts of the lower model.",
)
