"""Exercises whose answers launch Triton kernels: a fused scale and shift, and a causal softmax.

The references need no Triton: what a kernel must compute is a formula.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "13_appendices/gpu_kernels"
BLOCK = 128  # as the exercise asks

# scale, shift and mask


def scale_shift(x: Tensor, keep: Tensor, n: int, scale: float, shift: float) -> Tensor:
    """scale x + shift where keep is not 0, for the first n; 0 elsewhere."""
    out = torch.zeros_like(x)
    out[:n] = torch.where(keep[:n] != 0, scale * x[:n] + shift, 0.0)
    return out


def _by_numpy(x: Tensor, keep: Tensor, n: int, scale: float, shift: float) -> Tensor:
    there = (np.arange(len(x)) < n) & (keep.numpy() != 0)
    return torch.from_numpy(np.where(there, x.numpy() * np.float32(scale) + np.float32(shift), np.float32(0)))


def _shifted(
    value: Callable[[Tensor, Tensor, float, float], Tensor],
    last: Callable[[int], int] = lambda n: n,
) -> Callable[..., Tensor]:
    """Another formula for the numbers before ``last``; 0 behind."""

    def answer(x: Tensor, keep: Tensor, n: int, scale: float, shift: float) -> Tensor:
        out, end = torch.zeros_like(x), last(n)
        out[:end] = value(x, keep, scale, shift)[:end]
        return out

    return answer


def _right(x: Tensor, keep: Tensor, scale: float, shift: float) -> Tensor:
    return torch.where(keep != 0, scale * x + shift, 0.0)


def _all_blocks_first(x: Tensor, keep: Tensor, n: int, scale: float, shift: float) -> Tensor:
    return scale_shift(x, keep, min(n, BLOCK), scale, shift)


def _no_border(x: Tensor, keep: Tensor, n: int, scale: float, shift: float) -> Tensor:
    return scale_shift(x, keep, -(-n // BLOCK) * BLOCK, scale, shift)


def _unwritten(x: Tensor, keep: Tensor, n: int, scale: float, shift: float) -> Tensor:
    out = x.clone()
    out[:n] = scale_shift(x, keep, n, scale, shift)[:n]
    return out


def _buffers(rng: np.random.Generator) -> list[Case]:
    def buffer(n: int, scale: float, shift: float, label: str) -> Case:
        room = (n // BLOCK + 2) * BLOCK  # a block that hangs over stays inside
        x, keep = rng.normal(size=room).round(2) + 3, rng.random(room) < 0.6
        x[::5] *= -1
        numbers = torch.tensor(x, dtype=torch.float32)
        return case(numbers, torch.tensor(keep, dtype=torch.int32), n, scale, shift, label=label)

    return [
        buffer(5, 2.0, 1.0, "five numbers"),
        buffer(128, -1.5, 0.5, "a whole block"),
        buffer(129, 0.5, 3.0, "one more than a block"),
        buffer(300, 3.0, -2.0, "three blocks"),
        buffer(200, 0.0, 4.0, "scale 0"),
    ]


SHIFT = Exercise(
    id="gpu_kernels/scale_shift",
    section=SECTION,
    title="A kernel: scale, shift and mask",
    reference=scale_shift,
    cases=_buffers,
    alternatives=[_by_numpy],
    time_limit=20.0,
    mistakes=[
        Mistake(
            _no_border,
            "The last block is written to its end, behind the first n numbers. Mask loads and stores by place < n.",
        ),
        Mistake(
            _shifted(_right, lambda n: n // BLOCK * BLOCK),
            "The numbers behind the last whole block are missing. The grid is the number of blocks, rounded up: triton.cdiv.",
        ),
        Mistake(
            _all_blocks_first,
            "Only the first 128 numbers are computed. Program tl.program_id(0) begins at that many blocks, and the grid has all of them.",
        ),
        Mistake(
            _shifted(_right, lambda n: n - 1),
            "The last of the n numbers is missing. The places are 0 to n - 1.",
        ),
        Mistake(
            _shifted(_right, lambda n: n + 1),
            "One number too many is computed: place n is the first that is not yours.",
        ),
        Mistake(
            _shifted(lambda x, keep, scale, shift: scale * x + shift),
            "The mask `keep` is not used. Where it is 0, the result is 0.",
        ),
        Mistake(
            _shifted(lambda x, keep, scale, shift: _right(x, 1 - keep, scale, shift)),
            "The mask is turned round: numbers are kept where `keep` is not 0.",
        ),
        Mistake(
            _shifted(lambda x, keep, scale, shift: scale * (x * keep) + shift),
            "Where `keep` is 0 you get the shift. Mask the result, not the input.",
        ),
        Mistake(
            _shifted(lambda x, keep, scale, shift: torch.where(keep != 0, scale * x + shift, x)),
            "Where `keep` is 0 the number stays as it was. It becomes 0.",
        ),
        Mistake(
            _shifted(lambda x, keep, scale, shift: _right(x + shift, keep, scale, 0.0)),
            "The shift is added first and scaled as well. Scale x, then add.",
        ),
        Mistake(
            _shifted(lambda x, keep, scale, shift: _right(x, keep, scale, 0.0)),
            "The shift is missing. Add it after the scaling.",
        ),
        Mistake(
            _unwritten,
            "Behind the n numbers stands what was in x. Begin with torch.zeros_like(x), and write the first n alone.",
        ),
    ],
    hint="Two masks: place < n for loads and the store, and tl.where(kept != 0, ..., 0.0) for the values.",
)

# causal softmax


def causal_softmax(s: Tensor, scale: float) -> Tensor:
    """Row r: softmax of scale times its columns 0 to r; 0 behind."""
    seen = torch.ones_like(s).tril() > 0
    return torch.softmax((scale * s).masked_fill(~seen, float("-inf")), dim=1)


def _by_row(s: Tensor, scale: float) -> Tensor:
    out = torch.zeros_like(s)
    for row in range(len(s)):
        part = scale * s[row, : row + 1]
        e = torch.exp(part - part.max())
        out[row, : row + 1] = e / e.sum()
    return out


def _hidden(diagonal: int, fill: float) -> Callable[[Tensor, float], Tensor]:
    """Softmax with columns behind a diagonal filled."""

    def answer(s: Tensor, scale: float) -> Tensor:
        seen = torch.ones_like(s).tril(diagonal) > 0
        return torch.softmax((scale * s).masked_fill(~seen, fill), dim=1)

    return answer


def _zero_scores(s: Tensor, scale: float) -> Tensor:
    seen = torch.ones_like(s).tril() > 0
    return torch.where(seen, torch.softmax(torch.where(seen, scale * s, 0.0), dim=1), 0.0)


def _future(s: Tensor, scale: float) -> Tensor:
    seen = torch.ones_like(s).triu() > 0
    return torch.softmax((scale * s).masked_fill(~seen, float("-inf")), dim=1)


def _masked_late(s: Tensor, scale: float) -> Tensor:
    return torch.softmax(scale * s, dim=1).tril()


def _numerators(s: Tensor, scale: float) -> Tensor:
    seen = torch.ones_like(s).tril() > 0
    shifted = (scale * s).masked_fill(~seen, float("-inf"))
    return torch.exp(shifted - shifted.amax(dim=1, keepdim=True))


def _overflowing(s: Tensor, scale: float) -> Tensor:
    e = torch.exp(scale * s).tril()
    return e / e.sum(dim=1, keepdim=True)


def _scaled_late(s: Tensor, scale: float) -> Tensor:
    seen = torch.ones_like(s).tril() > 0
    return torch.softmax(scale * s.masked_fill(~seen, float("-inf")), dim=1)


def _scores(rng: np.random.Generator) -> list[Case]:
    def square(n: int, scale: float, label: str, factor: float = 1.0) -> Case:
        # a power of two: a block that is a row does not hang over
        s = torch.tensor(factor * rng.normal(size=(n, n)).round(2), dtype=torch.float32)
        return case(s, scale, label=label)

    return [
        square(4, 1.0, "four queries"),
        square(1, 2.0, "one query"),
        square(16, 0.25, "sixteen queries, scaled"),
        case(torch.full((8, 8), -3.0), 0.5, label="equal scores"),
        square(8, 2.0, "large scores", factor=300.0),
        square(2, -1.0, "a negative scale"),
    ]


CAUSAL = Exercise(
    id="gpu_kernels/causal_softmax",
    section=SECTION,
    title="A kernel: scaled causal softmax",
    reference=causal_softmax,
    cases=_scores,
    alternatives=[_by_row],
    time_limit=20.0,
    mistakes=[
        Mistake(
            lambda s, scale: torch.softmax(scale * s, dim=1),
            "All columns are seen. Row r sees the columns 0 to r: hide the others before the maximum.",
        ),
        Mistake(
            _hidden(-1, -1e30),
            "A row does not see its own column. The columns 0 to r include r.",
        ),
        Mistake(_hidden(1, float("-inf")), "Each row sees one column of the future. It ends with column r."),
        Mistake(_future, "The mask is turned round: rows see the future and not the past."),
        Mistake(
            _zero_scores,
            "Hidden places count with a score of 0 in the sum. Fill them with -inf before maximum and sum.",
        ),
        Mistake(
            _hidden(0, 0.0),
            "Hidden places get a score of 0, and so a weight. A score of -inf weighs nothing.",
        ),
        Mistake(
            _masked_late,
            "The weights are hidden after the softmax, so that rows no longer sum to 1. Hide the scores before it.",
        ),
        Mistake(lambda s, scale: causal_softmax(s, 1.0), "The scale is not used. Multiply the scores by it."),
        Mistake(
            lambda s, scale: scale * causal_softmax(s, 1.0),
            "The weights are scaled. The scale belongs to the scores.",
        ),
        Mistake(_numerators, "The exponentials are not divided by their sum. Each row must add up to 1."),
        Mistake(
            _overflowing,
            "Large scores overflow. Subtract the row's maximum before the exponential.",
        ),
        Mistake(
            _scaled_late,
            "The hidden scores are scaled, too, and a negative scale makes +inf of -inf. Scale first, then hide.",
        ),
    ],
    hint="Load the row and scale it, then tl.where(column <= row, ..., -inf); the rest is the softmax kernel.",
)
