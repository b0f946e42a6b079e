"""Exercises on the size of a stack, and on batches with padding."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/recurrent_networks"
Array = np.ndarray

# parameters of a stack


def parameters_of(d: int, k: int, depth: int, both_ways: bool, classes: int) -> int:
    """Of all layers and directions, and the scores."""
    D = 2 if both_ways else 1
    return D * k * (d + k + 2) + (depth - 1) * D * k * (D * k + k + 2) + classes * (D * k + 1)


def _by_shapes(d: int, k: int, depth: int, both_ways: bool, classes: int) -> int:
    D, sizes = 1 + int(both_ways), []
    for layer in range(depth):
        sizes += [(k, D * k if layer else d), (k, k), (k,), (k,)] * D
    return int(sum(np.prod(size) for size in [*sizes, (classes, D * k), (classes,)]))


def _count(
    first: Callable[[int, int], int] = lambda d, k: k * (d + k + 2),
    further: Callable[[int, int, int], int] = lambda d, k, D: k * (D * k + k + 2),
    head: Callable[[int, int, int], int] = lambda k, D, classes: classes * (D * k + 1),
    directions: int = 2,
    layers: Callable[[int], int] = lambda depth: depth - 1,
) -> Callable[..., int]:
    """Another size of the first layer, the further ones or the scores; another number of them."""

    def answer(d: int, k: int, depth: int, both_ways: bool, classes: int) -> int:
        D = directions if both_ways else 1
        return D * (first(d, k) + layers(depth) * further(d, k, D)) + head(k, D, classes)

    return answer


def _every_layer_reads_d(d: int, k: int, depth: int, both_ways: bool, classes: int) -> int:
    D = 2 if both_ways else 1
    return D * depth * k * (d + k + 2) + classes * (D * k + 1)


COUNT = Exercise(
    id="recurrent_networks/count",
    section=SECTION,
    title="Count a stack",
    reference=parameters_of,
    cases=[
        case(3, 4, 1, False, 2, label="one layer"),
        case(3, 4, 1, True, 2, label="one layer, both ways"),
        case(8, 5, 3, False, 10, label="three layers"),
        case(8, 32, 2, True, 10, label="two layers, both ways"),
        case(1, 7, 4, True, 3, label="four layers, both ways"),
    ],
    alternatives=[_by_shapes],
    mistakes=[
        Mistake(
            _count(further=lambda d, k, D: k * (k + k + 2)),
            "The further layers read k numbers here, even when there are two directions. They read both states: 2k.",
        ),
        Mistake(
            _every_layer_reads_d,
            "Every layer reads d numbers here. From the second on, a layer reads the states of the one below.",
        ),
        Mistake(
            _count(lambda d, k: k * (d + k + 1), lambda d, k, D: k * (D * k + k + 1)),
            "Each layer has one bias of k numbers here. It has two, b_ih and b_hh.",
        ),
        Mistake(
            _count(lambda d, k: k * (d + k), lambda d, k, D: k * (D * k + k)),
            "The biases of the recurrent layers are missing: 2k for each layer and direction.",
        ),
        Mistake(
            _count(lambda d, k: k * (d + 2), lambda d, k, D: k * (D * k + 2)),
            "The weights between the states are missing: a matrix (k, k) for each layer and direction.",
        ),
        Mistake(
            _count(head=lambda k, D, classes: classes * (k + 1)),
            "The scores read k numbers, even when there are two directions. They read both states.",
        ),
        Mistake(_count(head=lambda k, D, classes: 0), "The layer of scores is missing."),
        Mistake(
            _count(head=lambda k, D, classes: classes * D * k),
            "The biases of the scores are missing: one for each class.",
        ),
        Mistake(
            _count(directions=1),
            "The second direction is not counted: it has weights of its own, and its states are read, too.",
        ),
        Mistake(
            _count(layers=lambda depth: depth),
            "There is a layer too many: the first one and depth - 1 further ones.",
        ),
        Mistake(_count(layers=lambda depth: 0), "Only the first recurrent layer is counted."),
    ],
    hint="What does each layer read? The first d numbers; each further one, and the scores, all states below.",
)

# the other way round, within the length


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


def _padded(rng: np.random.Generator) -> list[Case]:
    def batch(lengths: list[int], t: int, d: int, padding: float, label: str) -> Case:
        x = rng.integers(1, 50, (len(lengths), t, d)).astype(float)
        for row, end in zip(x, lengths, strict=True):
            row[end:] = padding
        return case(x, np.array(lengths), label=label)

    return [
        batch([3, 2], 3, 1, 0.0, "lengths 3 and 2"),
        batch([4, 1, 3], 5, 2, 0.0, "no sequence fills the batch"),
        batch([5, 0, 2], 5, 2, 0.0, "an empty sequence"),
        case(
            np.arange(1.0, 37).reshape(3, 6, 2),
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
            _turning(lambda row, end: np.concatenate([row[end:], row[:end]])),
            "The sequence is moved to the end, and not turned round.",
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
