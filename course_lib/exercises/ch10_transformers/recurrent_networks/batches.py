"""An exercise on batches with padding."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/recurrent_networks"
Array = np.ndarray


def reverse_padded(x: Array, lengths: Array) -> Array:
    """Gather by index: length - 1 - s within, s in the padding."""
    place = np.arange(np.shape(x)[1])
    ends = np.asarray(lengths)[:, None]
    source = np.where(place < ends, ends - 1 - place, place)
    return np.take_along_axis(np.asarray(x), source[:, :, None], axis=1)


def _by_rows(x: Array, lengths: Array) -> Array:
    rows = [np.concatenate([row[:end][::-1], row[end:]]) for row, end in zip(x, lengths, strict=True)]
    return np.stack(rows)


def _turning(turn: Callable[[Array, int], Array]) -> Callable[..., Array]:
    """Each row (t, d) turned in another way, given its length."""

    def answer(x: Array, lengths: Array) -> Array:
        return np.stack([turn(row, int(end)) for row, end in zip(x, lengths, strict=True)])

    return answer


def _padding_zeroed(row: Array, end: int) -> Array:
    turned = np.zeros_like(row)
    turned[:end] = row[:end][::-1]
    return turned


def _longest(x: Array, lengths: Array) -> Array:
    end = int(np.max(lengths))
    turned = np.array(x)
    turned[:, :end] = turned[:, :end][:, ::-1]
    return turned


def _up_to_the_zeros(x: Array, lengths: Array) -> Array:
    return reverse_padded(x, np.any(np.asarray(x) != 0, axis=2).sum(axis=1))


def _padded(rng: np.random.Generator) -> list[Case]:
    def batch(lengths: list[int], t: int, d: int, padding: float, label: str) -> Case:
        x = rng.integers(1, 50, (len(lengths), t, d)) / 2 + 0.25
        for row, end in zip(x, lengths, strict=True):
            row[end:] = padding
        return case(x, np.array(lengths), label=label)

    return [
        batch([3, 2], 3, 1, 0.0, "lengths 3 and 2"),
        batch([4, 1, 3], 5, 2, 0.0, "no sequence fills the batch"),
        batch([5, 0, 2], 5, 2, 0.0, "an empty sequence"),
        case(
            np.arange(1.0, 37).reshape(3, 6, 2) / 4,
            np.array([4, 5, 0]),
            label="padding that is not 0: it stays where it is",
        ),
        batch([2, 3, 1], 3, 3, -1.0, "as many sequences as steps and numbers"),
    ]


REVERSE = Exercise(
    id="recurrent_networks/reverse",
    section=SECTION,
    title="Turn a padded batch round",
    reference=reverse_padded,
    cases=_padded,
    alternatives=[_by_rows],
    mistakes=[
        Mistake(
            _turning(lambda row, end: row[::-1]),
            "All of the row is turned round, so that the padding comes first. Turn only the first length steps.",
        ),
        Mistake(
            lambda x, lengths: np.array(x)[::-1], "The order of the sequences is turned round, and not time."
        ),
        Mistake(
            lambda x, lengths: np.array(x)[:, :, ::-1],
            "The numbers within each step are turned round, and not time.",
        ),
        Mistake(
            _turning(lambda row, end: np.concatenate([row[: end - 1][::-1], row[max(end - 1, 0) :]])),
            "The last true step stays in place: an index is off by one. Turn the first length steps.",
        ),
        Mistake(
            _turning(lambda row, end: np.concatenate([row[: end + 1][::-1], row[end + 1 :]])),
            "One step of padding is turned with the rest: an index is off by one.",
        ),
        Mistake(
            _turning(_padding_zeroed),
            "The padding is set to 0. Leave in place what stands there, whatever it is.",
        ),
        Mistake(_longest, "All rows are turned within the longest length. Each has its own."),
        Mistake(
            _turning(lambda row, end: np.concatenate([row[end:], row[:end][::-1]])),
            "The padding is moved to the front. It stays at the end.",
        ),
        Mistake(
            _up_to_the_zeros,
            "What is not 0 is turned round. Padding may be any number, and a true step may be 0: go by the lengths.",
        ),
        Mistake(
            _turning(lambda row, end: np.concatenate([row[:end], row[end:][::-1]])),
            "The padding is turned round, and the sequence stays as it was.",
        ),
        Mistake(
            _turning(lambda row, end: np.concatenate([row[:end][::-1, ::-1], row[end:]])),
            "Each step's numbers are turned round as well. Only the order in time changes.",
        ),
        Mistake(lambda x, lengths: np.array(x), "Nothing is turned round."),
    ],
    hint="In one row of length l, step s takes what stood at l - 1 - s, for s below l.",
)
