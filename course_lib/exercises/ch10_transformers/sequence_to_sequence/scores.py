"""The exercise on scores of targets of unequal length."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/sequence_to_sequence"
Array = np.ndarray


def written(tokens: Array, end: int) -> Array:
    """Whether a place was written: up to the first end, and it as well, (n, t)."""
    ends = tokens == end
    return np.cumsum(ends, axis=1) - ends == 0


def penalized(log_p: Array, tokens: Array, end: int, alpha: float) -> Array:
    """Log-probabilities (n,) of targets, each over its length penalty."""
    mask = written(tokens, end)
    return np.where(mask, log_p, 0.0).sum(axis=1) / ((5 + mask.sum(axis=1)) / 6) ** alpha


def _by_rows(log_p: Array, tokens: Array, end: int, alpha: float) -> list[float]:
    found = []
    for row, target in zip(log_p, tokens.tolist(), strict=True):
        m = target.index(end) + 1 if end in target else len(target)
        found.append(float(sum(row[:m]) * 6**alpha / (5 + m) ** alpha))
    return found


def _wrong(
    score: Callable[[Array, Array, float], Array] = lambda total, m, alpha: total / ((5 + m) / 6) ** alpha,
    total_of: Callable[[Array, int], Array] = written,
    length_of: Callable[[Array, int], Array] = written,
) -> Callable[[Array, Array, int, float], Array]:
    """The scores with one part changed."""

    def answer(log_p: Array, tokens: Array, end: int, alpha: float) -> Array:
        total = np.where(total_of(tokens, end), log_p, 0.0).sum(axis=1)
        with np.errstate(all="ignore"):
            return score(total, length_of(tokens, end).sum(axis=1), alpha)

    return answer


def _everything(tokens: Array, end: int) -> Array:
    return np.ones(tokens.shape, bool)


def _before_the_end(tokens: Array, end: int) -> Array:
    return np.cumsum(tokens == end, axis=1) == 0


def _not_the_end(tokens: Array, end: int) -> Array:
    return tokens != end


def _targets(rng: np.random.Generator) -> list[Case]:
    def draw(tokens: list[list[int]], end: int, alpha: float, label: str) -> Case:
        log_p = -rng.exponential(1.0, size=np.shape(tokens)).round(2) - 0.05
        return case(log_p, np.array(tokens), end, alpha, label=label)

    return [
        draw([[3, 1, 0]], 0, 1.0, "one target"),
        draw([[3, 1, 0], [2, 0, 4]], 0, 0.0, "no penalty, two lengths"),
        draw([[3, 1, 2, 0], [2, 0, 0, 0], [1, 3, 0, 0]], 0, 1.0, "three lengths"),
        draw([[3, 1, 2, 4], [2, 0, 1, 3]], 0, 0.6, "one has not ended"),
        draw([[0, 1, 1], [2, 1, 0], [2, 0, 1], [2, 2, 2]], 1, 0.7, "another end token"),
        draw([[4, 1, 2, 4, 2, 4, 1, 2, 4, 0], [0] * 10], 0, 2.0, "ten tokens, and nothing at all"),
    ]


PENALIZED = Exercise(
    id="sequence_to_sequence/penalized",
    section=SECTION,
    title="Long answers and short ones",
    reference=penalized,
    cases=_targets,
    alternatives=[_by_rows],
    mistakes=[
        Mistake(
            _wrong(lambda total, m, alpha: total), "These are the sums alone. Divide by the length penalty."
        ),
        Mistake(
            _wrong(total_of=_everything, length_of=_everything),
            "Everything counts, in the sum and in the length. A target is over with its first end token.",
        ),
        Mistake(
            _wrong(total_of=_everything),
            "What stands behind the end is in the sum. A target is over with its first end token.",
        ),
        Mistake(
            _wrong(length_of=_everything),
            "All targets have the full length here. Count the tokens up to and including the first end.",
        ),
        Mistake(
            _wrong(total_of=_before_the_end, length_of=_before_the_end),
            "The end token is left out of sum and length. To stop is a choice with a probability: count it.",
        ),
        Mistake(
            _wrong(length_of=_before_the_end),
            "The lengths leave the end token out, and the sums do not. Count it in both.",
        ),
        Mistake(
            _wrong(total_of=_not_the_end, length_of=_not_the_end),
            "The end tokens are left out, and what stands behind the first of them counts. Stop there, and count it.",
        ),
        Mistake(
            _wrong(lambda total, m, alpha: total / np.maximum(m, 1) ** alpha),
            "This divides by the length to the power alpha. Here the penalty is ((5 + m) / 6) to the power alpha.",
        ),
        Mistake(
            _wrong(lambda total, m, alpha: total * ((5 + m) / 6) ** alpha),
            "This multiplies by the penalty, so long targets lose even more. Divide.",
        ),
        Mistake(
            _wrong(lambda total, m, alpha: total / ((5 + m) ** alpha / 6)),
            "Only the 5 + m is raised to the power alpha. The 6 is, too, so that a single token has the penalty 1.",
        ),
        Mistake(
            _wrong(lambda total, m, alpha: total / (alpha * (5 + m) / 6)),
            "This multiplies by alpha. It is the exponent.",
        ),
        Mistake(
            _wrong(lambda total, m, alpha: np.exp(total) / ((5 + m) / 6) ** alpha),
            "These are probabilities over the penalty. It divides the logarithms.",
        ),
    ],
    hint="Find m for each row, sum the first m log-probabilities, and divide by ((5 + m) / 6) ** alpha.",
)
