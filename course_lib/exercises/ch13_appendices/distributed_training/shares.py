"""Exercises on who computes what: a share of a batch, and where a run goes on."""

import math
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "13_appendices/distributed_training"
Array = np.ndarray

# the share of a process


def my_share(rows: Array, rank: int, world: int) -> Array:
    """Neighbouring rows in parts whose sizes differ by one at most, larger ones first."""
    size, extra = divmod(len(rows), world)
    first = rank * size + min(rank, extra)
    return rows[first : first + size + (rank < extra)]


def _by_numpy(rows: Array, rank: int, world: int) -> Array:
    return np.array_split(rows, world)[rank]


def _by_count(rows: Array, rank: int, world: int) -> Array:
    sizes = [len(range(r, len(rows), world)) for r in range(world)]
    return rows[sum(sizes[:rank]) : sum(sizes[: rank + 1])]


def _rest_lost(rows: Array, rank: int, world: int) -> Array:
    size = len(rows) // world
    return rows[rank * size : (rank + 1) * size]


def _rest_to_last(rows: Array, rank: int, world: int) -> Array:
    size = len(rows) // world
    return rows[rank * size : (rank + 1) * size if rank < world - 1 else len(rows)]


def _rounded_up(rows: Array, rank: int, world: int) -> Array:
    size = -(-len(rows) // world)
    return rows[rank * size : (rank + 1) * size]


def _late_extras(rows: Array, rank: int, world: int) -> Array:
    size, extra = divmod(len(rows), world)
    start = rank * size + max(0, rank - (world - extra))
    return rows[start : start + size + (rank >= world - extra)]


def _gaps(rows: Array, rank: int, world: int) -> Array:
    size, extra = divmod(len(rows), world)
    return rows[rank * size : rank * size + size + (rank < extra)]


def _jumps(rows: Array, rank: int, world: int) -> Array:
    size, extra = divmod(len(rows), world)
    return rows[rank * size + extra : rank * size + extra + size] if rank else rows[: size + extra]


def _from_one(rows: Array, rank: int, world: int) -> Array:
    return _by_numpy(rows, (rank - 1) % world, world)


MY_SHARE = Exercise(
    id="distributed_training/my_share",
    section=SECTION,
    title="Who computes which rows",
    reference=my_share,
    cases=[
        case(np.arange(8), 0, 2, label="the first of two"),
        case(np.arange(8), 1, 2, label="the second of two"),
        case(np.array([5, 3, 8, 1, 9, 2, 7]), 0, 3, label="seven rows, the first of three"),
        case(np.array([5, 3, 8, 1, 9, 2, 7]), 1, 3, label="the second of three"),
        case(np.array([5, 3, 8, 1, 9, 2, 7]), 2, 3, label="the last of three"),
        case(np.arange(10, 21), 2, 4, label="eleven rows, the third of four"),
        case(np.arange(10, 21), 3, 4, label="eleven rows, the last of four"),
        case(np.arange(2), 1, 5, label="fewer rows than processes"),
        case(np.arange(2), 4, 5, label="nothing is left"),
        case(np.array([4, 2]), 0, 1, label="alone"),
    ],
    alternatives=[_by_numpy, _by_count],
    mistakes=[
        Mistake(_rest_lost, "The rows that are left over belong to nobody. Give one more row to some of the processes."),
        Mistake(_rest_to_last, "The last process gets all that is left over. Give one row each to the first ones, or all wait for the last."),
        Mistake(_rounded_up, "Every share is rounded up, so the last processes get much less, or nothing. Sizes may differ by one at most."),
        Mistake(_late_extras, "The larger shares are the last ones. Here the first processes take one row more."),
        Mistake(_gaps, "The larger shares are counted, but the next process starts where it would without them: rows come twice. Shift its start by the extra rows before it."),
        Mistake(_jumps, "The first process alone takes all that is left over. Give one row each to the first ones."),
        Mistake(lambda rows, rank, world: rows[rank::world], "Every row of yours is a step of world further on. That shares fairly, too; here each share is a run of neighbours."),
        Mistake(_from_one, "You count ranks from 1. The first process has rank 0."),
        Mistake(lambda rows, rank, world: _by_numpy(rows, world - 1 - rank, world), "The last process gets the first rows. Rank 0 comes first."),
        Mistake(lambda rows, rank, world: rows, "Every process has the whole batch: the work is done world times over."),
        Mistake(lambda rows, rank, world: my_share(np.arange(len(rows)), rank, world), "These are places in the batch. Return the rows that stand there."),
        Mistake(lambda rows, rank, world: np.sort(rows)[len(rows) * rank // world : len(rows) * (rank + 1) // world], "The rows are sorted first. Leave the order of the batch, which chance has made."),
    ],
    hint="divmod(len(rows), world) says how many rows each has, and how many processes have one more. Where does process rank start, if min(rank, extra) before it have one more?",
)  # fmt: skip

# where a run goes on

Place = tuple[int, int, int]


def next_batch(step: int, examples: int, batch_size: int) -> Place:
    """The epoch and the slice of its order, where each epoch ends with a short batch."""
    epoch, index = divmod(step, -(-examples // batch_size))
    first = index * batch_size
    return epoch, first, min(first + batch_size, examples)


def _by_counting(step: int, examples: int, batch_size: int) -> Place:
    epoch, first = 0, 0
    for _ in range(step):
        first += batch_size
        if first >= examples:
            epoch, first = epoch + 1, 0
    return epoch, first, min(first + batch_size, examples)


def _by_ceil(step: int, examples: int, batch_size: int) -> Place:
    steps = math.ceil(examples / batch_size)
    first = step % steps * batch_size
    return step // steps, first, first + len(range(first, examples)[:batch_size])


def _whole_batches(step: int, examples: int, batch_size: int) -> Place:
    epoch, index = divmod(step, max(1, examples // batch_size))
    return epoch, index * batch_size, min((index + 1) * batch_size, examples)


def _flowing(step: int, examples: int, batch_size: int) -> Place:
    epoch, first = divmod(step * batch_size, examples)
    return epoch, first, min(first + batch_size, examples)


def _too_many(step: int, examples: int, batch_size: int) -> Place:
    epoch, index = divmod(step, examples // batch_size + 1)
    return epoch, index * batch_size, min((index + 1) * batch_size, examples)


def _shifted(by: int) -> Callable[[int, int, int], Place]:
    return lambda step, examples, batch_size: next_batch(max(0, step + by), examples, batch_size)


def _other(change: Callable[[int, int, int, int], Place]) -> Callable[[int, int, int], Place]:
    """The right place, changed: a function of epoch, first, last and the batch size."""
    return lambda step, examples, batch_size: change(*next_batch(step, examples, batch_size), batch_size)


NEXT_BATCH = Exercise(
    id="distributed_training/next_batch",
    section=SECTION,
    title="Where the run goes on",
    reference=next_batch,
    cases=[
        case(0, 100, 10, label="at the start"),
        case(3, 100, 10, label="three steps done"),
        case(10, 100, 10, label="an epoch done"),
        case(2, 25, 10, label="the short batch"),
        case(3, 25, 10, label="after the short batch"),
        case(7, 25, 10, label="in the third epoch"),
        case(31, 7, 3, label="many epochs"),
        case(5, 4, 9, label="a batch larger than the data"),
        case(1000, 1197, 64, label="digits, a thousand steps done"),
    ],
    alternatives=[_by_counting, _by_ceil],
    mistakes=[
        Mistake(_whole_batches, "The short batch at the end of each epoch is left out of the count. It is a step too: round up."),
        Mistake(_flowing, "You count examples through all epochs as if every batch was full. The last one of an epoch is short, and the next epoch begins with a full one."),
        Mistake(_too_many, "An epoch has one step too many where the batches come out even. Round up instead of adding 1."),
        Mistake(_shifted(-1), "This is the batch of the last step done. It would be learned from twice."),
        Mistake(_shifted(1), "One batch is left out: steps are counted from 0, so with step done, number step is next."),
        Mistake(_other(lambda e, a, b, size: (e, a, a + size)), "The end lies beyond the last example in a short batch. Stop at examples."),
        Mistake(_other(lambda e, a, b, size: (e + 1, a, b)), "Epochs are counted from 1. The first one is 0 here."),
        Mistake(_other(lambda e, a, b, size: (0, a, b)), "It is always the first epoch, so its order would be used again. Count the epochs that are done."),
        Mistake(_other(lambda e, a, b, size: (e, a // size, -(-b // size))), "first and last are counted in batches. Count examples."),
        Mistake(_other(lambda e, a, b, size: (e, a, b - 1)), "last is the number of the last example. Return the one after it, as slices have it."),
        Mistake(_other(lambda e, a, b, size: (e, a, b - a)), "The third number is the size of the batch. Return where it ends."),
        Mistake(_other(lambda e, a, b, size: (e, 0, size)), "The epoch is right, but it would begin anew: examples seen in it are seen again."),
    ],
    hint="How many steps has an epoch, the short one counted in? Then divmod.",
)  # fmt: skip
