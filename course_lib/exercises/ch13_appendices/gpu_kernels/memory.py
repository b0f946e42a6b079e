"""Exercises that count what memory moves: pieces that a warp touches, and bytes of a chain of operations."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "13_appendices/gpu_kernels"
Array = np.ndarray

# pieces that a warp touches


def pieces_touched(addresses: Array, size: int, piece: int) -> int:
    """How many aligned pieces hold at least one of the bytes."""
    every = addresses[:, None] + np.arange(size)
    return len(np.unique(every // piece))


def _by_first_and_last(addresses: Array, size: int, piece: int) -> int:
    found: set[int] = set()
    for address in addresses.tolist():
        found.update(range(address // piece, (address + size - 1) // piece + 1))
    return len(found)


def _first_bytes(addresses: Array, size: int, piece: int) -> int:
    return len(set((addresses // piece).tolist()))


def _last_bytes(addresses: Array, size: int, piece: int) -> int:
    return len(set(((addresses + size - 1) // piece).tolist()))


def _one_too_far(addresses: Array, size: int, piece: int) -> int:
    return len(np.unique((addresses[:, None] + np.arange(size + 1)) // piece))


def _numbers_as_bytes(addresses: Array, size: int, piece: int) -> int:
    return pieces_touched(addresses * size, size, piece)


def _threads(addresses: Array, size: int, piece: int) -> int:
    return len(addresses)


def _volume(addresses: Array, size: int, piece: int) -> int:
    return math.ceil(len(addresses) * size / piece)


def _volume_once(addresses: Array, size: int, piece: int) -> int:
    return math.ceil(len(np.unique(addresses)) * size / piece)


def _span(addresses: Array, size: int, piece: int) -> int:
    return int((addresses.max() + size - 1) // piece - addresses.min() // piece + 1)


def _from_the_first(addresses: Array, size: int, piece: int) -> int:
    return pieces_touched(addresses - addresses.min(), size, piece)


def _changes(addresses: Array, size: int, piece: int) -> int:
    return 1 + int(np.count_nonzero(np.diff(addresses // piece)))


def _bytes(addresses: Array, size: int, piece: int) -> int:
    return piece * pieces_touched(addresses, size, piece)


def _warps(rng: np.random.Generator) -> list[Case]:
    warp = np.arange(32)
    return [
        case(4 * warp, 4, 32, label="neighbours"),
        case(4 * (warp + 1), 4, 32, label="neighbours, not from the start of a piece"),
        case(4 * rng.permutation(32), 4, 32, label="neighbours in any order"),
        case(8 * warp, 4, 32, label="every second number"),
        case(400 * warp + 4, 4, 32, label="a column"),
        case(np.full(32, 68), 4, 32, label="all the same"),
        case(12 * warp + 30, 4, 32, label="numbers that lie across two pieces"),
        case(24 * warp[:10], 16, 128, label="large numbers, large pieces"),
        case(np.array([31, 0, 95, 31]), 2, 32, label="two of them across"),
        case(4 * rng.integers(0, 64, 32), 4, 64, label="a gather from a table"),
        case(np.array([28, 60, 92]), 4, 32, label="at the ends of pieces"),
    ]


PIECES = Exercise(
    id="gpu_kernels/pieces",
    section=SECTION,
    title="Pieces that a warp touches",
    reference=pieces_touched,
    cases=_warps,
    alternatives=[_by_first_and_last],
    mistakes=[
        Mistake(
            _first_bytes,
            "Only the first byte of each number is looked at. A number that begins near the end of a piece ends in the next one.",
        ),
        Mistake(
            _last_bytes,
            "Only the last byte of each number is looked at. The first one may lie in the piece before.",
        ),
        Mistake(
            _one_too_far,
            "A number of `size` bytes ends at address + size - 1. Here the byte behind it counts as well.",
        ),
        Mistake(
            _numbers_as_bytes,
            "The addresses are multiplied by the size once more. They are given in bytes already.",
        ),
        Mistake(
            _threads, "This is one piece for each thread. Threads whose bytes lie in one piece share it."
        ),
        Mistake(
            _volume,
            "This is the wanted bytes divided by the piece: right only for neighbours from the start of a piece.",
        ),
        Mistake(
            _volume_once,
            "This is the different wanted bytes divided by the piece. It does not matter to it where they lie, and that is all that matters.",
        ),
        Mistake(
            _span,
            "All pieces from the first to the last address are counted. Those between in which nobody wants a byte are not moved.",
        ),
        Mistake(
            _from_the_first,
            "The pieces begin at the smallest address here. They begin at multiples of `piece`, wherever you read.",
        ),
        Mistake(
            _changes,
            "A piece that is left and met again is counted twice. The order within a warp does not matter: count different pieces.",
        ),
        Mistake(_bytes, "These are the bytes moved. The exercise asks for the number of pieces."),
    ],
    hint="Each number has bytes address, ..., address + size - 1. In which pieces do they lie, and how many are different?",
)

# bytes of a chain of operations

Operations = Sequence[tuple[tuple[str, ...], str]]
Both = tuple[int, int]


def bytes_moved(operations: Operations, numbers: dict[str, int], size: int) -> Both:
    """(one kernel for each operation, one kernel for all)."""
    spelled = sum(numbers[name] for read, written in operations for name in (*read, written))
    made = {written for _, written in operations}
    read = {name for names, _ in operations for name in names}
    return size * spelled, size * sum(numbers[name] for name in read ^ made)


def _by_loop(operations: Operations, numbers: dict[str, int], size: int) -> Both:
    spelled, given, results = 0, [], [written for _, written in operations]
    for names, written in operations:
        spelled += numbers[written]
        for name in names:
            spelled += numbers[name]
            if name in results:
                results.remove(name)
            elif name not in given and name not in [made for _, made in operations]:
                given.append(name)
    return size * spelled, size * sum(numbers[name] for name in given + results)


def _spelled(count: Callable[[Operations, dict[str, int]], int]) -> Callable[..., Both]:
    """Another count for one kernel an operation."""

    def answer(operations: Operations, numbers: dict[str, int], size: int) -> Both:
        return size * count(operations, numbers), bytes_moved(operations, numbers, size)[1]

    return answer


def _fused(count: Callable[[Operations, dict[str, int]], int]) -> Callable[..., Both]:
    """Another count for one kernel for all."""

    def answer(operations: Operations, numbers: dict[str, int], size: int) -> Both:
        return bytes_moved(operations, numbers, size)[0], size * count(operations, numbers)

    return answer


def _given(operations: Operations) -> list[str]:
    """Names that are read and never made, as often as they are read."""
    made = [written for _, written in operations]
    return [name for names, _ in operations for name in names if name not in made]


def _results(operations: Operations) -> list[str]:
    read = [name for names, _ in operations for name in names]
    return [written for _, written in operations if written not in read]


def _total(names: Sequence[str], numbers: dict[str, int]) -> int:
    return sum(numbers[name] for name in names)


def _swapped(operations: Operations, numbers: dict[str, int], size: int) -> Both:
    spelled, fused = bytes_moved(operations, numbers, size)
    return fused, spelled


def _in_numbers(operations: Operations, numbers: dict[str, int], size: int) -> Both:
    return bytes_moved(operations, numbers, 1)


CHAINS = [
    case([(("x",), "y")], {"x": 100, "y": 100}, 4, label="one operation"),
    case([(("x", "y"), "s"), (("s",), "z")], {"x": 6, "y": 6, "s": 6, "z": 6}, 4, label="add, then relu"),
    case(
        [(("x",), "m"), (("x", "m"), "d"), (("d",), "e"), (("e",), "s"), (("e", "s"), "y")],
        {"x": 512, "m": 8, "d": 512, "e": 512, "s": 8, "y": 512},
        4,
        label="softmax of 8 rows of 64",
    ),
    case(
        [
            (("x",), "mean"), (("x", "mean"), "d"), (("d",), "square"), (("square",), "v"),
            (("d", "v"), "u"), (("u", "w"), "uw"), (("uw", "b"), "y"),
        ],
        {"x": 640, "mean": 10, "d": 640, "square": 640, "v": 10, "u": 640, "w": 64, "uw": 640, "b": 64, "y": 640},
        2,
        label="layer norm of 10 rows of 64, in half precision",
    ),
    case(
        [(("x",), "a"), (("x",), "b")], {"x": 30, "a": 30, "b": 10}, 8, label="two results from one input"
    ),
    case([(("x", "x"), "q"), (("q", "x"), "y")], {"x": 20, "q": 20, "y": 5}, 4, label="x used three times"),
]  # fmt: skip

TRAFFIC = Exercise(
    id="gpu_kernels/traffic",
    section=SECTION,
    title="Bytes of a chain, spelled out and fused",
    reference=bytes_moved,
    cases=CHAINS,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _spelled(lambda o, n: sum(_total(names, n) for names, _ in o)),
            "Spelled out, only what is read is counted. Each operation also writes its result.",
        ),
        Mistake(
            _spelled(lambda o, n: sum(n[written] for _, written in o)),
            "Spelled out, only what is written is counted. Each operation also reads its inputs.",
        ),
        Mistake(
            _spelled(lambda o, n: _total(sorted({name for r, w in o for name in (*r, w)}), n)),
            "Spelled out, every tensor is counted once. It is moved again for every operation that reads it.",
        ),
        Mistake(
            _spelled(lambda o, n: 2 * sum(n[written] for _, written in o)),
            "Spelled out, each operation is taken to read as much as it writes. It reads all its inputs, each of its own size.",
        ),
        Mistake(
            _fused(lambda o, n: _total(_given(o) + _results(o), n)),
            "Fused, an input that several operations use is read each time. One kernel reads it once and keeps it.",
        ),
        Mistake(
            _fused(lambda o, n: _total(sorted({*_given(o)}) + [w for _, w in o], n)),
            "Fused, intermediate results are written. They never leave the chip.",
        ),
        Mistake(
            _fused(lambda o, n: _total(sorted({*_given(o)}), n)),
            "Fused, nothing is written. The results must reach memory.",
        ),
        Mistake(
            _fused(lambda o, n: _total(_results(o), n)), "Fused, nothing is read. The inputs must come in."
        ),
        Mistake(
            _fused(lambda o, n: _total([*sorted({*_given(o)}), o[-1][1]], n)),
            "Fused, only the last operation's result is written. There may be several results that no operation reads.",
        ),
        Mistake(
            _fused(lambda o, n: n[o[0][0][0]] + n[o[-1][1]]),
            "Fused, only the first input is read. Others that are not made on the way come from memory, too.",
        ),
        Mistake(_in_numbers, "These are numbers. Multiply by the bytes of one."),
        Mistake(_swapped, "The two results are in the wrong order: spelled out comes first."),
    ],
    hint="Fused: what is read but made by no operation, each once, and what is made but read by no operation.",
)
