"""The exercise on whole answers that are right."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/sequence_to_sequence"
Array = np.ndarray


def cut(row: Array | list[int], end: int) -> list[int]:
    """The tokens before the first end."""
    tokens = list(map(int, row))
    return tokens[: tokens.index(end)] if end in tokens else tokens


def exact_match(y_true: Array, y_pred: Array, end: int) -> float:
    """Share of the rows that are the same up to their ends."""
    pairs = zip(y_true, y_pred, strict=True)
    return float(np.mean([cut(one, end) == cut(two, end) for one, two in pairs]))


def _in_one_go(y_true: Array, y_pred: Array, end: int) -> float:
    width = 1 + max(y_true.shape[1], y_pred.shape[1])
    both = []
    for y in (y_true, y_pred):
        wide = np.full((len(y), width), end)
        wide[:, : y.shape[1]] = y
        ended = np.cumsum(wide == end, axis=1) > 0
        both.append(np.where(ended, end, wide))
    return float((both[0] == both[1]).all(axis=1).mean())


def _by_rows(
    same: Callable[[list[int], list[int], int], float],
) -> Callable[[Array, Array, int], float]:
    """The mean of another comparison of whole rows."""

    def answer(y_true: Array, y_pred: Array, end: int) -> float:
        pairs = zip(y_true.tolist(), y_pred.tolist(), strict=True)
        return float(np.mean([same(one, two, end) for one, two in pairs]))

    return answer


def _characters(y_true: Array, y_pred: Array, end: int) -> float:
    width = min(y_true.shape[1], y_pred.shape[1])
    return float((y_true[:, :width] == y_pred[:, :width]).mean())


def _count(y_true: Array, y_pred: Array, end: int) -> float:
    return len(y_true) * exact_match(y_true, y_pred, end)


def _all_or_nothing(y_true: Array, y_pred: Array, end: int) -> float:
    return float(exact_match(y_true, y_pred, end) == 1)


def _clipped(y_true: Array, y_pred: Array, end: int) -> float:
    width = min(y_true.shape[1], y_pred.shape[1])
    return exact_match(y_true[:, :width], y_pred[:, :width], end)


def _filled_with_zeros(y_true: Array, y_pred: Array, end: int) -> float:
    width = max(y_true.shape[1], y_pred.shape[1])
    true, said = (np.pad(y, ((0, 0), (0, width - y.shape[1]))) for y in (y_true, y_pred))
    return exact_match(true, said, end)


def _last_end(row: list[int], end: int) -> list[int]:
    return row[: len(row) - 1 - row[::-1].index(end)] if end in row else row


def _shorter(one: list[int], two: list[int]) -> bool:
    return all(a == b for a, b in zip(one, two, strict=False))


def _answers(rng: np.random.Generator) -> list[Case]:
    true = np.array([[3, 1, 0, 0], [2, 0, 0, 0], [4, 1, 2, 0], [3, 3, 1, 0]])
    pred = np.array([[3, 1, 0, 0], [2, 0, 0, 0], [4, 1, 1, 0], [3, 3, 1, 0]])
    behind = np.array([[3, 1, 0, 4], [2, 0, 2, 2], [4, 1, 2, 0], [3, 3, 0, 1]])
    long = np.array([[3, 1, 2, 0], [2, 2, 2, 2], [4, 1, 2, 1], [3, 3, 1, 0]])
    short = np.array([[3, 0, 0, 0], [0, 0, 0, 0], [4, 1, 0, 0], [3, 3, 1, 0]])
    mixed = np.array([[1, 3, 0, 0], [2, 0, 0, 0], [2, 1, 4, 0], [3, 1, 3, 0]])
    no_end = np.array([[3, 1, 9, 9], [3, 1, 0, 9], [3, 0, 0, 0]])
    drawn = rng.integers(0, 3, size=(2, 40, 4))
    return [
        case(true, true.copy(), 0, label="all right"),
        case(true, pred, 0, label="one is wrong"),
        case(true, behind, 0, label="more behind the end"),
        case(true, long, 0, label="answers that go on"),
        case(true, short, 0, label="answers that stop too early"),
        case(true, mixed, 0, label="the right tokens in another order"),
        case(true, np.pad(behind, ((0, 0), (0, 2)), constant_values=3), 0, label="a wider prediction"),
        case(true, pred[:, :3], 0, label="a narrower prediction"),
        case(no_end, np.array([[3, 1]] * 3), 9, label="a narrower prediction without an end"),
        case(np.array([[1, 12, 0], [4, 2, 0]]), np.array([[11, 2, 0], [4, 2, 0]]), 0, label="tokens above 9"),
        case(*drawn, 2, label="many, with another end"),
    ]


EXACT = Exercise(
    id="sequence_to_sequence/exact_match",
    section=SECTION,
    title="All of it right",
    reference=exact_match,
    cases=_answers,
    alternatives=[_in_one_go],
    mistakes=[
        Mistake(
            _characters, "This is the share of right tokens. Count a row only if all of its tokens are right."
        ),
        Mistake(
            _by_rows(lambda one, two, end: one == two),
            "Rows are compared to the last column, and what stands behind the end counts. Cut both at their first end.",
        ),
        Mistake(
            _by_rows(lambda one, two, end: _shorter(cut(one, end), two)),
            "Only the places of the right answer are compared: an answer that goes on passes. Its end must be there, too.",
        ),
        Mistake(
            _by_rows(lambda one, two, end: _shorter(one, cut(two, end))),
            "Only what was predicted is compared: an answer that stops too early passes. Compare the lengths as well.",
        ),
        Mistake(
            _by_rows(lambda one, two, end: _shorter(cut(one, end), cut(two, end))),
            "One may be the beginning of the other here: zip stops at the shorter one. Compare the lengths as well.",
        ),
        Mistake(
            _by_rows(lambda one, two, end: _last_end(one, end) == _last_end(two, end)),
            "The rows are cut at their last end. The first one ends the answer.",
        ),
        Mistake(
            _by_rows(lambda one, two, end: [a for a in one if a != end] == [b for b in two if b != end]),
            "The end tokens are dropped, and what stands behind the first of them is kept. Cut there.",
        ),
        Mistake(
            _by_rows(lambda one, two, end: sorted(cut(one, end)) == sorted(cut(two, end))),
            "The order does not count here. The tokens must stand at their places.",
        ),
        Mistake(
            _clipped,
            "The wider array is clipped, so that what it says more is lost. Cut rows at their ends alone, and compare lists.",
        ),
        Mistake(
            _filled_with_zeros,
            "The narrower array is filled up with 0, which may be a token like others. Compare lists of unequal lengths.",
        ),
        Mistake(
            _by_rows(
                lambda one, two, end: "".join(map(str, cut(one, end))) == "".join(map(str, cut(two, end)))
            ),
            "Written one behind the other, the tokens 1, 12 and 11, 2 look the same. Compare lists of numbers.",
        ),
        Mistake(_count, "This is the number of right answers. Divide by the number of rows."),
        Mistake(
            lambda y_true, y_pred, end: 1 - exact_match(y_true, y_pred, end),
            "This is the share of wrong answers.",
        ),
        Mistake(
            _all_or_nothing,
            "The rows are judged together: 1 if all are right, else 0. Judge each, then take the mean.",
        ),
    ],
    hint="Cut each row at its first end token, if there is one; then compare the two lists.",
)
