"""Exercises on training: a test for leaks from the future, and the schedule of the paper."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/transformer"
Array = np.ndarray

# who peeks?


def leaks(before: Array, after: Array, j: int) -> list[int]:
    """The outputs 0 ... j that changed, though the inputs 0 ... j did not."""
    changed = np.abs(after - before).max(axis=1) > 1e-6
    return [i for i in range(j + 1) if changed[i]]


def _by_where(before: Array, after: Array, j: int) -> Array:
    return np.flatnonzero((np.abs(before - after) > 1e-6)[: j + 1].any(axis=1))


def _by_loop(before: Array, after: Array, j: int) -> list[int]:
    found = []
    for i, (a, b) in enumerate(zip(before, after, strict=True)):
        if i <= j and any(abs(x - y) > 1e-6 for x, y in zip(a, b, strict=True)):
            found.append(i)
    return found


def _searched(
    stop: Callable[[int, int], int] | None = None,
    differs: Callable[[Array], Array] | None = None,
    start: Callable[[int], int] | None = None,
) -> Callable[[Array, Array, int], list[int]]:
    """Other positions (of j and the length), or another sign of a change (of the differences)."""

    def answer(before: Array, after: Array, j: int) -> list[int]:
        gap = after - before
        changed = differs(gap) if differs else np.abs(gap).max(axis=1) > 1e-6
        last = stop(j, len(before)) if stop else j + 1
        return [i for i in range(start(j) if start else 0, min(last, len(before))) if changed[i]]

    return answer


def _other_winner(before: Array, after: Array, j: int) -> list[int]:
    changed = before.argmax(axis=1) != after.argmax(axis=1)
    return [i for i in range(j + 1) if changed[i]]


def _decoders(rng: np.random.Generator) -> list[Case]:
    def draw(length: int, j: int, moved: list[int], label: str) -> Case:
        before = rng.normal(size=(length, 4)).round(3)
        after = before + 1e-9 * rng.choice([-1, 1], size=before.shape)  # what rounding does
        for i in moved:
            after[i] += np.array([0.02, -0.02, 0.01, -0.01]) * rng.choice([-1, 1])
        return case(before, after, j, label=label)

    one_entry = rng.normal(size=(4, 3)).round(3)
    moved = one_entry.copy()
    moved[1, 2] -= 0.5
    winner = np.array([[5.0, 1, 0], [5, 1, 0], [5, 1, 0]])
    tiny = one_entry + np.array([[8e-7], [3e-6], [8e-7], [3e-6]])
    return [
        draw(5, 2, [3, 4], "no leak: only later outputs moved"),
        draw(5, 2, [2, 3, 4], "the output that predicts the changed token moved"),
        draw(5, 2, [0, 1, 2, 3, 4], "everything moved"),
        draw(6, 4, [1, 5], "one early output moved"),
        draw(5, 4, [], "the last token, nothing moved"),
        draw(5, 4, [4], "the last token, its own output moved"),
        draw(5, 0, [0, 1, 2, 3, 4], "the first token"),
        case(one_entry, moved, 2, label="one entry fell"),
        case(moved, one_entry, 2, label="one entry rose"),
        case(winner, winner + np.array([[0.0], [1], [1]]), 1, label="all scores of a position rose alike"),
        case(
            one_entry,
            one_entry * np.array([[1.0], [-1], [1], [-1]]),
            2,
            label="the signs of a position changed",
        ),
        case(one_entry, tiny, 2, label="a leak of 0.000003 beside rounding of 0.0000008"),
    ]


LEAKS = Exercise(
    id="transformer/leaks",
    section=SECTION,
    title="Who peeks?",
    reference=leaks,
    cases=_decoders,
    alternatives=[_by_where, _by_loop],
    mistakes=[
        Mistake(
            _searched(stop=lambda j, n: j),
            "Output j is left out. It predicts token j from the tokens before it, so it must not move either.",
        ),
        Mistake(
            _searched(stop=lambda j, n: j + 2),
            "Output j + 1 is counted. It reads token j, as the inputs are shifted right by one, and may well move.",
        ),
        Mistake(
            _searched(stop=lambda j, n: n),
            "All outputs that moved are listed. Those after j have read token j, and may move.",
        ),
        Mistake(
            _searched(start=lambda j: j + 1, stop=lambda j, n: n),
            "These are the outputs that are allowed to move. Look at those up to and including j.",
        ),
        Mistake(
            _searched(differs=lambda gap: (gap != 0).any(axis=1)),
            "A difference of 1e-9 is rounding, not a leak. Allow for 1e-6.",
        ),
        Mistake(
            _searched(differs=lambda gap: np.abs(gap.sum(axis=1)) > 1e-6),
            "The differences of one position are summed with their signs, and cancel. Look at their sizes.",
        ),
        Mistake(
            _searched(differs=lambda gap: np.abs(gap).sum(axis=1) > 1e-6),
            "The sizes of a position's differences are summed, and rounding adds up to a leak. Look at the largest.",
        ),
        Mistake(
            _searched(differs=lambda gap: (gap**2).max(axis=1) > 1e-6),
            "The differences are squared, and the square of a small leak is below 1e-6. Take the differences themselves.",
        ),
        Mistake(
            _searched(differs=lambda gap: gap.max(axis=1) > 1e-6),
            "Only scores that rose count. A score that falls is a change as well: take the absolute value.",
        ),
        Mistake(
            _searched(differs=lambda gap: (np.abs(gap) > 1e-6).all(axis=1)),
            "A position counts only if all its scores moved. One is enough.",
        ),
        Mistake(
            _other_winner,
            "Only a change of the best token counts here. A leak may move the scores without changing the winner.",
        ),
        Mistake(
            _searched(start=lambda j: j),
            "Only output j is looked at. A leak may reach further back.",
        ),
        Mistake(
            lambda before, after, j: [i + 1 for i in leaks(before, after, j)],
            "The positions are counted from 1. The first output is 0.",
        ),
    ],
    hint="Which inputs has output i read? With the target shifted right, the tokens before i, and not token i.",
)

# the schedule of the paper


def rate(step: int, d: int, warmup: int) -> float:
    """d^-1/2 min(step^-1/2, step warmup^-3/2)."""
    return float(d**-0.5 * min(step**-0.5, step * warmup**-1.5))


def _by_cases(step: int, d: int, warmup: int) -> float:
    peak = 1 / np.sqrt(d * warmup)
    return float(peak * step / warmup if step < warmup else peak * np.sqrt(warmup / step))


def _wrong_rate(formula: Callable[[int, int, int], float]) -> Callable[[int, int, int], float]:
    """A wrong formula under the arguments' names."""

    def answer(step: int, d: int, warmup: int) -> float:
        return float(formula(step, d, warmup))

    return answer


SCHEDULE = Exercise(
    id="transformer/schedule",
    section=SECTION,
    title="Warm up, then slow down",
    reference=rate,
    cases=[
        case(1, 512, 4000, label="the first step of the paper"),
        case(4000, 512, 4000, label="the peak"),
        case(100_000, 512, 4000, label="the last step of the base model"),
        case(10, 64, 100, label="a small net, warming up"),
        case(1000, 64, 100, label="a small net, slowing down"),
        case(7, 1, 1, label="one step of warm-up"),
    ],
    alternatives=[_by_cases],
    rtol=1e-6,
    atol=1e-12,
    mistakes=[
        Mistake(
            _wrong_rate(lambda s, d, w: d**-0.5 * max(s**-0.5, s * w**-1.5)),
            "The larger of the two is taken: the rate starts high and grows without end. Take the smaller.",
        ),
        Mistake(
            _wrong_rate(lambda s, d, w: d**-0.5 * s**-0.5),
            "There is no warm-up: this rate is highest at the first step.",
        ),
        Mistake(
            _wrong_rate(lambda s, d, w: d**-0.5 * s * w**-1.5),
            "The rate grows for ever. After the warm-up it falls with the root of the step.",
        ),
        Mistake(
            _wrong_rate(lambda s, d, w: min(s**-0.5, s * w**-1.5)),
            "The size of the model plays no part here. The rate is divided by the root of d.",
        ),
        Mistake(
            _wrong_rate(lambda s, d, w: d**0.5 * min(s**-0.5, s * w**-1.5)),
            "The root of d multiplies here. A wider net gets a smaller rate: divide.",
        ),
        Mistake(
            _wrong_rate(lambda s, d, w: min(s**-0.5, s * w**-1.5) / d),
            "The rate is divided by d. Divide by its root.",
        ),
        Mistake(
            _wrong_rate(lambda s, d, w: d**-0.5 * min(s**-0.5, s * w**-0.5)),
            "The two branches do not meet at the peak: step times warmup to the power -1.5 does.",
        ),
        Mistake(
            _wrong_rate(lambda s, d, w: d**-0.5 * min(s**-0.5, s / w)),
            "The warm-up ends at a factor of 1 here. It has to meet the other branch, at warmup to the power -1/2.",
        ),
        Mistake(
            _wrong_rate(lambda s, d, w: d**-0.5 * min(1 / s, s * w**-2.0)),
            "After the warm-up this falls with the step. It falls with the root of the step.",
        ),
        Mistake(
            _wrong_rate(lambda s, d, w: d**-0.5 * min(w**-0.5, s * w**-1.5)),
            "The rate stays at its peak. After the warm-up it falls with the root of the step.",
        ),
        Mistake(
            _wrong_rate(lambda s, d, w: d**-0.5 * min((s + 1) ** -0.5, (s + 1) * w**-1.5)),
            "The steps are counted from 0 here. The first is step 1.",
        ),
    ],
    hint="A straight line through 0 and a curve that falls like 1 / root of step. The smaller counts, and they meet at warmup.",
)
