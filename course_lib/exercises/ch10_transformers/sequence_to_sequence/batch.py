"""The exercise on what the decoder reads and what it is to write."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "10_transformers/sequence_to_sequence"
Array = np.ndarray
Pair = tuple[Array, Array]
Targets = list[list[int]]


def padded(rows: Targets, padding: int, width: int) -> Array:
    """Rows of one width, filled up at the end."""
    return np.array([row + [padding] * (width - len(row)) for row in rows], dtype=int).reshape(-1, width)


def teacher_batch(targets: Targets, start: int, end: int, padding: int) -> Pair:
    """What is read, start first, and what is to be written, end last; the end is never read."""
    width = 1 + max(map(len, targets))
    read = padded([[start, *target] for target in targets], padding, width)
    return read, padded([[*target, end] for target in targets], padding, width)


def _filled(targets: Targets, start: int, end: int, padding: int) -> tuple[list[list[int]], list[list[int]]]:
    width = 1 + max(map(len, targets))
    read, write = np.full((2, len(targets), width), padding)
    read[:, 0] = start
    for i, target in enumerate(targets):
        read[i, 1 : len(target) + 1] = target
        write[i, : len(target)] = target
        write[i, len(target)] = end
    return read.tolist(), write.tolist()


def _rows(
    read: Callable[[list[int], int, int], list[int]],
    write: Callable[[list[int], int, int], list[int]] = lambda y, start, end: [*y, end],
) -> Callable[[Targets, int, int, int], Pair]:
    """The batch with other rows."""

    def answer(targets: Targets, start: int, end: int, padding: int) -> Pair:
        both = [[row(target, start, end) for target in targets] for row in (read, write)]
        return tuple(padded(rows, padding, max(map(len, rows))) for rows in both)  # type: ignore[return-value]

    return answer


def _rolled(targets: Targets, start: int, end: int, padding: int) -> Pair:
    _, write = teacher_batch(targets, start, end, padding)
    return np.roll(write, 1, axis=1), write


def _reads_the_end(targets: Targets, start: int, end: int, padding: int) -> Pair:
    read, write = teacher_batch(targets, start, end, padding)
    return np.column_stack([read[:, :1], write[:, :-1]]), write


def _ends_after_padding(targets: Targets, start: int, end: int, padding: int) -> Pair:
    read, _ = teacher_batch(targets, start, end, padding)
    return read, np.column_stack([read[:, 1:], np.full(len(read), end)])


def _filled_in_front(targets: Targets, start: int, end: int, padding: int) -> Pair:
    width = 1 + max(map(len, targets))
    gaps = [[padding] * (width - 1 - len(target)) for target in targets]
    rows = list(zip(gaps, targets, strict=True))
    return (
        padded([[*gap, start, *target] for gap, target in rows], padding, width),
        padded([[*gap, *target, end] for gap, target in rows], padding, width),
    )


def _filled_with_the_end(targets: Targets, start: int, end: int, padding: int) -> Pair:
    return teacher_batch(targets, start, end, padding)[0], teacher_batch(targets, start, end, end)[1]


def _swapped(targets: Targets, start: int, end: int, padding: int) -> Pair:
    read, write = teacher_batch(targets, start, end, padding)
    return write, read


def _one_too_many(targets: Targets, start: int, end: int, padding: int) -> Pair:
    read, write = teacher_batch(targets, start, end, padding)
    more = np.full((len(read), 1), padding)
    return np.hstack([read, more]), np.hstack([write, more])


BATCH = Exercise(
    id="sequence_to_sequence/teacher_batch",
    section=SECTION,
    title="What is read, what is written",
    reference=teacher_batch,
    cases=[
        case([[5, 6, 7]], 1, 2, 0, label="one target"),
        case([[5, 6, 7], [8, 9, 4]], 1, 2, 0, label="two of one length"),
        case([[5, 6, 7, 8], [9], [4, 3]], 1, 2, 0, label="three lengths"),
        case([[3], [], [5, 5]], 8, 9, 7, label="one of them is empty"),
        case([[4, 2], [3, 1, 2]], 0, 5, 0, label="start is padding"),
        case([[4, 2], [3, 1, 2], [6]], 0, 0, 0, label="one token for start, end and padding"),
    ],
    alternatives=[_filled],
    mistakes=[
        Mistake(
            _rows(lambda y, start, end: [*y, end]),
            "The decoder reads what it is to write at the same place. It would learn to copy: shift what it reads by one.",
        ),
        Mistake(_swapped, "The two results are exchanged: first what is read, then what is to be written."),
        Mistake(
            _rows(lambda y, start, end: [start, *y[:-1]], lambda y, start, end: y),
            "No target has an end, so nothing would teach the net to stop. Write the end token after each target.",
        ),
        Mistake(
            _rows(lambda y, start, end: [start, *y, end]),
            "What is read is one longer than what is to be written: the end token is written, and never read.",
        ),
        Mistake(
            _rows(lambda y, start, end: [start, *y], lambda y, start, end: [start, *y, end]),
            "The start token is to be written here, too. It is only read, as the first.",
        ),
        Mistake(
            _rolled,
            "The last token came round to the front. The first thing that the decoder reads is the start token.",
        ),
        Mistake(
            _reads_the_end,
            "Short targets read their end token. Fill up with padding behind the target's last token.",
        ),
        Mistake(
            _ends_after_padding,
            "The end stands in the last column, behind the padding. It belongs right behind each target.",
        ),
        Mistake(_filled_in_front, "The padding stands in front. Fill up behind."),
        Mistake(
            _filled_with_the_end,
            "What is to be written is filled up with end tokens. One end, then padding.",
        ),
        Mistake(
            _one_too_many,
            "A column of nothing but padding. The longest target and one token more set the width.",
        ),
    ],
    hint="Row by row: [start, *target] is read, [*target, end] is written; both have one token more than the target.",
)
