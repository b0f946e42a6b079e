"""Exercises on work in blocks: grid and mask at the border, and two halves of a softmax made one."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "13_appendices/gpu_kernels"
Array = np.ndarray

# grid and mask


def double_in_blocks(memory: Array, n: int, block: int) -> tuple[Array, int]:
    """Programs of ``block`` places each, masked at n."""
    out, programs = memory.copy(), -(-n // block)
    for program in range(programs):
        place = program * block + np.arange(block)
        place = place[place < n]
        out[place] = 2 * out[place]
    return out, programs


def _at_once(memory: Array, n: int, block: int) -> tuple[Array, int]:
    return np.concatenate([2 * memory[:n], memory[n:]]), (n + block - 1) // block


def _run(
    grid: Callable[[int, int], int] = lambda n, block: -(-n // block),
    first: Callable[[int, int], int] = lambda program, block: program * block,
    inside: Callable[[Array, int, int], Array] = lambda place, n, block: place < n,
) -> Callable[..., tuple[Array, int]]:
    """Other programs, other places, or another mask. Where a kernel would leave the memory, it stops at its end."""

    def answer(memory: Array, n: int, block: int) -> tuple[Array, int]:
        out, programs = memory.copy(), grid(n, block)
        for program in range(programs):
            place = first(program, block) + np.arange(block)
            place = place[inside(place, n, block) & (place < len(memory))]
            out[place] *= 2
        return out, programs

    return answer


def _zeros_behind(memory: Array, n: int, block: int) -> tuple[Array, int]:
    return np.concatenate([2 * memory[:n], 0 * memory[n:]]), -(-n // block)


def _cut(memory: Array, n: int, block: int) -> tuple[Array, int]:
    return 2 * memory[:n], -(-n // block)


def _in_place(memory: Array, n: int, block: int) -> tuple[Array, int]:
    memory[:n] *= 2
    return memory, -(-n // block)


def _once_more(memory: Array, n: int, block: int) -> tuple[Array, int]:
    return double_in_blocks(memory, n, block)[0], max(1, -(-n // block))


def _buffers(rng: np.random.Generator) -> list[Case]:
    def buffer(n: int, block: int, behind: int, label: str) -> Case:
        return case(rng.integers(1, 90, n + behind).astype(float), n, block, label=label)

    return [
        buffer(8, 4, 6, "two whole blocks"),
        buffer(10, 4, 8, "half a block is left"),
        buffer(3, 8, 7, "less than a block"),
        buffer(9, 4, 9, "one number is left"),
        buffer(16, 16, 20, "one block"),
        buffer(0, 4, 5, "no number"),
        buffer(5, 1, 3, "blocks of one"),
    ]


BORDER = Exercise(
    id="gpu_kernels/border",
    section=SECTION,
    title="Grid and mask at the border",
    reference=double_in_blocks,
    cases=_buffers,
    alternatives=[_at_once],
    mistakes=[
        Mistake(
            _run(inside=lambda place, n, block: place >= 0),
            "The last program writes behind the first n numbers, which belong to others. Mask the places from n on.",
        ),
        Mistake(
            _run(grid=lambda n, block: n // block),
            "The numbers behind the last whole block are left as they were. Round the number of programs up.",
        ),
        Mistake(
            _run(grid=lambda n, block: n // block + 1),
            "Where n is a multiple of the block there is a program with nothing to do. Round up, don't add one.",
        ),
        Mistake(
            _run(inside=lambda place, n, block: place <= n),
            "Place n is doubled, too. The first n numbers have places 0 to n - 1.",
        ),
        Mistake(
            _run(inside=lambda place, n, block: place < n - 1),
            "The last of the n numbers is left as it was. Places 0 to n - 1 are yours.",
        ),
        Mistake(
            _run(first=lambda program, block: 0),
            "Every program works on the first block. Program p begins at p * block.",
        ),
        Mistake(
            _run(first=lambda program, block: program),
            "Program p begins at place p, so that blocks overlap and numbers are doubled more than once. It begins at p * block.",
        ),
        Mistake(
            _run(first=lambda program, block: (program + 1) * block),
            "The first block is left out: programs are counted from 0.",
        ),
        Mistake(
            _run(grid=lambda n, block: n),
            "There is a program for each number. There is one for each block.",
        ),
        Mistake(_zeros_behind, "What lies behind the n numbers has become 0. Leave it as it was."),
        Mistake(_cut, "What lies behind the n numbers is gone. Return all of the memory."),
        Mistake(_in_place, "The memory that was handed in is changed. Work on a copy."),
        Mistake(_once_more, "For n = 0 there is a program. There is nothing to do, so none is launched."),
    ],
    hint="(n + block - 1) // block programs; program p has the places p * block + np.arange(block) that are below n.",
)

# two halves of a softmax

State = tuple[Array, Array, Array]


def merge(m1: Array, l1: Array, o1: Array, m2: Array, l2: Array, o2: Array) -> State:
    """Both states measured against the larger maximum, and added."""
    m = np.maximum(m1, m2)
    a, b = np.exp(m1 - m), np.exp(m2 - m)
    return m, a * l1 + b * l2, a[:, None] * o1 + b[:, None] * o2


def _by_rows(m1: Array, l1: Array, o1: Array, m2: Array, l2: Array, o2: Array) -> State:
    parts = []
    for first, second in zip(zip(m1, l1, o1, strict=True), zip(m2, l2, o2, strict=True), strict=True):
        (high, total, vector), (low, other, further) = sorted((first, second), key=lambda part: -part[0])
        shrink = np.exp(low - high) if low > -np.inf else 0.0
        parts.append((high, total + shrink * other, vector + shrink * further))
    m, total, o = (np.array(column) for column in zip(*parts, strict=True))
    return m, total, o


def _merged(change: Callable[[State, State, State], State]) -> Callable[..., State]:
    """The right state and both halves -> another state."""

    def answer(m1: Array, l1: Array, o1: Array, m2: Array, l2: Array, o2: Array) -> State:
        with np.errstate(all="ignore"):
            return change(merge(m1, l1, o1, m2, l2, o2), (m1, l1, o1), (m2, l2, o2))

    return answer


def _shrinks(one: State, two: State) -> tuple[Array, Array]:
    m = np.maximum(one[0], two[0])
    return np.exp(one[0] - m), np.exp(two[0] - m)


def _second_maximum(_: State, one: State, two: State) -> State:
    a = np.exp(one[0] - two[0])
    return two[0], a * one[1] + two[1], a[:, None] * one[2] + two[2]


def _turned(state: State, one: State, two: State) -> State:
    a, b = _shrinks(one, two)
    return state[0], b * one[1] + a * two[1], b[:, None] * one[2] + a[:, None] * two[2]


def _first_shrunk(state: State, one: State, two: State) -> State:
    a, _ = _shrinks(one, two)
    return state[0], a * one[1] + two[1], a[:, None] * one[2] + two[2]


def _states(rng: np.random.Generator) -> list[Case]:
    def halves(m1: list[float], m2: list[float], d: int, label: str) -> Case:
        parts: list[Array] = []
        for m in (np.array(m1), np.array(m2)):
            there = np.isfinite(m)
            total = np.where(there, 1 + rng.random(len(m)).round(2), 0.0)
            parts += [m, total, np.where(there[:, None], rng.normal(size=(len(m), d)).round(2), 0.0)]
        return case(*parts, label=label)

    empty = -np.inf
    return [
        halves([1.0], [1.0], 2, "equal maxima"),
        halves([0.0], [2.0], 2, "the second is larger"),
        halves([3.0, -1.0], [1.0, 1.5], 3, "two rows, one larger each"),
        halves([empty, 0.5], [0.0, empty], 2, "a half that has seen nothing"),
        halves([1000.0, -900.0], [998.0, -901.0], 2, "large scores"),
        halves([-2.0, 4.0, 0.5], [0.0, 3.5, empty], 4, "three rows"),
    ]


MERGE = Exercise(
    id="gpu_kernels/merge",
    section=SECTION,
    title="Two halves of a softmax",
    reference=merge,
    cases=_states,
    alternatives=[_by_rows],
    mistakes=[
        Mistake(
            _merged(lambda state, one, two: (state[0], one[1] + two[1], one[2] + two[2])),
            "Sums and vectors are added as they are. They are measured against different maxima: shrink each to the common one.",
        ),
        Mistake(
            _merged(_first_shrunk),
            "Only the first half is shrunk. Either may have the smaller maximum: treat both alike.",
        ),
        Mistake(
            _merged(_second_maximum),
            "The second maximum is taken, whether it is the larger one or not. Take the maximum of both.",
        ),
        Mistake(_merged(_turned), "The factors are exchanged: the first half shrinks by exp(m1 - m)."),
        Mistake(
            _merged(lambda state, one, two: (state[0], state[1], one[2] + two[2])),
            "The sums are shrunk, the vectors are not. Both are measured against their half's maximum: shrink both.",
        ),
        Mistake(
            _merged(lambda state, one, two: (state[0], one[1] + two[1], state[2])),
            "The vectors are shrunk, the sums are not. Both are measured against their half's maximum: shrink both.",
        ),
        Mistake(
            _merged(lambda state, one, two: (state[0], state[1], state[2] / state[1][:, None])),
            "The vectors are divided by the sum already. That comes once, after the last block; a state keeps them undivided.",
        ),
        Mistake(
            _merged(lambda state, one, two: (one[0] + two[0], state[1], state[2])),
            "The maxima are added up. The maximum of all scores is the larger of the two.",
        ),
        Mistake(
            _merged(lambda state, one, two: (np.minimum(one[0], two[0]), state[1], state[2])),
            "The smaller maximum is kept. The maximum of all scores is the larger of the two.",
        ),
        Mistake(
            _merged(lambda state, one, two: (state[0], state[1], (state[2] / 2))),
            "The vectors are averaged. They are sums: add them.",
        ),
        Mistake(
            _merged(
                lambda state, one, two: (
                    state[0],
                    np.exp(one[0]) * one[1] + np.exp(two[0]) * two[1],
                    np.exp(one[0])[:, None] * one[2] + np.exp(two[0])[:, None] * two[2],
                )
            ),
            "The sums are measured against 0, not against the maximum, and overflow for large scores. Multiply by exp(m1 - m), exp(m2 - m).",
        ),
    ],
    hint="m = max(m1, m2); the first sum and vector times exp(m1 - m), the second times exp(m2 - m); add.",
)
