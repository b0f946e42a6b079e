"""Exercises on the limits of a machine: the least time of some kernels, and the best tile that fits."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "13_appendices/gpu_kernels"
Array = np.ndarray

# the least time


def least_seconds(moved: Array, multiply_adds: Array, bandwidth: float, peak: float, launch: float) -> float:
    """Each kernel takes its launch and the slower of memory and arithmetic."""
    return float(np.sum(launch + np.maximum(moved / bandwidth, 2 * multiply_adds / peak)))


def _by_loop(moved: Array, multiply_adds: Array, bandwidth: float, peak: float, launch: float) -> float:
    total = 0.0
    for count, macs in zip(moved.tolist(), multiply_adds.tolist(), strict=True):
        total += launch + max(count / bandwidth, macs / (peak / 2))
    return total


Kernels = Callable[[Array, Array, float, float, float], float]

SLIPS: list[tuple[Kernels, str]] = [
    (
        lambda m, a, b, p, t: float(np.sum(t + np.maximum(m / b, a / p))),
        "A multiply-add is counted as one operation. The peak counts its multiplication and its addition.",
    ),
    (
        lambda m, a, b, p, t: float(np.sum(t + m / b + 2 * a / p)),
        "Memory and arithmetic are added up. Within a kernel they overlap at best: take the slower one.",
    ),
    (
        lambda m, a, b, p, t: float(len(m) * t + max(np.sum(m / b), np.sum(2 * a / p))),
        "The larger of two sums is taken. One kernel ends before the next begins: take the larger for each, then sum.",
    ),
    (
        lambda m, a, b, p, t: float(np.sum(np.maximum(m / b, 2 * a / p))),
        "The launches are missing. Each kernel has one.",
    ),
    (
        lambda m, a, b, p, t: float(t + np.sum(np.maximum(m / b, 2 * a / p))),
        "There is one launch for all. Each kernel has its own.",
    ),
    (
        lambda m, a, b, p, t: float(np.sum(t + m / b)),
        "Memory alone is counted. A kernel of much arithmetic on few bytes takes longer.",
    ),
    (
        lambda m, a, b, p, t: float(np.sum(t + 2 * a / p)),
        "Arithmetic alone is counted. A kernel of many bytes takes longer.",
    ),
    (
        lambda m, a, b, p, t: float(np.sum(t + np.minimum(m / b, 2 * a / p))),
        "The faster of memory and arithmetic is taken. A kernel waits for the slower one.",
    ),
    (
        lambda m, a, b, p, t: float(np.sum(np.maximum(t, np.maximum(m / b, 2 * a / p)))),
        "The launch counts only where it is the longest. It comes before the work, so add it.",
    ),
    (
        lambda m, a, b, p, t: float(np.sum(t + np.maximum(4 * m / b, 2 * a / p))),
        "The bytes are multiplied by 4, as if they were numbers. They are given in bytes.",
    ),
    (
        lambda m, a, b, p, t: float(np.max(t + np.maximum(m / b, 2 * a / p))),
        "This is the slowest kernel alone. They run one after the other: sum them.",
    ),
    (
        lambda m, a, b, p, t: float(np.mean(t + np.maximum(m / b, 2 * a / p))),
        "This is the mean time of a kernel. Sum over them.",
    ),
]


def _runs(rng: np.random.Generator) -> list[Case]:
    def some(n: int, label: str) -> Case:
        moved, macs = rng.integers(1, 900, n) * 10**6, rng.integers(0, 9000, n) * 10**6
        return case(moved, macs, 1.5e12, 2e13, 5e-6, label=label)

    return [
        case(np.array([300e6]), np.array([0.0]), 1.5e12, 2e13, 5e-6, label="a copy"),
        case(np.array([3e6]), np.array([2e10]), 1.5e12, 2e13, 5e-6, label="a large product"),
        case(np.array([300e6, 3e6]), np.array([0.0, 2e10]), 1.5e12, 2e13, 5e-6, label="one after the other"),
        case(np.full(20, 64.0), np.full(20, 16.0), 1.5e12, 2e13, 5e-6, label="twenty tiny ones"),
        case(np.array([8e6, 8e6]), np.array([1e8, 4e7]), 2e12, 1e13, 0.0, label="launches for nothing"),
        some(6, "a network of six"),
    ]


LEAST = Exercise(
    id="gpu_kernels/least_seconds",
    section=SECTION,
    title="The least time of some kernels",
    reference=least_seconds,
    cases=_runs,
    alternatives=[_by_loop],
    atol=1e-12,
    mistakes=[Mistake(answer, hint) for answer, hint in SLIPS],
    hint="For each kernel: launch + max(bytes / bandwidth, 2 multiply-adds / peak).",
)

# the best tile that fits

Tiles = Sequence[tuple[int, int]]
Choice = tuple[int, int, int]


def _traffic(M: int, N: int, K: int, rows: int, columns: int) -> int:
    return M * K * -(-N // columns) + K * N * -(-M // rows) + M * N


def _held(rows: int, columns: int, depth: int) -> int:
    return rows * depth + depth * columns + rows * columns


def best_tile(M: int, N: int, K: int, tiles: Tiles, depth: int, room: int) -> Choice:
    """(rows, columns, numbers moved) of the tile that moves least, of those that fit."""
    fit = [tile for tile in tiles if _held(*tile, depth) <= room]
    best = min(fit, key=lambda tile: _traffic(M, N, K, *tile))
    return *best, _traffic(M, N, K, *best)


def _by_search(M: int, N: int, K: int, tiles: Tiles, depth: int, room: int) -> Choice:
    found = (0, 0, 10**18)
    for rows, columns in tiles:
        if (rows + columns) * depth + rows * columns <= room:
            reads = math.ceil(M / rows) * K * N + math.ceil(N / columns) * M * K
            if reads + M * N < found[2]:
                found = rows, columns, reads + M * N
    return found


def _chosen(
    moved: Callable[[int, int, int, int, int], float] = _traffic,
    held: Callable[[int, int, int], int] = _held,
    told: Callable[[int, int, int, int, int], int] | None = None,
) -> Callable[..., Choice]:
    """Another measure of traffic or of room; ``told`` is what is said of the chosen one."""

    def answer(M: int, N: int, K: int, tiles: Tiles, depth: int, room: int) -> Choice:
        fit = [tile for tile in tiles if held(*tile, depth) <= room]
        best = min(fit, key=lambda tile: moved(M, N, K, *tile))
        return *best, int((told or moved)(M, N, K, *best))

    return answer


SQUARES = [(8, 8), (16, 16), (32, 32), (64, 64), (128, 128)]
MIXED = [(16, 16), (64, 4), (4, 64), (32, 8), (8, 32), (24, 12), (12, 24), (16, 64), (64, 16), (48, 32)]

TILE = Exercise(
    id="gpu_kernels/best_tile",
    section=SECTION,
    title="The best tile that fits",
    reference=best_tile,
    cases=[
        case(256, 256, 256, SQUARES, 16, 2000, label="squares, little room"),
        case(256, 256, 256, SQUARES, 16, 10**6, label="squares, room for all"),
        case(256, 256, 64, MIXED, 8, 600, label="tiles of all forms"),
        case(1000, 40, 64, MIXED, 8, 600, label="a tall product"),
        case(40, 1000, 64, MIXED, 8, 600, label="a wide product"),
        case(100, 70, 33, MIXED, 4, 1400, label="tiles that hang over the border"),
        case(64, 64, 8, [(32, 32), (64, 16), (16, 16)], 32, 3072, label="a tile that just fits"),
        case(64, 64, 8, [(32, 32), (64, 16), (16, 16)], 32, 3071, label="and one that just does not"),
        case(33, 130, 50, [(32, 64), (64, 32), (16, 128), (40, 48)], 8, 3000, label="one row too many"),
        case(512, 64, 64, [(64, 8), (16, 16), (8, 64)], 16, 2000, label="eight times as tall as wide"),
    ],
    alternatives=[_by_search],
    mistakes=[
        Mistake(
            _chosen(held=lambda rows, columns, depth: 0),
            "The tile need not fit here. Leave out those that hold more than there is room for.",
        ),
        Mistake(
            _chosen(held=lambda rows, columns, depth: rows * depth + depth * columns),
            "The tile of the result itself is forgotten: it stays on the chip while the others pass by.",
        ),
        Mistake(
            _chosen(held=lambda rows, columns, depth: rows * columns),
            "Only the tile of the result takes room here. Blocks of both factors, `depth` deep, are there as well.",
        ),
        Mistake(
            _chosen(held=lambda rows, columns, depth: _held(rows, columns, depth) + 1),
            "A tile that fills the room exactly is left out. It fits.",
        ),
        Mistake(
            _chosen(lambda M, N, K, rows, columns: _traffic(M, N, K, columns, rows)),
            "Rows and columns are exchanged: A is read once for each tile along N, which is `columns` wide.",
        ),
        Mistake(
            _chosen(lambda M, N, K, rows, columns: _traffic(M, N, K, rows, columns) - M * N),
            "The result is not counted. It is written once.",
        ),
        Mistake(
            _chosen(lambda M, N, K, r, c: M * K * max(1, N // c) + K * N * max(1, M // r) + M * N),
            "The last tile of a row or a column is lost where it hangs over. Round the number of tiles up.",
        ),
        Mistake(
            _chosen(lambda M, N, K, r, c: M * K * N / c + K * N * M / r + M * N),
            "The number of tiles is a fraction here. Round it up.",
        ),
        Mistake(
            _chosen(lambda M, N, K, rows, columns: -rows * columns, told=_traffic),
            "The tile of the largest area is chosen. Its form counts, too: take the one that moves least.",
        ),
        Mistake(
            _chosen(lambda M, N, K, rows, columns: abs(rows - columns), told=_traffic),
            "The most nearly square tile is chosen, whatever its size. Take the one that moves least.",
        ),
        Mistake(
            _chosen(lambda M, N, K, r, c: -(-M // r) * -(-N // c) * (r + c) * K + M * N),
            "Tiles that hang over the border are counted whole. What is masked is not moved: A has M rows, whatever the tiles.",
        ),
        Mistake(
            _chosen(told=lambda M, N, K, rows, columns: 4 * _traffic(M, N, K, rows, columns)),
            "These are bytes. The exercise asks for numbers.",
        ),
    ],
    hint="First keep the tiles that fit, with all three blocks. Then min(..., key=...) by the formula.",
)
